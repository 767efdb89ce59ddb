//! Reads and writes through every instance at random, all the time, and what came of each.
//!
//! A [`Seat`] is where clients look for an instance, as a balancer's entry is. `ledger.rs` judges what was recorded.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::catalogue::{self, FLAGS, list, revision, set};
use crate::client::Client;
use crate::server::{Answer, DEADLINE};

const READERS: usize = 3;
const WRITERS: usize = 4;
/// How long any answer may take: two seconds, and what a busy machine adds.
const PROMPT: Duration = Duration::from_secs(3);
/// How long a client rests after each request.
const REST: Duration = Duration::from_millis(15);

/// Where an instance is to be asked, while it is.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    address: Mutex<Option<SocketAddr>>,
    /// How often who sat here was killed or paused.
    disturbed: AtomicUsize,
}

impl Seat {
    /// From now on it is asked here, or not at all.
    pub(crate) fn is_at(&self, address: Option<SocketAddr>) {
        *self.address.lock().unwrap() = address;
    }

    /// From now on it is not asked, and what is under way may fail.
    pub(crate) fn disturb(&self) {
        self.is_at(None);
        self.disturbed.fetch_add(1, Ordering::SeqCst);
    }

    fn disturbed(&self) -> usize {
        self.disturbed.load(Ordering::SeqCst)
    }
}

/// Who is to be asked, and how often that instance was disturbed before its address was known.
#[derive(Debug, Clone, Copy)]
struct Turn {
    seat: usize,
    disturbed: usize,
}

/// A request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asked {
    pub(crate) seat: usize,
    pub(crate) begun: Instant,
    pub(crate) took: Duration,
    pub(crate) flag: usize,
    pub(crate) value: i64,
}

/// A request for the list that was answered, with what it said of one flag.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) asked: Asked,
    pub(crate) revision: i64,
}

/// A request to give a flag a value that no other has.
#[derive(Debug)]
pub(crate) struct Write {
    pub(crate) asked: Asked,
    pub(crate) end: End,
}

/// How a write ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is the change of this number.
    Stored(i64),
    /// Nothing was changed, for certain.
    Refused,
    /// Nobody knows.
    Doubtful,
}

impl End {
    pub(crate) fn is_stored(&self) -> bool {
        matches!(self, Self::Stored(_))
    }
}

/// What came of all requests.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub(crate) reads: Vec<Read>,
    pub(crate) writes: Vec<Write>,
    /// What should not have been.
    pub(crate) failures: Vec<String>,
}

/// Clients of a fleet.
#[derive(Debug)]
pub(crate) struct Traffic<'a> {
    seats: &'a [Seat],
    key: &'a str,
    next: AtomicI64,
    ended: AtomicBool,
    records: Mutex<Records>,
}

/// Ends what goes on beside a script, also when the script panics.
pub(crate) struct Ending<'a>(pub(crate) &'a AtomicBool);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<'a> Traffic<'a> {
    pub(crate) fn to(seats: &'a [Seat], key: &'a str) -> Self {
        Self {
            seats,
            key,
            next: AtomicI64::new(1),
            ended: AtomicBool::new(false),
            records: Mutex::default(),
        }
    }

    /// Reads and writes while the script runs.
    pub(crate) fn during(self, script: impl FnOnce(&Self)) -> Records {
        scope(|scope| {
            for _ in 0..READERS {
                scope.spawn(|| self.go_on(Self::read));
            }
            for _ in 0..WRITERS {
                scope.spawn(|| self.go_on(Self::write));
            }
            let _ending = Ending(&self.ended);
            script(&self);
        });
        self.records.into_inner().unwrap()
    }

    /// Waits until at each instance a write that was begun after this moment is stored, or is not.
    pub(crate) fn until_stored(&self, stored: bool, since: Instant) {
        let deadline = Instant::now() + DEADLINE;
        for seat in 0..self.seats.len() {
            let ended = |write: &Write| {
                let Asked {
                    seat: at, begun, ..
                } = write.asked;
                at == seat && begun > since && write.end.is_stored() == stored
            };
            while !self.look(|records| records.writes.iter().rev().any(ended)) {
                let failures = self.look(|records| records.failures.clone());
                assert!(failures.is_empty(), "{failures:#?}");
                assert!(
                    Instant::now() < deadline,
                    "no write at {seat}: stored {stored}"
                );
                sleep(Duration::from_millis(10));
            }
        }
    }

    fn look<T>(&self, at: impl FnOnce(&Records) -> T) -> T {
        at(&self.records.lock().unwrap())
    }

    fn go_on(&self, step: impl Fn(&Self, Turn, &mut Client)) {
        let mut clients: Vec<Option<Client>> = self.seats.iter().map(|_| None).collect();
        while !self.ended.load(Ordering::Relaxed) {
            let at = fastrand::usize(..self.seats.len());
            let turn = Turn {
                seat: at,
                disturbed: self.seats[at].disturbed(),
            };
            let address = *self.seats[at].address.lock().unwrap();
            if let Some(address) = address {
                let kept = clients[at].take().filter(|kept| kept.server() == address);
                let mut client = kept.unwrap_or_else(|| Client::of(address));
                step(self, turn, &mut client);
                clients[at] = Some(client);
            }
            sleep(REST);
        }
    }

    /// Asks. Where nobody disturbed the instance, no answer is a failure, and so is one that is late.
    fn ask(
        &self,
        turn: Turn,
        (flag, value): (usize, i64),
        ask: impl FnOnce() -> io::Result<Answer>,
    ) -> (Asked, Option<Answer>) {
        let Turn { seat, disturbed } = turn;
        let begun = Instant::now();
        let answered = ask();
        let asked = Asked {
            seat,
            begun,
            took: begun.elapsed(),
            flag,
            value,
        };
        if self.seats[seat].disturbed() == disturbed && (answered.is_err() || asked.took > PROMPT) {
            self.fails(&asked, &answered);
        }
        (asked, answered.ok())
    }

    fn fails(&self, asked: &Asked, what: &dyn fmt::Debug) {
        let failure = format!("at {} after {:?}: {what:?}", asked.seat, asked.took);
        self.records.lock().unwrap().failures.push(failure);
    }

    fn read(&self, turn: Turn, client: &mut Client) {
        let flag = fastrand::usize(..FLAGS);
        let (mut asked, answer) = self.ask(turn, (flag, 0), || list(client, self.key));
        let Some(answer) = answer else {
            return;
        };
        if answer.status != 200 {
            return self.fails(&asked, &answer);
        }
        asked.value = catalogue::value(&answer, flag);
        let revision = revision(&answer);
        let mut records = self.records.lock().unwrap();
        records.reads.push(Read { asked, revision });
    }

    fn write(&self, turn: Turn, client: &mut Client) {
        let flag = fastrand::usize(..FLAGS);
        let value = self.next.fetch_add(1, Ordering::Relaxed);
        let (asked, answer) = self.ask(turn, (flag, value), || set(client, flag, value));
        let end = match &answer {
            None => End::Doubtful,
            Some(answer) if answer.status == 200 => End::Stored(revision(answer)),
            Some(answer) if answer.status != 503 => return self.fails(&asked, answer),
            Some(answer) if answer.header("Retry-After").is_some() => End::Refused,
            Some(_) => End::Doubtful,
        };
        let mut records = self.records.lock().unwrap();
        records.writes.push(Write { asked, end });
    }
}
