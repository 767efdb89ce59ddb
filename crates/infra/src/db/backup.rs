//! Backups of the SQLite file, while it is in use.

use std::fs::File;
use std::io;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;
use tempfile::NamedTempFile;

use super::connection::{self, Purpose};
use super::error::OpenError;

const PATIENCE: Duration = Duration::from_secs(5);

/// Copies the database at `from` into a new file, readable by its owner alone, as of one moment, while others read and
/// write. The copy appears under its name only when it is whole and on disk.
///
/// # Errors
/// [`OpenError`] when `to` exists already, or either file cannot be used.
pub fn backup(from: &Path, to: &Path) -> Result<(), OpenError> {
    let failed =
        |error: io::Error| OpenError::File(format!("cannot write {}: {error}", to.display()));
    let folder = match to.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let copy = NamedTempFile::with_prefix_in(".flagstaff-backup-", folder).map_err(failed)?;
    let mut connection = connection::open(from, PATIENCE, Purpose::Read)?;
    // VACUUM INTO writes to another file, which query_only forbids all the same.
    connection.batch_execute("PRAGMA query_only = OFF")?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(connection::utf8(copy.path())?)
        .execute(&mut connection)?;
    copy.as_file().sync_all().map_err(failed)?;
    copy.persist_noclobber(to)
        .map_err(|error| match error.error.kind() {
            io::ErrorKind::AlreadyExists => OpenError::File(format!(
                "{} exists already; a backup never overwrites a file",
                to.display()
            )),
            _ => failed(error.error),
        })?;
    // The name, too, has to survive a power cut.
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(failed)
}
