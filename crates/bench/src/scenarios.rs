//! What is compared with what.

use std::fs;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use flagstaff_bench::http;
use flagstaff_bench::servers::{self, Server};
use serde_json::json;
use tempfile::TempDir;

use crate::load::{self, Outcome, Request};
use crate::table::{Report, median};
use crate::{catalogue, writes};

/// A comparison.
pub(crate) struct Scenario {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// What it compares.
    pub(crate) what: &'static str,
    /// Measures and reports; shorter when `quick`.
    pub(crate) run: fn(&mut Report, bool) -> Result<()>,
}

/// Every comparison, in the order in which they run.
pub(crate) const ALL: &[Scenario] = &[
    Scenario {
        name: "list",
        what: "the list of 20 flags, closed loop, against the reference",
        run: list,
    },
    Scenario {
        name: "conditional",
        what: "conditional requests that match (304), against the reference",
        run: conditional,
    },
    Scenario {
        name: "open",
        what: "open loop: 50 requests a second, 2,000, 50 again",
        run: open_loop,
    },
    Scenario {
        name: "knee",
        what: "the highest rate whose p99 stays under 5 ms",
        run: knee,
    },
    Scenario {
        name: "changing",
        what: "the list while one flag is changed 20 times a second",
        run: writes::changing,
    },
    Scenario {
        name: "writes",
        what: "durable writes a second, 32 writers beside one",
        run: writes::durable,
    },
    Scenario {
        name: "size",
        what: "1,000 environments of 200 features beside 10 of 200",
        run: writes::size,
    },
    Scenario {
        name: "idle",
        what: "an idle server with the demonstration's size of catalogue",
        run: idle,
    },
];

/// Flagstaff and two references that answer the same.
pub(crate) struct Trio {
    folder: TempDir,
    /// Flagstaff.
    pub(crate) flagstaff: Server,
    reference: Server,
    /// Measured like Flagstaff: its ratio to the other is the noise.
    twin: Server,
}

impl Trio {
    /// Starts the three on a catalogue of one environment with 20 features.
    pub(crate) fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        catalogue::create(folder.path(), 1, 20)?;
        let flagstaff = Server::flagstaff(folder.path())?;
        let key = catalogue::key(0);
        let answer = record(folder.path(), flagstaff.address, &key)?;
        Ok(Self {
            reference: Server::reference(folder.path(), &key, &answer)?,
            twin: Server::reference(folder.path(), &key, &answer)?,
            flagstaff,
            folder,
        })
    }

    /// The folder with the database.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn key_header() -> String {
    format!("X-Environment-Key: {}\r\n", catalogue::key(0))
}

/// Keeps what Flagstaff answers, so that the reference answers the same bytes and headers.
fn record(folder: &Path, address: SocketAddr, key: &str) -> Result<std::path::PathBuf> {
    let headers = format!("X-Environment-Key: {key}\r\n");
    let answer = http::get(address, "/api/v1/flags/", &headers)?;
    let headers: Vec<(&str, &str)> = answer
        .head
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once(": "))
        .filter(|(name, _)| {
            !["content-length", "date", "connection"].contains(&name.to_ascii_lowercase().as_str())
        })
        .collect();
    let body = String::from_utf8(answer.body).map_err(Error::other)?;
    let file = folder.join("answer.json");
    fs::write(&file, json!({"headers": headers, "body": body}).to_string())?;
    Ok(file)
}

/// A request for the list, with more headers.
pub(crate) fn request(address: SocketAddr, more: &str, status: u16) -> Request {
    let text = format!(
        "GET /api/v1/flags/ HTTP/1.1\r\nHost: {address}\r\n{}{more}\r\n",
        key_header()
    );
    Request {
        address,
        bytes: Rc::new(text.into_bytes()),
        status,
    }
}

/// One server's figures over the rounds.
#[derive(Default)]
struct Rounds {
    rate: Vec<f64>,
    cpu: Vec<f64>,
    tails: Vec<f64>,
    errors: u64,
}

impl Rounds {
    fn note(&mut self, outcome: &Outcome, cpu: Duration) {
        self.rate.push(outcome.rate());
        self.cpu
            .push(cpu.as_secs_f64() * 1e6 / outcome.answered.max(1) as f64);
        self.tails.push(outcome.percentile(0.99));
        self.errors += outcome.errors;
    }
}

fn measured(
    server: &Server,
    rounds: &mut Rounds,
    load: impl FnOnce(SocketAddr) -> Result<Outcome>,
) -> Result<()> {
    let before = server.cpu()?;
    let outcome = load(server.address)?;
    rounds.note(&outcome, server.cpu()?.saturating_sub(before));
    Ok(())
}

/// Measures the three in turn, over and over, and reports medians and ratios.
fn compare(
    report: &mut Report,
    scenario: &str,
    label: &str,
    trio: &Trio,
    rounds: usize,
    load: impl Fn(SocketAddr) -> Result<Outcome>,
) -> Result<()> {
    let [mut flagstaff, mut reference, mut twin] = [(); 3].map(|()| Rounds::default());
    for _ in 0..rounds {
        measured(&trio.reference, &mut reference, &load)?;
        measured(&trio.flagstaff, &mut flagstaff, &load)?;
        measured(&trio.twin, &mut twin, &load)?;
    }
    let ratio =
        |a: &[f64], b: &[f64]| median(&a.iter().zip(b).map(|(a, b)| a / b).collect::<Vec<_>>());
    let mut add = |what: &str, value, unit| {
        report.add(scenario, format!("{label}: {what}"), value, unit);
    };
    add(
        "throughput",
        ratio(&flagstaff.rate, &reference.rate),
        "of the reference",
    );
    add(
        "throughput noise",
        ratio(&twin.rate, &reference.rate),
        "reference against itself",
    );
    add(
        "CPU a request",
        ratio(&flagstaff.cpu, &reference.cpu),
        "of the reference",
    );
    add(
        "CPU noise",
        ratio(&twin.cpu, &reference.cpu),
        "reference against itself",
    );
    add("CPU a request", median(&flagstaff.cpu), "µs here");
    add("p99", median(&flagstaff.tails), "ms here");
    add("p99 of the reference", median(&reference.tails), "ms here");
    add("errors", flagstaff.errors as f64, "");
    Ok(())
}

fn seconds(quick: bool, whole: u64) -> Duration {
    Duration::from_millis(whole * if quick { 250 } else { 1_000 })
}

fn list(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    for connections in [8, 32, 256] {
        let label = format!("{connections} connections");
        let duration = seconds(quick, 4);
        compare(report, "list", &label, &trio, 7, |address| {
            load::closed(&request(address, "", 200), connections, duration)
        })?;
    }
    Ok(())
}

fn conditional(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    let answer = http::get(trio.flagstaff.address, "/api/v1/flags/", &key_header())?;
    let etag = answer
        .header("etag")
        .ok_or_else(|| Error::other("no ETag"))?;
    let more = format!("If-None-Match: {etag}\r\n");
    let duration = seconds(quick, 4);
    compare(
        report,
        "conditional",
        "32 connections",
        &trio,
        7,
        |address| load::closed(&request(address, &more, 304), 32, duration),
    )
}

fn open_loop(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    for (rate, whole) in [(50.0, 5), (2_000.0, 20), (50.0, 5)] {
        let label = format!("{rate} a second");
        let duration = seconds(quick, whole);
        compare(report, "open", &label, &trio, 1, |address| {
            load::open(&request(address, "", 200), 32, rate, duration)
        })?;
    }
    Ok(())
}

fn knee(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    let highest = |address| -> Result<f64> {
        let (mut works, mut fails) = (1_000.0, 200_000.0);
        while fails / works > 1.03 {
            let rate = f64::sqrt(works * fails);
            let outcome = load::open(&request(address, "", 200), 128, rate, seconds(quick, 2))?;
            let kept_up = outcome.rate() > 0.98 * rate;
            if outcome.errors == 0 && kept_up && outcome.percentile(0.99) < 5.0 {
                works = rate;
            } else {
                fails = rate;
            }
        }
        Ok(works)
    };
    let mut ratios = Vec::new();
    for _ in 0..if quick { 1 } else { 3 } {
        let reference = highest(trio.reference.address)?;
        ratios.push(highest(trio.flagstaff.address)? / reference);
    }
    report.add(
        "knee",
        "highest rate with p99 under 5 ms",
        median(&ratios),
        "of the reference",
    );
    Ok(())
}

fn idle(report: &mut Report, _: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    catalogue::create(folder.path(), 3, 16)?;
    drop(Server::flagstaff(folder.path())?); // makes the administrator
    let mut starts = Vec::new();
    let mut resident = Vec::new();
    for _ in 0..7 {
        let server = Server::flagstaff(folder.path())?;
        starts.push(server.started_in.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(300));
        resident.push(server.resident_mib()?);
    }
    let size = fs::metadata(servers::program("flagstaff")?)?.len();
    report.add("idle", "binary", size as f64 / 1_048_576.0, "MiB");
    report.add("idle", "resident memory", median(&resident), "MiB");
    report.add("idle", "start to first answer", median(&starts), "ms here");
    Ok(())
}

/// The time that something took, in milliseconds.
pub(crate) fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}
