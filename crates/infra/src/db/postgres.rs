//! PostgreSQL connections with the settings that Flagstaff relies on, their transactions, and their migrations.
//!
//! The URL is in `url.rs`; how failures are sorted stands in `faults.rs`, what `flagstaff check` looks for in `integrity.rs`.

pub(super) mod faults;
mod integrity;
pub(super) mod listen;
mod url;

use std::time::Duration;

use diesel::connection::{Connection, SimpleConnection};
use diesel::pg::{Pg, PgConnection};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use flagstaff_domain::storage::StorageError;

pub(super) use integrity::integrity;
pub use url::PostgresUrl;

use super::connection::Purpose;
use super::error::OpenError;
use super::migrate::{self, PATIENCE};

pub(super) const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// The advisory lock under which migrations run: "flagstaf" in ASCII.
const MIGRATION_LOCK: i64 = 0x666c_6167_7374_6166;

/// The settings of every connection. Where there is no answer within half a turn more than `busy`, there will be none
/// soon; who stops in the midst of a transaction holds up every other writer, and loses it after twice `busy`.
fn settings(busy: Duration, purpose: Purpose) -> String {
    let busy = busy.as_millis();
    let statement = busy + busy / 2;
    let transaction = 2 * busy;
    let read_only = match purpose {
        Purpose::Read => "on",
        Purpose::Write => "off",
    };
    // The messages tell failures apart, so they should be English; only some may ask for that.
    format!(
        "SET synchronous_commit = on;
         SET lock_timeout = {busy};
         SET statement_timeout = {statement};
         SET idle_in_transaction_session_timeout = {transaction};
         SET default_transaction_read_only = {read_only};
         SET client_min_messages = warning;
         DO $$ BEGIN
             PERFORM set_config('lc_messages', 'C', false);
         EXCEPTION WHEN insufficient_privilege THEN
             NULL;
         END $$;"
    )
}

/// Opens a connection of its own.
///
/// # Errors
/// [`OpenError`] when the server does not answer or does not let this user in.
pub fn open(
    url: &PostgresUrl,
    busy: Duration,
    purpose: Purpose,
) -> Result<PgConnection, OpenError> {
    let failed = |error: ConnectionError| {
        let message = format!("cannot connect to {url}: {}", one_line(&error.to_string()));
        OpenError::Database(StorageError::unavailable(message))
    };
    let mut connection = PgConnection::establish(&url.with_parameters()).map_err(failed)?;
    connection.batch_execute(&settings(busy, purpose))?;
    Ok(connection)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Begins a transaction that sees one state of the database throughout.
pub(super) fn begin_read(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
}

/// Begins a transaction that holds the log's counter before any unit of work runs: writers of all instances take
/// turns, numbers are committed in order, and what a unit reads is what the writer before it left.
pub(super) fn begin_write(connection: &mut PgConnection, patience: Duration) -> QueryResult<()> {
    let begun = connection.batch_execute(&format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE;
         SET LOCAL lock_timeout = {};
         SELECT seq FROM log_head WHERE id = 1 FOR UPDATE",
        patience.as_millis()
    ));
    if begun.is_err() {
        // The transaction was begun, and the connection is as good as a new one without it.
        let _ = connection.batch_execute("ROLLBACK");
    }
    begun
}

/// No commit is cut short while it waits for a synchronous standby: PostgreSQL would call it done all the same.
const COMMIT: &str = "SET LOCAL statement_timeout = 0; COMMIT";

/// Commits, and wakes whoever listens.
pub(super) fn commit(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(&format!("NOTIFY flagstaff; {COMMIT}"))
}

/// Commits what changes nothing.
pub(super) fn commit_nothing(connection: &mut PgConnection) -> QueryResult<()> {
    connection.batch_execute(&format!("UPDATE log_head SET seq = seq; {COMMIT}"))
}

/// Applies what is missing; returns the names of what it applied. The lock comes before everything: the table of
/// migrations, too, fails where two create it at the same time.
pub(super) fn migrate(url: &PostgresUrl) -> Result<Vec<String>, OpenError> {
    migrate_from(url, &MIGRATIONS)
}

/// Like [`migrate`], with migrations from elsewhere.
///
/// # Errors
/// [`OpenError`]; the database is as it was then.
pub fn migrate_from(
    url: &PostgresUrl,
    source: &impl diesel::migration::MigrationSource<Pg>,
) -> Result<Vec<String>, OpenError> {
    let migrations = migrate::load(source)?;
    let mut connection = open(url, PATIENCE, Purpose::Write)?;
    // A statement may rewrite a large table.
    connection
        .batch_execute("SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")?;
    connection
        .build_transaction()
        .read_committed()
        .run(|connection| {
            connection.batch_execute(&format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))?;
            check_encoding(connection)?;
            migrate::apply(connection, &migrations)
        })
}

#[derive(QueryableByName)]
struct Found {
    #[diesel(sql_type = Bool)]
    found: bool,
}

/// Refuses a database that cannot hold every text.
fn check_encoding(connection: &mut PgConnection) -> Result<(), OpenError> {
    let answer: Found = diesel::sql_query(
        "SELECT pg_encoding_to_char(encoding) = 'UTF8' AS found FROM pg_database WHERE datname = current_database()",
    )
    .get_result(connection)?;
    if answer.found {
        return Ok(());
    }
    let message = "the database is not encoded as UTF8; create another with ENCODING 'UTF8' TEMPLATE template0";
    Err(OpenError::File(message.to_owned()))
}

pub(super) fn has_table(connection: &mut PgConnection, table: &str) -> QueryResult<bool> {
    let answer: Found = diesel::sql_query("SELECT to_regclass($1) IS NOT NULL AS found")
        .bind::<Text, _>(table)
        .get_result(connection)?;
    Ok(answer.found)
}
