//! A PostgreSQL database of its own for each test, on the server that `tests/postgres/run` starts.
//!
//! It is a copy of a migrated template, which the first test that needs it makes.

#![allow(dead_code, reason = "each test crate uses its own part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use flagstaff_infra::db::postgres::PostgresUrl;
use flagstaff_infra::db::{Db, DbOptions, migrate};

const TEMPLATE: &str = "template_of_tests";

/// A database that goes with the test.
pub(crate) struct Database {
    name: String,
}

impl Database {
    /// A database without tables.
    pub(crate) fn empty() -> Self {
        Self::made("TEMPLATE template0")
    }

    /// A database that is ready to be opened.
    pub(crate) fn migrated() -> Self {
        static MADE: OnceLock<()> = OnceLock::new();
        MADE.get_or_init(make_template);
        Self::made(&format!("TEMPLATE {TEMPLATE}"))
    }

    /// A database that is created in its own way.
    pub(crate) fn made(how: &str) -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        execute("postgres", &format!("CREATE DATABASE {name} {how}"));
        Self { name }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> PostgresUrl {
        url(&self.name)
    }

    /// Opens it with room enough that no test has to wait for a reader.
    pub(crate) fn open(&self) -> Db {
        Db::open(&DbOptions::serving(self.url(), 8, 64)).unwrap()
    }

    /// A connection with nothing but diesel's settings.
    pub(crate) fn raw(&self) -> PgConnection {
        raw(&self.name)
    }

    /// Ends every connection and lets none in any more.
    pub(crate) fn close(&self) {
        let name = &self.name;
        execute(
            "postgres",
            &format!(
                "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
                 SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
            ),
        );
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let name = &self.name;
        execute(
            "postgres",
            &format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        );
    }
}

/// Where the server listens.
pub(crate) fn directory() -> String {
    std::env::var("FLAGSTAFF_TEST_POSTGRES")
        .expect("tests on PostgreSQL need a server: run them by `just test-postgres`")
}

fn url(database: &str) -> PostgresUrl {
    let url = format!("postgres://flagstaff@/{database}?host={}", directory());
    PostgresUrl::parse(url).unwrap()
}

fn raw(database: &str) -> PgConnection {
    PgConnection::establish(url(database).reveal()).unwrap()
}

fn execute(database: &str, sql: &str) {
    let mut connection = raw(database);
    for statement in sql.split(';') {
        connection.batch_execute(statement).unwrap();
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// Test programs that run at the same time take turns.
fn make_template() {
    let mut connection = raw("postgres");
    connection
        .batch_execute("SELECT pg_advisory_lock(1)")
        .unwrap();
    let there: Count = diesel::sql_query(format!(
        "SELECT count(*) AS count FROM pg_database WHERE datname = '{TEMPLATE}'"
    ))
    .get_result(&mut connection)
    .unwrap();
    if there.count == 0 {
        let template = Database::empty();
        migrate::migrate(template.url()).unwrap();
        let name = template.name();
        execute(
            "postgres",
            &format!("ALTER DATABASE {name} RENAME TO {TEMPLATE}"),
        );
    }
    connection
        .batch_execute("SELECT pg_advisory_unlock(1)")
        .unwrap();
}
