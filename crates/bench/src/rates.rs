//! Comparisons at given rates (open loop): a burst between calm times, and the highest rate that is served in time.

use std::io::Result;
use std::net::SocketAddr;

use flagstaff_bench::servers::Server;

use crate::load::{self, Phase};
use crate::table::{Report, median, ratio};
use crate::trio::{Trio, request, seconds};

/// Interleaved runs of each server.
const ROUNDS: usize = 5;
/// The shares of requests whose latency is told.
const TAILS: [(f64, &str); 3] = [(0.5, "p50"), (0.99, "p99"), (0.999, "p99.9")];
/// How long an answer may take, in milliseconds.
const IN_TIME: f64 = 5.0;

/// 50 requests a second, 2,000 for 20 s, 50 again.
pub(crate) fn open_loop(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    let phases = [
        (50.0, seconds(quick, 3)),
        (2_000.0, seconds(quick, 20)),
        (50.0, seconds(quick, 3)),
    ];
    let runs = trio.in_turn(ROUNDS, |server| {
        load::open(&request(server.address, "", 200), 32, &phases)
    })?;
    for (at, (rate, _)) in phases.iter().enumerate() {
        let label = format!("{}, {rate} a second", ["before", "burst", "after"][at]);
        // A calm phase has too few requests to tell one in a thousand.
        for tail in &TAILS[..if at == 1 { 3 } else { 2 }] {
            let tails = runs.each_ref().map(|runs| {
                let phase = runs.iter().map(|run| run[at].percentile(tail.0));
                phase.collect::<Vec<_>>()
            });
            report_tails(report, &format!("{label}: {}", tail.1), &tails);
        }
        let errors: u64 = runs[1].iter().map(|run| run[at].errors).sum();
        report.add("open", format!("{label}: errors"), errors as f64, "");
    }
    Ok(())
}

fn report_tails(report: &mut Report, label: &str, [reference, flagstaff, twin]: &[Vec<f64>; 3]) {
    let mut add = |what: &str, value, unit| {
        report.add("open", format!("{label}{what}"), value, unit);
    };
    add("", median(flagstaff), "ms here");
    add(" of the reference", median(reference), "ms here");
    add("", ratio(flagstaff, reference), "of the reference");
    let noise = ratio(twin, reference);
    add(" noise", noise, "reference against itself");
}

/// The highest rate whose p99 stays under 5 ms.
pub(crate) fn knee(report: &mut Report, quick: bool) -> Result<()> {
    let trio = Trio::start()?;
    let rounds = if quick { 1 } else { ROUNDS };
    let knees = trio.in_turn(rounds, |server| Knee::of(server, quick))?;
    let rates = |knees: &[Knee]| -> Vec<f64> { knees.iter().map(|knee| knee.rate).collect() };
    let busy = |knees: &[Knee]| median(&knees.iter().map(|knee| knee.busy).collect::<Vec<_>>());
    let [reference, flagstaff, twin] = &knees;
    let mut add = |what, value, unit| report.add("knee", what, value, unit);
    add(
        "highest rate with p99 under 5 ms",
        median(&rates(flagstaff)),
        "a second here",
    );
    add(
        "highest rate",
        ratio(&rates(flagstaff), &rates(reference)),
        "of the reference",
    );
    add(
        "highest rate noise",
        ratio(&rates(twin), &rates(reference)),
        "reference against itself",
    );
    // Where this is far from 1, the load was the limit, not the server.
    add("the server's CPU at that rate", busy(flagstaff), "of one");
    add("the reference's CPU at its rate", busy(reference), "of one");
    Ok(())
}

/// Where a server stops answering in time.
struct Knee {
    rate: f64,
    /// The share of its CPU that it uses there.
    busy: f64,
}

impl Knee {
    const CONNECTIONS: usize = 64;

    /// Looks for it between a tenth of what the server can do at most and a little more than that.
    fn of(server: &Server, quick: bool) -> Result<Self> {
        let duration = seconds(quick, 1);
        let most = load::closed(
            &request(server.address, "", 200),
            Self::CONNECTIONS,
            duration,
        )?
        .rate();
        let mut works = Self {
            rate: 0.1 * most,
            busy: 0.0,
        };
        let mut fails = 1.1 * most;
        while fails / works.rate > 1.03 {
            let rate = f64::sqrt(works.rate * fails);
            match Self::at(server, (rate, duration))? {
                Some(knee) => works = knee,
                None => fails = rate,
            }
        }
        Ok(works)
    }

    /// `None` when requests are late at this rate, twice: once may be the machine's fault.
    fn at(server: &Server, phase: Phase) -> Result<Option<Self>> {
        for _ in 0..2 {
            let before = server.cpu()?;
            if in_time(server.address, phase)? {
                let (rate, duration) = phase;
                let used = server.cpu()?.saturating_sub(before);
                let busy = used.as_secs_f64() / duration.as_secs_f64();
                return Ok(Some(Self { rate, busy }));
            }
        }
        Ok(None)
    }
}

fn in_time(address: SocketAddr, phase: Phase) -> Result<bool> {
    let outcomes = load::open(&request(address, "", 200), Knee::CONNECTIONS, &[phase])?;
    Ok(outcomes
        .iter()
        .all(|one| one.errors == 0 && one.percentile(0.99) < IN_TIME))
}
