//! Three instances on one PostgreSQL, read and changed at random through all of them, while PostgreSQL and the instances are
//! restarted at random: no answer is staler than a second, no acknowledged change is lost, no read fails.

use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::instance::{Fleet, Instance};
use crate::ledger::{Calm, Ledger, longest_lag};
use crate::postgres::{End, Postgres};
use crate::traffic::{Seat, Traffic};

const INSTANCES: usize = 3;
/// How stale an answer may be, and what the machine may add.
const BOUND: Duration = Duration::from_secs(1);
const SLACK: Duration = Duration::from_millis(500);

/// How long it goes on; `FLAGSTAFF_FLEET_SECONDS` for more.
fn length() -> Duration {
    let seconds = std::env::var("FLAGSTAFF_FLEET_SECONDS");
    Duration::from_secs(seconds.map_or(30, |seconds| seconds.parse().unwrap()))
}

fn rest(most: u64) {
    sleep(Duration::from_millis(fastrand::u64(..most)));
}

/// Whoever restarts things.
struct Operator<'a> {
    postgres: Postgres,
    running: bool,
    /// In the order of the seats; nobody sits on one that is empty.
    instances: Vec<Option<Instance>>,
    seats: &'a [Seat],
    calm: Vec<Calm>,
    restarts: [usize; 2],
}

impl Operator<'_> {
    /// Something happens to PostgreSQL, and perhaps to an instance meanwhile.
    fn restart_postgresql(&mut self) {
        self.calm.iter_mut().for_each(Calm::ends);
        self.running = false;
        let ends = [End::Fast, End::Immediate, End::Kill];
        self.postgres.stop(ends[fastrand::usize(..ends.len())]);
        self.restarts[0] += 1;
        rest(2000);
        if fastrand::u8(..3) == 0 {
            self.restart_an_instance();
        }
        self.postgres.run();
        self.running = true;
        for at in 0..INSTANCES {
            if self.instances[at].is_none() {
                self.start(at);
            }
            self.calm[at].begins();
        }
    }

    fn restart_an_instance(&mut self) {
        let at = fastrand::usize(..INSTANCES);
        let Some(instance) = self.instances[at].take() else {
            return;
        };
        self.restarts[1] += 1;
        self.calm[at].ends();
        match fastrand::u8(..3) {
            0 => {
                // What is under way is answered.
                self.seats[at].is_at(None);
                instance.stop();
            }
            1 => {
                self.seats[at].disturb();
                drop(instance);
            }
            _ => {
                self.seats[at].disturb();
                instance.pause();
                rest(3000);
                instance.resume();
                self.sits(at, instance);
                return;
            }
        }
        rest(500);
        self.start(at);
    }

    /// Without its database an instance does not start; then it is tried again when that is back.
    fn start(&mut self, at: usize) {
        match Instance::try_start(&self.postgres.url(), &[]) {
            Ok(instance) => self.sits(at, instance),
            Err(log) => assert!(!self.running, "{log}"),
        }
    }

    fn sits(&mut self, at: usize, instance: Instance) {
        self.seats[at].is_at(Some(instance.address()));
        self.instances[at] = Some(instance);
        if self.running {
            self.calm[at].begins();
        }
    }
}

#[test]
fn nothing_is_stale_lost_or_refused_while_everything_is_restarted_at_random() {
    let postgres = Postgres::start();
    let Fleet {
        instances,
        seats,
        key,
    } = Fleet::start(INSTANCES, &postgres.url(), &[]);
    let mut operator = Operator {
        postgres,
        running: true,
        instances: instances.into_iter().map(Some).collect(),
        seats: &seats,
        calm: vec![Calm::default(); INSTANCES],
        restarts: [0; 2],
    };
    operator.calm.iter_mut().for_each(Calm::begins);
    let began = Instant::now();
    let records = Traffic::to(&seats, &key).during(|_| {
        while began.elapsed() < length() {
            rest(3000);
            if fastrand::bool() {
                operator.restart_postgresql();
            } else {
                operator.restart_an_instance();
            }
        }
        // In the end everything is well for a while.
        sleep(2 * BOUND);
    });
    operator.calm.iter_mut().for_each(Calm::ends);
    let (lag, stalest) = longest_lag(&records, &operator.calm);
    let stored = records.writes.iter().filter(|one| one.end.is_stored());
    println!(
        "{} reads, {} of {} writes stored, {} restarts of PostgreSQL, {} of instances; stale for {lag:?} at most",
        records.reads.len(),
        stored.count(),
        records.writes.len(),
        operator.restarts[0],
        operator.restarts[1],
    );
    assert!(records.failures.is_empty(), "{:#?}", records.failures);
    assert!(lag < BOUND + SLACK, "{lag:?}: {stalest:?}");
    let first = operator.instances[0].as_ref().unwrap();
    first.run(&operator.postgres.url(), &["check"]);
    Ledger::read(&mut first.client()).agrees_with(&records);
}
