//! Opening connections of either backend, one by one and in a pool, and the transactions that they begin.

use std::thread;
use std::time::Duration;

use diesel::connection::{Connection, SimpleConnection, TransactionManager};
use diesel::result::QueryResult;

use super::any::DbConnection;
use super::connection::{self, Purpose};
use super::error::OpenError;
use super::silence::Statements;
use super::{DbOptions, Location};

pub(super) type Pool = r2d2::Pool<Connections>;
type Manager = <DbConnection as Connection>::TransactionManager;

/// How long to wait for a free reader before refusing.
const POOL_WAIT: Duration = Duration::from_secs(1);

/// Opens a connection of its own to a database that is there.
pub(super) fn open(
    location: &Location,
    busy: Duration,
    purpose: Purpose,
) -> Result<DbConnection, OpenError> {
    match location {
        Location::Sqlite(path) => connection::open(path, busy, purpose).map(DbConnection::Sqlite),
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => {
            super::postgres::open(url, busy, purpose).map(DbConnection::Postgres)
        }
    }
}

/// Like [`open`], with its statements watched where a server answers them.
pub(super) fn open_watched(
    location: &Location,
    busy: Duration,
    purpose: Purpose,
    statements: &Statements,
) -> Result<DbConnection, OpenError> {
    if !location.is_server() {
        return open(location, busy, purpose);
    }
    let opening = statements.opening();
    let mut connection = open(location, busy, purpose)?;
    drop(opening);
    statements.watch(&mut connection);
    Ok(connection)
}

/// Begins a transaction that sees one state of the database throughout.
pub(super) fn begin_read(connection: &mut DbConnection) -> QueryResult<()> {
    match connection {
        DbConnection::Sqlite(connection) => connection.batch_execute("BEGIN"),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(connection) => super::postgres::begin_read(connection),
    }
}

/// Begins a transaction that no other writer runs beside, of this process or another, and waits for them no longer than
/// `patience`.
pub(super) fn begin_write(connection: &mut DbConnection, patience: Duration) -> QueryResult<()> {
    match connection {
        DbConnection::Sqlite(sqlite) => connection::begin_write(sqlite, patience),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => super::postgres::begin_write(postgres, patience),
    }
}

/// Ends a writing transaction, and lets other instances know.
pub(super) fn commit(connection: &mut DbConnection) -> QueryResult<()> {
    match connection {
        DbConnection::Sqlite(sqlite) => sqlite.batch_execute("COMMIT"),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => super::postgres::commit(postgres),
    }
}

/// Ends a writing transaction with a commit that changes nothing, to see whether changes could be stored.
pub(super) fn commit_nothing(connection: &mut DbConnection) -> QueryResult<()> {
    match connection {
        DbConnection::Sqlite(sqlite) => connection::commit_nothing(sqlite),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(postgres) => super::postgres::commit_nothing(postgres),
    }
}

/// Makes the pool's connections. diesel's own manager would try one backend after the other and hide the error.
#[derive(Debug)]
pub(super) struct Connections {
    location: Location,
    busy: Duration,
    statements: Statements,
}

impl r2d2::ManageConnection for Connections {
    type Connection = DbConnection;
    type Error = OpenError;

    fn connect(&self) -> Result<DbConnection, OpenError> {
        open_watched(&self.location, self.busy, Purpose::Read, &self.statements)
    }

    /// Asked before each use where there is a server, which may have gone away meanwhile.
    fn is_valid(&self, connection: &mut DbConnection) -> Result<(), OpenError> {
        Ok(connection.batch_execute("SELECT 1")?)
    }

    fn has_broken(&self, connection: &mut DbConnection) -> bool {
        thread::panicking() || Manager::is_broken_transaction_manager(connection)
    }
}

/// A pool of reading connections, opened when first needed.
pub(super) fn pool(options: &DbOptions, size: u32, statements: &Statements) -> Pool {
    r2d2::Pool::builder()
        .max_size(size)
        .min_idle(Some(0))
        .connection_timeout(POOL_WAIT)
        .test_on_check_out(options.location.is_server())
        .error_handler(Box::new(r2d2::NopErrorHandler))
        .build_unchecked(Connections {
            location: options.location.clone(),
            busy: options.busy,
            statements: statements.clone(),
        })
}
