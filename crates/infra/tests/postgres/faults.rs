//! PostgreSQL fails: what is told of it, and that the same handles work again once it is back.

use diesel::connection::SimpleConnection;
use flagstaff_domain::flags::{FlagError, FlagRepository};
use flagstaff_domain::storage::StorageError;
use flagstaff_infra::db::postgres::PostgresUrl;
use flagstaff_infra::db::{Db, DbConnection, DbOptions, OpenError, WorkError};
use flagstaff_infra::flags::DieselFlagRepository;

use crate::samples::*;
use crate::scratch::number;
use crate::server::{self, Database};

type Done = Result<(), StorageError>;

fn end_all_connections(database: &Database) {
    let name = database.name();
    let end = format!(
        "SELECT count(pg_terminate_backend(pid)) AS answer FROM pg_stat_activity
         WHERE datname = '{name}' AND pid <> pg_backend_pid()"
    );
    number(&mut database.raw(), &end);
}

#[test]
fn connections_that_the_server_ended_are_replaced_without_a_failed_call() {
    let database = Database::migrated();
    let db = database.open();
    let flags = DieselFlagRepository::new(db.clone());
    for name in ["one", "two", "three"] {
        flags
            .create_environment(&new_environment(name), &seeds(), &stamp())
            .unwrap();
        flags.get_environment(&environment_name(name)).unwrap();
        end_all_connections(&database);
    }
    flags.get_environment(&environment_name("three")).unwrap();
    let followed: Done = db.follow(|_| Ok(()));
    followed.unwrap();
}

#[test]
fn a_connection_that_breaks_in_the_midst_of_a_write_leaves_nothing() {
    let database = Database::migrated();
    let db = database.open();
    let ended: Done = db.write(|connection| {
        connection.batch_execute(
            "INSERT INTO environments (name, name_folded, description, created_at, revision, revised_at, version)
             VALUES ('x', 'x', '', 0, 0, 0, 0)",
        )?;
        connection.batch_execute("SELECT pg_terminate_backend(pg_backend_pid())")?;
        Ok::<_, WorkError<StorageError>>(())
    });
    assert!(
        matches!(ended, Err(StorageError::Unavailable(_))),
        "{ended:?}"
    );
    let count = "SELECT count(*) AS answer FROM environments";
    assert_eq!(number(&mut database.raw(), count), 0);
    let next: Done = db.write(|_| Ok::<_, WorkError<StorageError>>(()));
    next.unwrap();
}

#[test]
fn a_connection_that_breaks_in_its_commit_leaves_the_write_in_doubt() {
    let database = Database::migrated();
    let db = database.open();
    // What is deferred runs within the commit.
    database
        .raw()
        .batch_execute(
            "CREATE FUNCTION end_it() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER ends AFTER INSERT ON environments
             DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION end_it()",
        )
        .unwrap();
    let flags = DieselFlagRepository::new(db);
    let doubtful = flags.create_environment(&new_environment("production"), &seeds(), &stamp());
    assert!(
        matches!(doubtful, Err(FlagError::Storage(StorageError::InDoubt(_)))),
        "{doubtful:?}"
    );
    database
        .raw()
        .batch_execute("DROP TRIGGER ends ON environments")
        .unwrap();
    flags
        .create_environment(&new_environment("production"), &seeds(), &stamp())
        .unwrap();
}

#[test]
fn a_held_counter_refuses_writers_within_their_patience_and_readers_go_on() {
    let database = Database::migrated();
    let db = Db::open(&DbOptions {
        busy: std::time::Duration::from_millis(200),
        ..DbOptions::serving(database.url(), 2, 16)
    })
    .unwrap();
    let mut holder = database.raw();
    holder
        .batch_execute("BEGIN; SELECT seq FROM log_head FOR UPDATE")
        .unwrap();
    let flags = DieselFlagRepository::new(db.clone());
    let refused = flags.create_environment(&new_environment("production"), &seeds(), &stamp());
    assert!(
        matches!(
            refused,
            Err(FlagError::Storage(StorageError::Unavailable(_)))
        ),
        "{refused:?}"
    );
    let read: Done = db.read(|_| Ok(()));
    read.unwrap();
    holder.batch_execute("ROLLBACK").unwrap();
    flags
        .create_environment(&new_environment("production"), &seeds(), &stamp())
        .unwrap();
}

#[test]
fn a_read_cannot_write_and_sees_one_state_throughout() {
    let database = Database::migrated();
    let db = database.open();
    let flags = DieselFlagRepository::new(db.clone());
    let count = |connection: &mut DbConnection| {
        number(connection, "SELECT count(*) AS answer FROM environments")
    };
    let counts: Result<_, StorageError> = db.read(|connection| {
        let before = count(connection);
        flags
            .create_environment(&new_environment("production"), &seeds(), &stamp())
            .unwrap();
        Ok((before, count(connection)))
    });
    assert_eq!(counts.unwrap(), (0, 0));
    let written: Done = db.read(|connection| {
        connection.batch_execute("DELETE FROM environments")?;
        Ok(())
    });
    assert!(written.is_err());
    let after: Result<_, StorageError> = db.read(|connection| Ok(count(connection)));
    assert_eq!(after.unwrap(), 1);
}

#[test]
fn a_server_that_is_not_there_is_told_without_the_password() {
    let directory = server::directory();
    for url in [
        format!("postgres://ada:hush@/nowhere?host={directory}"),
        "postgres://ada:hush@127.0.0.1:1/nowhere".to_owned(),
        format!("postgres://flagstaff@/nowhere?host={directory}&password=hush"),
    ] {
        let error = Db::open(&DbOptions::command(PostgresUrl::parse(url).unwrap())).unwrap_err();
        assert!(
            matches!(error, OpenError::Database(StorageError::Unavailable(_))),
            "{error:?}"
        );
        let (shown, debugged) = (error.to_string(), format!("{error:?}"));
        assert!(shown.contains("cannot connect to postgres://"), "{shown}");
        assert!(
            !shown.contains("hush") && !debugged.contains("hush"),
            "{shown}"
        );
    }
}
