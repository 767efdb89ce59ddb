//! Where a test's database is: a file in a folder of its own, or a PostgreSQL database where the tests find a server.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use flagstaff_infra::db::connection::{self, Purpose};
use flagstaff_infra::db::{DbConnection, Location, migrate};
use tempfile::TempDir;

#[cfg(feature = "postgres")]
#[path = "../../../../infra/tests/support/server.rs"]
mod server;

/// A database that goes with the test.
pub(super) enum Place {
    Folder(TempDir),
    #[cfg(feature = "postgres")]
    Server(server::Database),
}

impl Place {
    /// A database that is ready to be opened.
    pub(super) fn migrated() -> Self {
        #[cfg(feature = "postgres")]
        if std::env::var_os("FLAGSTAFF_TEST_POSTGRES").is_some() {
            return Self::Server(server::Database::migrated());
        }
        let place = Self::Folder(tempfile::tempdir().unwrap());
        migrate::migrate(place.location()).unwrap();
        place
    }

    pub(super) fn location(&self) -> Location {
        match self {
            Self::Folder(folder) => folder.path().join("flagstaff.db").into(),
            #[cfg(feature = "postgres")]
            Self::Server(database) => database.url().into(),
        }
    }

    pub(super) fn connection(&self) -> DbConnection {
        self.try_connection().unwrap()
    }

    /// A connection, unless the database is damaged.
    pub(super) fn try_connection(&self) -> Option<DbConnection> {
        match self {
            Self::Folder(folder) => {
                let path = folder.path().join("flagstaff.db");
                let opened = connection::open(&path, Duration::from_secs(5), Purpose::Write);
                opened.ok().map(DbConnection::Sqlite)
            }
            #[cfg(feature = "postgres")]
            Self::Server(database) => Some(DbConnection::Postgres(database.raw())),
        }
    }

    pub(super) fn damage(&self) {
        let mut connection = self.connection();
        let damage = match connection {
            DbConnection::Sqlite(_) => {
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = 'not SQL' WHERE name = 'environments';
                 PRAGMA schema_version = 4321;"
            }
            #[cfg(feature = "postgres")]
            DbConnection::Postgres(_) => "ALTER SCHEMA public RENAME TO elsewhere",
        };
        connection.batch_execute(damage).unwrap();
    }

    pub(super) fn lock(&self) -> DbConnection {
        let mut connection = self.connection();
        let lock = match connection {
            DbConnection::Sqlite(_) => "BEGIN IMMEDIATE",
            #[cfg(feature = "postgres")]
            DbConnection::Postgres(_) => "BEGIN; SELECT seq FROM log_head FOR UPDATE",
        };
        connection.batch_execute(lock).unwrap();
        connection
    }
}
