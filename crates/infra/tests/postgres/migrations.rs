//! Migrations on PostgreSQL: from nothing, again, down and up, by many processes together, killed half-way, from the
//! future. `tests/migrations.rs` has the same for SQLite.

#![expect(clippy::print_stdout, reason = "a child tells its parent what it did")]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::connection::{BoxableConnection, SimpleConnection};
use diesel::migration::{
    Migration, MigrationMetadata, MigrationName, MigrationSource, MigrationVersion,
};
use diesel::pg::Pg;
use diesel_migrations::{FileBasedMigrations, MigrationHarness};
use flagstaff_domain::access::AccountRepository;
use flagstaff_infra::access::DieselAccountRepository;
use flagstaff_infra::db::migrate::{migrate, pending};
use flagstaff_infra::db::postgres::{PostgresUrl, migrate_from};
use flagstaff_infra::db::{Db, DbOptions, OpenError};

use crate::older::{OLD_FLAGS, each_has_its_own};
use crate::samples::{new_account, stamp};
use crate::scratch::{Scratch, number, texts};
use crate::server::Database;

const PROCESSES: usize = 8;
const ROUNDS: usize = 50;
/// Tells a child which database to work on.
const CHILD: &str = "FLAGSTAFF_TEST_DATABASE";

/// Every column, index, constraint, trigger and function with its definition.
fn schema(database: &Database) -> Vec<String> {
    texts(
        &mut database.raw(),
        "SELECT concat_ws(' ', table_name, column_name, data_type, is_nullable, collation_name, is_identity) AS answer
             FROM information_schema.columns WHERE table_schema = 'public'
         UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
         UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
             WHERE connamespace = 'public'::regnamespace
         UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
         UNION ALL SELECT pg_get_functiondef(oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
         ORDER BY 1",
    )
}

/// Runs one test of this binary in a process of its own.
fn child(test: &str, database: &Database) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, database.url().reveal())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

fn childs_database() -> Option<PostgresUrl> {
    let url = std::env::var(CHILD).ok()?;
    Some(PostgresUrl::parse(url).unwrap())
}

#[test]
fn a_database_is_made_from_nothing_once() {
    let database = Database::empty();
    let all = pending(database.url()).unwrap();
    assert!(!all.is_empty());
    assert!(matches!(
        Db::open(&DbOptions::command(database.url())),
        Err(OpenError::Outdated(missing)) if missing == all
    ));
    assert_eq!(migrate(database.url()).unwrap(), all);
    assert_eq!(migrate(database.url()).unwrap(), [""; 0]);
    assert_eq!(pending(database.url()).unwrap(), [""; 0]);
    Db::open(&DbOptions::command(database.url())).unwrap();
}

#[test]
fn a_schema_from_the_future_is_refused_and_left_alone() {
    let database = Database::migrated();
    let future = "INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')";
    database.raw().batch_execute(future).unwrap();
    let before = schema(&database);
    let newer = |error: &OpenError| matches!(error, OpenError::Newer(unknown) if unknown == &["29990101000000"]);
    assert!(newer(&migrate(database.url()).unwrap_err()));
    assert!(newer(&pending(database.url()).unwrap_err()));
    let options = DbOptions::command(database.url());
    assert!(newer(&Db::open(&options).unwrap_err()));
    assert_eq!(schema(&database), before);

    // Unless it says that who does not know it can work beside it.
    database
        .raw()
        .batch_execute("INSERT INTO compatible_migrations (version) VALUES ('29990101000000')")
        .unwrap();
    assert_eq!(migrate(database.url()).unwrap(), [""; 0]);
    Db::open(&DbOptions::command(database.url())).unwrap();
}

#[test]
fn down_and_up_again_gives_the_same_schema() {
    let database = Database::migrated();
    let before = schema(&database);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let files = FileBasedMigrations::from_path(folder).unwrap();
    database.raw().revert_all_migrations(files).unwrap();
    let left = schema(&database);
    assert!(
        left.iter()
            .all(|one| one.contains("__diesel_schema_migrations")),
        "only the runner's own table stays: {left:?}"
    );
    migrate(database.url()).unwrap();
    assert_eq!(schema(&database), before);
}

#[test]
fn flags_of_an_older_schema_get_seeds_and_environments_hash_keys_each_its_own() {
    let database = Database::migrated();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let files = FileBasedMigrations::from_path(folder).unwrap();
    let mut all: Vec<Box<dyn Migration<Pg>>> = files.migrations().unwrap();
    all.retain(|one| one.name().to_string().ends_with("_variants"));
    let mut old = database.raw();
    old.revert_migration(&all.pop().unwrap()).unwrap();
    old.batch_execute(OLD_FLAGS).unwrap();
    drop(old);

    migrate(database.url()).unwrap();
    each_has_its_own(
        &texts(&mut database.raw(), "SELECT seed AS answer FROM flags"),
        &texts(
            &mut database.raw(),
            "SELECT hash_key AS answer FROM environments",
        ),
    );
}

#[test]
fn a_database_that_cannot_hold_every_text_is_refused() {
    let database =
        Database::made("TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE_PROVIDER libc LOCALE 'C'");
    let error = migrate(database.url()).unwrap_err();
    assert!(error.to_string().contains("UTF8"), "{error}");
}

#[test]
fn twins_make_the_same_tables() {
    let sorted = |mut columns: Vec<String>| {
        columns.sort();
        columns
    };
    let here = texts(
        &mut Database::migrated().raw(),
        "SELECT table_name || '.' || column_name || ' ' || is_nullable AS answer FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name NOT LIKE '\\_\\_%'",
    );
    let there = texts(
        &mut Scratch::migrated().raw(),
        "SELECT t.name || '.' || c.name || iif(c.\"notnull\", ' NO', ' YES') AS answer
         FROM sqlite_master t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%' AND t.name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY answer",
    );
    assert!(!here.is_empty());
    assert_eq!(sorted(here), sorted(there));
}

#[test]
fn a_child_comes_up() {
    let Some(url) = childs_database() else {
        return;
    };
    migrate(url.clone()).unwrap();
    let db = Db::open(&DbOptions::serving(url, 2, 16)).unwrap();
    let created = DieselAccountRepository::new(db)
        .create_first_account(&new_account("admin"), &stamp())
        .unwrap();
    println!("up, created={created}");
}

#[test]
fn eight_processes_that_start_together_all_come_up() {
    if childs_database().is_some() {
        return;
    }
    for round in 0..ROUNDS {
        let database = Database::empty();
        let children: Vec<Child> = (0..PROCESSES)
            .map(|_| child("migrations::a_child_comes_up", &database))
            .collect();
        let said: Vec<String> = children
            .into_iter()
            .map(|child| String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
            .collect();
        let saying = |words: &str| said.iter().filter(|said| said.contains(words)).count();
        assert_eq!(saying("up, created="), PROCESSES, "round {round}: {said:?}");
        assert_eq!(
            saying("created=true"),
            1,
            "round {round}: one creates the administrator"
        );
    }
}

/// A migration that does half of its work, says so, and waits to be killed.
struct Halfway;

impl std::fmt::Display for Halfway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("halfway")
    }
}

impl MigrationName for Halfway {
    fn version(&self) -> MigrationVersion<'_> {
        MigrationVersion::from("20000101000000")
    }
}

impl MigrationMetadata for Halfway {}

impl Migration<Pg> for Halfway {
    fn run(&self, connection: &mut dyn BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        connection.batch_execute("CREATE TABLE half (id BIGINT); INSERT INTO half VALUES (1);")?;
        println!("half-way");
        sleep(Duration::from_secs(60));
        Ok(())
    }

    fn revert(&self, _: &mut dyn BoxableConnection<Pg>) -> diesel::migration::Result<()> {
        Ok(())
    }

    fn metadata(&self) -> &dyn MigrationMetadata {
        self
    }

    fn name(&self) -> &dyn MigrationName {
        self
    }
}

struct Halfways;

impl MigrationSource<Pg> for Halfways {
    fn migrations(&self) -> diesel::migration::Result<Vec<Box<dyn Migration<Pg>>>> {
        Ok(vec![Box::new(Halfway)])
    }
}

#[test]
fn a_child_migrates_half_way() {
    if let Some(url) = childs_database() {
        migrate_from(&url, &Halfways).unwrap();
    }
}

#[test]
fn a_process_killed_between_two_statements_leaves_nothing_of_its_migration() {
    if childs_database().is_some() {
        return;
    }
    let database = Database::empty();
    let mut killed = child("migrations::a_child_migrates_half_way", &database);
    let mut said = BufReader::new(killed.stdout.take().unwrap()).lines();
    assert!(said.any(|line| line.unwrap().contains("half-way")));
    killed.kill().unwrap();
    killed.wait().unwrap();

    migrate(database.url()).unwrap();
    Db::open(&DbOptions::command(database.url())).unwrap();
    let tables = "SELECT count(*) AS answer FROM pg_tables WHERE tablename = 'half'";
    assert_eq!(number(&mut database.raw(), tables), 0);
}

#[test]
fn a_migration_waits_for_the_one_that_runs() {
    let database = Database::empty();
    let mut other = database.raw();
    other
        .batch_execute("SELECT pg_advisory_lock(7380380986299933030)")
        .unwrap();
    let url = database.url();
    let waiting = std::thread::spawn(move || migrate(url).map(|applied| (applied, Instant::now())));
    sleep(Duration::from_millis(300));
    assert_eq!(
        number(
            &mut database.raw(),
            "SELECT count(*) AS answer FROM pg_tables WHERE schemaname = 'public'"
        ),
        0
    );
    let released = Instant::now();
    drop(other);
    let (applied, done) = waiting.join().unwrap().unwrap();
    assert!(!applied.is_empty() && done > released);
}
