//! `flagstaff rates`: what is stored.

use clap::{Args, Subcommand};
use flagstaff_domain::modules::rates::service::RateView;
use flagstaff_domain::modules::rates::{Currency, RateDate};
use flagstaff_domain::text::Invalid;
use flagstaff_http::modules::rates::dto::RatesBody;

use super::ingest::date;
use crate::commands::Session;
use crate::exit::Failure;
use crate::output::instant;

/// What to do with rates.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff rates show 2026-11-20
  flagstaff rates show 2026-11-20 --base USD --symbols EUR,GBP")]
pub(crate) enum Command {
    /// Show a day's rates
    #[command(after_help = "\
Examples:
  flagstaff rates show 2026-11-20
  flagstaff rates show 2026-11-20 --base USD --symbols EUR,GBP
  flagstaff rates show 2026-11-20 --json | jq .rates.USD")]
    Show(Show),
}

/// Arguments of `show`.
#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The day, as 2026-11-20
    #[arg(value_parser = date)]
    date: RateDate,
    /// The currency to state them in
    #[arg(long, value_parser = currency)]
    base: Option<Currency>,
    /// The currencies to show, separated by commas
    #[arg(long, value_parser = currency, value_delimiter = ',')]
    symbols: Vec<Currency>,
}

fn currency(text: &str) -> Result<Currency, Invalid> {
    Currency::parse(text)
}

pub(crate) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let Command::Show(show) = command;
    let (services, mut output) = session.open()?;
    let view = RateView {
        base: show.base,
        symbols: Some(show.symbols).filter(|symbols| !symbols.is_empty()),
    };
    let stored = services.base.rates().get(show.date, &view)?;
    let ingested = instant(stored.ingested_at);
    let body = RatesBody::from(stored);
    if output.is_json() {
        return output.json(&body);
    }
    output.line(format_args!(
        "1 {} on {} (ingested {ingested})\n",
        body.base, body.date
    ))?;
    output.table(
        ["CURRENCY", "RATE"],
        body.rates
            .iter()
            .map(|(currency, rate)| [currency.to_string(), rate.to_string()]),
    )
}
