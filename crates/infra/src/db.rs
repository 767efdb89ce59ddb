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
mod lines;
mod location;
pub mod migrate;
mod pool;
#[cfg(feature = "postgres")]
pub mod postgres;
pub(crate) mod schema;
mod silence;
pub mod writer;

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use std::{fmt, io, thread};

use diesel::connection::SimpleConnection;
use flagstaff_domain::storage::{Outage, StorageError, StorageMonitor, StorageUse};

pub use any::DbConnection;
use connection::{Anchor, Purpose};
pub use error::{OpenError, WorkError};
use lines::Lines;
pub use location::Location;
use parking_lot::RwLock;
use pool::Pool;
#[cfg(feature = "postgres")]
pub use postgres::PostgresUrl;
use writer::Shared;

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

/// How often whoever waits for a server looks whether it is silent.
const LOOK: Duration = Duration::from_millis(250);

/// An open database. Cheap to clone; the last clone closes it.
#[derive(Clone)]
pub struct Db {
    lines: Arc<RwLock<Arc<Lines>>>,
    anchor: Option<Anchor>,
    options: DbOptions,
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
        let shared = Arc::new(Shared::new(options));
        let lines = Lines::open(options, Some(first), anchor.clone(), shared)?;
        Ok(Self {
            lines: Arc::new(RwLock::new(Arc::new(lines))),
            anchor,
            options: options.clone(),
        })
    }

    /// Runs `after_commit` after each commit of this process, before its writes are answered.
    pub fn on_commit(
        &self,
        after_commit: impl Fn() -> Result<(), StorageError> + Send + Sync + 'static,
    ) {
        self.lines().writer.on_commit(Box::new(after_commit));
    }

    fn lines(&self) -> Arc<Lines> {
        Arc::clone(&self.lines.read())
    }

    /// Reads in one transaction, which sees one state of the database throughout.
    ///
    /// # Errors
    /// What the work refuses, or the storage's failure as `E`.
    pub fn read<T, E: From<StorageError>>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>>,
    ) -> Result<T, E> {
        let readers = self.lines().readers.clone();
        read_from(&readers, self.anchor.as_ref(), work)
    }

    /// Like [`Db::read`], for following the log. A server that does not answer is given up, and so are all connections
    /// to it.
    ///
    /// # Errors
    /// What the work refuses, or the storage's failure as `E`.
    pub fn follow<T, E>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        if !self.options.location.is_server() {
            let followers = self.lines().followers.clone();
            return read_from(&followers, self.anchor.as_ref(), work);
        }
        self.renew_where_silent();
        let lines = self.lines();
        let followers = lines.followers.clone();
        let (answer, answered) = channel();
        thread::Builder::new()
            .name("follow".to_owned())
            .spawn(move || {
                // Whoever gave it up does not need the answer.
                let _ = answer.send(read_from(&followers, None, work));
            })
            .map_err(|error| E::from(StorageError::unavailable(error)))?;
        loop {
            match answered.recv_timeout(LOOK) {
                Ok(result) => return result,
                Err(RecvTimeoutError::Timeout) => {
                    self.renew_where_silent();
                    // Somebody else may have seen it first.
                    if !Arc::ptr_eq(&lines, &self.lines()) {
                        let silent = StorageError::unavailable("the database does not answer");
                        return Err(E::from(silent));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(E::from(StorageError::failed("following the log panicked")));
                }
            }
        }
    }

    /// Gives up connections on which the server is silent.
    fn renew_where_silent(&self) {
        if !self.lines.read().are_silent() {
            return;
        }
        let mut lines = self.lines.write();
        if lines.are_silent() {
            match lines.anew(&self.options) {
                Ok(renewed) => {
                    *lines = Arc::new(renewed);
                    log::warn!(
                        "the database does not answer: its connections are given up for new ones"
                    );
                }
                Err(error) => log::error!(error:%; "cannot connect anew"),
            }
        }
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
        let writer = Arc::clone(&self.lines().writer);
        writer.write(work)
    }

    /// Does what would be written, and takes it back. It waits for its turn as a write does.
    ///
    /// # Errors
    /// What the work refuses, or the storage's failure as `E`.
    pub(crate) fn rehearse<T, E>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let end = self.write(move |connection| {
            Err::<Infallible, _>(match work(connection) {
                Ok(done) => WorkError::Refused(End::Done(done)),
                Err(error) => error.refused_as(End::Refused),
            })
        });
        match end {
            Err(End::Done(done)) => Ok(done),
            Err(End::Refused(error)) => Err(error),
            Ok(never) => match never {},
        }
    }

    /// Writes a trace of use some time later, and says in the log alone where that failed to begin: whoever leaves the
    /// trace waits for nothing. It may be lost.
    pub fn write_later(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<(), WorkError<StorageError>> + Send + 'static,
    ) {
        if let Err(error) = self.lines().writer.write_later(work) {
            log::debug!(error:%; "a trace of use was not written");
        }
    }
}

/// How a rehearsal ends: never with a commit.
enum End<T, E> {
    Done(T),
    Refused(E),
}

impl<T, E: From<StorageError>> From<StorageError> for End<T, E> {
    fn from(error: StorageError) -> Self {
        Self::Refused(error.into())
    }
}

/// Reads in one transaction on a connection of the pool.
fn read_from<T, E: From<StorageError>>(
    pool: &Pool,
    anchor: Option<&Anchor>,
    work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>>,
) -> Result<T, E> {
    if let Some(anchor) = anchor {
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

impl Db {
    /// Calls `heard` soon after each commit of another process, where the database can tell of it, for as long as what is
    /// returned is kept. A hint: not every commit is heard of.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub fn listen(&self, heard: impl Fn() + Send + 'static) -> io::Result<Listener> {
        match &self.options.location {
            Location::Sqlite(_) => {
                drop(heard);
                Ok(Listener::default())
            }
            #[cfg(feature = "postgres")]
            Location::Postgres(url) => Ok(Listener {
                _thread: Some(postgres::listen::Listening::start(url.clone(), heard)?),
            }),
        }
    }
}

/// Listens until it is dropped.
#[derive(Debug, Default)]
pub struct Listener {
    #[cfg(feature = "postgres")]
    _thread: Option<postgres::listen::Listening>,
}

impl StorageMonitor for Db {
    fn pending_migrations(&self) -> Vec<String> {
        Vec::new() // `open` refuses a database that lacks any
    }

    fn outage(&self) -> Option<Outage> {
        self.lines.read().writer.outage()
    }

    fn usage(&self) -> StorageUse {
        let lines = self.lines();
        let state = lines.readers.state();
        StorageUse {
            readers_busy: state.connections - state.idle_connections,
            readers_max: lines.readers.max_size(),
            writes_waiting: lines.writer.waiting(),
            writes_waiting_max: lines.writer.capacity(),
            log_bytes: self.anchor.is_some().then(|| lines.writer.log_bytes()),
        }
    }
}

impl fmt::Debug for Db {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Db")
            .field("location", &self.options.location)
            .finish_non_exhaustive()
    }
}
