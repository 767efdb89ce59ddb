//! What copying asks of a backend, each of which does it in a file of its own.

use std::collections::BTreeSet;

use diesel::result::{Error, QueryResult};

use super::CopyError;
use super::row::Row;
use super::tables::Table;
use crate::db::DbConnection;

/// What each backend does in a way of its own.
pub(super) trait Side {
    /// Begins a transaction that sees one state of the tables throughout, and keeps others from writing to them.
    fn hold(&mut self, tables: &[Table]) -> QueryResult<()>;

    /// The columns that the table has here.
    fn columns(&mut self, table: &Table) -> QueryResult<BTreeSet<String>>;

    /// Hands on each row in the order of the key, one by one, however many there are.
    fn each_row(
        &mut self,
        table: &Table,
        take: &mut dyn FnMut(Row) -> Result<(), Halt>,
    ) -> Result<(), Halt>;

    /// Adds rows as they are.
    fn insert(&mut self, table: &Table, rows: &[Row]) -> QueryResult<()>;

    /// The highest id that the column ever gave, also to rows that are gone; 0 before the first.
    fn counter(&mut self, table: &Table, id: &str) -> QueryResult<i64>;

    /// Makes the next id of the column the one after this.
    fn set_counter(&mut self, table: &Table, id: &str, last: i64) -> QueryResult<()>;
}

pub(super) fn side(connection: &mut DbConnection) -> &mut dyn Side {
    match connection {
        DbConnection::Sqlite(connection) => connection,
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(connection) => connection,
    }
}

/// Why not all rows were read.
pub(super) enum Halt {
    /// They could not be.
    Read(Error),
    /// What becomes of them failed.
    Taken(CopyError),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Read(error)
    }
}

impl Halt {
    /// The failure of a copy, where reading fails in this way.
    pub(super) fn or(self, read: impl FnOnce(Error) -> CopyError) -> CopyError {
        match self {
            Self::Read(error) => read(error),
            Self::Taken(error) => error,
        }
    }
}
