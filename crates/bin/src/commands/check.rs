//! `flagstaff check`: is the installation sound? Looks, and changes nothing.

use clap::Args;
use flagstaff_domain::changes::{ChangeQuery, Direction};
use serde::Serialize;
use serde_json::json;

use super::{Session, export};
use crate::exit::{Exit, Failure};
use crate::output::{Output, counted, instant};
use crate::progress::Bar;
use crate::settings::Settings;
use crate::wiring::{Location, Services, database};

/// Arguments of `check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff check
  flagstaff check --json | jq -r '.checks[] | select(.ok | not) | .detail'

Ends with exit code 5 when something is wrong, and 2 when the configuration is. The integrity check reads the whole
database, also while a server uses it.")]
pub(crate) struct Arguments {}

/// What was looked at, and what was found.
#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    detail: String,
}

impl Check {
    fn new(name: &'static str, found: Result<String, String>) -> Self {
        let ok = found.is_ok();
        let detail = found.unwrap_or_else(|detail| detail);
        Self { name, ok, detail }
    }
}

pub(super) fn run(session: Session) -> Result<(), Failure> {
    let Session {
        settings,
        mut output,
    } = session;
    let bar = Bar::start("checking the database");
    let checks = look(&settings);
    bar.finish();
    print(&checks, &mut output)?;
    let wrong = checks.iter().filter(|check| !check.ok).count();
    if wrong == 0 {
        return Ok(());
    }
    let message = counted(wrong, "check", "checks") + " failed";
    Err(Failure::new(Exit::Found, message))
}

fn look(settings: &Settings) -> Vec<Check> {
    let location = settings.database.url.location();
    let mut checks = vec![
        Check::new("configuration", Ok(configuration(settings))),
        Check::new("schema", schema(location)),
    ];
    // Without a database there is nothing more to look at.
    if database::must_exist(location).is_ok() {
        checks.push(Check::new("integrity", integrity(location)));
        checks.push(Check::new("records", records(settings)));
        checks.push(Check::new("change log", change_log(settings)));
    }
    checks
}

fn configuration(settings: &Settings) -> String {
    let sources = settings.sources();
    format!(
        "profile {}, {}, {}",
        sources.profile,
        counted(sources.files.len(), "file", "files"),
        counted(sources.variables.len(), "variable", "variables"),
    )
}

fn schema(location: &Location) -> Result<String, String> {
    database::must_exist(location).map_err(said)?;
    let pending = database::pending(location).map_err(said)?;
    if pending.is_empty() {
        return Ok("every migration is applied".to_owned());
    }
    Err(format!(
        "not applied: {}; run `flagstaff migrate`",
        pending.join(", ")
    ))
}

fn integrity(location: &Location) -> Result<String, String> {
    let findings = database::integrity(location).map_err(said)?;
    if findings.is_empty() {
        return Ok(format!("{location} is sound"));
    }
    Err(format!(
        "{}; stop the server and restore a backup",
        findings.join("; ")
    ))
}

/// Reads every environment, feature, flag and key, as serving and exporting do.
fn records(settings: &Settings) -> Result<String, String> {
    let services = Services::open(&settings.database).map_err(said)?;
    let state = services.state.export().map_err(|error| error.to_string())?;
    let [environments, features, keys] = export::sizes(&state);
    Ok(format!(
        "{}, {} and {} can be read",
        counted(environments, "environment", "environments"),
        counted(features, "feature", "features"),
        counted(keys, "key", "keys"),
    ))
}

fn change_log(settings: &Settings) -> Result<String, String> {
    let query = ChangeQuery {
        direction: Direction::NewestFirst(None),
        limit: 1,
        context: None,
        subject: None,
        actor: None,
        environment: None,
    };
    let services = Services::open(&settings.database).map_err(said)?;
    let listing = services
        .changes
        .list(&query)
        .map_err(|error| error.to_string())?;
    Ok(match listing.items.first() {
        Some(last) => format!("the last change is {}, at {}", last.seq, instant(last.at)),
        None => "empty".to_owned(),
    })
}

fn said(failure: Failure) -> String {
    match failure {
        Failure::Said(_, message) => message,
        Failure::ReaderGone => String::new(),
    }
}

fn print(checks: &[Check], output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        let ok = checks.iter().all(|check| check.ok);
        return output.json(&json!({ "ok": ok, "checks": checks }));
    }
    output.table(
        ["CHECK", "RESULT", "DETAIL"],
        checks.iter().map(|check| {
            let result = if check.ok { "ok" } else { "WRONG" };
            [
                check.name.to_owned(),
                result.to_owned(),
                check.detail.clone(),
            ]
        }),
    )
}
