//! The database: a pool of readers, one writer, migrations, backups. Everything about connections stays in here.
//!
//! [`Db::read`] and [`Db::write`] are the two ways in. Start at [`writer`] to see how a write is committed.

mod any;
pub mod backup;
pub(crate) mod columns;
mod condition;
pub mod connection;
pub mod copy;
mod damage;
pub mod error;
pub mod integrity;
mod location;
pub mod migrate;
mod pool;
#[cfg(feature = "postgres")]
pub mod postgres;
pub(crate) mod schema;
pub mod writer;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use flagstaff_domain::storage::{Outage, StorageError, StorageMonitor, StorageUse};

pub use any::DbConnection;
use connection::{Anchor, Purpose};
pub use error::{OpenError, WorkError};
pub use location::Location;
use pool::Pool;
#[cfg(feature = "postgres")]
pub use postgres::PostgresUrl;
use writer::Writer;

/// How a database is opened.
#[derive(Debug, Clone)]
pub struct DbOptions {
    /// The database.
    pub location: Location,
    /// Connections that read at the same time.
    pub readers: u32,
    /// Writes that may wait for the writer; one more is refused.
    pub queue: usize,
    /// How long a connection waits for a lock that another process holds.
    pub busy: Duration,
}

impl DbOptions {
    /// A server's options: it would rather refuse than wait.
    #[must_use]
    pub fn serving(location: impl Into<Location>, readers: u32, queue: usize) -> Self {
        Self {
            location: location.into(),
            readers,
            queue,
            busy: Duration::from_secs(1),
        }
    }

    /// A command's options: it would rather wait than fail.
    #[must_use]
    pub fn command(location: impl Into<Location>) -> Self {
        Self {
            location: location.into(),
            readers: 1,
            queue: 16,
            busy: Duration::from_secs(5),
        }
    }
}

/// An open database. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Db {
    readers: Pool,
    /// Connections of their own for following the log, so that busy readers never delay what is served.
    followers: Pool,
    writer: Arc<Writer>,
    anchor: Option<Anchor>,
    location: Location,
}

impl Db {
    /// Opens a database whose migrations are all applied; see [`migrate::migrate`].
    ///
    /// # Errors
    /// [`OpenError`] when the file cannot be opened, is no database, or its schema is older or newer than this program.
    pub fn open(options: &DbOptions) -> Result<Self, OpenError> {
        let mut first = pool::open(&options.location, options.busy, Purpose::Write)?;
        let anchor = Anchor::of(&options.location)?;
        migrate::check_current(&mut first)?;
        Ok(Self {
            readers: pool::pool(options, options.readers),
            followers: pool::pool(options, 2),
            writer: Arc::new(Writer::start(options, first, anchor.clone())?),
            anchor,
            location: options.location.clone(),
        })
    }

    /// Runs `after_commit` after each commit of this process, before its writes are answered.
    pub fn on_commit(
        &self,
        after_commit: impl Fn() -> Result<(), StorageError> + Send + Sync + 'static,
    ) {
        self.writer.on_commit(Box::new(after_commit));
    }

    /// Reads in one transaction, which sees one state of the database throughout.
    ///
    /// # Errors
    /// What the work refuses, or the storage's failure as `E`.
    pub fn read<T, E: From<StorageError>>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>>,
    ) -> Result<T, E> {
        self.read_from(&self.readers, work)
    }

    /// Like [`Db::read`], for following the log.
    ///
    /// # Errors
    /// What the work refuses, or the storage's failure as `E`.
    pub fn follow<T, E: From<StorageError>>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>>,
    ) -> Result<T, E> {
        self.read_from(&self.followers, work)
    }

    fn read_from<T, E: From<StorageError>>(
        &self,
        pool: &Pool,
        work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>>,
    ) -> Result<T, E> {
        if let Some(anchor) = &self.anchor {
            anchor.check().map_err(E::from)?;
        }
        let mut connection = pool
            .get()
            .map_err(|error| E::from(StorageError::unavailable(error)))?;
        let begun = pool::begin_read(&mut connection);
        let result = begun
            .map_err(WorkError::Database)
            .and_then(|()| work(&mut connection));
        let ended = connection.batch_execute("ROLLBACK");
        let result = result.map_err(WorkError::into_inner)?;
        ended.map_err(|error| E::from(error::storage(error)))?;
        Ok(result)
    }

    /// Writes as one unit of work, which is committed whole or leaves nothing. Returns after the commit is on disk.
    ///
    /// # Errors
    /// What the work refuses, or the storage's failure as `E`.
    pub fn write<T, E>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        self.writer.write(work)
    }
}

impl StorageMonitor for Db {
    fn pending_migrations(&self) -> Vec<String> {
        Vec::new() // `open` refuses a database that lacks any
    }

    fn outage(&self) -> Option<Outage> {
        self.writer.outage()
    }

    fn usage(&self) -> StorageUse {
        let state = self.readers.state();
        StorageUse {
            readers_busy: state.connections - state.idle_connections,
            readers_max: self.readers.max_size(),
            writes_waiting: self.writer.waiting(),
            writes_waiting_max: self.writer.capacity(),
            log_bytes: self.anchor.is_some().then(|| self.writer.log_bytes()),
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("location", &self.location)
            .finish_non_exhaustive()
    }
}
