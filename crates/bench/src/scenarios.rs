//! What is compared with what.

use std::fs;
use std::io::{Error, Result};
use std::time::Duration;

use flagstaff_bench::servers::{self, Server};

use crate::load;
use crate::table::{Report, median};
use crate::trio::{Call, Trio, compare, request, seconds};
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
