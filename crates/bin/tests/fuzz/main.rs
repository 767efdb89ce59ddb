//! Random requests against the real program over real connections: whatever they are, the answer is one that is meant,
//! nobody gets in, nothing breaks.
//!
//! Every request is made from a seed, which is printed: `FLAGSTAFF_FUZZ_SEED=7 FLAGSTAFF_FUZZ_REQUESTS=20000 cargo test
//! -p flagstaff --test fuzz` makes the same ones again. A failure is made as small as it gets and printed as the bytes
//! that were sent. [`request`] makes requests, [`exchange`] sends them, [`answer`] judges what comes back.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod answer;
mod body;
mod exchange;
mod head;
mod json;
mod operations;
#[path = "../command_line/program.rs"]
mod program;
mod request;
mod server;
#[path = "../support/server.rs"]
mod support;
mod target;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write as _};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};

use exchange::{Outcome, exchange};
use operations::Operations;
use request::{Request, request};
use server::Tried;

/// Requests unless `FLAGSTAFF_FUZZ_REQUESTS` says how many.
const REQUESTS: u64 = 20_000;
/// Clients that send at the same time.
const CLIENTS: u64 = 4;
/// The most requests on one connection.
const ON_A_CONNECTION: usize = 10;
/// After how many connections of a client the server is looked at.
const LOOK_EVERY: u64 = 50;
/// Statuses that a long run has to have seen, or it tried too little.
const EXPECTED: [u16; 13] = [
    200, 201, 204, 308, 400, 401, 403, 404, 405, 409, 412, 415, 431,
];

/// How often each status was answered.
type Statuses = BTreeMap<u16, u64>;

#[test]
fn random_requests_find_no_fault() {
    let count = variable("FLAGSTAFF_FUZZ_REQUESTS").unwrap_or(REQUESTS);
    let seed = variable("FLAGSTAFF_FUZZ_SEED")
        .unwrap_or_else(|| RandomState::new().hash_one("seed") >> 32);
    say(&format!(
        "FLAGSTAFF_FUZZ_SEED={seed} FLAGSTAFF_FUZZ_REQUESTS={count}"
    ));
    let server = Tried::start();
    let operations = Operations::read(&server.description());
    let failed = AtomicBool::new(false);
    let statuses = thread::scope(|scope| {
        let client = |number| {
            let mut client = Client::new(&server, seed, number);
            let (operations, failed) = (operations.clone(), &failed);
            move || client.send(count / CLIENTS, &operations, failed)
        };
        let clients = (0..CLIENTS).map(|number| scope.spawn(client(number)));
        let clients: Vec<_> = clients.collect();
        let mut all = Statuses::new();
        for client in clients {
            for (status, times) in client.join().expect("the reason stands above") {
                *all.entry(status).or_default() += times;
            }
        }
        all
    });
    say(&format!("answered, by status: {statuses:?}"));
    server.ends_soundly();
    if count >= REQUESTS {
        let seen = |status: &&u16| statuses.contains_key(status);
        let missing: Vec<_> = EXPECTED.iter().filter(|status| !seen(status)).collect();
        assert!(missing.is_empty(), "nothing was answered with {missing:?}");
    }
}

/// A number in the environment.
fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is no number: {text}")),
    )
}

/// Tells also when the test passes, whose output nobody sees.
fn say(text: &str) {
    let _ = writeln!(io::stderr(), "fuzz: {text}");
}

/// One client, with random numbers of its own.
struct Client<'a> {
    server: &'a Tried,
    runner: TestRunner,
    seed: u64,
}

impl<'a> Client<'a> {
    fn new(server: &'a Tried, seed: u64, number: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..16].copy_from_slice(&number.to_le_bytes());
        let config = Config {
            failure_persistence: None,
            max_shrink_iters: 2_000,
            max_shrink_time: 20_000,
            ..Config::default()
        };
        let random = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        Self {
            server,
            runner: TestRunner::new_with_rng(config, random),
            seed,
        }
    }

    /// Sends that many requests, or as many as there are before a client fails, and counts the answers.
    fn send(&mut self, count: u64, operations: &Operations, failed: &AtomicBool) -> Statuses {
        let requests = vec(request(operations), 1..=ON_A_CONNECTION);
        let (sent, statuses) = (Cell::new(0), RefCell::new(Statuses::new()));
        let mut connections = 0;
        while sent.get() < count && !failed.load(Ordering::Relaxed) {
            let tree = requests.new_tree(&mut self.runner).unwrap();
            let ran = self.runner.run_one(tree, |requests| {
                sent.set(sent.get() + requests.len() as u64);
                let Outcome { answered, end } = exchange(self.server.address, &requests);
                for status in answered {
                    *statuses.borrow_mut().entry(status).or_default() += 1;
                }
                match end {
                    ControlFlow::Continue(()) => Ok(()),
                    ControlFlow::Break(fault) => Err(TestCaseError::fail(fault)),
                }
            });
            if let Err(error) = ran
                && !failed.swap(true, Ordering::Relaxed)
            {
                panic!("{}", self.report(&error));
            }
            connections += 1;
            if connections % LOOK_EVERY == 0 {
                self.server.is_sound();
            }
        }
        statuses.into_inner()
    }

    /// What to do about a failure.
    fn report(&self, error: &TestError<Vec<Request>>) -> String {
        let mut report = format!("with the seed {}: ", self.seed);
        match error {
            TestError::Abort(reason) => write!(report, "{reason}").unwrap(),
            TestError::Fail(reason, requests) => {
                write!(report, "{reason}\nafter these requests on one connection:").unwrap();
                for request in requests {
                    write!(report, "\n{request:?}").unwrap();
                }
            }
        }
        report
    }
}
