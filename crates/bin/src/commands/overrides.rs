//! `flagstaff override`: what a segment or an identity gets in place of a flag's own state.

use clap::{ArgAction, ArgGroup, Args, Subcommand};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::flags::targeting::{
    ChangeOverride, NewOverride, Override, Percentage, Priority, Share, Split, TargetName,
};
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::{EnvironmentName, FeatureName, Identifier, Invalid, SegmentName};
use flagstaff_http::admin::dto::OverrideRecord;

use super::arguments::{self, IfVersion, ValueArgument};
use super::{Session, every_page};
use crate::exit::{Exit, Failure};
use crate::output::{Output, instant, on_off, short};
use crate::wiring::Services;

/// What to do with overrides. The strongest is served: one for the identity, then the segment's with the lowest priority.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff override list production checkout
  flagstaff override set production checkout --segment paying --on
  flagstaff override set --help")]
pub(crate) enum Command {
    /// List the overrides of a flag, the strongest of segments first, then those of identities
    #[command(after_help = "\
Examples:
  flagstaff override list production checkout
  flagstaff override list production checkout --json | jq -r '.[] | select(.enabled) | .segment'")]
    List(Flag),
    /// Show an override
    #[command(after_help = "\
Examples:
  flagstaff override show production checkout --segment paying")]
    Show(Named),
    /// Give a segment or an identity an override, or change the one that it has
    #[command(after_help = "\
Examples:
  flagstaff override set production checkout --segment paying --on
  flagstaff override set production checkout --segment paying --rollout 25      # a quarter of them; raising keeps them
  flagstaff override set production upload_limit --segment paying --on --value 200 --priority 0
  flagstaff override set production theme --segment beta --on --variant blue=50 --variant green=50
  flagstaff override set production checkout --identity user-7 --on

A new override that is not told whether it is on is off, and has the flag's value unless told. A priority that is taken
moves those that stand there back by one.")]
    Set(Box<Set>),
    /// Change the override that a segment or an identity has
    #[command(after_help = "\
Examples:
  flagstaff override change production checkout --segment paying --off
  flagstaff override change production checkout --segment paying --no-rollout --priority 0
  flagstaff override change production theme --segment beta --no-variants --if-version 17")]
    Change(Box<Set>),
    /// Take the override away
    #[command(after_help = "\
Examples:
  flagstaff override delete production checkout --segment paying
  flagstaff override delete production checkout --identity user-7")]
    Delete(Delete),
}

/// Names a flag.
#[derive(Debug, Args)]
pub(crate) struct Flag {
    /// The environment
    #[arg(value_parser = arguments::environment)]
    environment: EnvironmentName,
    /// The feature
    #[arg(value_parser = arguments::feature)]
    feature: FeatureName,
}

/// Names an override.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("who gets it").args(["segment", "identity"]).required(true))]
pub(crate) struct Named {
    #[command(flatten)]
    flag: Flag,
    /// The segment that gets it
    #[arg(long, value_name = "NAME", value_parser = arguments::segment)]
    segment: Option<SegmentName>,
    /// The identity that gets it
    #[arg(long, value_name = "IDENTIFIER", value_parser = identifier, allow_hyphen_values = true)]
    identity: Option<Identifier>,
}

impl Named {
    fn target(&self) -> Result<TargetName, Failure> {
        let segment = self.segment.clone().map(TargetName::Segment);
        let identity = self.identity.clone().map(TargetName::Identity);
        segment
            .or(identity)
            .ok_or_else(|| Failure::wrong("name a --segment or an --identity"))
    }

    fn find(&self, services: &Services) -> Result<Option<Override>, Failure> {
        let (environment, feature) = (&self.flag.environment, &self.flag.feature);
        let target = self.target()?;
        let found = services
            .targeting
            .find_override(environment, feature, &target)?;
        Ok(found)
    }

    fn get(&self, services: &Services) -> Result<Override, Failure> {
        let target = self.target()?;
        self.find(services)?.ok_or_else(|| {
            let (environment, feature) = (&self.flag.environment, &self.flag.feature);
            let message = format!(
                "{:?} has no override for {target} in {:?}",
                feature.as_str(),
                environment.as_str()
            );
            Failure::new(Exit::NotFound, message)
        })
    }
}

/// Arguments of `set` and `change`.
#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    named: Named,
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
    /// A variant and its share in percent; may be repeated, and replaces the split
    #[arg(long, value_name = "KEY=PERCENT", value_parser = arguments::share)]
    variant: Vec<Share>,
    /// Split among no variants any more
    #[arg(long, conflicts_with = "variant")]
    no_variants: bool,
    /// How strong a segment's override is: the lowest wins
    #[arg(long, value_name = "NUMBER", value_parser = priority)]
    priority: Option<Priority>,
    /// The share of the segment that gets it, in percent
    #[arg(long, value_name = "PERCENT", value_parser = percentage)]
    rollout: Option<Percentage>,
    /// The whole segment gets it
    #[arg(long, conflicts_with = "rollout")]
    no_rollout: bool,
    #[command(flatten)]
    if_version: IfVersion,
}

impl Set {
    fn change(self) -> Result<ChangeOverride, Failure> {
        let variants = if self.no_variants || !self.variant.is_empty() {
            let split = Split::try_from(self.variant);
            Some(split.map_err(|error| Failure::wrong(format!("--variant: the split {error}")))?)
        } else {
            None
        };
        Ok(ChangeOverride {
            enabled: match (self.on, self.off) {
                (true, _) => Some(true),
                (_, true) => Some(false),
                _ => self.enabled,
            },
            value: self.value.into_value(),
            variants,
            priority: self.priority,
            rollout: match (self.no_rollout, self.rollout) {
                (true, _) => Some(None),
                (false, rollout) => rollout.map(Some),
            },
        })
    }
}

/// Arguments of `delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    if_version: IfVersion,
}

fn identifier(text: &str) -> Result<Identifier, Invalid> {
    Identifier::parse(text)
}

fn percentage(text: &str) -> Result<Percentage, Invalid> {
    Percentage::new(text.parse().unwrap_or(f64::NAN))
}

fn priority(text: &str) -> Result<Priority, Invalid> {
    let number: u32 = text
        .parse()
        .map_err(|_| Invalid::new("must be a whole number, 0 or more"))?;
    Priority::try_from(number)
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    match command {
        Command::List(flag) => list(&flag, &services, &mut output),
        Command::Show(named) => show(&named.get(&services)?, &mut output),
        Command::Set(set) => match set.named.find(&services)? {
            Some(found) => change(&found, *set, &services, &mut output),
            None => create(*set, &services, &mut output),
        },
        Command::Change(set) => {
            let found = set.named.get(&services)?;
            change(&found, *set, &services, &mut output)
        }
        Command::Delete(delete) => {
            let found = delete.named.get(&services)?;
            let revision = services.targeting.delete_override(
                &Actor::CommandLine,
                &found.environment,
                &found.feature,
                found.id,
                &delete.if_version.precondition(),
            )?;
            let what = format!("override of {} for {}", found.feature, found.target.name());
            super::deleted(&what, revision, &mut output)
        }
    }
}

fn create(set: Set, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let target = set.named.target()?;
    let Flag {
        environment,
        feature,
    } = &set.named.flag;
    let (environment, feature) = (environment.clone(), feature.clone());
    let change = set.change()?;
    let new = NewOverride {
        target,
        enabled: change.enabled.unwrap_or_default(),
        value: change.value,
        variants: change.variants.unwrap_or_default(),
        priority: change.priority,
        rollout: change.rollout.flatten(),
    };
    let written =
        services
            .targeting
            .create_override(&Actor::CommandLine, &environment, &feature, new)?;
    show(&written.record, output)
}

fn change(
    found: &Override,
    set: Set,
    services: &Services,
    output: &mut Output,
) -> Result<(), Failure> {
    let precondition = set.if_version.precondition();
    let change = set.change()?;
    let written = services.targeting.change_override(
        &Actor::CommandLine,
        &found.environment,
        &found.feature,
        found.id,
        &change,
        &precondition,
    )?;
    show(&written.record, output)
}

fn list(flag: &Flag, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let overrides = every_page(
        |after| {
            let page = Page {
                limit: PAGE_MAX,
                after,
            };
            services
                .targeting
                .list_overrides(&flag.environment, &flag.feature, &page)
        },
        |one: &Override| one.id,
    )?;
    if output.is_json() {
        let records: Vec<_> = overrides.iter().map(OverrideRecord::from).collect();
        return output.json(&records);
    }
    if overrides.is_empty() {
        return output.line(
            "no overrides; add one with `flagstaff override set ENVIRONMENT FEATURE --segment NAME --on`",
        );
    }
    output.table(
        ["FOR", "STATE", "VALUE", "SPLIT", "PRIORITY", "ROLLOUT"],
        overrides.iter().map(|one| {
            [
                one.target.name().to_string(),
                on_off(one.enabled),
                short(&one.value.to_json()),
                short(&split(one)),
                priority_of(one),
                rollout_of(one),
            ]
        }),
    )
}

fn split(one: &Override) -> String {
    let shares = one.variants.iter();
    let shares = shares.map(|share| format!("{}={}", share.variant, share.weight));
    shares.collect::<Vec<_>>().join(" ")
}

fn priority_of(one: &Override) -> String {
    let segment = one.target.segment();
    segment.map_or_else(String::new, |target| target.priority.to_string())
}

fn rollout_of(one: &Override) -> String {
    let rollout = one.target.segment().and_then(|target| target.rollout);
    rollout.map_or_else(String::new, |share| format!("{share} %"))
}

fn show(one: &Override, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&OverrideRecord::from(one));
    }
    output.fields([
        ("feature", one.feature.to_string()),
        ("environment", one.environment.to_string()),
        ("for", one.target.name().to_string()),
        ("state", on_off(one.enabled)),
        ("value", one.value.to_json()),
        ("split", split(one)),
        ("priority", priority_of(one)),
        ("rollout", rollout_of(one)),
        ("updated", instant(one.updated_at)),
        ("version", one.version.to_string()),
    ])
}
