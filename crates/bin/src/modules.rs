//! The optional modules of this build. Each is registered by its line in [`MODULES`] and its commands in [`Command`].

#[cfg(feature = "coupons")]
mod coupons;
#[cfg(feature = "rates")]
mod rates;

use std::any::Any;
use std::sync::Arc;

use clap::Subcommand;
use flagstaff_http::modules::Module;

use crate::commands::Session;
use crate::exit::Failure;
use crate::settings::Settings;
use crate::wiring::Base;

/// A module in a server.
pub(crate) struct Started {
    /// What it adds to HTTP.
    pub(crate) http: Arc<dyn Module>,
    /// Loads what a demonstration has of it, into a database without any.
    pub(crate) demonstrate: Box<dyn Fn() -> Result<(), Failure>>,
    /// What it does by itself, for as long as this is kept.
    pub(crate) _job: Option<Box<dyn Any>>,
}

type Start = fn(&Base, &Settings) -> Result<Started, Failure>;

/// The modules that a server starts.
const MODULES: &[Start] = &[
    #[cfg(feature = "coupons")]
    coupons::start,
    #[cfg(feature = "rates")]
    rates::start,
];

/// Starts every module.
///
/// # Errors
/// [`Failure`] of the first that cannot be started.
pub(crate) fn start(base: &Base, settings: &Settings) -> Result<Vec<Started>, Failure> {
    let started = MODULES.iter().map(|start| start(base, settings));
    started.collect()
}

/// What to do with modules.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Offers with a window of publication
    #[cfg(feature = "coupons")]
    #[command(subcommand)]
    Coupon(coupons::Command),
    /// Fetch rates of currencies and store them
    #[cfg(feature = "rates")]
    #[command(alias = "ingest_rates")]
    IngestRates(rates::ingest::Arguments),
    /// Rates of currencies, as they are stored
    #[cfg(feature = "rates")]
    #[command(subcommand)]
    Rates(rates::show::Command),
}

/// Runs it.
///
/// # Errors
/// [`Failure`], to be reported.
#[cfg_attr(
    not(any(feature = "coupons", feature = "rates")),
    allow(
        unused_variables,
        clippy::needless_pass_by_value,
        reason = "a build without modules has none of their commands"
    )
)]
pub(crate) fn run(command: Command, session: Session) -> Result<(), Failure> {
    match command {
        #[cfg(feature = "coupons")]
        Command::Coupon(command) => coupons::run(command, session),
        #[cfg(feature = "rates")]
        Command::IngestRates(arguments) => rates::ingest::run(&arguments, session),
        #[cfg(feature = "rates")]
        Command::Rates(command) => rates::show::run(command, session),
    }
}
