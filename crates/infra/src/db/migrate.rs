//! Migrations: embedded in the program, run inside one exclusive transaction, refused on a schema from the future.
//!
//! diesel's runner takes no lock of its own; the transaction around all of it is the lock, and undoes a migration that
//! was killed half-way. Each backend has a twin of each migration, under the same stamp and name. A program works beside
//! migrations that it does not know where they say that it can, in `compatible_migrations`.

use std::collections::HashSet;
use std::path::Path;
use std::time::Duration;

use diesel::backend::Backend;
use diesel::migration::{Migration, MigrationSource};
#[cfg(feature = "postgres")]
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sqlite::Sqlite;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use super::any::DbConnection;
use super::connection::{self, Purpose};
use super::error::OpenError;
use super::schema::{__diesel_schema_migrations as applied, compatible_migrations as compatible};
use super::{Location, pool};

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");

/// How long to wait while another process migrates.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

type Migrations<DB> = Vec<Box<dyn Migration<DB>>>;

/// Creates a SQLite file where there is none and applies what is missing; returns the names of what it applied.
///
/// # Errors
/// [`OpenError`]; the database is as it was then.
pub fn migrate(location: impl Into<Location>) -> Result<Vec<String>, OpenError> {
    let location = location.into();
    // Where there is nothing to do, a lock that another process holds is in nobody's way.
    if location.file().is_none_or(Path::exists) && pending_at(&location)?.is_empty() {
        return Ok(Vec::new());
    }
    match location {
        Location::Sqlite(path) => migrate_from(&path, &SQLITE),
        #[cfg(feature = "postgres")]
        Location::Postgres(url) => super::postgres::migrate(&url),
    }
}

/// Like [`migrate`], with migrations from elsewhere.
///
/// # Errors
/// [`OpenError`]; the database is as it was then.
pub fn migrate_from(
    path: &Path,
    source: &impl MigrationSource<Sqlite>,
) -> Result<Vec<String>, OpenError> {
    let migrations = load(source)?;
    connection::create(path)?;
    let mut connection = connection::open(path, PATIENCE, Purpose::Write)?;
    connection
        .exclusive_transaction(|connection| apply(connection, &migrations))
        .map_err(|error| error.of(path))
}

/// Applies what is missing, inside the lock of the caller's transaction; returns the names.
pub(super) fn apply<DB: Backend>(
    connection: &mut impl MigrationHarness<DB>,
    migrations: &Migrations<DB>,
) -> Result<Vec<String>, OpenError> {
    let failed =
        |error: Box<dyn std::error::Error + Send + Sync>| OpenError::Migration(error.to_string());
    // Makes the runner create its table, too.
    let applied = connection.applied_migrations().map_err(failed)?;
    let applied = Applied {
        versions: applied.iter().map(ToString::to_string).collect(),
        compatible: Vec::new(), // With one that it does not know in between, nobody can say what its own would do.
    };
    let known: Vec<String> = migrations.iter().map(|one| version(one.as_ref())).collect();
    applied.check_known(&known)?;
    let missing = migrations
        .iter()
        .zip(known)
        .filter(|(_, version)| !applied.versions.contains(version));
    missing
        .map(|(migration, _)| {
            connection.run_migration(migration).map_err(failed)?;
            Ok(migration.name().to_string())
        })
        .collect()
}

/// Whether nothing was ever migrated: there is no file, or a database without Flagstaff's tables.
pub(super) fn is_new(location: &Location) -> Result<bool, OpenError> {
    if matches!(location, Location::Sqlite(path) if !path.exists()) {
        return Ok(true);
    }
    let mut connection = pool::open(location, PATIENCE, Purpose::Read)?;
    Ok(applied_to(&mut connection)?.versions.is_empty())
}

/// An empty database in memory, with the schema that the migrations make: what another one is compared with.
pub(super) fn in_memory() -> Result<SqliteConnection, OpenError> {
    let mut connection = SqliteConnection::establish(":memory:")
        .map_err(|error| OpenError::File(format!("cannot open a database in memory: {error}")))?;
    apply(&mut connection, &load(&SQLITE)?)?;
    Ok(connection)
}

/// The names of migrations that are not applied to the database, all of them where there is no database.
///
/// # Errors
/// [`OpenError`] when the database cannot be read or is newer than this program.
pub fn pending(location: impl Into<Location>) -> Result<Vec<String>, OpenError> {
    pending_at(&location.into())
}

fn pending_at(location: &Location) -> Result<Vec<String>, OpenError> {
    let file = location.file();
    if file.is_some_and(|path| !path.exists()) {
        return Ok(names(&load::<Sqlite>(&SQLITE)?));
    }
    let pending = pool::open(location, PATIENCE, Purpose::Read)
        .and_then(|mut connection| pending_in(&mut connection));
    pending.map_err(|error| match file {
        Some(path) => error.of(path),
        None => error,
    })
}

/// Refuses a schema that lacks what this program needs, or that it cannot work beside.
pub(super) fn check_current(connection: &mut DbConnection) -> Result<(), OpenError> {
    refuse(pending_in(connection)?)
}

/// Refuses a schema that is not exactly this program's, also one that it could work beside.
pub(super) fn check_exact(connection: &mut DbConnection) -> Result<(), OpenError> {
    let applied = Applied {
        compatible: Vec::new(),
        ..applied_to(connection)?
    };
    refuse(missing_in(connection, &applied)?)
}

fn refuse(missing: Vec<String>) -> Result<(), OpenError> {
    if missing.is_empty() {
        Ok(())
    } else {
        Err(OpenError::Outdated(missing))
    }
}

pub(super) fn pending_in(connection: &mut DbConnection) -> Result<Vec<String>, OpenError> {
    let applied = applied_to(connection)?;
    missing_in(connection, &applied)
}

fn missing_in(connection: &DbConnection, applied: &Applied) -> Result<Vec<String>, OpenError> {
    match connection {
        DbConnection::Sqlite(_) => missing(applied, &load::<Sqlite>(&SQLITE)?),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(_) => missing(applied, &load::<Pg>(&super::postgres::MIGRATIONS)?),
    }
}

fn missing<DB: Backend>(
    applied: &Applied,
    migrations: &Migrations<DB>,
) -> Result<Vec<String>, OpenError> {
    let known: Vec<String> = migrations.iter().map(|one| version(one.as_ref())).collect();
    applied.check_known(&known)?;
    let pairs = names(migrations).into_iter().zip(known);
    let missing = pairs.filter(|(_, version)| !applied.versions.contains(version));
    Ok(missing.map(|(name, _)| name).collect())
}

/// The migrations that a database says were applied to it.
#[derive(Default)]
struct Applied {
    versions: Vec<String>,
    /// Those that a program which does not know them can work beside.
    compatible: Vec<String>,
}

impl Applied {
    fn check_known(&self, known: &[String]) -> Result<(), OpenError> {
        let known: HashSet<&String> = known.iter().chain(&self.compatible).collect();
        let unknown: Vec<String> = self
            .versions
            .iter()
            .filter(|version| !known.contains(version))
            .cloned()
            .collect();
        if unknown.is_empty() {
            Ok(())
        } else {
            Err(OpenError::Newer(unknown))
        }
    }
}

fn names<DB: Backend>(migrations: &Migrations<DB>) -> Vec<String> {
    migrations
        .iter()
        .map(|one| one.name().to_string())
        .collect()
}

fn version<DB: Backend>(migration: &dyn Migration<DB>) -> String {
    migration.name().version().to_string()
}

/// The migrations, oldest first.
pub(super) fn load<DB: Backend>(
    source: &impl MigrationSource<DB>,
) -> Result<Migrations<DB>, OpenError> {
    let mut migrations = source
        .migrations()
        .map_err(|error| OpenError::Migration(error.to_string()))?;
    migrations.sort_by_key(|one| version(one.as_ref()));
    Ok(migrations)
}

fn applied_to(connection: &mut DbConnection) -> QueryResult<Applied> {
    let mut found = Applied::default();
    if has_table(connection, "__diesel_schema_migrations")? {
        found.versions = applied::table
            .select(applied::version)
            .order(applied::version)
            .load(connection)?;
    }
    if has_table(connection, "compatible_migrations")? {
        found.compatible = compatible::table
            .select(compatible::version)
            .load(connection)?;
    }
    Ok(found)
}

fn has_table(connection: &mut DbConnection, table: &str) -> QueryResult<bool> {
    diesel::table! {
        sqlite_master (name) {
            name -> Text,
        }
    }
    match connection {
        DbConnection::Sqlite(connection) => sqlite_master::table
            .filter(sqlite_master::name.eq(table))
            .count()
            .get_result(connection)
            .map(|found: i64| found > 0),
        #[cfg(feature = "postgres")]
        DbConnection::Postgres(connection) => super::postgres::has_table(connection, table),
    }
}
