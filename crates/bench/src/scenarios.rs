//! What is compared with what.

use std::fs;
use std::io::{Error, Result};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use flagstaff_bench::http;
use flagstaff_bench::servers::{self, DATABASE_URL, Server};
use serde_json::json;
use tempfile::TempDir;

use crate::load::{self, Outcome, Request};
use crate::table::{Report, median, ratio};
use crate::{catalogue, evaluation, postgres, rates, register, sign_in, size, writes};

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
        name: "identities",
        what: "an identity with 5 traits over 20 flags, against the reference",
        run: identities,
    },
    Scenario {
        name: "ofrep",
        what: "OFREP: one flag, and all flags with an ETag that matches, against the reference",
        run: ofrep,
    },
    Scenario {
        name: "evaluate",
        what: "one identity over 100 features with 10 segment overrides each, in process, beside Flagsmith's engine",
        run: evaluation::evaluate,
    },
    Scenario {
        name: "open",
        what: "open loop: 50 requests a second, 2,000, 50 again",
        run: rates::open_loop,
    },
    Scenario {
        name: "knee",
        what: "the highest rate whose p99 stays under 5 ms",
        run: rates::knee,
    },
    Scenario {
        name: "changing",
        what: "the list while one flag is changed 20 times a second",
        run: writes::changing,
    },
    Scenario {
        name: "writes",
        what: "durable writes a second, 8 and 32 writers beside one",
        run: writes::durable,
    },
    Scenario {
        name: "postgres",
        what: "the list, durable writes, and from a write on one instance to the read on another, on PostgreSQL",
        run: postgres::postgres,
    },
    Scenario {
        name: "storm",
        what: "the list beside 500 sign-ins a second with wrong passwords",
        run: sign_in::storm,
    },
    Scenario {
        name: "guesses",
        what: "a sign-in with an unknown name beside one with a wrong password",
        run: sign_in::guesses,
    },
    Scenario {
        name: "size",
        what: "1,000 environments of 200 features beside 10 of 200",
        run: size::size,
    },
    Scenario {
        name: "guid",
        what: "a GUID register of 1,000,000 records beside one of 1,000",
        run: register::guids,
    },
    Scenario {
        name: "keys",
        what: "100,000 keys beside one",
        run: register::keys,
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
fn record(folder: &Path, address: SocketAddr, call: &Call) -> Result<std::path::PathBuf> {
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

fn list(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    for connections in [8, 32, 256] {
        let label = format!("{connections} connections");
        let duration = seconds(quick, 2);
        compare(report, "list", &label, &trio, 7, |address| {
            load::closed(&request(address, "", 200), connections, duration)
        })?;
    }
    Ok(())
}

fn conditional(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    let answer = Call::LIST.answer(trio.flagstaff.address)?;
    let etag = answer
        .header("etag")
        .ok_or_else(|| Error::other("no ETag"))?;
    let more = format!("If-None-Match: {etag}\r\n");
    let duration = seconds(quick, 2);
    compare(
        report,
        "conditional",
        "32 connections",
        &trio,
        7,
        |address| load::closed(&request(address, &more, 304), 32, duration),
    )
}

const IDENTITY: Call = Call::post(
    "/api/v1/identities/",
    r#"{"identifier":"user-4711","traits":[{"trait_key":"plan","trait_value":"pro"},{"trait_key":"country","trait_value":"DE"},{"trait_key":"age","trait_value":42},{"trait_key":"version","trait_value":"2.3.1"},{"trait_key":"beta","trait_value":true}]}"#,
);

const OFREP_ONE: Call = Call::post("/ofrep/v1/evaluate/flags/feature_0002", OFREP_CONTEXT);
const OFREP_ALL: Call = Call::post("/ofrep/v1/evaluate/flags", OFREP_CONTEXT);
const OFREP_CONTEXT: &str = r#"{"context":{"targetingKey":"user-4711","plan":"pro","country":"DE","age":42,"version":"2.3.1","beta":true}}"#;

fn identities(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start_for(None, &IDENTITY)?;
    let duration = seconds(quick, 2);
    compare(
        report,
        "identities",
        "32 connections",
        &trio,
        7,
        |address| load::closed(&IDENTITY.request(address, "", 200), 32, duration),
    )
}

fn ofrep(report: &mut Report, quick: bool) -> Result<()> {
    let duration = seconds(quick, 2);
    let trio = Trio::start_for(None, &OFREP_ONE)?;
    compare(report, "ofrep", "one flag", &trio, 7, |address| {
        load::closed(&OFREP_ONE.request(address, "", 200), 32, duration)
    })?;
    let trio = Trio::start_for(None, &OFREP_ALL)?;
    let answer = OFREP_ALL.answer(trio.flagstaff.address)?;
    let etag = answer
        .header("etag")
        .ok_or_else(|| Error::other("no ETag"))?;
    let more = format!("If-None-Match: {etag}\r\n");
    compare(
        report,
        "ofrep",
        "all flags, unchanged",
        &trio,
        7,
        |address| load::closed(&OFREP_ALL.request(address, &more, 304), 32, duration),
    )
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
