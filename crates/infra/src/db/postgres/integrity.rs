//! What is wrong with a PostgreSQL database: what guards its rows, and what they must have in common.

use diesel::prelude::*;
use diesel::sql_types::Text;

use super::super::connection::Purpose;
use super::super::error::OpenError;
use super::super::integrity::{PATIENCE, gaps};
use super::super::migrate::pending_in;
use super::super::{DbConnection, pool};
use super::PostgresUrl;

/// What must have no row; each row says what is wrong.
const MUST_BE_NONE: [&str; 3] = [
    "SELECT 'the index ' || indexrelid::regclass || ' is not valid; REINDEX it' AS finding
         FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
         WHERE relnamespace = current_schema()::regnamespace AND NOT indisvalid",
    "SELECT 'the constraint ' || conname || ' was never validated' AS finding
         FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND NOT convalidated",
    "SELECT 'the trigger ' || name || ', which keeps the change log as it is, is missing or disabled' AS finding
         FROM unnest(ARRAY['changes_are_not_updated', 'changes_are_not_deleted']) AS name
         WHERE NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = 'changes'::regclass AND tgname = name AND tgenabled <> 'D')",
];

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    finding: String,
}

/// Looks at one state of the database.
pub(in crate::db) fn integrity(url: &PostgresUrl) -> Result<Vec<String>, OpenError> {
    let location = url.clone().into();
    let mut connection = pool::open(&location, PATIENCE, Purpose::Read)?;
    // Where tables are missing, their rows cannot be counted.
    let missing = pending_in(&mut connection)?;
    if !missing.is_empty() {
        return Err(OpenError::Outdated(missing));
    }
    pool::begin_read(&mut connection)?;
    Ok(look(&mut connection)?)
}

fn look(connection: &mut DbConnection) -> QueryResult<Vec<String>> {
    let mut findings = gaps(connection)?;
    for query in MUST_BE_NONE {
        let found: Vec<Finding> = diesel::sql_query(query).load(connection)?;
        findings.extend(found.into_iter().map(|one| one.finding));
    }
    Ok(findings)
}
