//! What is done to a whole database from outside: migrated, copied, backed up, looked through.

use std::path::Path;

use flagstaff_domain::state::Progress;
use flagstaff_infra::db::copy::{self, Copied, CopyError};
use flagstaff_infra::db::{Location, OpenError, backup, integrity, migrate};

use crate::exit::{Exit, Failure};

/// Creates the database where there is none and applies what is missing; returns the names of what it applied. A file
/// that is damaged is refused.
///
/// # Errors
/// [`Failure`]; the database is as it was then.
pub(crate) fn migrate(location: &Location) -> Result<Vec<String>, Failure> {
    let file = location.file().map_or(Ok(()), integrity::refuse_damaged);
    file.map_err(failure)?;
    migrate::migrate(location.clone()).map_err(failure)
}

/// The names of the migrations that are not applied, all of them where there is no database.
///
/// # Errors
/// [`Failure`] when the database cannot be read or is newer than this program.
pub(crate) fn pending(location: &Location) -> Result<Vec<String>, Failure> {
    migrate::pending(location.clone()).map_err(failure)
}

/// Copies the database into a new file while others use it.
///
/// # Errors
/// [`Exit::Conflict`] where there is such a file already, [`Exit::Wrong`] where the database is no file, otherwise what
/// keeps either file from being used.
pub(crate) fn backup(from: &Location, to: &Path) -> Result<(), Failure> {
    must_exist(from)?;
    let from = from.file().ok_or_else(|| {
        Failure::wrong(
            "`flagstaff backup` copies SQLite files; PostgreSQL's own pg_dump copies this database as of one moment, \
             also while it is used: pg_dump --format=custom --file=FILE URL",
        )
    })?;
    if to.exists() {
        let message = format!(
            "{} exists already; a backup never overwrites a file",
            to.display()
        );
        return Err(Failure::new(Exit::Conflict, message));
    }
    backup::backup(from, to).map_err(|error| match error {
        OpenError::File(message) => Failure::new(Exit::Failed, message),
        other => failure(other),
    })
}

/// Copies everything from one database into another, which is created where it is not there; returns the tables with the
/// number of their rows.
///
/// # Errors
/// [`Exit::Conflict`] where the other one holds something already, [`Exit::Wrong`] where both are one, otherwise what keeps
/// either from being used. Nothing is in the other one then.
pub(crate) fn copy(
    from: &Location,
    to: &Location,
    progress: &dyn Progress,
) -> Result<Vec<(String, u64)>, Failure> {
    for file in [from, to].into_iter().filter_map(Location::file) {
        integrity::refuse_damaged(file).map_err(failure)?;
    }
    let copied = copy::copy(from, to, progress).map_err(|error| not_copied(error, from, to))?;
    let counts = copied
        .into_iter()
        .map(|Copied { table, rows }| (table, rows));
    Ok(counts.collect())
}

fn not_copied(error: CopyError, from: &Location, to: &Location) -> Failure {
    let at = |location, error| match failure(error) {
        Failure::Said(exit, message) => Failure::new(exit, format!("{location}: {message}")),
        Failure::ReaderGone => Failure::ReaderGone,
    };
    match error {
        CopyError::Same => Failure::wrong(format!("{from} and {to} are the same database")),
        CopyError::From(error) => at(from, error),
        CopyError::To(error) => at(to, error),
        CopyError::NotEmpty(table) => Failure::new(
            Exit::Conflict,
            format!("{to} is not empty: it has rows in the table {table}; name a new database"),
        ),
        other => Failure::new(Exit::Failed, format!("{to} was left empty: {other}")),
    }
}

/// What is wrong with the database; empty when it is sound.
///
/// # Errors
/// [`Failure`] when the database cannot be read at all.
pub(crate) fn integrity(location: &Location) -> Result<Vec<String>, Failure> {
    integrity::integrity(location.clone()).map_err(failure)
}

/// Refuses a file that is not there. A server says so by itself.
///
/// # Errors
/// [`Exit::Unavailable`].
pub(crate) fn must_exist(location: &Location) -> Result<(), Failure> {
    match location {
        Location::Sqlite(path) if !path.exists() => {
            let message = format!(
                "there is no database at {location}; run `flagstaff migrate` to make one, or name the server's: its folder is the \
                 place to be, or FLAGSTAFF__DATABASE__URL tells it"
            );
            Err(Failure::new(Exit::Unavailable, message))
        }
        _ => Ok(()),
    }
}

/// What a database that cannot be used means for a command.
pub(super) fn failure(error: OpenError) -> Failure {
    match error {
        OpenError::Database(error) => error.into(),
        OpenError::Migration(_) | OpenError::Damaged(..) => {
            Failure::new(Exit::Failed, error.to_string())
        }
        // A file that cannot be opened, a schema that is older or newer.
        other => Failure::new(Exit::Unavailable, other.to_string()),
    }
}
