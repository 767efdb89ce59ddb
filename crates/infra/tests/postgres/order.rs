//! The log's order: several instances write at the same time, and whoever follows the log misses and reorders nothing.

use std::collections::BTreeMap;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use flagstaff_domain::access::AccountRepository;
use flagstaff_domain::changes::{Change, ChangeLog, ChangeQuery, Direction};
use flagstaff_domain::flags::FlagRepository;
use flagstaff_domain::ids::Seq;
use flagstaff_domain::write::Precondition;
use flagstaff_infra::access::DieselAccountRepository;
use flagstaff_infra::changes::DieselChangeLog;
use flagstaff_infra::db::Db;
use flagstaff_infra::flags::DieselFlagRepository;

use crate::samples::*;
use crate::scratch::number;
use crate::server::Database;

const INSTANCES: usize = 3;
const WRITERS: usize = 16;
const WRITES: usize = 60;

/// Every change that a reader has seen after a position, oldest first.
fn after(log: &DieselChangeLog, seq: Seq) -> Vec<Change> {
    let query = ChangeQuery {
        direction: Direction::OldestFirst(seq),
        limit: 7,
        context: None,
        subject: None,
        actor: None,
        environment: None,
    };
    log.list(&query).unwrap().items
}

/// Follows the log until it has stopped and all of it was read.
fn tail(db: &Db, stopped: &AtomicBool) -> Vec<Change> {
    let log = DieselChangeLog::new(db.clone());
    let mut seen: Vec<Change> = Vec::new();
    loop {
        let last_look = stopped.load(Ordering::SeqCst);
        let more = after(&log, seen.last().map_or(Seq(0), |change| change.seq));
        if more.is_empty() && last_look {
            return seen;
        }
        seen.extend(more);
    }
}

/// Toggles a flag of its own, and now and then makes another feature; returns how many changes that took.
fn write(db: &Db, writer: usize) -> usize {
    let flags = DieselFlagRepository::new(db.clone());
    let name = format!("writer-{writer}");
    flags
        .create_feature(&new_feature(&name), &seeds(), &stamp())
        .unwrap();
    let mut enabled = false;
    for round in 0..WRITES {
        if round % 10 == 9 {
            let name = format!("{name}-{round}");
            flags
                .create_feature(&new_feature(&name), &seeds(), &stamp())
                .unwrap();
        } else {
            enabled = !enabled;
            flags
                .change_flag(
                    &environment_name("production"),
                    &feature_name(&name),
                    &set_enabled(enabled),
                    &Precondition::Any,
                    &stamp(),
                )
                .unwrap();
        }
        // A refusal takes a number and gives it back.
        if round % 7 == 0 {
            flags
                .create_feature(&new_feature(&name), &seeds(), &stamp())
                .unwrap_err();
        }
    }
    1 + WRITES
}

#[test]
fn a_reader_that_follows_sixteen_writers_on_three_instances_misses_and_reorders_nothing() {
    let database = Database::migrated();
    let instances: Vec<Db> = (0..INSTANCES).map(|_| database.open()).collect();
    let first = DieselFlagRepository::new(instances[0].clone());
    first
        .create_environment(&new_environment("production"), &seeds(), &stamp())
        .unwrap();
    let stopped = AtomicBool::new(false);
    let (written, tails) = thread::scope(|scope| {
        let tails: Vec<_> = instances
            .iter()
            .map(|db| scope.spawn(|| tail(db, &stopped)))
            .collect();
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                let db = &instances[writer % INSTANCES];
                scope.spawn(move || write(db, writer))
            })
            .collect();
        let written: usize = writers.into_iter().map(|one| one.join().unwrap()).sum();
        stopped.store(true, Ordering::SeqCst);
        let tails: Vec<_> = tails.into_iter().map(|one| one.join().unwrap()).collect();
        (written, tails)
    });
    for seen in &tails {
        let numbers: Vec<i64> = seen.iter().map(|change| change.seq.0).collect();
        let all: Vec<i64> = (1..).take(written + 1).collect();
        assert_eq!(numbers.len(), all.len());
        assert!(numbers == all, "a number is missing, twice or late");
    }
    // What one writer wrote stands in the order in which it wrote it.
    let mut toggles: BTreeMap<&str, Vec<bool>> = BTreeMap::new();
    for change in tails[0]
        .iter()
        .filter(|one| one.kind.as_str() == "flag.changed")
    {
        let record: serde_json::Value =
            serde_json::from_str(change.after.as_ref().unwrap().as_str()).unwrap();
        let enabled = record["enabled"].as_bool().unwrap();
        toggles.entry(&change.subject).or_default().push(enabled);
    }
    assert_eq!(toggles.len(), WRITERS, "{:?}", toggles.keys());
    for states in toggles.values() {
        assert!(
            states.windows(2).all(|pair| pair[0] != pair[1]),
            "{states:?}"
        );
    }
    let head = "SELECT seq AS answer FROM log_head";
    let head = number(&mut database.raw(), head);
    assert_eq!(usize::try_from(head).unwrap(), written + 1);
}

#[test]
fn of_instances_that_create_the_first_account_together_one_does() {
    for _ in 0..10 {
        let database = Database::migrated();
        let instances: Vec<Db> = (0..INSTANCES).map(|_| database.open()).collect();
        let together = Barrier::new(INSTANCES);
        let created: Vec<bool> = thread::scope(|scope| {
            let creating: Vec<_> = instances
                .iter()
                .map(|db| {
                    let together = &together;
                    scope.spawn(move || {
                        let accounts = DieselAccountRepository::new(db.clone());
                        together.wait();
                        accounts.create_first_account(&new_account("admin"), &stamp())
                    })
                })
                .collect();
            creating
                .into_iter()
                .map(|one| one.join().unwrap().unwrap())
                .collect()
        });
        assert_eq!(created.iter().filter(|one| **one).count(), 1);
    }
}
