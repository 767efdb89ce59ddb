//! Comparisons of signing in: what a storm of it costs the list, and whether its time tells which names there are.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flagstaff_bench::http;
use flagstaff_bench::servers::Server;

use crate::catalogue;
use crate::load;
use crate::table::{Report, median, ratio};
use crate::trio::{request, seconds, timed};

/// Sign-ins a second in a storm.
const STORM: u32 = 500;
/// Lets every guess be looked at.
const NO_LIMITS: [(&str, &str); 2] = [
    ("FLAGSTAFF__SIGN_IN__FAILURES_PER_ACCOUNT", "4294967295"),
    ("FLAGSTAFF__SIGN_IN__FAILURES_PER_ADDRESS", "4294967295"),
];
/// A thread that waits for one answer needs no more.
const STACK: usize = 64 * 1024;

/// Tries to sign in; the status.
fn guess(address: SocketAddr, username: &str, number: u64) -> Result<u16> {
    let credentials = STANDARD.encode(format!("{username}:not-the-password-{number}"));
    let headers = format!("Authorization: Basic {credentials}\r\n");
    let answer = http::get(address, "/api/admin/environments", &headers)?;
    match answer.status {
        401 | 429 | 503 => Ok(answer.status),
        _ => Err(answer.unexpected("a wrong password")),
    }
}

/// The list beside a storm of wrong passwords: with the limits that are shipped, and with none, so that each is hashed.
pub(crate) fn storm(report: &mut Report, quick: bool) -> Result<()> {
    for (label, settings) in [("limited", &[][..]), ("no limits", &NO_LIMITS)] {
        let folder = tempfile::tempdir()?;
        catalogue::create(folder.path(), 1, 20)?;
        let server = Server::flagstaff_with(folder.path(), settings)?;
        let address = server.address;
        let list = || load::closed(&request(address, "", 200), 32, seconds(quick, 10));
        let (mut usual, mut stormy, mut errors) = (Vec::new(), Vec::new(), 0);
        let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        for _ in 0..3 {
            usual.push(list()?.rate());
            stop.store(false, Ordering::Relaxed);
            let outcome = thread::scope(|scope| {
                let blowing = scope.spawn(|| blow(address, &done, &stop));
                let outcome = list();
                stop.store(true, Ordering::Relaxed);
                blowing
                    .join()
                    .map_err(|_| Error::other("the storm panicked"))??;
                outcome
            })?;
            errors += outcome.errors;
            stormy.push(outcome.rate());
        }
        let mut add = |what: &str, value, unit| {
            report.add("storm", format!("{label}: {what}"), value, unit);
        };
        add("throughput", ratio(&stormy, &usual), "of the usual");
        add("sign-ins answered", done.into_inner() as f64, "");
        add("errors of the list", errors as f64, "");
    }
    Ok(())
}

/// Guesses at a fixed rate, whether or not they are answered, until it is told to stop.
fn blow(address: SocketAddr, done: &AtomicU64, stop: &AtomicBool) -> Result<()> {
    let started = Instant::now();
    thread::scope(|scope| {
        for number in 0.. {
            let due = Duration::from_secs(1) / STORM * number;
            thread::sleep(due.saturating_sub(started.elapsed()));
            if stop.load(Ordering::Relaxed) {
                break;
            }
            thread::Builder::new()
                .stack_size(STACK)
                .spawn_scoped(scope, move || {
                    if guess(address, "admin", u64::from(number)).is_ok() {
                        done.fetch_add(1, Ordering::Relaxed);
                    }
                })?;
        }
        Ok(())
    })
}

/// The time of a sign-in with a name that nobody has, beside that with a wrong password.
pub(crate) fn guesses(report: &mut Report, quick: bool) -> Result<()> {
    let folder = tempfile::tempdir()?;
    catalogue::create(folder.path(), 1, 1)?;
    let server = Server::flagstaff_with(folder.path(), &NO_LIMITS)?;
    let mut times = [Vec::new(), Vec::new()];
    for number in 0..if quick { 100 } else { 500 } {
        for (username, times) in ["nobody", "admin"].into_iter().zip(&mut times) {
            times.push(timed(|| match guess(server.address, username, number)? {
                401 => Ok(()),
                other => Err(Error::other(format!(
                    "a wrong password is answered {other}"
                ))),
            })?);
        }
    }
    let [unknown, wrong] = times.map(|times| median(&times));
    report.add("guesses", "a wrong password", wrong, "ms here");
    report.add("guesses", "an unknown name", unknown / wrong, "times that");
    Ok(())
}
