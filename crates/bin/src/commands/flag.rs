//! `flagstaff flag`: the state of a feature in an environment.

use clap::{ArgAction, Args, Subcommand};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::flags::targeting::{Share, Split};
use flagstaff_domain::flags::{ChangeFlag, Flag};
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::{EnvironmentName, FeatureName};
use flagstaff_http::admin::dto::FlagRecord;

use super::arguments::{self, IfVersion, ValueArgument, at_least_one};
use super::{Session, every_page};
use crate::exit::Failure;
use crate::output::{Output, instant, on_off, short};
use crate::wiring::Services;

/// What to do with flags. They come and go with features and environments.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff flag list production
  flagstaff flag set production dark_mode --on
  flagstaff flag set --help")]
pub(crate) enum Command {
    /// List the flags of an environment
    #[command(after_help = "\
Examples:
  flagstaff flag list production
  flagstaff flag list production --json | jq -r '.[] | select(.enabled) | .feature'")]
    List(Of),
    /// Show a flag
    #[command(after_help = "\
Examples:
  flagstaff flag show production dark_mode")]
    Show(Named),
    /// Switch a flag, or give it a value or a split
    #[command(after_help = "\
Examples:
  flagstaff flag set production dark_mode --on
  flagstaff flag set production dark_mode --enabled false
  flagstaff flag set staging upload_limit --value 50
  flagstaff flag set production theme --variant blue=30 --variant green=12.5   # the rest gets the value
  flagstaff flag set production dark_mode --kill      # off for everyone, overrides included
  flagstaff flag set production dark_mode --revive    # as it was before
  flagstaff flag set staging greeting --text 'Good morning' --on
  flagstaff flag set production theme --value '{\"colour\": \"#00f\"}' --if-version 17")]
    Set(Set),
}

/// Names an environment.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The environment
    #[arg(value_parser = arguments::environment)]
    environment: EnvironmentName,
}

/// Names a flag.
#[derive(Debug, Args)]
pub(crate) struct Named {
    #[command(flatten)]
    of: Of,
    /// The feature
    #[arg(value_parser = arguments::feature)]
    feature: FeatureName,
}

/// Arguments of `set`.
#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    if_version: IfVersion,
}

/// What `set` can set.
#[derive(Debug, Args)]
#[command(group = at_least_one([
    "enabled", "on", "off", "value", "text", "variant", "no_split", "kill", "revive",
]))]
pub(crate) struct Change {
    /// Enable it, or disable it
    #[arg(long, value_name = "true|false", action = ArgAction::Set, hide_possible_values = true)]
    enabled: Option<bool>,
    /// Enable it
    #[arg(long, conflicts_with_all = ["enabled", "off"])]
    on: bool,
    /// Disable it
    #[arg(long, conflicts_with = "enabled")]
    off: bool,
    #[command(flatten)]
    value: ValueArgument,
    /// How many of a hundred get a variant; may be repeated, and replaces the whole split
    #[arg(long, value_name = "KEY=PERCENT", value_parser = arguments::share)]
    variant: Vec<Share>,
    /// Give everybody the value
    #[arg(long, conflicts_with = "variant")]
    no_split: bool,
    /// Turn it off for everyone, whatever else is set
    #[arg(long, conflicts_with = "revive")]
    kill: bool,
    /// Take --kill back
    #[arg(long)]
    revive: bool,
}

impl Change {
    fn into_change(self) -> Result<ChangeFlag, Failure> {
        let split = self.no_split || !self.variant.is_empty();
        let split = split.then(|| Split::try_from(self.variant)).transpose();
        let split = split.map_err(|error| Failure::wrong(format!("--variant {error}")))?;
        Ok(ChangeFlag {
            enabled: match (self.on, self.off) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => self.enabled,
            },
            value: self.value.into_value(),
            variants: split,
            killed: (self.kill || self.revive).then_some(self.kill),
        })
    }
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    match command {
        Command::List(of) => list(&of.environment, &services, &mut output),
        Command::Show(named) => {
            let flag = services
                .flags
                .get_flag(&named.of.environment, &named.feature)?;
            show(&flag, &services, &mut output)
        }
        Command::Set(set) => {
            let written = services.flags.change_flag(
                &Actor::CommandLine,
                &set.named.of.environment,
                &set.named.feature,
                &set.change.into_change()?,
                &set.if_version.precondition(),
            )?;
            show(&written.record, &services, &mut output)
        }
    }
}

fn list(
    environment: &EnvironmentName,
    services: &Services,
    output: &mut Output,
) -> Result<(), Failure> {
    let flags = every_page(
        |after| {
            let limit = PAGE_MAX;
            services
                .flags
                .list_flags(environment, &Page { limit, after })
        },
        |flag: &Flag| flag.feature.clone(),
    )?;
    if output.is_json() {
        let records: Vec<_> = flags.iter().map(FlagRecord::from).collect();
        return output.json(&records);
    }
    if flags.is_empty() {
        return output.line("no features yet; add one with `flagstaff feature create NAME`");
    }
    output.table(
        ["FEATURE", "STATE", "VALUE", "UPDATED"],
        flags.iter().map(|flag| {
            [
                flag.feature.to_string(),
                state(flag),
                short(&flag.value.to_json()),
                instant(flag.updated_at),
            ]
        }),
    )
}

/// Whether it is on, as people read it.
pub(super) fn state(flag: &Flag) -> String {
    if flag.killed {
        "killed".to_owned()
    } else {
        on_off(flag.enabled)
    }
}

fn split(flag: &Flag) -> String {
    let shares = flag.variants.iter();
    let shares: Vec<_> = shares
        .map(|share| format!("{} {} %", share.variant, share.weight))
        .collect();
    shares.join(", ")
}

/// Who gets something else, as people read it.
fn overrides(flag: &Flag, services: &Services) -> Result<String, Failure> {
    let (environment, feature) = (&flag.environment, &flag.feature);
    let found = services
        .targeting
        .list_overrides(environment, feature, &Page::first())?;
    Ok(match (found.items.len(), found.more) {
        (0, _) => "none".to_owned(),
        (count, more) => format!(
            "{}{count}, shown by `flagstaff override list {environment} {feature}`",
            if more { "more than " } else { "" }
        ),
    })
}

fn show(flag: &Flag, services: &Services, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&FlagRecord::from(flag));
    }
    output.fields([
        ("feature", flag.feature.to_string()),
        ("environment", flag.environment.to_string()),
        ("state", state(flag)),
        ("value", flag.value.to_json()),
        ("split", split(flag)),
        ("overrides", overrides(flag, services)?),
        ("updated", instant(flag.updated_at)),
        ("version", flag.version.to_string()),
    ])
}
