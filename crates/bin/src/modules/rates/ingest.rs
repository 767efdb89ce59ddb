//! `flagstaff ingest-rates`: fetches days of rates and stores them, each by itself.

use std::cell::RefCell;

use clap::Args;
use flagstaff_domain::changes::Actor;
use flagstaff_domain::modules::rates::ingest::IngestOptions;
use flagstaff_domain::modules::rates::{
    IngestProgress, IngestReport, Ingested, RateDate, RateIngest, SourceError, Stored,
};
use flagstaff_domain::state::Progress;
use flagstaff_domain::text::Invalid;
use serde_json::{Value, json};

use crate::commands::Session;
use crate::exit::{Exit, Failure};
use crate::output::{Output, counted, note};
use crate::progress::Bar;

/// The most days of one run: more than a hundred years.
const DAYS_MAX: u64 = 40_000;

/// Arguments of `ingest-rates`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff ingest-rates                                  # the previous 10 days (rates.days)
  flagstaff ingest-rates --days 3
  flagstaff ingest-rates --date 2026-11-18 --date 2026-11-19
  flagstaff ingest-rates --from 2026-01-01 --to 2026-01-31
  FLAGSTAFF__RATES__ACCESS_KEY__FILE=fixer_key flagstaff ingest-rates

Asks the Fixer API of rates.base_url, one call a day of rates, and up to rates.retries more for the whole run where it fails
for a moment. Data that is newer than what is stored takes its place. A day that fails leaves what was stored; the others
are tried all the same, and the command ends with exit code 1 and names the days.")]
pub(crate) struct Arguments {
    /// The last N days before today [default: rates.days]
    #[arg(long, value_name = "N", conflicts_with_all = ["date", "from", "to"],
          value_parser = clap::value_parser!(u64).range(1..=DAYS_MAX))]
    days: Option<u64>,
    /// This day; may be repeated
    #[arg(long, value_name = "DATE", conflicts_with_all = ["from", "to"], value_parser = date)]
    date: Vec<RateDate>,
    /// The first day of several
    #[arg(long, value_name = "DATE", requires = "to", value_parser = date)]
    from: Option<RateDate>,
    /// The last day of several
    #[arg(long, value_name = "DATE", requires = "from", value_parser = date)]
    to: Option<RateDate>,
    /// Store also rates that are hundreds of times what they are on a day nearby, or in another base
    #[arg(long)]
    force: bool,
}

/// A day of rates.
pub(super) fn date(text: &str) -> Result<RateDate, Invalid> {
    RateDate::parse(text)
}

impl Arguments {
    /// The days that are meant, oldest first, each once.
    fn dates(&self, days: u64, ingest: &RateIngest) -> Result<Vec<RateDate>, Failure> {
        let mut dates = match (self.from, self.to) {
            (Some(from), Some(to)) if from > to => {
                return Err(Failure::wrong("--from must not be after --to"));
            }
            (Some(from), Some(to)) => from.up_to(to).collect(),
            _ if self.date.is_empty() => ingest.previous(self.days.unwrap_or(days)),
            _ => self.date.clone(),
        };
        dates.sort();
        dates.dedup();
        let today = ingest.today();
        match dates.iter().find(|date| **date > today) {
            Some(date) => Err(Failure::wrong(format!(
                "{date} is in the future: in UTC it is {today}"
            ))),
            None => Ok(dates),
        }
    }
}

/// Tells each day as it is done: a line, or the bar's progress on a terminal.
struct Told<'a> {
    bar: &'a Bar,
    output: RefCell<&'a mut Output>,
    /// Whoever reads the output has gone away.
    unheard: RefCell<Option<Failure>>,
}

impl IngestProgress for Told<'_> {
    fn day(&self, day: &Ingested, done: usize, total: usize) -> bool {
        self.bar.advanced(done, total);
        let mut output = self.output.borrow_mut();
        if output.is_json() || output.is_terminal() {
            return true;
        }
        let told = output
            .line(format_args!("{} {}", day.date, outcome(day)))
            .and_then(|()| output.flush());
        match told {
            Ok(()) => true,
            Err(failure) => {
                *self.unheard.borrow_mut() = Some(failure);
                false
            }
        }
    }
}

fn outcome(day: &Ingested) -> String {
    match &day.result {
        Ok(Stored::New) => "stored".to_owned(),
        Ok(Stored::Replaced) => "stored in place of older data".to_owned(),
        Ok(Stored::Unchanged) => "is stored already".to_owned(),
        Ok(Stored::Newer) => "stays: what is stored was made later".to_owned(),
        Err(error) => format!("failed: {error}"),
    }
}

pub(crate) fn run(arguments: &Arguments, session: Session) -> Result<(), Failure> {
    let settings = session.settings().rates.clone();
    if settings.access_key.is_none() {
        return Err(Failure::wrong(SourceError::NoKey.to_string()));
    }
    let (services, mut output) = session.open()?;
    let ingest = services.base.rate_ingest(&settings);
    let dates = arguments.dates(settings.days, &ingest)?;
    let options = IngestOptions {
        retries: settings.retries,
        force: arguments.force,
    };
    // A call may cost: none is made for what cannot be stored.
    ingest.try_out()?;
    let bar = Bar::start("ingesting rates");
    let told = Told {
        bar: &bar,
        output: RefCell::new(&mut output),
        unheard: RefCell::default(),
    };
    let report = ingest.run(&Actor::CommandLine, &dates, options, &told);
    let unheard = told.unheard.take();
    bar.finish();
    if let Some(failure) = unheard {
        return Err(failure);
    }
    summarize(&report, &mut output)
}

fn summarize(report: &IngestReport, output: &mut Output) -> Result<(), Failure> {
    let failed = report.failed();
    if output.is_json() {
        let days: Vec<Value> = report.days.iter().map(as_json).collect();
        output.json(&json!({ "days": days, "failed": failed }))?;
    } else if output.is_terminal() {
        for day in report.days.iter().filter(|day| day.result.is_err()) {
            note(format_args!("{} {}", day.date, outcome(day)));
        }
        let done = report.days.len() - failed.len();
        output.line(format_args!("{} ingested", counted(done, "day", "days")))?;
    }
    if failed.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = failed.iter().map(ToString::to_string).collect();
    let message = format!(
        "{} of {} failed, and what was stored for them stays: {}",
        failed.len(),
        counted(report.days.len(), "day", "days"),
        names.join(", ")
    );
    Err(Failure::new(Exit::Failed, message))
}

fn as_json(day: &Ingested) -> Value {
    let (result, error) = match &day.result {
        Ok(Stored::New) => ("stored", None),
        Ok(Stored::Replaced) => ("replaced", None),
        Ok(Stored::Unchanged) => ("unchanged", None),
        Ok(Stored::Newer) => ("newer", None),
        Err(error) => ("failed", Some(error.to_string())),
    };
    json!({ "date": day.date, "result": result, "error": error })
}
