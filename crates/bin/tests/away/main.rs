//! The real server while its database is away: flags are read, changes are refused and leave nothing, readiness says what is
//! wrong, and when it is over everything works again in the same process.
//!
//! `disk.c` makes the system's calls fail. What needs a file system of its own is in `tests/outages.py`.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../command_line/program.rs"]
mod program;
#[path = "../support/server.rs"]
mod server;
mod shop;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use flagstaff_infra::db::connection::{self, Purpose};
use rustix::io::Errno;
use rustix::process::{Pid, Resource, Rlimit, prlimit};
use server::{DEADLINE, ask};
use shop::Shop;

#[test]
fn a_full_disk_refuses_changes_until_there_is_room() {
    let shop = Shop::open();
    shop.disk(Some(("write", Errno::NOSPC)));
    shop.refuses("refused");
    shop.reports("the disk is full, or the database may not grow");
    shop.refuses("refused");
    shop.disk(None);
    shop.works_again();
    assert!(!shop.stored().contains(&"refused".to_owned()));
    shop.logged_once("the disk is full");
}

#[test]
fn a_commit_that_failed_is_in_doubt_and_what_follows_is_refused_for_certain() {
    for (call, error) in [
        ("sync", Errno::IO),
        ("write", Errno::IO),
        ("write", Errno::ROFS),
    ] {
        let shop = Shop::open();
        shop.disk(Some((call, error)));
        let doubt = shop.create("doubt");
        assert_eq!(doubt.status, 503, "{doubt:?}");
        assert!(
            doubt.body.contains("read before you repeat it"),
            "{doubt:?}"
        );
        assert_eq!(
            doubt.header("Retry-After"),
            None,
            "to repeat it blindly is wrong"
        );
        shop.reports("the disk fails");
        for _ in 0..3 {
            shop.refuses("refused");
        }
        shop.disk(None);
        shop.works_again();
        assert!(!shop.stored().contains(&"refused".to_owned()));
        shop.logged_once("the disk fails");
        shop.here.run(&["check"]).succeeds();
    }
}

#[test]
fn a_disk_that_cannot_be_read_is_told_and_flags_are_served_from_memory() {
    let shop = Shop::open();
    shop.disk(Some(("read", Errno::IO)));
    // What the server has read is in memory; a change by another process makes it read again.
    let deadline = Instant::now() + DEADLINE;
    while shop.readiness()["status"] != "degraded" {
        shop.here.run(&["feature", "create", "elsewhere"]);
        shop.create("meanwhile");
        shop.serves();
        assert!(Instant::now() < deadline, "{}", shop.readiness());
        thread::sleep(Duration::from_millis(100));
    }
    shop.disk(None);
    while shop.readiness()["status"] != "ready" {
        assert!(Instant::now() < deadline, "{}", shop.readiness());
        thread::sleep(Duration::from_millis(100));
    }
    shop.works_again();
}

#[test]
fn a_file_that_was_made_read_only_stays_as_it_is() {
    let shop = Shop::open();
    fs::set_permissions(shop.database(), fs::Permissions::from_mode(0o444)).unwrap();
    // Nobody has to ask for a change first.
    shop.reports("the database is read-only");
    shop.refuses("refused");
    fs::set_permissions(shop.database(), fs::Permissions::from_mode(0o600)).unwrap();
    shop.works_again();
    assert!(!shop.stored().contains(&"refused".to_owned()));
    shop.logged_once("the database is read-only");
}

#[test]
fn a_limit_on_the_size_of_files_does_not_end_the_server() {
    let shop = Shop::open();
    let server = Pid::from_child(&shop.server.child);
    let limit = |current| {
        let maximum = None;
        prlimit(Some(server), Resource::Fsize, Rlimit { current, maximum }).unwrap();
    };
    let length = fs::metadata(shop.here.path("data/flagstaff.db-wal")).unwrap();
    limit(Some(length.len()));
    assert_eq!(shop.create("doubt").status, 503);
    shop.serves();
    limit(None);
    shop.works_again();
}

#[test]
fn a_server_that_starts_while_another_process_holds_the_lock_serves_flags() {
    let mut shop = Shop::open();
    let mut other = connection::open(&shop.database(), DEADLINE, Purpose::Write).unwrap();
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    shop.restart();
    shop.serves();
    shop.refuses("refused");
    other.batch_execute("ROLLBACK").unwrap();
    shop.works_again();
}

#[test]
fn a_crowd_of_changes_at_a_lock_is_refused_in_time_while_flags_and_health_are_instant() {
    let shop = Shop::open();
    let mut other = connection::open(&shop.database(), DEADLINE, Purpose::Write).unwrap();
    other.batch_execute("BEGIN EXCLUSIVE").unwrap();
    thread::scope(|scope| {
        // More than may wait at the same time, so that some wait for a turn and then for the lock.
        let changes: Vec<_> = (0..150)
            .map(|at| {
                scope.spawn({
                    let shop = &shop;
                    move || shop.create(&format!("refused{at}"))
                })
            })
            .collect();
        while changes.iter().any(|change| !change.is_finished()) {
            for path in ["/health/live", "/health/ready"] {
                let asked = Instant::now();
                let answer = ask(shop.address, "GET", path, ("Accept", "*/*"), "").unwrap();
                assert_eq!(answer.status, 200, "{answer:?}");
                assert!(asked.elapsed() < Duration::from_secs(1), "{path}");
            }
            shop.serves();
            thread::sleep(Duration::from_millis(20));
        }
        for change in changes {
            let answer = change.join().unwrap();
            assert_eq!(answer.status, 503, "{answer:?}");
            assert_eq!(answer.header("Retry-After"), Some("1"), "{answer:?}");
        }
    });
    shop.reports("another process holds the database's lock");
    shop.refuses("refused");
    other.batch_execute("ROLLBACK").unwrap();
    shop.works_again();
    assert!(!shop.stored().iter().any(|name| name.starts_with("refused")));
    shop.logged_once("another process holds");
}
