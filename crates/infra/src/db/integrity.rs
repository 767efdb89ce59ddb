//! What is wrong with a database: its pages, its schema, and what its rows must have in common.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use diesel::SqliteConnection;
use diesel::prelude::*;
use diesel::query_builder::SqlQuery;
use diesel::query_dsl::methods::LoadQuery;
use diesel::sql_types::{BigInt, Text};

use super::Location;
use super::connection::{self, Purpose, log_of};
use super::error::OpenError;
use super::migrate;

pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What must be 0, and what it means when it is not.
const MUST_BE_NONE: [(&str, &str); 4] = [
    (
        "SELECT abs((SELECT coalesce(max(seq), 0) FROM changes) - (SELECT coalesce(max(seq), -1) FROM log_head)) AS count",
        "the change log's counter differs from its last change",
    ),
    (
        "SELECT (SELECT coalesce(max(seq), 0) FROM changes) - (SELECT count(*) FROM changes) AS count",
        "the change log lacks changes",
    ),
    (
        "SELECT (SELECT count(*) FROM environments) * (SELECT count(*) FROM features) - (SELECT count(*) FROM flags) AS count",
        "features lack flags in environments",
    ),
    (
        "SELECT count(*) AS count FROM environments WHERE revision > (SELECT coalesce(max(seq), 0) FROM changes)",
        "environments have a revision that the change log does not reach",
    ),
];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

#[derive(QueryableByName)]
pub(super) struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// What is wrong with the database: broken pages, indexes and references, a schema that is not this program's, a change
/// log or flags with gaps. Empty when it is sound. The pages of PostgreSQL are its own business.
///
/// # Errors
/// [`OpenError`] when the database cannot be read at all.
pub fn integrity(location: impl Into<Location>) -> Result<Vec<String>, OpenError> {
    match location.into() {
        Location::Sqlite(path) => file(&path),
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => super::postgres::integrity(&url),
    }
}

fn file(path: &Path) -> Result<Vec<String>, OpenError> {
    let mut connection = connection::open(path, PATIENCE, Purpose::Read)?;
    let look = |connection: &mut SqliteConnection| -> Result<Vec<String>, OpenError> {
        let mut findings = pages(connection)?;
        let schema = schema_findings(connection)?;
        // Where tables are missing, their rows cannot be counted.
        if schema.is_empty() {
            findings.extend(gaps(connection)?);
        }
        findings.extend(schema);
        Ok(findings)
    };
    look(&mut connection).map_err(|error| error.of(path))
}

/// Refuses a file with damaged pages, or none at all, before anything is written to it. One that is missing is no damage.
///
/// Reads the whole file: about a second for each GiB.
///
/// # Errors
/// [`OpenError::Damaged`], or why the file cannot be read.
pub fn refuse_damaged(path: &Path) -> Result<(), OpenError> {
    if !path.exists() {
        return Ok(());
    }
    if let Some(finding) = cut_short(path) {
        return Err(OpenError::Damaged(path.to_owned(), finding));
    }
    let mut connection = connection::open(path, PATIENCE, Purpose::Read)?;
    let damage = match broken_page(&mut connection) {
        Ok(finding) => finding.map(|finding| OpenError::Damaged(path.to_owned(), finding)),
        Err(error) => Some(OpenError::from(error).of(path)),
    };
    let Some(damage) = damage else { return Ok(()) };
    // Closed, it would bring what is left in the log of writes into the damaged file.
    std::mem::forget(connection);
    Err(damage)
}

/// Whether every page of a file that is in use is sound: a disk that could not be read for a moment also made SQLite call
/// it malformed.
pub(super) fn is_sound(path: &Path) -> bool {
    let connection = connection::open(path, Duration::ZERO, Purpose::Read);
    connection.is_ok_and(|mut connection| matches!(broken_page(&mut connection), Ok(None)))
}

fn broken_page(connection: &mut SqliteConnection) -> QueryResult<Option<String>> {
    let findings = lines(
        connection,
        "SELECT quick_check AS text FROM pragma_quick_check WHERE quick_check <> 'ok' LIMIT 1",
    )?;
    Ok(findings.into_iter().next())
}

/// Whether the file ends within a page, which SQLite passes over. A log beside it may hold the rest of that page. The page's
/// size stands in the header (<https://sqlite.org/fileformat.html>).
fn cut_short(path: &Path) -> Option<String> {
    let mut header = [0; 18];
    let mut file = std::fs::File::open(path).ok()?;
    file.read_exact(&mut header).ok()?;
    let length = file.metadata().ok()?.len();
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65_536,
        page => u64::from(page.max(512)),
    };
    let log = std::fs::metadata(log_of(path));
    let whole = length % page == 0 || log.is_ok_and(|log| log.len() > 0);
    (!whole).then(|| format!("it ends within a page, at byte {length}"))
}

fn lines(connection: &mut SqliteConnection, query: &str) -> QueryResult<Vec<String>> {
    let lines: Vec<Line> = diesel::sql_query(query).load(connection)?;
    Ok(lines.into_iter().map(|line| line.text).collect())
}

fn pages(connection: &mut SqliteConnection) -> QueryResult<Vec<String>> {
    let findings = lines(
        connection,
        "SELECT integrity_check AS text FROM pragma_integrity_check WHERE integrity_check <> 'ok'",
    )?;
    let orphans = lines(
        connection,
        "SELECT 'a row of ' || \"table\" || ' refers to no row of ' || parent AS text FROM pragma_foreign_key_check",
    )?;
    Ok(findings.into_iter().chain(orphans).collect())
}

/// Every table, index and trigger with its definition.
fn schema(connection: &mut SqliteConnection) -> QueryResult<BTreeSet<String>> {
    let definitions = lines(
        connection,
        "SELECT sql AS text FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'",
    )?;
    Ok(definitions.into_iter().collect())
}

/// Compares with what the migrations make.
fn schema_findings(connection: &mut SqliteConnection) -> Result<Vec<String>, OpenError> {
    let right = schema(&mut migrate::in_memory()?)?;
    let here = schema(connection)?;
    let first_line = |sql: &String| sql.lines().next().unwrap_or_default().to_owned();
    let missing = right
        .difference(&here)
        .map(|sql| format!("the schema lacks `{}`", first_line(sql)));
    let more = here.difference(&right).map(|sql| {
        format!(
            "the schema has `{}`, which is not of this program",
            first_line(sql)
        )
    });
    Ok(missing.chain(more).collect())
}

/// What the rows of one state of the database lack.
pub(super) fn gaps<C>(connection: &mut C) -> QueryResult<Vec<String>>
where
    SqlQuery: for<'query> LoadQuery<'query, C, Count>,
{
    let mut findings = Vec::new();
    for (query, meaning) in MUST_BE_NONE {
        let count: Count = diesel::sql_query(query).get_result(connection)?;
        if count.count != 0 {
            findings.push(format!("{meaning} ({})", count.count));
        }
    }
    Ok(findings)
}
