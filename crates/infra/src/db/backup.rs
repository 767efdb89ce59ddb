//! Backups and integrity checks of the SQLite file, while it is in use.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::Text;

use super::connection::{self, Purpose};
use super::error::OpenError;

const PATIENCE: Duration = Duration::from_secs(5);

/// Copies the database at `from` into a new file, as of one moment, while others read and write. The copy appears
/// under its name only when it is whole and on disk.
///
/// # Errors
/// [`OpenError`] when `to` exists already, or either file cannot be used.
pub fn backup(from: &Path, to: &Path) -> Result<(), OpenError> {
    if to.exists() {
        return Err(OpenError::File(format!(
            "{} exists already; a backup never overwrites a file",
            to.display()
        )));
    }
    let failed =
        |error: io::Error| OpenError::File(format!("cannot write {}: {error}", to.display()));
    let mut partial = to.as_os_str().to_owned();
    partial.push(".partial");
    let partial = Path::new(&partial);
    match fs::remove_file(partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    // Created first, and empty, so that it is readable by its owner alone from the first byte on.
    connection::create(partial)?;
    let mut connection = connection::open(from, PATIENCE, Purpose::Read)?;
    // VACUUM INTO writes to another file, which query_only forbids all the same.
    connection.batch_execute("PRAGMA query_only = OFF")?;
    diesel::sql_query("VACUUM INTO ?")
        .bind::<Text, _>(partial.to_string_lossy())
        .execute(&mut connection)?;
    File::open(partial)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(partial, to))
        .map_err(failed)
}

/// What SQLite finds wrong with the file: broken pages, indexes and references. Empty when it is sound.
///
/// # Errors
/// [`OpenError`] when the file cannot be read at all.
pub fn integrity(path: &Path) -> Result<Vec<String>, OpenError> {
    #[derive(QueryableByName)]
    struct Finding {
        #[diesel(sql_type = Text)]
        integrity_check: String,
    }
    #[derive(QueryableByName)]
    struct Orphan {
        #[diesel(sql_type = Text)]
        table: String,
        #[diesel(sql_type = Text)]
        parent: String,
    }
    let mut connection = connection::open(path, PATIENCE, Purpose::Read)?;
    let findings: Vec<Finding> =
        diesel::sql_query("PRAGMA integrity_check").load(&mut connection)?;
    let orphans: Vec<Orphan> =
        diesel::sql_query("PRAGMA foreign_key_check").load(&mut connection)?;
    let findings = findings.into_iter().map(|finding| finding.integrity_check);
    let orphans = orphans.into_iter().map(|orphan| {
        format!(
            "a row of {} refers to no row of {}",
            orphan.table, orphan.parent
        )
    });
    Ok(findings
        .filter(|finding| finding != "ok")
        .chain(orphans)
        .collect())
}
