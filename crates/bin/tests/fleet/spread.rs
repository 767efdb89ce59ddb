//! What one instance changes is served by the others within a second, and within a tenth of one where PostgreSQL tells them;
//! so is a key that opens nothing any more.

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::catalogue::{create_key, list, manage, revision, set};
use crate::client::Client;
use crate::instance::Fleet;
use crate::postgres::Postgres;
use crate::server::DEADLINE;

/// How soon a change is served without being told of it.
const POLLED: Duration = Duration::from_secs(1);
/// How soon, in the middle, where PostgreSQL tells of it.
const TOLD: Duration = Duration::from_millis(100);
/// What the machine may add.
const SLACK: Duration = Duration::from_millis(500);

const CHANGES: i64 = 21;
/// The sessions in which instances wait to be told.
const LISTENS: &str = "application_name = 'flagstaff listen'";

/// How long it takes from this moment until each of them answers as it should.
fn until(clients: &mut [Client], since: Instant, holds: impl Fn(&mut Client) -> bool) -> Duration {
    for client in clients {
        while !holds(client) {
            assert!(since.elapsed() < DEADLINE, "{client:?} never followed");
            sleep(Duration::from_millis(1));
        }
    }
    since.elapsed()
}

/// Changes flags through each instance in turn; returns how long it took until all served the change, in order.
fn spreads(fleet: &Fleet, disturb: impl Fn(i64)) -> Vec<Duration> {
    let mut clients: Vec<_> = fleet.instances.iter().map(|one| one.client()).collect();
    let mut lags: Vec<_> = (0..CHANGES)
        .map(|number| {
            disturb(number);
            // Not in step with those who look at the log.
            sleep(Duration::from_millis(fastrand::u64(..250)));
            let at = fastrand::usize(..clients.len());
            let answer = set(&mut clients[at], 0, number + 1).unwrap();
            let stored = Instant::now();
            assert_eq!(answer.status, 200, "{answer:?}");
            until(&mut clients, stored, |client| {
                let list = list(client, &fleet.key).unwrap();
                assert_eq!(list.status, 200, "{list:?}");
                revision(&list) >= revision(&answer)
            })
        })
        .collect();
    lags.sort_unstable();
    let [middle, slowest] = [lags[lags.len() / 2], lags[lags.len() - 1]];
    println!("served by all after {middle:?}, the slowest after {slowest:?}");
    assert!(slowest < POLLED + SLACK, "{lags:?}");
    lags
}

fn told(lags: &[Duration]) {
    assert!(lags[lags.len() / 2] < TOLD, "{lags:?}");
}

#[test]
fn a_change_is_served_by_all_within_a_second_by_looking_at_the_log_alone() {
    let postgres = Postgres::start();
    let variables = [("FLAGSTAFF__DATABASE__NOTIFY", "false")];
    let fleet = Fleet::start(3, &postgres.url(), &variables);
    spreads(&fleet, |_| ());
    assert_eq!(postgres.terminate(LISTENS), 0);
}

#[test]
fn a_change_is_told_to_all_also_after_they_could_not_be_told() {
    let postgres = Postgres::start();
    let fleet = Fleet::start(3, &postgres.url(), &[]);
    let listen = format!("SELECT count(*) = 3 FROM pg_stat_activity WHERE {LISTENS}");
    postgres.until(&listen);
    told(&spreads(&fleet, |_| ()));
    spreads(&fleet, |_| {
        postgres.terminate(LISTENS);
    });
    postgres.until(&listen);
    told(&spreads(&fleet, |_| ()));
}

fn status(client: &mut Client, key: &str) -> u16 {
    list(client, key).unwrap().status
}

#[test]
fn a_key_is_refused_by_all_soon_after_it_is_revoked_or_expires() {
    let grace = Duration::from_secs(3);
    for variables in [[].as_slice(), &[("FLAGSTAFF__DATABASE__NOTIFY", "false")]] {
        let postgres = Postgres::start();
        let fleet = Fleet::start(3, &postgres.url(), variables);
        let mut clients: Vec<_> = fleet.instances.iter().map(|one| one.client()).collect();
        for at in 0..clients.len() {
            let new = json!({ "name": "short", "kind": "server" });
            let (path, key) = create_key(&mut clients[at], &new);
            let made = until(&mut clients, Instant::now(), |one| status(one, &key) == 200);
            assert!(made < POLLED + SLACK, "{made:?}");

            // The old key goes on for as long as its grace.
            let body = json!({ "grace_seconds": grace.as_secs() }).to_string();
            let rotate = manage(&mut clients[at], "POST", &format!("{path}/rotate"), &body);
            let rotated = Instant::now();
            let answer = rotate.unwrap();
            assert_eq!(answer.status, 201, "{answer:?}");
            sleep(POLLED);
            for client in &mut clients {
                let status = status(client, &key);
                assert!(status == 200 || rotated.elapsed() > grace, "{status}");
            }
            let expired = until(&mut clients, rotated, |one| status(one, &key) == 401);
            assert!(expired < grace + POLLED + SLACK, "{expired:?}");

            let new: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            let key = new["key"].as_str().unwrap();
            until(&mut clients, rotated, |one| status(one, key) == 200);
            let keys = path.rsplit_once('/').unwrap().0;
            let path = format!("{keys}/{}", new["id"]);
            let revoked = manage(&mut clients[at], "DELETE", &path, "").unwrap();
            assert_eq!(revoked.status, 204, "{revoked:?}");
            let refused = until(&mut clients, Instant::now(), |one| status(one, key) == 401);
            assert!(refused < POLLED + SLACK, "{refused:?}");
        }
    }
}

#[test]
fn an_instance_that_was_paused_is_current_within_a_second_of_going_on() {
    let postgres = Postgres::start();
    let fleet = Fleet::start(3, &postgres.url(), &[]);
    let (mut busy, paused) = (fleet.instances[0].client(), &fleet.instances[2]);
    for round in 1..=3 {
        let (path, key) = create_key(&mut busy, &json!({ "name": "short", "kind": "client" }));
        until(&mut [paused.client()], Instant::now(), |one| {
            status(one, &key) == 200
        });
        paused.pause();
        let changed = set(&mut busy, 0, round).unwrap();
        assert_eq!(changed.status, 200, "{changed:?}");
        let revoked = manage(&mut busy, "DELETE", &path, "").unwrap();
        assert_eq!(revoked.status, 204, "{revoked:?}");
        // The second time longer than the database bears with a transaction that was begun.
        sleep(POLLED * if round == 2 { 4 } else { 1 });
        paused.resume();
        let resumed = Instant::now();
        let current = until(&mut [paused.client()], resumed, |one| {
            let list = list(one, &fleet.key).unwrap();
            revision(&list) >= revision(&changed) && status(one, &key) == 401
        });
        println!("current {current:?} after it went on");
        assert!(current < POLLED + SLACK, "{current:?}");
    }
}
