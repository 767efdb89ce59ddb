//! Comparisons that write: the list while flags change, durable writes, and large catalogues.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use flagstaff_bench::http;
use flagstaff_bench::servers::Server;

use crate::catalogue;
use crate::load;
use crate::scenarios::{Trio, request, timed};
use crate::table::{Report, median};

fn change(address: SocketAddr, environment: usize, feature: usize, value: u64) -> Result<()> {
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

fn send(address: SocketAddr, method: &str, path: &str, body: &str, status: u16) -> Result<()> {
    let answer = http::call(address, method, path, &http::administrator(), body)?;
    if answer.status == status {
        return Ok(());
    }
    Err(answer.unexpected(&format!("{method} {path}")))
}

/// Reads one flag's value.
fn value(address: SocketAddr, feature: usize) -> Result<String> {
    let headers = format!("X-Environment-Key: {}\r\n", catalogue::key(0));
    let path = format!("/api/v1/flags/?feature=feature_{feature:04}");
    let flag = http::get(address, &path, &headers)?.json()?;
    Ok(flag["feature_state_value"].to_string())
}

/// The list while one flag is changed 20 times a second; the read after each write's answer must show it.
pub(crate) fn changing(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    let address = trio.flagstaff.address;
    let duration = Duration::from_millis(if quick { 1_000 } else { 4_000 });
    change(address, 0, 3, 0)?; // hashes the password
    let mut ratios = Vec::new();
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
        ratios.push(busy.rate() / calm.rate());
    }
    report.add(
        "changing",
        "throughput",
        median(&ratios),
        "of the run without changes",
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

/// Durable writes a second, 32 writers beside one.
pub(crate) fn durable(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    let address = trio.flagstaff.address;
    change(address, 0, 0, 0)?;
    let duration = Duration::from_millis(if quick { 1_000 } else { 4_000 });
    let rate = |writers: usize| -> Result<f64> {
        let done = AtomicU64::new(0);
        let started = Instant::now();
        thread::scope(|scope| {
            let threads: Vec<_> = (0..writers)
                .map(|writer| {
                    let done = &done;
                    scope.spawn(move || -> Result<()> {
                        let mut turn = 1;
                        while started.elapsed() < duration {
                            change(address, 0, writer % 20, turn)?;
                            done.fetch_add(1, Ordering::Relaxed);
                            turn += 1;
                        }
                        Ok(())
                    })
                })
                .collect();
            for thread in threads {
                thread
                    .join()
                    .map_err(|_| Error::other("a writer panicked"))??;
            }
            Result::Ok(())
        })?;
        Ok(done.into_inner() as f64 / started.elapsed().as_secs_f64())
    };
    let one = rate(1)?;
    let many = rate(32)?;
    report.add("writes", "one writer", one, "a second here");
    report.add("writes", "32 writers", many / one, "times one writer");
    let sync = timed(|| sync_once(&trio))?;
    report.add("writes", "one fsync of a page", sync, "ms here");
    Ok(())
}

fn sync_once(trio: &Trio) -> Result<()> {
    let file = std::fs::File::create(trio.folder().join("sync"))?;
    for _ in 0..10 {
        std::io::Write::write_all(&mut &file, &[0; 4096])?;
        file.sync_data()?;
    }
    Ok(())
}

/// Large catalogues beside small ones.
pub(crate) fn size(report: &mut Report, quick: bool) -> Result<()> {
    let large = if quick { 100 } else { 1_000 };
    let mut costs = Vec::new();
    for environments in [10, large] {
        let folder = tempfile::tempdir()?;
        catalogue::create(folder.path(), environments, 200)?;
        let server = Server::flagstaff(folder.path())?;
        let label = |what: &str| format!("{environments} environments of 200 features: {what}");
        let started = server.started_in.as_secs_f64() * 1e3;
        report.add("size", label("start to first answer"), started, "ms here");
        report.add(
            "size",
            label("resident memory"),
            server.resident_mib()?,
            "MiB",
        );
        change(server.address, 0, 0, 0)?;
        let flags: Vec<f64> = (1..=40)
            .map(|turn| timed(|| change(server.address, 1, 1, turn)))
            .collect::<Result<_>>()?;
        let features: Vec<f64> = (0..5)
            .map(|turn| {
                let body = format!("{{\"name\": \"added-{turn}\"}}");
                timed(|| send(server.address, "POST", "/api/admin/features", &body, 201))
            })
            .collect::<Result<_>>()?;
        report.add(
            "size",
            label("changing one flag"),
            median(&flags),
            "ms here",
        );
        report.add(
            "size",
            label("adding a feature"),
            median(&features),
            "ms here",
        );
        costs.push(median(&flags));
    }
    if let [small, large] = costs[..] {
        report.add(
            "size",
            "changing one flag in the large catalogue",
            large / small,
            "times that in the small",
        );
    }
    Ok(())
}
