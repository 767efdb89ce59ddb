//! The one writer under stress: many threads, many processes' worth of databases, refusals, panics, locks, shutdown.
//!
//! Nothing here measures time: a test waits for what it needs to happen, and asserts what is stored.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/samples.rs"]
mod samples;
#[path = "support/scratch.rs"]
mod scratch;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use diesel::connection::SimpleConnection;
use flagstaff_domain::changes::{ChangeLog, ChangeQuery, Direction};
use flagstaff_domain::flags::{FlagError, FlagRepository, FlagValue};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::storage::{StorageError, StorageMonitor};
use flagstaff_domain::write::Precondition;
use flagstaff_infra::changes::DieselChangeLog;
use flagstaff_infra::db::{Db, DbConnection, DbOptions, WorkError};
use flagstaff_infra::flags::DieselFlagRepository;

use samples::*;
use scratch::{Scratch, number, texts};

type Done = Result<(), WorkError<StorageError>>;

/// A database with a table of its own for units of work that concern no record.
fn with_notes() -> Scratch {
    let scratch = Scratch::migrated();
    scratch
        .raw()
        .batch_execute("CREATE TABLE notes (note TEXT NOT NULL UNIQUE) STRICT")
        .unwrap();
    scratch
}

fn note(connection: &mut DbConnection, note: &str) -> Done {
    connection.batch_execute(&format!("INSERT INTO notes VALUES ('{note}')"))?;
    Ok(())
}

fn write_note(db: &Db, text: &'static str) -> Result<(), StorageError> {
    db.write(move |connection| note(connection, text))
}

fn notes(scratch: &Scratch) -> Vec<String> {
    texts(
        &mut scratch.raw(),
        "SELECT note AS answer FROM notes ORDER BY note",
    )
}

/// A unit of work that keeps the writer busy until it is let go.
struct Gate {
    open: Sender<()>,
    unit: JoinHandle<Result<(), StorageError>>,
}

impl Gate {
    fn shut(db: &Db) -> Self {
        let (open, opened) = channel();
        let (enter, entered) = channel();
        let db = db.clone();
        let unit = thread::spawn(move || {
            db.write(move |_| {
                enter.send(()).unwrap();
                opened.recv().unwrap();
                Done::Ok(())
            })
        });
        entered.recv().unwrap();
        Self { open, unit }
    }

    fn open(self) {
        self.open.send(()).unwrap();
        self.unit.join().unwrap().unwrap();
    }
}

/// Runs units of work that were waiting together, so that they share a commit, and returns how each ended.
fn together(units: &[fn(&mut DbConnection) -> Done]) -> (Scratch, Vec<Result<(), StorageError>>) {
    // A unit counts as waiting a moment before it is in the queue, so that one may miss the others' commit: again then.
    for _ in 0..100 {
        let scratch = with_notes();
        let db = scratch.open();
        let commits = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&commits);
        db.on_commit(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            Ok(())
        });
        let gate = Gate::shut(&db);
        let threads: Vec<_> = units
            .iter()
            .map(|&unit| {
                let db = db.clone();
                thread::spawn(move || db.write(unit))
            })
            .collect();
        while db.usage().writes_waiting < units.len() as u64 {
            thread::yield_now();
        }
        gate.open();
        let results = threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect();
        if commits.load(Ordering::SeqCst) == 1 {
            return (scratch, results);
        }
    }
    panic!("the units never shared a commit");
}

#[test]
fn a_refused_unit_leaves_the_others_work() {
    let (scratch, results) = together(&[
        |connection| note(connection, "first"),
        |connection| {
            note(connection, "refused")?;
            Err(WorkError::Refused(StorageError::failed("a reason")))
        },
        |connection| {
            note(connection, "twice")?;
            note(connection, "twice")
        },
        |connection| note(connection, "last"),
    ]);
    assert!(results[0].is_ok() && results[3].is_ok());
    assert!(
        matches!(&results[1], Err(StorageError::Failed(cause)) if cause.to_string() == "a reason")
    );
    assert!(
        matches!(&results[2], Err(StorageError::Failed(cause)) if cause.to_string().contains("UNIQUE"))
    );
    assert_eq!(notes(&scratch), ["first", "last"]);
}

#[test]
fn a_panicking_unit_is_an_error_for_its_caller_alone() {
    let (scratch, results) = together(&[
        |connection| note(connection, "first"),
        |connection| {
            note(connection, "undone")?;
            panic!("this unit of work is meant to panic")
        },
        |connection| note(connection, "last"),
    ]);
    assert!(results[0].is_ok() && results[2].is_ok());
    assert!(matches!(results[1], Err(StorageError::Failed(_))));
    assert_eq!(notes(&scratch), ["first", "last"]);
}

#[test]
fn the_writer_goes_on_after_a_panic() {
    let scratch = with_notes();
    let db = scratch.open();
    for _ in 0..3 {
        let panicked: Result<(), StorageError> = db.write(|connection| {
            note(connection, "undone")?;
            panic!("this unit of work is meant to panic")
        });
        assert!(matches!(panicked, Err(StorageError::Failed(_))));
    }
    write_note(&db, "done").unwrap();
    assert_eq!(notes(&scratch), ["done"]);
}

#[test]
fn preconditions_lose_no_update_among_8_threads() {
    const THREADS: usize = 8;
    const WRITES: usize = 15;
    let scratch = Scratch::migrated();
    let flags = DieselFlagRepository::new(scratch.open());
    flags
        .create_environment(&new_environment("production"), &seeds(), &stamp())
        .unwrap();
    let zero = FlagValue::Integer(0);
    let counter = flagstaff_domain::flags::CreateFeature {
        initial_value: zero,
        ..new_feature("counter")
    };
    flags.create_feature(&counter, &seeds(), &stamp()).unwrap();
    let (environment, feature) = (environment_name("production"), feature_name("counter"));
    let add_one = || {
        loop {
            let flag = flags.get_flag(&environment, &feature).unwrap();
            let FlagValue::Integer(value) = flag.value else {
                panic!("{:?} is no number", flag.value)
            };
            let seen = Precondition::OneOf(vec![flag.version]);
            let change = set_value(FlagValue::Integer(value + 1));
            match flags.change_flag(&environment, &feature, &change, &seen, &stamp()) {
                Ok(_) => return,
                Err(FlagError::VersionMismatch(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..WRITES).for_each(|_| add_one()));
        }
    });
    let value = flags.get_flag(&environment, &feature).unwrap().value;
    assert_eq!(
        value,
        FlagValue::Integer(i64::try_from(THREADS * WRITES).unwrap())
    );
}

#[test]
fn databases_opened_apart_write_one_chain_of_changes() {
    const DATABASES: i64 = 4;
    const WRITES: i64 = 40;
    let scratch = Scratch::migrated();
    let open = || Db::open(&DbOptions::command(scratch.path())).unwrap();
    let flags = DieselFlagRepository::new(open());
    flags
        .create_environment(&new_environment("production"), &seeds(), &stamp())
        .unwrap();
    flags
        .create_feature(&new_feature("contended"), &seeds(), &stamp())
        .unwrap();
    thread::scope(|scope| {
        for number in 0..DATABASES {
            let flags = DieselFlagRepository::new(open());
            scope.spawn(move || {
                let (environment, feature) =
                    (environment_name("production"), feature_name("contended"));
                for turn in 0..WRITES {
                    let change = set_value(FlagValue::Integer(number * WRITES + turn));
                    flags
                        .change_flag(
                            &environment,
                            &feature,
                            &change,
                            &Precondition::Any,
                            &stamp(),
                        )
                        .unwrap();
                }
            });
        }
    });
    let query = ChangeQuery {
        direction: Direction::OldestFirst(Seq(2)),
        limit: 1_000,
        context: None,
        subject: None,
        actor: None,
        environment: None,
    };
    let changes = DieselChangeLog::new(open()).list(&query).unwrap().items;
    let seqs: Vec<i64> = changes.iter().map(|change| change.seq.0).collect();
    assert_eq!(seqs, (3..3 + DATABASES * WRITES).collect::<Vec<_>>());
    // Each change began from what the one before it had left.
    assert!(
        changes
            .windows(2)
            .all(|pair| pair[0].after == pair[1].before)
    );
    let written: HashSet<_> = changes
        .iter()
        .map(|change| change.after.as_ref().unwrap().as_str())
        .collect();
    assert_eq!(written.len(), changes.len());
}

#[test]
fn a_write_more_than_the_queue_holds_is_refused_at_once() {
    let scratch = with_notes();
    let db = Db::open(&DbOptions::serving(scratch.path(), 1, 2)).unwrap();
    let gate = Gate::shut(&db);
    let (answer, answers) = channel();
    for text in ["one", "two", "three"] {
        let (db, answer) = (db.clone(), answer.clone());
        thread::spawn(move || answer.send((text, write_note(&db, text))).unwrap());
    }
    // While the writer is busy, an answer can only be a refusal.
    let (refused, error) = answers.recv().unwrap();
    assert!(
        matches!(error, Err(StorageError::Unavailable(_))),
        "{error:?}"
    );
    assert_eq!(db.usage().writes_waiting_max, 2);
    gate.open();
    let mut stored: Vec<_> = answers
        .iter()
        .take(2)
        .map(|(text, result)| {
            result.unwrap();
            text
        })
        .collect();
    stored.sort_unstable();
    assert_eq!(notes(&scratch), stored);
    assert!(!stored.contains(&refused));
    assert_eq!(db.usage().writes_waiting, 0);
    write_note(&db, refused).unwrap();
}

#[test]
fn what_follows_a_commit_runs_before_the_answer_and_sees_what_was_written() {
    let scratch = with_notes();
    let db = scratch.open();
    let seen = Arc::new(AtomicUsize::new(0));
    let (path, counted) = (scratch.path(), Arc::clone(&seen));
    db.on_commit(move || {
        let stored = number(
            &mut scratch::raw(&path),
            "SELECT count(*) AS answer FROM notes",
        );
        counted.store(usize::try_from(stored).unwrap(), Ordering::SeqCst);
        Ok(())
    });
    for (text, stored) in [("one", 1), ("two", 2), ("three", 3)] {
        write_note(&db, text).unwrap();
        assert_eq!(seen.load(Ordering::SeqCst), stored);
    }
}

#[test]
fn nothing_follows_a_unit_that_was_refused() {
    let scratch = with_notes();
    let db = scratch.open();
    let followed = Arc::new(AtomicBool::new(false));
    let follow = Arc::clone(&followed);
    db.on_commit(move || {
        follow.store(true, Ordering::SeqCst);
        Ok(())
    });
    let refused: Result<(), StorageError> =
        db.write(|_| Err(WorkError::Refused(StorageError::failed("a reason"))));
    assert!(refused.is_err());
    assert!(!followed.load(Ordering::SeqCst));
}

#[test]
fn a_change_that_cannot_be_served_yet_is_stored_and_its_answer_in_doubt() {
    let scratch = with_notes();
    let db = scratch.open();
    let turn = AtomicUsize::new(0);
    db.on_commit(move || match turn.fetch_add(1, Ordering::SeqCst) {
        0 => Err(StorageError::failed("a reason")),
        1 => panic!("this callback is meant to panic"),
        _ => Ok(()),
    });
    for text in ["failed", "panicked"] {
        let answer = write_note(&db, text);
        assert!(
            matches!(answer, Err(StorageError::InDoubt(_))),
            "{answer:?}"
        );
    }
    write_note(&db, "served").unwrap();
    assert_eq!(notes(&scratch), ["failed", "panicked", "served"]);
}

#[test]
fn while_another_process_writes_writes_are_unavailable_and_reads_go_on() {
    let scratch = with_notes();
    let options = DbOptions {
        busy: Duration::from_millis(200),
        ..DbOptions::serving(scratch.path(), 1, 16)
    };
    let db = Db::open(&options).unwrap();
    write_note(&db, "before").unwrap();
    let mut other = scratch.raw();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    for text in ["one", "two"] {
        let answer = write_note(&db, text);
        assert!(
            matches!(answer, Err(StorageError::Unavailable(_))),
            "{answer:?}"
        );
        let read: Result<i64, StorageError> =
            db.read(|connection| Ok(number(connection, "SELECT count(*) AS answer FROM notes")));
        assert_eq!(read.unwrap(), 1);
    }
    other.batch_execute("ROLLBACK").unwrap();
    write_note(&db, "after").unwrap();
    assert_eq!(notes(&scratch), ["after", "before"]);
}

#[test]
fn dropping_the_database_finishes_what_is_queued() {
    let scratch = with_notes();
    let db = Db::open(&DbOptions::serving(scratch.path(), 1, 16)).unwrap();
    let gate = Gate::shut(&db);
    let threads = ["one", "two", "three"].map(|text| {
        let db = db.clone();
        thread::spawn(move || write_note(&db, text))
    });
    while db.usage().writes_waiting < 3 {
        thread::yield_now();
    }
    drop(db);
    gate.open();
    for thread in threads {
        thread.join().unwrap().unwrap();
    }
    // With its last connection SQLite takes the log away: the writer has ended.
    let log = scratch.folder().join("flagstaff.db-wal");
    assert!(!log.exists());
    assert_eq!(notes(&scratch), ["one", "three", "two"]);
}

#[test]
fn a_database_that_went_away_is_unavailable_until_it_is_back_and_none_takes_its_place() {
    let scratch = with_notes();
    let db = scratch.open();
    write_note(&db, "before").unwrap();
    let away = scratch.folder().join("away.db");
    std::fs::rename(scratch.path(), &away).unwrap();
    let write = write_note(&db, "lost");
    let read: Result<(), StorageError> = db.read(|_| Ok(()));
    assert!(
        matches!(write, Err(StorageError::Unavailable(_))),
        "{write:?}"
    );
    assert!(
        matches!(read, Err(StorageError::Unavailable(_))),
        "{read:?}"
    );
    assert!(!scratch.path().exists());

    std::fs::rename(&away, scratch.path()).unwrap();
    write_note(&db, "back").unwrap();
    assert_eq!(notes(&scratch), ["back", "before"]);
}

#[test]
fn nothing_is_written_past_a_file_that_was_replaced() {
    let scratch = with_notes();
    let db = scratch.open();
    let copy = scratch.folder().join("copy.db");
    flagstaff_infra::db::backup::backup(&scratch.path(), &copy).unwrap();
    std::fs::rename(&copy, scratch.path()).unwrap();
    let write = write_note(&db, "lost");
    assert!(
        matches!(write, Err(StorageError::Unavailable(_))),
        "{write:?}"
    );
}
