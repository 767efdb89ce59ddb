//! Two instances behind a balancer are replaced one after the other while 2,000 reads a second arrive, none of which fails
//! after at most one retry.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::{Duration, Instant};

use crate::catalogue::list;
use crate::client::Client;
use crate::instance::{Fleet, Instance};
use crate::postgres::Postgres;
use crate::proxy::Proxy;
use crate::server::Answer;
use crate::traffic::Ending;

const REPLACEMENTS: usize = 5;
const CLIENTS: u32 = 16;
/// How often the balancer asks who is ready.
const CHECK: Duration = Duration::from_millis(100);

/// Reads a second, whatever becomes of those before; `FLAGSTAFF_FLEET_RATE` for a machine that is too slow for that.
fn rate() -> u32 {
    let rate = std::env::var("FLAGSTAFF_FLEET_RATE");
    rate.map_or(2000, |rate| rate.parse().unwrap())
}

/// What came of one client's reads.
#[derive(Debug, Default)]
struct Tally {
    answered: usize,
    retried: usize,
    failed: Vec<String>,
    /// How much later than it was due the latest was answered.
    latest: Duration,
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.answered += other.answered;
        self.retried += other.retried;
        self.failed.extend(other.failed);
        self.latest = self.latest.max(other.latest);
    }
}

/// Reads when each is due, until it is told to end.
fn read(proxy: &Proxy, key: &str, number: u32, ended: &AtomicBool) -> Tally {
    let mut tally = Tally::default();
    let mut client = Client::of(proxy.address());
    let pause = Duration::from_secs(1) * CLIENTS / rate();
    let mut due = Instant::now() + pause * number / CLIENTS;
    let answered =
        |answer: &io::Result<Answer>| matches!(answer, Ok(answer) if answer.status == 200);
    while !ended.load(Ordering::Relaxed) {
        sleep(due.saturating_duration_since(Instant::now()));
        let mut answer = list(&mut client, key);
        if !answered(&answer) {
            tally.retried += 1;
            client = Client::of(proxy.address());
            answer = list(&mut client, key);
        }
        match &answer {
            Ok(_) if answered(&answer) => tally.answered += 1,
            other => tally.failed.push(format!("{other:?}")),
        }
        tally.latest = tally.latest.max(due.elapsed());
        due += pause;
    }
    tally
}

/// Leads to whoever is ready, until it is told to end.
fn balance(proxy: &Proxy, instances: &Mutex<Vec<Client>>, ended: &AtomicBool) {
    while !ended.load(Ordering::Relaxed) {
        let mut instances = instances.lock().unwrap();
        let ready = instances.iter_mut().filter_map(|one| {
            let asked = one.ask("GET", "/health/ready", ("Accept", "*/*"), "");
            (asked.ok()?.status == 200).then(|| one.server())
        });
        proxy.lead_to(&ready.collect::<Vec<_>>());
        drop(instances);
        sleep(CHECK);
    }
}

#[test]
fn instances_are_replaced_one_after_the_other_without_a_failed_read() {
    let postgres = Postgres::start();
    let fleet = Fleet::start(2, &postgres.url(), &[]);
    let (mut instances, key) = (fleet.instances, &fleet.key);
    let proxy = Proxy::to(&instances.iter().map(Instance::address).collect::<Vec<_>>());
    let balanced = Mutex::new(instances.iter().map(Instance::client).collect());
    let ended = AtomicBool::new(false);
    let began = Instant::now();
    let tally = scope(|scope| {
        scope.spawn(|| balance(&proxy, &balanced, &ended));
        let (proxy, ended) = (&proxy, &ended);
        let clients =
            (0..CLIENTS).map(|number| scope.spawn(move || read(proxy, key, number, ended)));
        let clients: Vec<_> = clients.collect();
        let ending = Ending(ended);
        for at in (0..2).cycle().take(2 * REPLACEMENTS) {
            let old = instances.remove(at);
            let address = old.address();
            old.stop();
            let new = Instance::start(&postgres.url(), &[]);
            let mut balanced = balanced.lock().unwrap();
            balanced.retain(|one: &Client| one.server() != address);
            balanced.push(new.client());
            drop(balanced);
            instances.insert(at, new);
            sleep(3 * CHECK);
        }
        drop(ending);
        let mut tally = Tally::default();
        for client in clients {
            tally.add(client.join().unwrap());
        }
        tally
    });
    let seconds = began.elapsed().as_secs_f64();
    let rate = tally.answered as f64 / seconds;
    println!(
        "{} reads, {rate:.0} a second of {}, {} retried, {} failed, the latest after {:?}",
        tally.answered,
        self::rate(),
        tally.retried,
        tally.failed.len(),
        tally.latest
    );
    assert!(tally.failed.is_empty(), "{:#?}", tally.failed);
    assert!(
        rate > f64::from(self::rate()) / 2.0,
        "only {rate:.0} reads a second were made"
    );
}
