//! The connection that SQL runs on: an enum over the backends, so that one set of repositories serves them all.
//!
//! What it cannot express (`ON CONFLICT`, inserting several rows at once, `FOR UPDATE`) is written for a variant by
//! itself, and only in `db`.

#![allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    reason = "the derive makes types of its own"
)]

use diesel::SqliteConnection;
#[cfg(feature = "postgres")]
use diesel::pg::PgConnection;

/// A connection to a database of any backend.
#[derive(diesel::MultiConnection)]
pub enum DbConnection {
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
}
