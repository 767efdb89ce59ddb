//! SQLite connections with the settings that Flagstaff relies on, and the file that they lead to.

use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, QueryResult, SqliteConnection};
use tempfile::NamedTempFile;

use flagstaff_domain::storage::StorageError;

use super::error::OpenError;
use super::{Location, damage};

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Reading alone.
    Read,
    /// Reading and writing.
    Write,
}

/// The length that the log keeps once it begins anew; a long reader elsewhere lets it grow beyond.
const LOG_KEPT: u32 = 16 << 20;

/// The settings of every connection. What does not fit into the cache stays in memory: a file for it would lie in another
/// folder, which may be full or read-only when the database's is not. `busy_timeout` comes first, so that the others wait for locks too.
fn settings(busy: Duration, purpose: Purpose) -> String {
    let query_only = match purpose {
        Purpose::Read => "ON",
        Purpose::Write => "OFF",
    };
    format!(
        "PRAGMA busy_timeout = {};
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;
         PRAGMA journal_size_limit = {LOG_KEPT};
         PRAGMA query_only = {query_only};",
        busy.as_millis()
    )
}

/// Opens a connection of its own to a file that is there.
///
/// # Errors
/// [`OpenError`] when the file cannot be opened or is no database.
pub fn open(path: &Path, busy: Duration, purpose: Purpose) -> Result<SqliteConnection, OpenError> {
    if !path.exists() {
        return Err(OpenError::File(format!(
            "there is no database at {}; run `flagstaff migrate`",
            path.display()
        )));
    }
    damage::refuse(path)?;
    let mut connection = SqliteConnection::establish(&url(path)?)
        .map_err(|error| OpenError::File(format!("cannot open {}: {error}", path.display())))?;
    let settled = connection
        .batch_execute(&settings(busy, purpose))
        .map_err(OpenError::from)
        .and_then(|()| match purpose {
            Purpose::Write => switch_to_wal(&mut connection, busy),
            Purpose::Read => Ok(()),
        });
    settled.map_err(|error| error.of(path))?;
    Ok(connection)
}

/// Begins a transaction that no other writer runs beside. A deferred one that turns into a write would fail at once,
/// whatever the timeout.
pub(super) fn begin_write(
    connection: &mut SqliteConnection,
    patience: Duration,
) -> QueryResult<()> {
    connection.batch_execute(&format!(
        "PRAGMA busy_timeout = {}; BEGIN IMMEDIATE",
        patience.as_millis()
    ))
}

/// Sees whether the file may grow, and commits: pages that were taken and given back are written all the same.
pub(super) fn commit_nothing(connection: &mut SqliteConnection) -> QueryResult<()> {
    connection.batch_execute(
        "SAVEPOINT room;
         CREATE TABLE room (taken BLOB);
         INSERT INTO room VALUES (zeroblob(16384));
         ROLLBACK TO room;
         RELEASE room;
         COMMIT",
    )
}

/// Processes that start together collide in the switch whatever their `busy_timeout`, so it is tried again.
fn switch_to_wal(connection: &mut SqliteConnection, patience: Duration) -> Result<(), OpenError> {
    let give_up = Instant::now() + patience;
    loop {
        match connection.batch_execute("PRAGMA journal_mode = WAL") {
            Err(error) if Instant::now() < give_up && error.to_string().contains("locked") => {
                thread::sleep(Duration::from_millis(20));
            }
            other => return Ok(other?),
        }
    }
}

/// The path as a URI (<https://sqlite.org/uri.html>) by which SQLite opens a file but never creates one: where a
/// database went away, an empty one must not take its place.
fn url(path: &Path) -> Result<String, OpenError> {
    let path = utf8(path)?
        .replace('%', "%25")
        .replace('?', "%3f")
        .replace('#', "%23");
    let authority = if path.starts_with('/') { "//" } else { "" };
    Ok(format!("file:{authority}{path}?mode=rw"))
}

pub(super) fn utf8(path: &Path) -> Result<&str, OpenError> {
    path.to_str()
        .ok_or_else(|| OpenError::File(format!("the path {} is not UTF-8", path.display())))
}

/// The log of the newest changes, which SQLite keeps beside the file.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    PathBuf::from(log)
}

/// Which file a path leads to, whatever is done to the names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity(u64, u64);

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let identity = {
            use std::os::unix::fs::MetadataExt;
            Self(metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let identity = Self(u64::from(metadata.is_file()), 0);
        identity
    }
}

/// The file that a database was opened from. Once it is moved, removed or replaced, what is read from the connections
/// that are left is old, and what they write is lost: nothing is done then until it is back or the program starts anew.
#[derive(Debug, Clone)]
pub(super) struct Anchor {
    path: Arc<Path>,
    identity: Identity,
}

impl Anchor {
    /// The file of a database that is one.
    pub(super) fn of(location: &Location) -> Result<Option<Self>, OpenError> {
        match location {
            Location::Sqlite(path) => Self::at(path).map(Some),
            #[cfg(feature = "postgres")]
            Location::Postgres(_) => Ok(None),
        }
    }

    fn at(path: &Path) -> Result<Self, OpenError> {
        let failed = |error| OpenError::File(format!("cannot look at {}: {error}", path.display()));
        Ok(Self {
            path: Arc::from(path),
            identity: Identity::of(&fs::metadata(path).map_err(failed)?),
        })
    }

    /// The length of the log beside it.
    pub(super) fn log_bytes(&self) -> u64 {
        fs::metadata(log_of(&self.path)).map_or(0, |log| log.len())
    }

    /// Whether the file is still where it was.
    pub(super) fn check(&self) -> Result<(), StorageError> {
        self.look().map(drop)
    }

    /// Whether the file is still where it was, and nobody has made it read-only: that does not keep a process from
    /// writing to what it has open, but it says that nobody shall.
    pub(super) fn check_writable(&self) -> Result<(), StorageError> {
        if self.look()?.permissions().readonly() {
            return Err(StorageError::unavailable(
                "the database's file was made read-only",
            ));
        }
        Ok(())
    }

    fn look(&self) -> Result<Metadata, StorageError> {
        match fs::metadata(&self.path) {
            Ok(metadata) if Identity::of(&metadata) == self.identity => Ok(metadata),
            Ok(_) => Err(StorageError::unavailable(std::io::Error::other(
                "the database's file was replaced while it was open; restart to use the new one",
            ))),
            Err(error) => Err(StorageError::unavailable(error)),
        }
    }
}

/// Says whose file it is (<https://sqlite.org/fileformat.html#application_id>): "Flag" in ASCII.
const APPLICATION_ID: u32 = 0x466c_6167;

/// Creates the file and its folder where they are missing, the file readable by its owner alone. It appears under its name
/// with a header already: an empty file is never a new database, but what is left of one.
pub(super) fn create(path: &Path) -> Result<(), OpenError> {
    let failed = |error| OpenError::File(format!("cannot create {}: {error}", path.display()));
    if path.exists() {
        return Ok(());
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    create_folder(folder).map_err(failed)?;
    let new = NamedTempFile::with_prefix_in(".flagstaff-new-", folder).map_err(failed)?;
    SqliteConnection::establish(utf8(new.path())?)
        .map_err(|error| OpenError::File(format!("cannot open {}: {error}", path.display())))?
        .batch_execute(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
    new.as_file().sync_all().map_err(failed)?;
    match new.persist_noclobber(path) {
        Err(error) if error.error.kind() != std::io::ErrorKind::AlreadyExists => {
            return Err(failed(error.error));
        }
        _ => {}
    }
    #[cfg(unix)]
    fs::File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)?;
    Ok(())
}

/// Creates a folder and those above it where they are missing. What it creates is on the disk when it returns: SQLite
/// sees to its own files alone, and a power cut must not take the folder with them.
fn create_folder(folder: &Path) -> std::io::Result<()> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().unwrap_or(Path::new(""));
    create_folder(above)?;
    match fs::create_dir(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    #[cfg(unix)]
    fs::File::open(Path::new(".").join(above))?.sync_all()?;
    Ok(())
}
