//! Migrations: embedded in the program, run inside one exclusive transaction, refused on a schema from the future.
//!
//! diesel's runner takes no lock of its own; the transaction around all of it is the lock, and undoes a migration that
//! was killed half-way.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use diesel::migration::{Migration, MigrationSource};
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::connection::{self, DbConnection, Purpose};
use super::error::OpenError;
use super::schema::__diesel_schema_migrations as applied;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How long to wait while another process migrates.
const PATIENCE: Duration = Duration::from_secs(30);

type Migrations = Vec<Box<dyn Migration<Sqlite>>>;

/// Creates the database where there is none and applies what is missing; returns the names of what it applied.
///
/// # Errors
/// [`OpenError`]; the database is as it was then.
pub fn migrate(path: &Path) -> Result<Vec<String>, OpenError> {
    migrate_from(path, &MIGRATIONS)
}

/// Like [`migrate`], with migrations from elsewhere.
///
/// # Errors
/// [`OpenError`]; the database is as it was then.
pub fn migrate_from(
    path: &Path,
    source: &impl MigrationSource<Sqlite>,
) -> Result<Vec<String>, OpenError> {
    let failed =
        |error: Box<dyn std::error::Error + Send + Sync>| OpenError::Migration(error.to_string());
    let migrations = load(source)?;
    connection::create(path)?;
    let mut connection = connection::open(path, PATIENCE, Purpose::Write)?;
    let applied = connection.exclusive_transaction(|connection| {
        // Makes the runner create its table, inside the lock.
        connection.applied_migrations().map_err(failed)?;
        check_known(connection, &migrations)?;
        let missing = missing(connection, &migrations)?;
        for migration in &missing {
            connection.run_migration(*migration).map_err(failed)?;
        }
        Ok(missing.iter().map(|one| one.name().to_string()).collect())
    });
    applied.map_err(|error: OpenError| error.of(path))
}

/// The names of migrations that are not applied to the database at `path`, all of them where there is no database.
///
/// # Errors
/// [`OpenError`] when the database cannot be read or is newer than this program.
pub fn pending(path: &Path) -> Result<Vec<String>, OpenError> {
    let migrations = load(&MIGRATIONS)?;
    if !path.exists() {
        return Ok(migrations
            .iter()
            .map(|one| one.name().to_string())
            .collect());
    }
    let mut connection = connection::open(path, PATIENCE, Purpose::Read)?;
    check_known(&mut connection, &migrations)?;
    pending_in(&mut connection)
}

pub(super) fn pending_in(connection: &mut DbConnection) -> Result<Vec<String>, OpenError> {
    let migrations = load(&MIGRATIONS)?;
    let missing = missing(connection, &migrations)?;
    Ok(missing.iter().map(|one| one.name().to_string()).collect())
}

/// Refuses a schema that is not exactly this program's.
pub(super) fn check_current(connection: &mut DbConnection) -> Result<(), OpenError> {
    check_known(connection, &load(&MIGRATIONS)?)?;
    match pending_in(connection)? {
        missing if missing.is_empty() => Ok(()),
        missing => Err(OpenError::Outdated(missing)),
    }
}

fn check_known(connection: &mut DbConnection, known: &Migrations) -> Result<(), OpenError> {
    let known: HashSet<String> = known.iter().map(|one| version(one.as_ref())).collect();
    let unknown: Vec<String> = applied_versions(connection)?
        .into_iter()
        .filter(|version| !known.contains(version))
        .collect();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(OpenError::Newer(unknown))
    }
}

fn missing<'a>(
    connection: &mut DbConnection,
    migrations: &'a Migrations,
) -> QueryResult<Vec<&'a dyn Migration<Sqlite>>> {
    let applied: HashSet<String> = applied_versions(connection)?.into_iter().collect();
    let missing = migrations
        .iter()
        .filter(|one| !applied.contains(&version(one.as_ref())));
    Ok(missing.map(AsRef::as_ref).collect())
}

fn version(migration: &dyn Migration<Sqlite>) -> String {
    migration.name().version().to_string()
}

/// The migrations, oldest first.
fn load(source: &impl MigrationSource<Sqlite>) -> Result<Migrations, OpenError> {
    let mut migrations = source
        .migrations()
        .map_err(|error| OpenError::Migration(error.to_string()))?;
    migrations.sort_by_key(|one| version(one.as_ref()));
    Ok(migrations)
}

fn applied_versions(connection: &mut DbConnection) -> QueryResult<Vec<String>> {
    if !has_table(connection, "__diesel_schema_migrations")? {
        return Ok(Vec::new());
    }
    applied::table
        .select(applied::version)
        .order(applied::version)
        .load(connection)
}

fn has_table(connection: &mut DbConnection, name: &str) -> QueryResult<bool> {
    diesel::table! {
        sqlite_master (name) {
            name -> Text,
        }
    }
    let found: i64 = sqlite_master::table
        .filter(sqlite_master::name.eq(name))
        .count()
        .get_result(connection)?;
    Ok(found > 0)
}
