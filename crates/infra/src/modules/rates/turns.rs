//! Whose turn it is to ingest, in the database: a lease that ends by itself. No part of the change log.

use diesel::prelude::*;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::modules::rates::ports::SKEW;
use flagstaff_domain::modules::rates::{IngestStatus, IngestTurns, RateDate};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::Invalid;

use crate::db::columns::instant;
use crate::db::schema::{rate_days, rate_turns};
use crate::db::{Db, DbConnection, WorkError};

/// The turns of the instances on one database.
#[derive(Debug, Clone)]
pub struct DieselIngestTurns {
    db: Db,
}

impl DieselIngestTurns {
    /// The turns of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

/// When it is held until, when it was last carried out, when it last succeeded.
type TurnRow = (Option<i64>, Option<i64>, Option<i64>);

/// Makes the one row, where nobody had a turn before. Writers take turns, so that no two make it.
fn begin(connection: &mut DbConnection) -> QueryResult<()> {
    let rows: i64 = rate_turns::table.count().get_result(connection)?;
    if rows == 0 {
        diesel::insert_into(rate_turns::table)
            .values((rate_turns::id.eq(1), rate_turns::holder.eq("")))
            .execute(connection)?;
    }
    Ok(())
}

impl IngestTurns for DieselIngestTurns {
    fn status(&self) -> Result<IngestStatus, StorageError> {
        self.db.read(|connection| {
            let (held, carried_out, success): TurnRow = rate_turns::table
                .select((
                    rate_turns::held_until,
                    rate_turns::carried_out,
                    rate_turns::last_success,
                ))
                .first(connection)
                .optional()?
                .unwrap_or_default();
            let newest: Option<String> = rate_days::table
                .select(rate_days::date)
                .order(rate_days::date.desc())
                .first(connection)
                .optional()?;
            let at = |micros: Option<i64>| micros.map(instant).transpose();
            let status = |held, carried_out, success| -> Result<IngestStatus, Invalid> {
                Ok(IngestStatus {
                    last_success: at(success)?,
                    newest: newest.as_deref().map(RateDate::parse).transpose()?,
                    carried_out: at(carried_out)?,
                    held_until: at(held)?,
                })
            };
            Ok::<_, WorkError<StorageError>>(status(held, carried_out, success)?)
        })
    }

    fn take(
        &self,
        holder: &str,
        due: Timestamp,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StorageError> {
        let holder = holder.to_owned();
        self.db.write(move |connection| {
            begin(connection)?;
            let [latest, longest] = [now, until].map(|at| at.plus_seconds(SKEW).as_micros());
            let waiting = rate_turns::carried_out
                .is_null()
                .or(rate_turns::carried_out.lt(due.as_micros()))
                .or(rate_turns::carried_out.gt(latest));
            let free = rate_turns::held_until
                .is_null()
                .or(rate_turns::held_until.le(now.as_micros()))
                .or(rate_turns::held_until.gt(longest));
            let taken = diesel::update(rate_turns::table.filter(waiting).filter(free))
                .set((
                    rate_turns::holder.eq(&holder),
                    rate_turns::held_until.eq(until.as_micros()),
                ))
                .execute(connection)?;
            Ok::<_, WorkError<StorageError>>(taken > 0)
        })
    }

    fn extend(&self, holder: &str, until: Timestamp) -> Result<bool, StorageError> {
        let holder = holder.to_owned();
        self.db.write(move |connection| {
            let held = diesel::update(rate_turns::table.filter(rate_turns::holder.eq(holder)))
                .set(rate_turns::held_until.eq(until.as_micros()))
                .execute(connection)?;
            Ok::<_, WorkError<StorageError>>(held > 0)
        })
    }

    fn give_up(&self, holder: &str) -> Result<(), StorageError> {
        let holder = holder.to_owned();
        self.db.write(move |connection| {
            diesel::update(rate_turns::table.filter(rate_turns::holder.eq(holder)))
                .set((
                    rate_turns::holder.eq(""),
                    rate_turns::held_until.eq(None::<i64>),
                ))
                .execute(connection)?;
            Ok::<_, WorkError<StorageError>>(())
        })
    }

    fn try_out(&self) -> Result<(), StorageError> {
        self.db.write(|connection| {
            begin(connection)?;
            diesel::update(rate_turns::table)
                .set(rate_turns::holder.eq(rate_turns::holder))
                .execute(connection)?;
            Ok::<_, WorkError<StorageError>>(())
        })
    }

    fn finish(&self, holder: &str, due: Timestamp) -> Result<(), StorageError> {
        let holder = holder.to_owned();
        self.db.write(move |connection| {
            diesel::update(rate_turns::table.filter(rate_turns::holder.eq(holder)))
                .set((
                    rate_turns::held_until.eq(None::<i64>),
                    rate_turns::carried_out.eq(due.as_micros()),
                ))
                .execute(connection)?;
            Ok::<_, WorkError<StorageError>>(())
        })
    }

    fn succeeded(&self, at: Timestamp) -> Result<(), StorageError> {
        self.db.write(move |connection| {
            begin(connection)?;
            diesel::update(rate_turns::table)
                .set(rate_turns::last_success.eq(at.as_micros()))
                .execute(connection)?;
            Ok::<_, WorkError<StorageError>>(())
        })
    }
}
