//! Migrations: from nothing, again, down and up, by many processes together, killed half-way, and from the future.
//!
//! Where a test needs processes it runs this test binary again, with a variable that tells the child what to do.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking, and a child tells its parent what it did"
)]

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::migration::{
    Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion,
};
use diesel::prelude::*;
use diesel::sqlite::{Sqlite, SqliteConnection};
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use flagstaff_domain::access::{AccountRepository, NewAccount, PasswordHash, Role, Username};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::write::Stamp;
use flagstaff_infra::access::DieselAccountRepository;
use flagstaff_infra::db::migrate::{migrate, migrate_from, pending};
use flagstaff_infra::db::{Db, DbOptions, OpenError};
use tempfile::TempDir;

#[path = "support/older.rs"]
mod older;
use older::{OLD_FLAGS, each_has_its_own};

const PROCESSES: usize = 8;
const ROUNDS: usize = 50;
/// Tells a child which database to work on.
const CHILD: &str = "FLAGSTAFF_TEST_DATABASE";

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("flagstaff.db");
    (folder, path)
}

fn raw(path: &Path) -> SqliteConnection {
    SqliteConnection::establish(path.to_str().unwrap()).unwrap()
}

/// The texts that a query calls "sql".
fn rows(connection: &mut SqliteConnection, query: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Text)]
        sql: String,
    }
    let rows = diesel::sql_query(query).load::<Row>(connection).unwrap();
    rows.into_iter().map(|one| one.sql).collect()
}

/// Every table, index and trigger with its definition.
fn schema(path: &Path) -> Vec<String> {
    rows(
        &mut raw(path),
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%' ORDER BY name",
    )
}

/// Runs one test of this binary in a process of its own.
fn child(test: &str, database: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, database)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn childs_database() -> Option<PathBuf> {
    std::env::var_os(CHILD).map(PathBuf::from)
}

#[test]
fn a_database_is_made_from_nothing_once() {
    let (_folder, path) = folder();
    let all = pending(&path).unwrap();
    assert!(!all.is_empty());
    assert_eq!(migrate(&path).unwrap(), all);
    assert_eq!(migrate(&path).unwrap(), [""; 0]);
    assert_eq!(pending(&path).unwrap(), [""; 0]);
    Db::open(&DbOptions::command(path)).unwrap();
}

#[test]
fn a_database_is_made_in_folders_that_are_missing() {
    let (folder, _) = folder();
    let path = folder.path().join("one/two/three/flagstaff.db");
    migrate(&path).unwrap();
    Db::open(&DbOptions::command(path)).unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    assert!(matches!(
        migrate(file.join("flagstaff.db")),
        Err(OpenError::File(_))
    ));
}

#[test]
fn a_database_that_is_not_migrated_is_not_opened() {
    let (_folder, path) = folder();
    raw(&path)
        .batch_execute("CREATE TABLE other (id INTEGER)")
        .unwrap();
    assert!(matches!(
        Db::open(&DbOptions::command(path)),
        Err(OpenError::Outdated(missing)) if !missing.is_empty()
    ));
}

#[test]
fn a_schema_from_the_future_is_refused_and_left_alone() {
    let (_folder, path) = folder();
    migrate(&path).unwrap();
    raw(&path)
        .batch_execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')")
        .unwrap();
    let before = schema(&path);
    let newer = |error: &OpenError| matches!(error, OpenError::Newer(unknown) if unknown == &["29990101000000"]);
    assert!(newer(&migrate(&path).unwrap_err()));
    assert!(newer(&pending(&path).unwrap_err()));
    let error = Db::open(&DbOptions::command(path.clone())).unwrap_err();
    assert!(newer(&error));
    assert!(error.to_string().contains("newer Flagstaff"), "{error}");
    assert_eq!(schema(&path), before);

    // Unless it says that who does not know it can work beside it.
    raw(&path)
        .batch_execute("INSERT INTO compatible_migrations (version) VALUES ('29990101000000')")
        .unwrap();
    assert_eq!(migrate(&path).unwrap(), [""; 0]);
    Db::open(&DbOptions::command(path.clone())).unwrap();
}

#[test]
fn down_and_up_again_gives_the_same_schema() {
    let (_folder, path) = folder();
    migrate(&path).unwrap();
    let before = schema(&path);
    let files = FileBasedMigrations::from_path(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite"),
    )
    .unwrap();
    raw(&path).revert_all_migrations(files).unwrap();
    assert_eq!(schema(&path).len(), 1, "only the runner's own table stays");
    migrate(&path).unwrap();
    assert_eq!(schema(&path), before);
}

#[test]
fn flags_of_an_older_schema_get_seeds_and_environments_hash_keys_each_its_own() {
    let (_folder, path) = folder();
    migrate(&path).unwrap();
    let files = FileBasedMigrations::from_path(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite"),
    )
    .unwrap();
    let mut all: Vec<Box<dyn Migration<Sqlite>>> = files.migrations().unwrap();
    all.retain(|one| one.name().to_string().ends_with("_variants"));
    let mut old = raw(&path);
    old.revert_migration(&all.pop().unwrap()).unwrap();
    old.batch_execute(OLD_FLAGS).unwrap();
    drop(old);

    migrate(&path).unwrap();
    Db::open(&DbOptions::command(path.clone())).unwrap();
    each_has_its_own(
        &rows(&mut raw(&path), "SELECT seed AS sql FROM flags"),
        &rows(&mut raw(&path), "SELECT hash_key AS sql FROM environments"),
    );
}

#[test]
fn the_keys_of_an_older_schema_stay_as_they_were_and_no_id_is_given_again() {
    let (_folder, path) = folder();
    migrate(&path).unwrap();
    let files = FileBasedMigrations::from_path(
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/sqlite"),
    )
    .unwrap();
    let mut all: Vec<Box<dyn Migration<Sqlite>>> = files.migrations().unwrap();
    all.retain(|one| one.name().to_string().contains("guid_register"));
    let register = all.pop().unwrap();
    let mut old = raw(&path);
    old.batch_execute("PRAGMA foreign_keys = ON").unwrap();
    old.revert_migration(&register).unwrap();
    old.batch_execute(
        "INSERT INTO environments (id, name, name_folded, description, created_at, revision, revised_at, version)
         VALUES (4, 'production', 'production', '', 1, 1, 1, 1);
         INSERT INTO environment_keys VALUES
             (7, 4, 'web', 'client', 'sha256:one', 'a-client-key', 11, 12, 13),
             (9, 4, 'last', 'server', 'sha256:two', NULL, 21, NULL, 23);
         DELETE FROM environment_keys WHERE id = 9;",
    )
    .unwrap();
    drop(old);

    migrate(&path).unwrap();
    let mut new = raw(&path);
    new.batch_execute(
        "PRAGMA foreign_keys = ON;
         INSERT INTO environment_keys (\"user\", kind, digest, created_at, expires_at, version)
         VALUES ('Jay Patel', 'client', 'sha256:three', 1, 2, 3);",
    )
    .unwrap();
    let keys = "SELECT concat_ws('|', id, environment_id, name, \"user\", kind, digest, text, created_at, expires_at, version)
                AS sql FROM environment_keys ORDER BY id";
    assert_eq!(
        rows(&mut new, keys),
        [
            "7|4|web|client|sha256:one|a-client-key|11|12|13",
            "10|Jay Patel|client|sha256:three|1|2|3"
        ]
    );
    new.batch_execute("DELETE FROM environments").unwrap();
    assert_eq!(
        rows(&mut new, keys).len(),
        1,
        "an environment's keys go with it"
    );
}

#[test]
fn every_migration_has_a_twin_for_each_backend() {
    let names = |backend: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../migrations")
            .join(backend);
        let mut names: Vec<_> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        names
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn a_child_comes_up() {
    let Some(path) = childs_database() else {
        return;
    };
    migrate(&path).unwrap();
    let db = Db::open(&DbOptions::serving(path, 2, 16)).unwrap();
    let account = NewAccount {
        username: Username::parse("admin").unwrap(),
        role: Role::Admin,
        password_hash: PasswordHash::new("a hash".to_owned()),
    };
    let stamp = Stamp {
        actor: Actor::System,
        at: Timestamp::from_micros(0).unwrap(),
    };
    let created = DieselAccountRepository::new(db)
        .create_first_account(&account, &stamp)
        .unwrap();
    println!("up, created={created}");
}

#[test]
fn eight_processes_that_start_together_all_come_up() {
    if childs_database().is_some() {
        return;
    }
    for round in 0..ROUNDS {
        let (_folder, path) = folder();
        let children: Vec<Child> = (0..PROCESSES)
            .map(|_| child("a_child_comes_up", &path))
            .collect();
        let said: Vec<String> = children
            .into_iter()
            .map(|child| {
                let output = child.wait_with_output().unwrap();
                String::from_utf8(output.stdout).unwrap()
            })
            .collect();
        let up = said
            .iter()
            .filter(|said| said.contains("up, created="))
            .count();
        assert_eq!(up, PROCESSES, "round {round}: {said:?}");
        let first = said
            .iter()
            .filter(|said| said.contains("created=true"))
            .count();
        assert_eq!(first, 1, "round {round}: one creates the administrator");
    }
}

/// A migration that does half of its work, says so, and waits to be killed.
struct Halfway;

struct HalfwayName;

impl std::fmt::Display for HalfwayName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("halfway")
    }
}

impl MigrationName for HalfwayName {
    fn version(&self) -> MigrationVersion<'_> {
        MigrationVersion::from("20000101000000")
    }
}

struct InTransaction;

impl MigrationMetadata for InTransaction {}

impl Migration<Sqlite> for Halfway {
    fn run(
        &self,
        connection: &mut dyn diesel::connection::BoxableConnection<Sqlite>,
    ) -> diesel::migration::Result<()> {
        connection.batch_execute("CREATE TABLE half (id INTEGER); INSERT INTO half VALUES (1);")?;
        println!("half-way");
        sleep(Duration::from_secs(60));
        Ok(())
    }

    fn revert(
        &self,
        _: &mut dyn diesel::connection::BoxableConnection<Sqlite>,
    ) -> diesel::migration::Result<()> {
        Ok(())
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        &InTransaction
    }

    fn name(&self) -> &dyn MigrationName {
        &HalfwayName
    }
}

struct Halfways;

impl MigrationSource<Sqlite> for Halfways {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Sqlite>>>> {
        Ok(vec![Box::new(Halfway)])
    }
}

#[test]
fn a_child_migrates_half_way() {
    if let Some(path) = childs_database() {
        migrate_from(&path, &Halfways).unwrap();
    }
}

#[test]
fn a_process_killed_between_two_statements_leaves_nothing_of_its_migration() {
    if childs_database().is_some() {
        return;
    }
    let (_folder, path) = folder();
    let mut killed = child("a_child_migrates_half_way", &path);
    let mut said = BufReader::new(killed.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("half-way")));
    killed.kill().unwrap();
    killed.wait().unwrap();

    migrate(&path).unwrap();
    Db::open(&DbOptions::command(path.clone())).unwrap();
    assert!(schema(&path).iter().all(|sql| !sql.contains("half")));
}
