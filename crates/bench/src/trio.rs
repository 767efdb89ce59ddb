//! Flagstaff beside two references that answer the same, measured in turn.

use std::fs;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

use flagstaff_bench::http;
use flagstaff_bench::servers::{DATABASE_URL, Server};
use serde_json::json;
use tempfile::TempDir;

use crate::catalogue;
use crate::load::{Outcome, Request};
use crate::table::{Report, median, ratio};

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
        Self::start_on(None)
    }

    /// Starts the three, Flagstaff on the database of this URL.
    pub(crate) fn start_on(database: Option<&str>) -> Result<Self> {
        Self::start_for(database, &Call::LIST)
    }

    /// Starts the three, with references that answer this call as Flagstaff does.
    pub(crate) fn start_for(database: Option<&str>, call: &Call) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        catalogue::fill(folder.path(), database, 1, 20)?;
        let settings: Vec<_> = database
            .map(|url| (DATABASE_URL, url))
            .into_iter()
            .collect();
        let flagstaff = Server::flagstaff_with(folder.path(), &settings)?;
        let key = catalogue::key(0);
        let answer = record(folder.path(), flagstaff.address, call)?;
        Ok(Self {
            reference: Server::reference(folder.path(), &key, &answer)?,
            twin: Server::reference(folder.path(), &key, &answer)?,
            flagstaff,
            folder,
        })
    }

    /// Measures the reference, Flagstaff and the twin in turn, so many times.
    pub(crate) fn in_turn<T>(
        &self,
        rounds: usize,
        measure: impl Fn(&Server) -> Result<T>,
    ) -> Result<[Vec<T>; 3]> {
        let mut measured = [(); 3].map(|()| Vec::new());
        for _ in 0..rounds {
            let servers = [&self.reference, &self.flagstaff, &self.twin];
            for (server, measured) in servers.into_iter().zip(&mut measured) {
                measured.push(measure(server)?);
            }
        }
        Ok(measured)
    }

    /// The folder with the database.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

fn key_header() -> String {
    format!("X-Environment-Key: {}\r\n", catalogue::key(0))
}

/// What is asked, besides its key.
pub(crate) struct Call {
    method: &'static str,
    path: &'static str,
    headers: &'static str,
    body: &'static str,
}

impl Call {
    /// The list of flags.
    pub(crate) const LIST: Self = Self {
        method: "GET",
        path: "/api/v1/flags/",
        headers: "",
        body: "",
    };

    /// A call with a JSON body.
    pub(crate) const fn post(path: &'static str, body: &'static str) -> Self {
        Self {
            method: "POST",
            path,
            headers: "Content-Type: application/json\r\n",
            body,
        }
    }

    /// What Flagstaff answers.
    pub(crate) fn answer(&self, address: SocketAddr) -> Result<http::Answer> {
        let headers = format!("{}{}", key_header(), self.headers);
        http::call(address, self.method, self.path, &headers, self.body)
    }

    /// The request, with more headers.
    pub(crate) fn request(&self, address: SocketAddr, more: &str, status: u16) -> Request {
        let Self {
            method,
            path,
            headers,
            body,
        } = self;
        let length = match body.len() {
            0 => String::new(),
            bytes => format!("Content-Length: {bytes}\r\n"),
        };
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: {address}\r\n{}{headers}{length}{more}\r\n{body}",
            key_header()
        );
        Request {
            address,
            bytes: Rc::new(text.into_bytes()),
            status,
        }
    }
}

/// Keeps what Flagstaff answers, so that the reference answers the same bytes and headers.
fn record(folder: &Path, address: SocketAddr, call: &Call) -> Result<PathBuf> {
    let answer = call.answer(address)?;
    if answer.status != 200 {
        return Err(answer.unexpected(call.path));
    }
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
    Call::LIST.request(address, more, status)
}

/// What one server came to in one round.
struct Round {
    outcome: Outcome,
    /// CPU time a request, in microseconds.
    cpu: f64,
}

impl Round {
    fn of(server: &Server, load: impl Fn(SocketAddr) -> Result<Outcome>) -> Result<Self> {
        let before = server.cpu()?;
        let outcome = load(server.address)?;
        let used = server.cpu()?.saturating_sub(before);
        let cpu = used.as_secs_f64() * 1e6 / outcome.answered.max(1) as f64;
        Ok(Self { outcome, cpu })
    }
}

/// Measures the three in turn, over and over, and reports medians and ratios.
pub(crate) fn compare(
    report: &mut Report,
    scenario: &str,
    label: &str,
    trio: &Trio,
    rounds: usize,
    load: impl Fn(SocketAddr) -> Result<Outcome>,
) -> Result<()> {
    let rounds = trio.in_turn(rounds, |server| Round::of(server, &load))?;
    let each = |figure: fn(&Round) -> f64| {
        let figures = rounds.each_ref();
        figures.map(|rounds| rounds.iter().map(figure).collect::<Vec<_>>())
    };
    let [reference_rate, rate, twin_rate] = each(|round| round.outcome.rate());
    let [reference_cpu, cpu, twin_cpu] = each(|round| round.cpu);
    let [reference_tail, tail, _] = each(|round| round.outcome.percentile(0.99));
    let errors: u64 = rounds[1].iter().map(|round| round.outcome.errors).sum();
    let mut add = |what: &str, value, unit| {
        report.add(scenario, format!("{label}: {what}"), value, unit);
    };
    add(
        "throughput",
        ratio(&rate, &reference_rate),
        "of the reference",
    );
    add(
        "throughput noise",
        ratio(&twin_rate, &reference_rate),
        "reference against itself",
    );
    add(
        "CPU a request",
        ratio(&cpu, &reference_cpu),
        "of the reference",
    );
    add(
        "CPU noise",
        ratio(&twin_cpu, &reference_cpu),
        "reference against itself",
    );
    add("CPU a request", median(&cpu), "µs here");
    add("p99", median(&tail), "ms here");
    add("p99 of the reference", median(&reference_tail), "ms here");
    add("errors", errors as f64, "");
    Ok(())
}

/// So many seconds, or a quarter of them.
pub(crate) fn seconds(quick: bool, whole: u64) -> Duration {
    Duration::from_millis(whole * if quick { 250 } else { 1_000 })
}

/// The time that something took, in milliseconds.
pub(crate) fn timed(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let started = Instant::now();
    work()?;
    Ok(started.elapsed().as_secs_f64() * 1e3)
}
