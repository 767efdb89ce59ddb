//! Rates from outside: `ingest-rates` against a stub of the API, the schedule of running servers, and that nobody ever
//! sees the access key.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "command_line/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;
#[path = "../../infra/tests/support/stub.rs"]
mod stub;

use std::fs::File;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use program::{Installation, Ran, column};
use serde_json::{Value, json};
use server::{BASIC, DEADLINE, PASSWORD, Server, address_of, call};
use stub::{Reply, Stub, good, refused};

const KEY: &str = "the-access-key-of-this-test";
const RATES: &str = r#"{"USD":1.0837,"GBP":0.8561}"#;
const VARIABLE: &str = "FLAGSTAFF__RATES__ACCESS_KEY";

fn variables(url: &str) -> Vec<(&str, &str)> {
    vec![("FLAGSTAFF__RATES__BASE_URL", url), (VARIABLE, KEY)]
}

fn ingest(here: &Installation, stub: &Stub, arguments: &[&str]) -> Ran {
    let arguments: Vec<_> = ["ingest-rates"].iter().chain(arguments).copied().collect();
    let ran = here.run_with(&arguments, &variables(&stub.url()), "");
    for text in [ran.stdout(), ran.stderr()] {
        assert!(!text.contains(KEY), "{text}");
    }
    ran
}

#[test]
fn the_previous_ten_days_are_stored_and_told_line_by_line() {
    let here = Installation::migrated();
    let stub = Stub::of(RATES);
    let told = ingest(&here, &stub, &[]).succeeds();
    let days: Vec<_> = told.lines().collect();
    assert_eq!(days.len(), 10, "{told}");
    assert!(days.iter().all(|day| day.ends_with(" stored")), "{told}");
    assert_eq!(stub.asked().len(), 10);
    let changes = here.json(&["changes", "--context", "rates"]);
    let subjects = column(&changes, "subject");
    assert_eq!(subjects.len(), 10, "one change a day");
    let last = subjects[0].as_str().unwrap();
    let shown = here.json(&["rates", "show", last]);
    assert_eq!(
        (&shown["date"], &shown["base"]),
        (&json!(last), &json!("EUR"))
    );
    let again = here.run_with(&["ingest_rates", "--json"], &variables(&stub.url()), "");
    let again = again.json();
    assert_eq!(again["failed"], json!([]));
    assert!(
        column(&again["days"], "result")
            .iter()
            .all(|one| **one == "unchanged")
    );
    assert_eq!(here.json(&["changes", "--context", "rates"]), changes);
}

#[test]
fn the_days_can_be_chosen() {
    let here = Installation::migrated();
    let stub = Stub::of(RATES);
    for (arguments, days) in [
        (&["--days", "2"][..], 2),
        (
            &[
                "--date",
                "2024-02-29",
                "--date",
                "2024-02-28",
                "--date",
                "2024-02-29",
            ],
            2,
        ),
        (&["--from", "2023-12-30", "--to", "2024-01-02"], 4),
    ] {
        let before = stub.asked().len();
        ingest(&here, &stub, arguments).succeeds();
        assert_eq!(stub.asked().len() - before, days, "{arguments:?}");
    }
    let table = here.run(&[
        "rates",
        "show",
        "2024-02-29",
        "--base",
        "USD",
        "--symbols",
        "EUR,USD",
    ]);
    let table = table.succeeds();
    assert!(table.contains("1 USD on 2024-02-29"), "{table}");
    assert!(table.contains("USD       1"), "{table}");
    for wrong in [
        &["--days", "0"][..],
        &["--days", "2", "--date", "2024-02-29"],
        &["--from", "2024-02-29"],
        &["--from", "2024-02-29", "--to", "2024-02-28"],
        &["--date", "2023-02-29"],
        &["--date", "9999-01-01"],
        &["--from", "2024-01-01", "--to", "9999-01-01"],
    ] {
        let before = stub.asked().len();
        ingest(&here, &stub, wrong).fails(2);
        assert_eq!(stub.asked().len(), before, "{wrong:?}");
    }
    here.run(&["rates", "show", "2024-02-27"]).fails(3);
    here.run(&["rates", "show", "2024-02-29", "--base", "CHF"])
        .fails(3);
    here.run(&["rates", "show", "9999-01-01"]).fails(2);
}

#[test]
fn a_day_that_fails_is_named_and_leaves_what_was_stored() {
    let here = Installation::migrated();
    ingest(&here, &Stub::of(RATES), &["--date", "2024-02-28"]).succeeds();
    let before = here.json(&["rates", "show", "2024-02-28"]);
    let stub = Stub::start(|date, _| match date {
        "2024-02-28" => refused(104),
        "2024-03-01" => Reply::Whole(302, "Location: http://127.0.0.1:1/\r\n", String::new()),
        _ => good(date, RATES),
    });
    let arguments = ["--from", "2024-02-27", "--to", "2024-03-02"];
    let ran = ingest(&here, &stub, &arguments);
    assert!(
        ran.stdout()
            .contains("2024-02-28 failed: the source refused: the plan's monthly limit")
    );
    let said = ran.fails(1);
    assert!(
        said.contains("2 of 5 days failed") && said.contains("2024-02-28, 2024-03-01"),
        "{said}"
    );
    assert_eq!(
        stub.asked().len(),
        5,
        "the rest is tried, and what cannot be mended is not repeated"
    );
    assert_eq!(here.json(&["rates", "show", "2024-02-28"]), before);
    for stored in ["2024-02-27", "2024-02-29", "2024-03-02"] {
        here.run(&["rates", "show", stored]).succeeds();
    }
}

#[test]
fn a_price_that_cannot_be_right_is_refused_unless_it_is_forced() {
    let here = Installation::migrated();
    ingest(&here, &Stub::of(RATES), &["--date", "2024-02-28"]).succeeds();
    let wrong = Stub::of(r#"{"USD":1083.7,"GBP":0.8561}"#);
    let ran = ingest(&here, &wrong, &["--date", "2024-02-28"]);
    assert!(
        ran.stdout()
            .contains("the rate of USD is hundreds of times"),
        "{ran:?}"
    );
    ran.fails(1);
    ingest(&here, &wrong, &["--date", "2024-02-28", "--force"]).succeeds();
    assert_eq!(
        here.json(&["rates", "show", "2024-02-28"])["rates"]["USD"],
        1083.7
    );
}

#[test]
fn a_gap_is_filled_with_what_goes_with_the_days_after_it_and_in_their_base() {
    let here = Installation::migrated();
    ingest(&here, &Stub::of(RATES), &["--date", "2024-02-28"]).succeeds();
    let wrong = Stub::of(r#"{"USD":1083.7,"GBP":0.8561}"#);
    let ran = ingest(&here, &wrong, &["--date", "2024-02-20"]);
    assert!(ran.stdout().contains("the rate of USD is hundreds of"));
    ran.fails(1);
    ingest(&here, &wrong, &["--date", "2024-01-20"]).succeeds();
    let dollars = Stub::start(|date, _| {
        let body =
            stub::body(date, r#"{"EUR":0.9228}"#).replace("\"base\":\"EUR", "\"base\":\"USD");
        Reply::Whole(200, "", body)
    });
    let ran = ingest(&here, &dollars, &["--date", "2024-02-27"]);
    assert!(ran.stdout().contains("the rates are in USD"), "{ran:?}");
    ran.fails(1);
    ingest(&here, &dollars, &["--date", "2024-02-27", "--force"]).succeeds();
    let shown = here.json(&["rates", "show", "2024-02-27"]);
    assert_eq!(shown["base"], "USD");
}

#[test]
fn a_source_that_asks_for_hours_is_called_once_and_every_day_is_named() {
    let here = Installation::migrated();
    let stub = Stub::start(|_, _| Reply::Whole(429, "Retry-After: 7200\r\n", String::new()));
    let ran = ingest(&here, &stub, &["--days", "3"]);
    let told = ran.stdout().to_owned();
    assert_eq!(
        told.matches(" was not called: it asked").count(),
        2,
        "{told}"
    );
    assert!(ran.fails(1).contains("3 of 3 days failed"));
    assert_eq!(stub.asked().len(), 1);
}

#[test]
fn a_database_that_cannot_be_written_costs_no_call() {
    use diesel::connection::SimpleConnection;
    use diesel::{Connection, SqliteConnection};
    let here = Installation::migrated();
    let stub = Stub::of(RATES);
    let path = here.path("data/flagstaff.db");
    let mut lock = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    lock.batch_execute("BEGIN IMMEDIATE").unwrap();
    // The log tells of the lock before the command does.
    let ran = format!("{:?}", ingest(&here, &stub, &["--days", "1"]));
    assert!(ran.starts_with("Ran { code: Some(6)"), "{ran}");
    assert!(stub.asked().is_empty(), "{:?}", stub.asked());
    drop(lock);
    ingest(&here, &stub, &["--days", "1"]).succeeds();
}

#[test]
fn what_is_shown_names_the_base_and_the_argument_that_is_wrong() {
    let here = Installation::migrated();
    ingest(&here, &Stub::of(RATES), &["--date", "2024-02-28"]).succeeds();
    let shown = here.json(&["rates", "show", "2024-02-28", "--symbols", "EUR"]);
    assert_eq!(shown["rates"], json!({"EUR": 1}));
    let said = here.run(&["rates", "show", "9999-01-01"]).fails(2);
    assert!(said.contains("DATE must not be in the future"), "{said}");
}

#[test]
fn without_a_key_or_with_a_wrong_address_nothing_is_asked() {
    let here = Installation::migrated();
    let stub = Stub::of(RATES);
    let url = stub.url();
    let said = here
        .run_with(&["ingest-rates"], &variables(&url)[..1], "")
        .fails(2);
    assert!(
        said.contains("FLAGSTAFF__RATES__ACCESS_KEY__FILE"),
        "{said}"
    );
    here.write("key", &format!("{KEY}\n"));
    let file = [
        variables(&url)[0],
        ("FLAGSTAFF__RATES__ACCESS_KEY__FILE", "key"),
    ];
    let day = ["ingest-rates", "--date", "2024-02-28"];
    here.run_with(&day, &file, "").succeeds();
    assert!(stub.asked()[0].ends_with(&format!("access_key={KEY}")));
    let said = here
        .run_with(&day, &variables("http://user:secret@host"), "")
        .fails(2);
    assert!(
        said.contains("rates.base_url") && !said.contains("secret"),
        "{said}"
    );
    let ran = here.run_with(&day, &variables("http://169.254.169.254/latest"), "");
    assert!(
        ran.stdout().contains("an address that is not asked"),
        "{ran:?}"
    );
    ran.fails(1);
}

/// A server that is to ingest at midnight, which has passed today already.
fn serve(here: &Installation, url: &str, log: &str) -> (Server, SocketAddr) {
    let mut variables = variables(url);
    variables.extend([
        ("FLAGSTAFF__RATES__INGEST_AT", "00:00"),
        ("FLAGSTAFF__RATES__DAYS", "3"),
        ("FLAGSTAFF__LOG__LEVEL", "trace"),
        ("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD),
    ]);
    let log = File::create(here.path(log)).unwrap();
    let mut server = Server::start_telling(here, &["serve", "--json"], &variables, log);
    let address = address_of(&server.report());
    (server, address)
}

fn eventually(what: &str, holds: impl Fn() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < DEADLINE, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

fn get(server: SocketAddr, path: &str) -> (u16, String) {
    call(server, "GET", path, ("Authorization", BASIC), "").unwrap()
}

#[test]
fn one_of_the_servers_ingests_what_is_due_and_none_shows_the_key() {
    let here = Installation::migrated();
    let stub = Stub::of(RATES);
    let one = serve(&here, &stub.url(), "one.log");
    let two = serve(&here, &stub.url(), "two.log");
    let ingested = |log: &str| here.read(log).contains("ingested rates days=3 failed=0");
    eventually("nobody ingests", || {
        ingested("one.log") || ingested("two.log")
    });
    let asked: Vec<_> = stub.asked();
    assert_eq!(asked.len(), 3, "{asked:?}");
    let date = asked[2]
        .trim_start_matches("/api/")
        .split('?')
        .next()
        .unwrap()
        .to_owned();
    for (_, address) in [&one, &two] {
        let (status, body) = get(*address, &format!("/rates/{date}/"));
        assert_eq!(status, 200, "{body}");
        assert_eq!(
            serde_json::from_str::<Value>(&body).unwrap()["rates"]["USD"],
            1.0837
        );
    }
    eventually("readiness does not tell", || {
        [&one, &two].iter().all(|(_, address)| {
            let (status, body) = get(*address, "/health/ready");
            let ready: Value = serde_json::from_str(&body).unwrap();
            let rates = &ready["modules"]["rates"];
            status == 200 && rates["newest"] == *date && rates["last_success_at"].is_string()
        })
    });
    let (_, metrics) = get(one.1, "/metrics");
    assert!(
        metrics.contains("flagstaff_rates_age_seconds "),
        "{metrics}"
    );
    for (server, address) in [one, two] {
        assert_eq!(server.stop(address), Some(0));
    }
    // What was carried out is not due again after a restart.
    let (server, address) = serve(&here, &stub.url(), "three.log");
    thread::sleep(Duration::from_millis(300));
    assert_eq!(server.stop(address), Some(0));
    assert_eq!(stub.asked().len(), 3);
    for log in ["one.log", "two.log", "three.log"] {
        assert!(!here.read(log).contains(KEY), "{log}");
    }
}

#[test]
fn a_server_stays_ready_when_the_source_refuses_and_counts_why() {
    let here = Installation::migrated();
    let stub = Stub::start(|_, _| refused(104));
    let (server, address) = serve(&here, &stub.url(), "server.log");
    eventually("the refusals are not counted", || {
        let (_, metrics) = get(address, "/metrics");
        metrics.contains("flagstaff_rates_failures_total{cause=\"limit_reached\"} 3")
    });
    let (status, body) = get(address, "/health/ready");
    assert_eq!(status, 200);
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap()["status"],
        "ready"
    );
    let (_, metrics) = get(address, "/metrics");
    assert!(
        metrics.contains("flagstaff_rates_age_seconds "),
        "what the alert reads is there before anything succeeded: {metrics}"
    );
    let log = here.read("server.log");
    assert!(
        log.contains("cause=limit_reached") && log.contains("ERROR"),
        "{log}"
    );
    assert_eq!(server.stop(address), Some(0));
}

#[test]
fn a_server_that_is_stopped_does_not_wait_for_a_source_that_never_answers() {
    let here = Installation::migrated();
    let stub = Stub::start(|_, _| Reply::Never);
    let (server, address) = serve(&here, &stub.url(), "server.log");
    eventually("the source is not asked", || !stub.asked().is_empty());
    let started = Instant::now();
    assert_eq!(server.stop(address), Some(0));
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(!here.read("server.log").contains(KEY));
}

#[test]
fn what_a_stop_cut_off_is_gone_on_with_at_once_and_not_asked_for_twice() {
    let here = Installation::migrated();
    let stub = Stub::start(|date, nth| match nth {
        2 => Reply::Never,
        _ => good(date, RATES),
    });
    let (server, address) = serve(&here, &stub.url(), "one.log");
    eventually("the second day is not asked for", || {
        stub.asked().len() == 2
    });
    assert_eq!(server.stop(address), Some(0));
    let log = here.read("one.log");
    assert!(log.contains("ingesting rates was interrupted"), "{log}");
    // Another server, long before the turn would have ended by itself.
    let (server, address) = serve(&here, &stub.url(), "two.log");
    eventually("the rest does not follow", || {
        here.read("two.log")
            .contains("ingested rates days=2 failed=0")
    });
    let asked = stub.asked();
    assert_eq!(asked.len(), 4, "{asked:?}");
    assert_eq!(asked[1], asked[2]);
    let (_, ready) = get(address, "/health/ready");
    assert!(ready.contains("last_success_at"), "{ready}");
    assert_eq!(server.stop(address), Some(0));
}
