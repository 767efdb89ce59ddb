//! A database file in a folder of its own, which goes with the test, and connections to it past the adapters.
//!
//! A file, not `:memory:`: that one is another database for each connection.

#![allow(
    dead_code,
    reason = "each test crate uses its own part of the scratch database"
)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_builder::SqlQuery;
use diesel::query_dsl::methods::LoadQuery;
use diesel::sql_types::{BigInt, Text};
use flagstaff_infra::db::{Db, DbOptions, migrate};
use tempfile::TempDir;

pub(crate) struct Scratch {
    folder: TempDir,
}

#[derive(QueryableByName)]
pub(crate) struct TextRow {
    #[diesel(sql_type = Text)]
    answer: String,
}

#[derive(QueryableByName)]
pub(crate) struct NumberRow {
    #[diesel(sql_type = BigInt)]
    answer: i64,
}

impl Scratch {
    /// A folder without a database.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A folder with a database that is ready to be opened.
    pub(crate) fn migrated() -> Self {
        let scratch = Self::empty();
        migrate::migrate(scratch.path()).unwrap();
        scratch
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder().join("flagstaff.db")
    }

    /// Opens it with room enough that no test has to wait for a reader.
    pub(crate) fn open(&self) -> Db {
        Db::open(&DbOptions::serving(self.path(), 8, 64)).unwrap()
    }

    pub(crate) fn raw(&self) -> SqliteConnection {
        raw(&self.path())
    }
}

/// A connection with nothing but diesel's settings.
pub(crate) fn raw(path: &Path) -> SqliteConnection {
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection
        .batch_execute("PRAGMA busy_timeout = 5000")
        .unwrap();
    connection
}

/// The column `answer` of each row of a query, as text.
pub(crate) fn texts<C>(connection: &mut C, query: &str) -> Vec<String>
where
    SqlQuery: for<'q> LoadQuery<'q, C, TextRow>,
{
    let rows: Vec<TextRow> = diesel::sql_query(query).load(connection).unwrap();
    rows.into_iter().map(|row| row.answer).collect()
}

/// The column `answer` of a query's one row, as a number.
pub(crate) fn number<C>(connection: &mut C, query: &str) -> i64
where
    SqlQuery: for<'q> LoadQuery<'q, C, NumberRow>,
{
    let row: NumberRow = diesel::sql_query(query).get_result(connection).unwrap();
    row.answer
}
