//! Copies everything from one database into another of any backend: every row as it is, the log with its numbers, and
//! the counters that give ids, so that none is ever given twice.
//!
//! What there is to copy is read off the schema that the migrations make (`tables`); what backends do in ways of their own
//! is a `side`. Nobody writes to either database meanwhile, and the new one holds all of it or nothing.

mod moving;
#[cfg(feature = "postgres")]
mod postgres;
mod row;
mod side;
mod sqlite;
mod tables;

use std::collections::BTreeSet;
use std::fs;

use diesel::prelude::*;
use diesel::result::{Error, QueryResult};
use diesel::sql_types::BigInt;
use flagstaff_domain::state::Progress;

use super::any::DbConnection;
use super::connection::Purpose;
use super::error::OpenError;
use super::integrity::PATIENCE;
use super::{Location, migrate, pool};
use moving::Moving;
use side::side;
use tables::Table;

/// The one table that has a row from the start: the log's counter.
const COUNTER_OF_LOG: &str = "log_head";

/// How much of a table was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The table.
    pub table: String,
    /// Its rows.
    pub rows: u64,
}

/// Why nothing was copied.
#[derive(Debug)]
#[non_exhaustive]
pub enum CopyError {
    /// Both are the same file.
    Same,
    /// The database to copy from cannot be used.
    From(OpenError),
    /// The database to copy into cannot be used.
    To(OpenError),
    /// The database to copy into has rows already, in this table.
    NotEmpty(String),
    /// A table of the program is not in both databases with the same columns.
    Schema(String),
    /// What was read back of this table is not what was written.
    Differs(String),
}

impl std::fmt::Display for CopyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Same => f.write_str("both are the same database"),
            Self::From(error) | Self::To(error) => error.fmt(f),
            Self::NotEmpty(table) => write!(f, "the table {table} has rows already"),
            Self::Schema(table) => write!(
                f,
                "the table {table} has not the columns that this program gives it; `flagstaff check` says more"
            ),
            Self::Differs(table) => write!(
                f,
                "what was read back of the table {table} is not what was written"
            ),
        }
    }
}

impl std::error::Error for CopyError {}

/// Reads one database whole and writes it into another, which is migrated where it is new and must be empty. Compares what
/// it reads back before it commits; on any failure the other one is as empty as it was. Both are locked against writes
/// meanwhile, and every row is held in memory only for a moment.
///
/// # Errors
/// [`CopyError`].
pub fn copy(
    from: &Location,
    to: &Location,
    progress: &dyn Progress,
) -> Result<Vec<Copied>, CopyError> {
    if is_same_file(from, to) {
        return Err(CopyError::Same);
    }
    let tables = tables::all().map_err(CopyError::From)?;
    let mut source = open(from).map_err(CopyError::From)?;
    if migrate::is_new(to).map_err(CopyError::To)? {
        migrate::migrate(to.clone()).map_err(CopyError::To)?;
    }
    let mut target = open(to).map_err(CopyError::To)?;
    // The target first: where both are one database under two names, that is told without waiting for its own lock.
    side(&mut target).hold(&tables).map_err(to_failed)?;
    for table in &tables {
        if number(&mut target, &any_row_of(table)).map_err(to_failed)? > 0 {
            return Err(CopyError::NotEmpty(table.name.clone()));
        }
    }
    side(&mut source).hold(&tables).map_err(from_failed)?;
    for table in &tables {
        let right = |columns: BTreeSet<String>| columns == table.columns.iter().cloned().collect();
        if !right(side(&mut source).columns(table).map_err(from_failed)?)
            || !right(side(&mut target).columns(table).map_err(to_failed)?)
        {
            return Err(CopyError::Schema(table.name.clone()));
        }
    }
    let mut moving = Moving {
        total: total(&mut source, &tables).map_err(from_failed)?,
        source,
        target,
        progress,
        done: 0,
    };
    let copied = moving.run(&tables)?;
    pool::commit(&mut moving.target).map_err(to_failed)?;
    Ok(copied)
}

fn from_failed(error: Error) -> CopyError {
    CopyError::From(error.into())
}

fn to_failed(error: Error) -> CopyError {
    CopyError::To(error.into())
}

fn is_same_file(one: &Location, other: &Location) -> bool {
    let whole = |location: &Location| location.file().and_then(|path| fs::canonicalize(path).ok());
    one == other || whole(one).is_some_and(|path| whole(other) == Some(path))
}

/// A connection of its own to a database that has this program's schema and nothing else: what it does not know it would leave
/// behind.
fn open(location: &Location) -> Result<DbConnection, OpenError> {
    let mut connection = pool::open(location, PATIENCE, Purpose::Write)?;
    migrate::check_exact(&mut connection)?;
    Ok(connection)
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// The one number that a query answers, in its column `number`.
fn number(connection: &mut DbConnection, query: &str) -> QueryResult<i64> {
    let answer: Number = diesel::sql_query(query).get_result(connection)?;
    Ok(answer.number)
}

/// Not 0 where the table has a row, apart from that which the migrations made.
fn any_row_of(table: &Table) -> String {
    let quoted = table.quoted();
    if table.name == COUNTER_OF_LOG {
        return format!("SELECT count(*) AS number FROM {quoted} WHERE seq > 0");
    }
    format!("SELECT count(*) AS number FROM (SELECT 1 FROM {quoted} LIMIT 1) AS one")
}

/// How many rows there are to copy.
fn total(connection: &mut DbConnection, tables: &[Table]) -> QueryResult<usize> {
    let mut total = 0;
    for table in tables {
        let query = format!("SELECT count(*) AS number FROM {}", table.quoted());
        total += usize::try_from(number(connection, &query)?).unwrap_or(usize::MAX);
    }
    Ok(total)
}
