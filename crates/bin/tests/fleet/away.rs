//! PostgreSQL goes away in each of the ways it can, ten times: flags are read all the time, changes are refused in time and
//! stored again soon after it is back, and what was acknowledged is there.

use std::cell::Cell;
use std::thread::sleep;
use std::time::{Duration, Instant};

use diesel::pg::PgConnection;
use diesel::prelude::*;

use crate::catalogue::set;
use crate::instance::Fleet;
use crate::ledger::Ledger;
use crate::postgres::{End, Postgres, ROLE, url};
use crate::proxy::Proxy;
use crate::server::DEADLINE;
use crate::traffic::{Records, Traffic};

const ROUNDS: usize = 10;
/// How soon a change is stored once the database is back, and how soon it is refused before, to which `traffic` holds it.
const BOUND: Duration = Duration::from_secs(2);
/// What the machine may add, which runs several of these tests at the same time.
const SLACK: Duration = Duration::from_millis(1500);

/// When the database was away.
#[derive(Debug)]
struct Outage {
    gone: Instant,
    /// When it began to come back.
    ended: Instant,
    back: Instant,
}

/// Reads and changes all the time, while the database goes away and comes back. The closure takes it away, waits by the
/// function that it is given, and returns when the database is back.
fn survives(fleet: &Fleet, rounds: usize, mut outage: impl FnMut(usize, &dyn Fn())) {
    let mut outages = Vec::new();
    let records = Traffic::to(&fleet.seats, &fleet.key).during(|traffic| {
        for round in 0..rounds {
            let seen = Cell::new(None);
            outage(round, &|| {
                let gone = Instant::now();
                sleep(BOUND / 2);
                traffic.until_stored(false, gone);
                seen.set(Some((gone, Instant::now())));
            });
            let back = Instant::now();
            traffic.until_stored(true, back);
            let (gone, ended) = seen.get().unwrap();
            outages.push(Outage { gone, ended, back });
        }
    });
    judge(&records, fleet.seats.len(), &outages);
    fleet.until(|one| one.readiness().1["status"] == "ready");
    Ledger::read(&mut fleet.instances[0].client()).agrees_with(&records);
}

fn judge(records: &Records, seats: usize, outages: &[Outage]) {
    assert!(records.failures.is_empty(), "{:#?}", records.failures);
    let mut recovery = Duration::ZERO;
    for outage in outages {
        for seat in 0..seats {
            let mut reads = records.reads.iter().map(|read| &read.asked);
            let meanwhile = |begun| begun > outage.gone && begun < outage.ended;
            assert!(
                reads.any(|read| read.seat == seat && meanwhile(read.begun)),
                "nobody read from {seat} during {outage:?}"
            );
            let mut writes = records.writes.iter().filter(|one| one.asked.seat == seat);
            let stored = writes.clone().find(|write| {
                let done = write.asked.begun + write.asked.took;
                meanwhile(write.asked.begun) && done < outage.ended && write.end.is_stored()
            });
            assert!(stored.is_none(), "stored while away: {stored:?}");
            let first = writes.find(|one| one.asked.begun > outage.back && one.end.is_stored());
            let first = first.unwrap().asked;
            recovery = recovery.max(first.begun + first.took - outage.back);
        }
    }
    let reads = records.reads.iter().map(|read| read.asked.took);
    let writes = records.writes.iter().map(|write| write.asked.took);
    println!(
        "{} reads, the slowest {:?}; {} writes, the slowest {:?}; stored again after {recovery:?}",
        reads.len(),
        reads.clone().max().unwrap(),
        writes.len(),
        writes.clone().max().unwrap(),
    );
    assert!(recovery < BOUND + SLACK, "{recovery:?}");
}

fn restarted(end: End) {
    let mut postgres = Postgres::start();
    let fleet = Fleet::start(2, &postgres.url(), &[]);
    survives(&fleet, ROUNDS, |_, wait| {
        postgres.stop(end);
        wait();
        postgres.run();
    });
}

#[test]
fn postgresql_is_stopped_and_started() {
    restarted(End::Fast);
}

#[test]
fn postgresql_is_stopped_at_once_and_started() {
    restarted(End::Immediate);
}

#[test]
fn postgresql_is_killed_and_started() {
    restarted(End::Kill);
}

#[test]
fn postgresql_is_beyond_a_network_that_forwards_nothing() {
    let postgres = Postgres::start();
    let proxy = Proxy::to(&[postgres.address()]);
    let fleet = Fleet::start(2, &url(&[proxy.address()], ""), &[]);
    survives(&fleet, ROUNDS, |round, wait| {
        proxy.hold();
        wait();
        // What was under way arrives late, or never, or nobody hears what became of it.
        match round % 3 {
            0 => proxy.release(),
            1 => {
                proxy.cut();
                proxy.release();
            }
            _ => proxy.strand(),
        }
    });
}

#[test]
fn postgresql_has_no_connection_left() {
    let postgres = Postgres::start();
    postgres.sql("CREATE ROLE others LOGIN");
    let fleet = Fleet::start(2, &postgres.url(), &[]);
    let others = postgres.url().replace(ROLE, "others");
    survives(&fleet, ROUNDS, |round, wait| {
        let limit = |most: i32| postgres.sql(&format!("ALTER ROLE {ROLE} CONNECTION LIMIT {most}"));
        limit(0);
        while postgres.terminate("true") > 0 {
            sleep(Duration::from_millis(20));
        }
        let mut taken = Vec::new();
        if round % 2 == 1 {
            // Not by a limit of its own, but by what others take.
            while let Ok(connection) = PgConnection::establish(&others) {
                taken.push(connection);
            }
            limit(-1);
        }
        wait();
        limit(-1);
    });
}

/// A server whose copy has every commit before it is answered, and that copy.
fn pair() -> [Postgres; 2] {
    let first = Postgres::start();
    let copy = first.copy();
    [first, copy]
}

fn fails_over(fleet: &Fleet, mut pair: [Postgres; 2], rounds: usize, lead: impl Fn(&Postgres)) {
    survives(fleet, rounds, |round, wait| {
        if round > 0 {
            let [new, old] = &mut pair;
            old.follow(new);
        }
        pair[0].stop(End::Kill);
        wait();
        pair[1].promote();
        lead(&pair[1]);
        pair.swap(0, 1);
    });
}

#[test]
fn postgresql_fails_over_to_its_copy_behind_one_address() {
    let pair = pair();
    let proxy = Proxy::to(&[pair[0].address()]);
    let fleet = Fleet::start(2, &url(&[proxy.address()], ""), &[]);
    fails_over(&fleet, pair, ROUNDS, |new| proxy.lead_to(&[new.address()]));
}

#[test]
fn postgresql_fails_over_to_another_address_of_the_url() {
    let pair = pair();
    let both = pair.each_ref().map(Postgres::address);
    let fleet = Fleet::start(2, &url(&both, "?target_session_attrs=read-write"), &[]);
    fails_over(&fleet, pair, 3, |_| ());
}

#[test]
fn what_the_copy_does_not_have_is_not_acknowledged() {
    let [first, mut copy] = pair();
    let fleet = Fleet::start(1, &first.url(), &[]);
    let mut client = fleet.instances[0].client();
    let mut values = 1..;
    for _ in 0..2 {
        copy.stop(End::Kill);
        for value in values.by_ref().take(3) {
            let asked = Instant::now();
            let refused = set(&mut client, 0, value).unwrap();
            assert_eq!(refused.status, 503, "{refused:?}");
            assert!(asked.elapsed() < BOUND + SLACK, "{:?}", asked.elapsed());
        }
        copy.run();
        let deadline = Instant::now() + DEADLINE;
        for value in values.by_ref() {
            if set(&mut client, 0, value).unwrap().status == 200 {
                break;
            }
            assert!(
                Instant::now() < deadline,
                "{:?}",
                fleet.instances[0].readiness()
            );
        }
    }
}
