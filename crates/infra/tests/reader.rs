//! Reads: of one moment throughout, unable to write, and never in one another's way after a failure.
//!
//! How many there may be, and that they go on while the database is locked, stands in `writer.rs`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/samples.rs"]
mod samples;
#[path = "support/scratch.rs"]
mod scratch;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use flagstaff_domain::flags::FlagRepository;
use flagstaff_domain::storage::{StorageError, StorageMonitor};
use flagstaff_infra::db::{Db, DbConnection, DbOptions, WorkError};
use flagstaff_infra::flags::DieselFlagRepository;

use samples::*;
use scratch::{Scratch, number};

type Read<T> = Result<T, StorageError>;

/// One reader, so that each read gets the connection that the one before it had.
fn one_reader(scratch: &Scratch) -> Db {
    Db::open(&DbOptions::serving(scratch.path(), 1, 16)).unwrap()
}

fn count(connection: &mut DbConnection) -> i64 {
    number(connection, "SELECT count(*) AS answer FROM environments")
}

fn create(db: &Db, name: &str) {
    let flags = DieselFlagRepository::new(db.clone());
    flags
        .create_environment(&new_environment(name), &seeds(), &stamp())
        .unwrap();
}

#[test]
fn a_read_sees_one_state_throughout() {
    let scratch = Scratch::migrated();
    let db = one_reader(&scratch);
    create(&db, "before");
    let counts: Read<_> = db.read(|connection| {
        let before = count(connection);
        create(&db, "meanwhile");
        Ok((before, count(connection)))
    });
    assert_eq!(counts.unwrap(), (1, 1));
    let after: Read<_> = db.read(|connection| Ok(count(connection)));
    assert_eq!(after.unwrap(), 2);
}

#[test]
fn a_read_cannot_write() {
    let scratch = Scratch::migrated();
    let db = one_reader(&scratch);
    create(&db, "production");
    let deletion = |connection: &mut DbConnection| {
        connection.batch_execute("DELETE FROM environments")?;
        Ok::<_, WorkError<StorageError>>(())
    };
    assert!(db.read(deletion).is_err());
    assert!(db.follow(deletion).is_err());
    let read: Read<_> = db.read(|connection| Ok(count(connection)));
    assert_eq!(read.unwrap(), 1);
}

#[test]
fn a_failed_or_panicking_read_leaves_nothing_behind() {
    let scratch = Scratch::migrated();
    let db = one_reader(&scratch);
    let refused: Read<()> = db.read(|_| Err(WorkError::Refused(StorageError::failed("a reason"))));
    assert!(matches!(refused, Err(StorageError::Failed(_))));
    let failed: Read<()> =
        db.read(|connection| Ok(connection.batch_execute("SELECT * FROM nowhere")?));
    assert!(matches!(failed, Err(StorageError::Failed(_))));
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        db.read(|connection| -> Result<(), WorkError<StorageError>> {
            count(connection);
            panic!("this read is meant to panic")
        })
    }));
    assert!(panicked.is_err());
    // The next read begins a transaction of its own and sees what was written since.
    create(&db, "production");
    let read: Read<_> = db.read(|connection| Ok(count(connection)));
    assert_eq!(read.unwrap(), 1);
    assert_eq!(db.usage().readers_busy, 0);
}

#[test]
fn the_log_is_followed_while_every_reader_is_busy() {
    let scratch = Scratch::migrated();
    let db = one_reader(&scratch);
    let answer: Read<_> = db.read(|_| {
        assert_eq!((db.usage().readers_busy, db.usage().readers_max), (1, 1));
        let another: Read<()> = db.read(|_| Ok(()));
        let followed: Read<()> = db.follow(|_| Ok(()));
        Ok((another.is_err(), followed.is_ok()))
    });
    assert_eq!(answer.unwrap(), (true, true));
}

#[test]
fn the_log_is_told_and_cut_back_once_a_long_reader_has_ended() {
    const KEPT: u64 = 16 << 20;
    let scratch = Scratch::migrated();
    scratch
        .raw()
        .batch_execute("CREATE TABLE notes (note TEXT NOT NULL) STRICT")
        .unwrap();
    let db = scratch.open();
    let mut reader = scratch.raw();
    reader.batch_execute("BEGIN").unwrap();
    number(&mut reader, "SELECT count(*) AS answer FROM notes");
    let big = |db: &Db, size: u64| -> Result<(), StorageError> {
        db.write(move |connection| {
            connection.batch_execute(&format!(
                "INSERT INTO notes VALUES (hex(randomblob({})))",
                size / 2
            ))?;
            Ok::<_, WorkError<StorageError>>(())
        })
    };
    big(&db, 20 << 20).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while db.usage().log_bytes <= Some(KEPT) {
        assert!(Instant::now() < deadline, "{:?}", db.usage());
        thread::sleep(Duration::from_millis(20));
    }
    drop(reader);
    while db.usage().log_bytes > Some(KEPT) {
        assert!(Instant::now() < deadline, "{:?}", db.usage());
        big(&db, 2).unwrap();
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn what_does_not_fit_into_memory_goes_to_no_other_folder() {
    let scratch = Scratch::migrated();
    let db = scratch.open();
    const IN_MEMORY: i64 = 2;
    let setting = |connection: &mut DbConnection| -> Result<i64, WorkError<StorageError>> {
        Ok(number(
            connection,
            "SELECT temp_store AS answer FROM pragma_temp_store",
        ))
    };
    assert_eq!(db.read(setting).unwrap(), IN_MEMORY);
    assert_eq!(db.write(setting).unwrap(), IN_MEMORY);
}
