//! Comparisons on PostgreSQL, of the server that `tests/postgres/run` brings: `just bench-postgres`.

use std::env;
use std::io::{Error, Result};
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use flagstaff_bench::servers::{DATABASE_URL, Server};

use crate::table::{Report, median, ratio};
use crate::trio::{Trio, compare, request, seconds, timed};
use crate::{catalogue, load, writes};

/// How long a change may take from one instance to the other before something is wrong.
const LOST: Duration = Duration::from_secs(10);

/// The list, durable writes, and the way from one instance to another.
pub(crate) fn postgres(report: &mut Report, quick: bool) -> Result<()> {
    let Ok(server) = env::var("FLAGSTAFF_TEST_POSTGRES") else {
        report.note("not run: there is no PostgreSQL server; `just bench-postgres` brings one");
        return Ok(());
    };
    let trio = Trio::start_on(Some(&create(&server, "bench_list")?))?;
    let duration = seconds(quick, 2);
    compare(
        report,
        "postgres",
        "list, 32 connections",
        &trio,
        7,
        |address| load::closed(&request(address, "", 200), 32, duration),
    )?;
    writes::together(report, "postgres", trio.flagstaff.address, quick)?;
    drop(trio);
    across(report, &create(&server, "bench_across")?, quick)
}

/// Creates an empty database; its URL.
fn create(server: &str, name: &str) -> Result<String> {
    let made = Command::new("createdb")
        .args([
            "-h",
            server,
            "-U",
            "flagstaff",
            "-T",
            "template0",
            "-E",
            "UTF8",
            name,
        ])
        .status()?;
    if !made.success() {
        return Err(Error::other(format!("createdb {name}: {made}")));
    }
    Ok(format!("postgres://flagstaff@/{name}?host={server}"))
}

/// From a write's answer on one instance to the read on another that shows it, told of it and by polling alone, beside
/// the time that the write took.
fn across(report: &mut Report, database: &str, quick: bool) -> Result<()> {
    let folders = [
        tempfile::tempdir()?,
        tempfile::tempdir()?,
        tempfile::tempdir()?,
    ];
    catalogue::fill(folders[0].path(), Some(database), 1, 20)?;
    let start = |at: usize, notify| {
        let settings = [
            (DATABASE_URL, database),
            ("FLAGSTAFF__DATABASE__NOTIFY", notify),
        ];
        Server::flagstaff_with(folders[at].path(), &settings)
    };
    let (writing, told, polling) = (start(0, "true")?, start(1, "true")?, start(2, "false")?);
    writes::change(writing.address, 0, 3, 0)?; // hashes the password
    let (mut writes, mut ways) = (Vec::new(), [Vec::new(), Vec::new()]);
    for turn in 1..=if quick { 20 } else { 100 } {
        for (at, other) in [&told, &polling].into_iter().enumerate() {
            let wanted = 2 * turn + at as u64;
            writes.push(timed(|| writes::change(writing.address, 0, 3, wanted))?);
            ways[at].push(timed(|| seen(other, wanted))?);
            sleep(Duration::from_millis(turn * 7 % 50)); // at no fixed time between two polls
        }
    }
    let [told, polled] = ways;
    report.add("postgres", "a write", median(&writes), "ms here");
    report.add(
        "postgres",
        "until another instance serves it",
        median(&told),
        "ms here",
    );
    report.add(
        "postgres",
        "until another instance serves it",
        ratio(&told, &writes),
        "times the write",
    );
    report.add(
        "postgres",
        "the same by polling alone",
        median(&polled),
        "ms here",
    );
    Ok(())
}

/// Reads until the value is served.
fn seen(server: &Server, wanted: u64) -> Result<()> {
    let started = Instant::now();
    while writes::value(server.address, 3)? != wanted.to_string() {
        if started.elapsed() > LOST {
            return Err(Error::other("a change did not reach the other instance"));
        }
        sleep(Duration::from_micros(500));
    }
    Ok(())
}
