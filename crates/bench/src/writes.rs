//! Comparisons that write: the list while flags change, and durable writes.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flagstaff_bench::http;

use crate::catalogue;
use crate::load;
use crate::table::{Report, median, ratio};
use crate::trio::{Trio, request, seconds, timed};

/// Gives a flag this value.
pub(crate) fn change(
    address: SocketAddr,
    environment: usize,
    feature: usize,
    value: u64,
) -> Result<()> {
    let path =
        format!("/api/admin/environments/environment-{environment:04}/flags/feature_{feature:04}");
    send(
        address,
        "PATCH",
        &path,
        &format!("{{\"value\": {value}}}"),
        200,
    )
}

/// Sends a request to management, which must answer this status.
pub(crate) fn send(
    address: SocketAddr,
    method: &str,
    path: &str,
    body: &str,
    status: u16,
) -> Result<()> {
    let answer = http::call(address, method, path, &http::administrator(), body)?;
    if answer.status == status {
        return Ok(());
    }
    Err(answer.unexpected(&format!("{method} {path}")))
}

/// Reads one flag's value.
pub(crate) fn value(address: SocketAddr, feature: usize) -> Result<String> {
    let headers = format!("X-Environment-Key: {}\r\n", catalogue::key(0));
    let path = format!("/api/v1/flags/?feature=feature_{feature:04}");
    let flag = http::get(address, &path, &headers)?.json()?;
    Ok(flag["feature_state_value"].to_string())
}

/// The list while one flag is changed 20 times a second; the read after each write's answer must show it.
pub(crate) fn changing(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    let address = trio.flagstaff.address;
    let duration = seconds(quick, 4);
    change(address, 0, 3, 0)?; // hashes the password
    let (mut undisturbed, mut disturbed) = (Vec::new(), Vec::new());
    let (mut errors, mut stale) = (0, 0);
    for round in 0..5 {
        let calm = load::closed(&request(address, "", 200), 32, duration)?;
        let stop = AtomicBool::new(false);
        let busy = thread::scope(|scope| {
            let writer = scope.spawn(|| -> Result<u64> {
                let mut stale = 0;
                for turn in 1.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let next = Instant::now() + Duration::from_millis(50);
                    let wanted = round * 1_000_000 + turn;
                    change(address, 0, 3, wanted)?;
                    stale += u64::from(value(address, 3)? != wanted.to_string());
                    thread::sleep(next.saturating_duration_since(Instant::now()));
                }
                Ok(stale)
            });
            let busy = load::closed(&request(address, "", 200), 32, duration);
            stop.store(true, Ordering::Relaxed);
            stale += writer
                .join()
                .map_err(|_| Error::other("the writer panicked"))??;
            busy
        })?;
        errors += calm.errors + busy.errors;
        undisturbed.push(calm.rate());
        disturbed.push(busy.rate());
    }
    report.add(
        "changing",
        "throughput",
        ratio(&disturbed, &undisturbed),
        "of the run without changes",
    );
    report.add(
        "changing",
        "throughput noise",
        ratio(&undisturbed[1..], &undisturbed),
        "run without changes against the last",
    );
    report.add("changing", "errors", errors as f64, "");
    report.add(
        "changing",
        "reads that missed the write before them",
        stale as f64,
        "",
    );
    Ok(())
}

/// Durable writes a second, 8 and 32 writers beside one.
pub(crate) fn durable(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    together(report, "writes", trio.flagstaff.address, quick)?;
    let sync = timed(|| sync_often(&trio))? / f64::from(SYNCS);
    report.add("writes", "one fsync of a page", sync, "ms here");
    Ok(())
}

/// Compares 8 and 32 writers with one.
pub(crate) fn together(
    report: &mut Report,
    scenario: &str,
    address: SocketAddr,
    quick: bool,
) -> Result<()> {
    change(address, 0, 0, 0)?; // hashes the password
    let duration = seconds(quick, 2);
    let mut rates = [1, 8, 32].map(|writers| (writers, Vec::new()));
    for _ in 0..5 {
        for (writers, rates) in &mut rates {
            rates.push(rate(address, *writers, duration)?);
        }
    }
    for (writers, each) in &rates {
        let label = format!("{writers} writing");
        report.add(scenario, label.clone(), median(each), "a second here");
        report.add(scenario, label, ratio(each, &rates[0].1), "times one");
    }
    Ok(())
}

/// Writes a second of so many writers.
fn rate(address: SocketAddr, writers: usize, duration: Duration) -> Result<f64> {
    let done = AtomicU64::new(0);
    let started = Instant::now();
    let write = |writer: usize| -> Result<()> {
        while started.elapsed() < duration {
            let turn = done.fetch_add(1, Ordering::Relaxed);
            change(address, 0, writer % 20, turn)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..writers)
            .map(|writer| scope.spawn(move || write(writer)))
            .collect();
        threads.into_iter().try_for_each(|thread| {
            thread
                .join()
                .map_err(|_| Error::other("a writer panicked"))?
        })
    })?;
    Ok(done.into_inner() as f64 / started.elapsed().as_secs_f64())
}

/// How many fsyncs are timed.
const SYNCS: u32 = 50;

fn sync_often(trio: &Trio) -> Result<()> {
    let file = std::fs::File::create(trio.folder().join("sync"))?;
    for _ in 0..SYNCS {
        std::io::Write::write_all(&mut &file, &[0; 4096])?;
        file.sync_data()?;
    }
    Ok(())
}
