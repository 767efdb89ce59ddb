//! Database errors: what went wrong while opening, and diesel's errors as the domain's [`StorageError`].

use std::path::{Path, PathBuf};

use diesel::result::{DatabaseErrorKind, Error};
use flagstaff_domain::storage::{Outage, StorageError};
use flagstaff_domain::text::Invalid;

/// Why a database was not opened.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// The file or its folder cannot be used.
    File(String),
    /// Migrations are missing: names of those that are to be applied.
    Outdated(Vec<String>),
    /// The schema was made by a newer program: names of the migrations that this one does not know.
    Newer(Vec<String>),
    /// A migration failed; it left nothing behind.
    Migration(String),
    /// The file holds no database that can be read.
    Damaged(PathBuf, String),
    /// The database failed.
    Database(StorageError),
}

impl OpenError {
    /// Names the file where the failure says that it is damaged.
    pub(super) fn of(self, path: &Path) -> Self {
        match self {
            Self::Database(
                StorageError::Unavailable(ref cause)
                | StorageError::InDoubt(ref cause)
                | StorageError::Failed(ref cause),
            ) => {
                let text = cause.to_string();
                if DAMAGES.iter().any(|damage| text.contains(damage)) {
                    Self::Damaged(path.to_owned(), text)
                } else {
                    self
                }
            }
            other => other,
        }
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(what) => f.write_str(what),
            Self::Outdated(missing) => write!(
                f,
                "the database lacks the migrations {}; run `flagstaff migrate`",
                missing.join(", ")
            ),
            Self::Newer(unknown) => write!(
                f,
                "the database was migrated by a newer Flagstaff (this one, {}, does not know {}); \
                 run that version or a later one, or restore a backup made before the upgrade",
                env!("CARGO_PKG_VERSION"),
                unknown.join(", ")
            ),
            Self::Migration(what) => write!(f, "a migration failed and was undone: {what}"),
            Self::Damaged(path, error) => write!(
                f,
                "{file} is damaged, or no database: {error}; to keep it and restore the last backup, made by \
                 `flagstaff backup`, run: mkdir '{kept}' && mv '{file}'* '{kept}' && cp BACKUP '{file}'",
                file = path.display(),
                kept = path.with_file_name("damaged").display()
            ),
            Self::Database(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for OpenError {}

impl From<Error> for OpenError {
    fn from(error: Error) -> Self {
        Self::Database(storage(error))
    }
}

/// How a unit of work ends when it does not succeed: refused for a reason of the domain, or failed in the database.
#[derive(Debug)]
pub enum WorkError<E> {
    /// The domain's reason.
    Refused(E),
    /// The database's failure.
    Database(Error),
}

impl<E> WorkError<E> {
    /// The same, with the domain's reason in other words.
    pub(crate) fn refused_as<F>(self, word: impl FnOnce(E) -> F) -> WorkError<F> {
        match self {
            Self::Refused(reason) => WorkError::Refused(word(reason)),
            Self::Database(error) => WorkError::Database(error),
        }
    }
}

impl<E> From<Error> for WorkError<E> {
    fn from(error: Error) -> Self {
        Self::Database(error)
    }
}

impl<E> From<Invalid> for WorkError<E> {
    /// A stored row that is no valid record, or a record that cannot be written.
    fn from(invalid: Invalid) -> Self {
        Self::Database(self::invalid(invalid))
    }
}

/// A stored row that is no valid record, as diesel's error.
pub(crate) fn invalid(invalid: Invalid) -> Error {
    Error::DeserializationError(Box::new(invalid))
}

impl<E: From<StorageError>> WorkError<E> {
    /// The domain's error either way.
    pub fn into_inner(self) -> E {
        match self {
            Self::Refused(error) => error,
            Self::Database(error) => E::from(storage(error)),
        }
    }
}

/// One row more than a page holds, so that the page knows whether more follow.
pub(crate) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).map_or(i64::MAX, |limit| limit.saturating_add(1))
}

/// Refuses a unit of work, which is then undone.
pub(crate) fn refuse<T, E>(error: impl Into<E>) -> Result<T, WorkError<E>> {
    Err(WorkError::Refused(error.into()))
}

/// Turns the violation of a unique index into the domain's reason.
pub(crate) fn unless_taken<T, E>(
    result: Result<T, Error>,
    taken: impl FnOnce() -> E,
) -> Result<T, WorkError<E>> {
    match result {
        Err(Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _)) => {
            Err(WorkError::Refused(taken()))
        }
        other => other.map_err(WorkError::Database),
    }
}

/// What SQLite's result codes mean, which reach diesel as their messages alone (sqlite3_errstr and sqlite3_errmsg), and
/// what we say ourselves.
const OUTAGES: [(&str, Outage); 12] = [
    ("is locked", Outage::Locked),
    ("locking protocol", Outage::Locked),
    ("is full", Outage::Full),
    ("readonly", Outage::ReadOnly),
    ("read-only", Outage::ReadOnly),
    ("disk I/O error", Outage::Disk),
    ("unable to open", Outage::Gone),
    ("out of memory", Outage::Other),
    ("was replaced while it was open", Outage::Replaced),
    ("does not answer", Outage::Gone),
    ("cannot connect", Outage::Gone),
    ("by a newer Flagstaff", Outage::Newer),
];

/// What a message means by this table.
pub(super) fn meaning(table: &[(&str, Outage)], message: &str) -> Option<Outage> {
    let known = table.iter().find(|(text, _)| message.contains(text));
    known.map(|(_, outage)| *outage)
}

/// The outage that an error of the database tells of.
pub(super) fn outage_of(error: &Error) -> Option<Outage> {
    let outage = match error {
        Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
        | Error::BrokenTransactionManager => Some(Outage::Gone),
        Error::DatabaseError(_, information) => meaning(&OUTAGES, information.message()),
        _ => None,
    };
    #[cfg(feature = "postgres")]
    let outage = outage.or_else(|| super::postgres::faults::outage_of(error));
    outage
}

/// What SQLite says of a file that cannot be believed any more.
const DAMAGES: [&str; 2] = ["malformed", "not a database"];

/// The outage that a failure of the store is part of; `None` for what may concern one change alone.
pub(super) fn outage(error: &StorageError) -> Option<Outage> {
    let (StorageError::Unavailable(cause)
    | StorageError::InDoubt(cause)
    | StorageError::Failed(cause)) = error;
    let text = cause.to_string();
    if DAMAGES.iter().any(|damage| text.contains(damage)) {
        return Some(Outage::Damaged);
    }
    let found = match cause.downcast_ref::<Error>() {
        Some(error) => outage_of(error),
        // What stood in the file's place, or stands there now.
        None if cause.is::<std::io::Error>() || cause.is::<OpenError>() => {
            meaning(&OUTAGES, &text).or(Some(Outage::Gone))
        }
        None => meaning(&OUTAGES, &text),
    };
    match error {
        StorageError::Failed(_) => found,
        StorageError::Unavailable(_) | StorageError::InDoubt(_) => found.or(Some(Outage::Other)),
    }
}

/// Sorts a failure: an outage that may pass, or something unexpected.
#[must_use]
pub fn storage(error: Error) -> StorageError {
    match outage_of(&error) {
        Some(_) => StorageError::unavailable(error),
        None => StorageError::failed(error),
    }
}
