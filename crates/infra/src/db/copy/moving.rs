//! The copying itself: table by table in batches, the counters, and what was written read back.

use diesel::connection::SimpleConnection;
use flagstaff_domain::state::Progress;

use super::row::{Digest, Row};
use super::side::{Halt, side};
use super::tables::Table;
use super::{COUNTER_OF_LOG, Copied, CopyError, from_failed, to_failed};
use crate::db::DbConnection;

/// The bytes of rows that are written together: enough to make a statement worth its while.
const BATCH_BYTES: usize = 256 * 1024;
/// How many rows, at most, are written together.
const BATCH_ROWS: usize = 1_000;
/// Both databases, held still, and how far the work is: each row is written once and read back once.
pub(super) struct Moving<'a> {
    pub(super) source: DbConnection,
    pub(super) target: DbConnection,
    pub(super) progress: &'a dyn Progress,
    pub(super) done: usize,
    pub(super) total: usize,
}

impl Moving<'_> {
    /// Copies every table and compares; nothing is committed.
    pub(super) fn run(&mut self, tables: &[Table]) -> Result<Vec<Copied>, CopyError> {
        self.target
            .batch_execute(&format!("DELETE FROM {COUNTER_OF_LOG}"))
            .map_err(to_failed)?;
        let mut written = Vec::new();
        for table in tables {
            written.push(self.write(table)?);
        }
        for table in tables {
            self.carry_counter(table)?;
        }
        let mut copied = Vec::new();
        for (table, written) in tables.iter().zip(written) {
            if self.read_back(table)? != written {
                return Err(CopyError::Differs(table.name.clone()));
            }
            copied.push(Copied {
                table: table.name.clone(),
                rows: written.rows(),
            });
        }
        copied.sort_by(|one, other| one.table.cmp(&other.table));
        Ok(copied)
    }

    /// Writes the table's rows; the digest is of what was read.
    fn write(&mut self, table: &Table) -> Result<Digest, CopyError> {
        let Self {
            source,
            target,
            progress,
            done,
            total,
        } = self;
        let target = side(target);
        let mut digest = Digest::default();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        let mut flush = |batch: &mut Vec<Row>| {
            let written = target.insert(table, batch);
            written.map_err(|error| Halt::Taken(to_failed(error)))?;
            *done += batch.len();
            progress.advanced(*done, 2 * *total);
            batch.clear();
            Ok::<(), Halt>(())
        };
        let mut take = |row: Row| {
            digest.add(&row);
            bytes += row.bytes();
            batch.push(row);
            if batch.len() == BATCH_ROWS || bytes >= BATCH_BYTES {
                bytes = 0;
                flush(&mut batch)?;
            }
            Ok(())
        };
        side(source)
            .each_row(table, &mut take)
            .map_err(|halt| halt.or(from_failed))?;
        if !batch.is_empty() {
            flush(&mut batch).map_err(|halt| halt.or(to_failed))?;
        }
        Ok(digest)
    }

    fn read_back(&mut self, table: &Table) -> Result<Digest, CopyError> {
        let mut digest = Digest::default();
        let mut take = |row: Row| {
            digest.add(&row);
            self.done += 1;
            if self.done.is_multiple_of(BATCH_ROWS) {
                self.progress.advanced(self.done, 2 * self.total);
            }
            Ok(())
        };
        side(&mut self.target)
            .each_row(table, &mut take)
            .map_err(|halt| halt.or(to_failed))?;
        Ok(digest)
    }

    fn carry_counter(&mut self, table: &Table) -> Result<(), CopyError> {
        let Some(id) = &table.counted else {
            return Ok(());
        };
        let last = side(&mut self.source)
            .counter(table, id)
            .map_err(from_failed)?;
        let target = side(&mut self.target);
        target.set_counter(table, id, last).map_err(to_failed)?;
        if target.counter(table, id).map_err(to_failed)? != last {
            return Err(CopyError::Differs(table.name.clone()));
        }
        Ok(())
    }
}
