//! `flagstaff feature`: what a product can do.

use clap::{ArgAction, Args, Subcommand};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::flags::targeting::{Variant, Variants};
use flagstaff_domain::flags::{
    ChangeFeature, CreateFeature, Feature, FeatureFilter, FeatureKind, FlagError,
};
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::{Description, EnvironmentName, FeatureName, Invalid, Tag};
use flagstaff_http::admin::dto::FeatureRecord;

use super::arguments::{self, IfVersion, ValueArgument, at_least_one};
use super::{Session, environment, every_page, flag};
use crate::exit::Failure;
use crate::output::{Output, instant, note, on_off, short};
use crate::wiring::Services;

/// What to do with features.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff feature list
  flagstaff feature create dark_mode --description 'Dark colours everywhere'
  flagstaff feature create --help")]
pub(crate) enum Command {
    /// List the features
    #[command(after_help = "\
Examples:
  flagstaff feature list
  flagstaff feature list --archived false --stale true
  flagstaff feature list --json | jq -r '.[] | select(.tags | index(\"checkout\")) | .name'")]
    List(List),
    /// Show a feature and its flags
    #[command(after_help = "\
Examples:
  flagstaff feature show dark_mode")]
    Show(Named),
    /// Add a feature, and its flag in every environment
    #[command(after_help = "\
Examples:
  flagstaff feature create dark_mode --description 'Dark colours everywhere' --tag ui
  flagstaff feature create upload_limit --value 25 --default-enabled true
  flagstaff feature create greeting --text 'Hello there' --enabled-in staging
  flagstaff feature create theme --text plain --variant-text blue=ocean --variant-text green=forest
  flagstaff feature create fraud_rules --value '{\"max\": 3}' --server-key-only true")]
    Create(Box<Create>),
    /// Change a feature; its flags stay as they are
    #[command(after_help = "\
Examples:
  flagstaff feature set dark_mode --description 'Dark colours, also in mails'
  flagstaff feature set dark_mode --tag ui --tag experiment
  flagstaff feature set theme --variant-text blue=sky --variant-text green=forest --variant-text red=fire
  flagstaff feature set dark_mode --archived true
  flagstaff feature set upload_limit --value 50     # in environments to come
  flagstaff feature set dark_mode --name night_mode --if-version 17")]
    Set(Box<Set>),
    /// Delete a feature with its flags
    #[command(after_help = "\
Examples:
  flagstaff feature delete dark_mode")]
    Delete(Delete),
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    marks: Marks,
}

/// What a feature may be marked as.
#[derive(Debug, Args)]
pub(crate) struct Marks {
    /// Whether it is put away; it is served as before
    #[arg(long, value_name = "true|false", action = ArgAction::Set, hide_possible_values = true)]
    archived: Option<bool>,
    /// Whether it is done with, and may go once no code asks for it
    #[arg(long, value_name = "true|false", action = ArgAction::Set, hide_possible_values = true)]
    stale: Option<bool>,
}

/// Names a feature.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The feature
    #[arg(value_parser = arguments::feature)]
    feature: FeatureName,
}

/// Arguments of `create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name, by which applications ask for it
    #[arg(value_parser = arguments::feature)]
    feature: FeatureName,
    #[command(flatten)]
    details: Details,
    /// An environment in which it starts enabled; may be repeated
    #[arg(long, value_name = "ENVIRONMENT", value_parser = arguments::environment)]
    enabled_in: Vec<EnvironmentName>,
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
    "name", "description", "kind", "value", "text", "default_enabled", "server_key_only", "tag", "no_tags",
    "variant", "variant_text", "no_variants", "archived", "stale",
]))]
pub(crate) struct Change {
    /// A new name
    #[arg(long, value_name = "NAME", value_parser = arguments::feature)]
    name: Option<FeatureName>,
    #[command(flatten)]
    details: Details,
    /// Take all tags away
    #[arg(long, conflicts_with = "tag")]
    no_tags: bool,
    /// Take all variants away
    #[arg(long, conflicts_with_all = ["variant", "variant_text"])]
    no_variants: bool,
    #[command(flatten)]
    marks: Marks,
}

/// What describes a feature.
#[derive(Debug, Args)]
pub(crate) struct Details {
    /// What it does
    #[arg(long, value_name = "TEXT", value_parser = arguments::description)]
    description: Option<Description>,
    /// Whether it has variants: STANDARD or MULTIVARIATE
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kind: Option<FeatureKind>,
    #[command(flatten)]
    value: ValueArgument,
    /// Whether its flags start enabled
    #[arg(long, value_name = "true|false", action = ArgAction::Set, hide_possible_values = true)]
    default_enabled: Option<bool>,
    /// Whether it is shown to server keys alone
    #[arg(long, value_name = "true|false", action = ArgAction::Set, hide_possible_values = true)]
    server_key_only: Option<bool>,
    /// A word by which it is grouped; may be repeated, and replaces all earlier ones
    #[arg(long, value_parser = arguments::tag)]
    tag: Vec<Tag>,
    /// A variant with its value as JSON; may be repeated. All are given: one that is left out goes
    #[arg(long, value_name = "KEY=JSON", value_parser = arguments::variant)]
    variant: Vec<Variant>,
    /// A variant with its value as a string, as --variant otherwise
    #[arg(long, value_name = "KEY=STRING", value_parser = arguments::text_variant)]
    variant_text: Vec<Variant>,
}

/// Arguments of `delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    named: Named,
    /// Delete it although applications used it within the last 24 hours
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    if_version: IfVersion,
}

fn kind(text: &str) -> Result<FeatureKind, Invalid> {
    FeatureKind::try_from(text.to_ascii_uppercase())
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    match command {
        Command::List(wanted) => list(&wanted.marks, &services, &mut output),
        Command::Show(named) => {
            let feature = services.flags.get_feature(&named.feature)?;
            show(&feature, &services, &mut output)
        }
        Command::Create(create) => self::create(*create, &services, &mut output),
        Command::Set(set) => self::set(*set, &services, &mut output),
        Command::Delete(delete) => {
            let revision = services.flags.delete_feature(
                &Actor::CommandLine,
                &delete.named.feature,
                &delete.if_version.precondition(),
                delete.force,
            )?;
            let what = format!("feature {}", delete.named.feature);
            super::deleted(&what, revision, &mut output)
        }
    }
}

fn create(create: Create, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let details = create.details;
    let variants = variants(details.variant, details.variant_text)?;
    let command = CreateFeature {
        description: details.description.unwrap_or_default(),
        kind: details.kind.unwrap_or_default(),
        initial_value: details.value.into_value().unwrap_or_default(),
        default_enabled: details.default_enabled.unwrap_or_default(),
        server_key_only: details.server_key_only.unwrap_or_default(),
        tags: arguments::tags(details.tag)?,
        variants,
        enabled_in: create.enabled_in,
        ..CreateFeature::named(create.feature)
    };
    let written = services
        .flags
        .create_feature(&Actor::CommandLine, &command)?;
    show_with_warnings(&written.record, services, output)
}

fn set(set: Set, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let Change {
        name,
        details,
        no_tags,
        no_variants,
        marks,
    } = set.change;
    let any = no_variants || !(details.variant.is_empty() && details.variant_text.is_empty());
    let variants = variants(details.variant, details.variant_text)?;
    let tags = if no_tags || !details.tag.is_empty() {
        Some(arguments::tags(details.tag)?)
    } else {
        None
    };
    let change = ChangeFeature {
        name,
        description: details.description,
        kind: details.kind,
        initial_value: details.value.into_value(),
        default_enabled: details.default_enabled,
        server_key_only: details.server_key_only,
        tags,
        variants: any.then_some(variants),
        archived: marks.archived,
        stale: marks.stale,
    };
    let renamed = change.name.is_some();
    let written = services.flags.change_feature(
        &Actor::CommandLine,
        &set.named.feature,
        &change,
        &set.if_version.precondition(),
    )?;
    if renamed {
        show_with_warnings(&written.record, services, output)
    } else {
        show(&written.record, services, output)
    }
}

/// Shows what was written, and what whoever named it should know.
fn show_with_warnings(
    feature: &Feature,
    services: &Services,
    output: &mut Output,
) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&FeatureRecord::with_warnings(feature));
    }
    show(feature, services, output)?;
    if let Some(warning) = feature.name.warning() {
        note(format_args!("warning: {warning}"));
    }
    Ok(())
}

/// Those with JSON, then those with strings.
fn variants(json: Vec<Variant>, strings: Vec<Variant>) -> Result<Variants, Failure> {
    Variants::try_from([json, strings].concat())
        .map_err(|error| Failure::wrong(format!("--variant {error}")))
}

fn list(marks: &Marks, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let filter = FeatureFilter {
        archived: marks.archived,
        stale: marks.stale,
    };
    let features = every_page(
        |after| {
            let limit = PAGE_MAX;
            services.flags.list_features(&Page { limit, after }, filter)
        },
        |feature: &Feature| feature.name.clone(),
    )?;
    if output.is_json() {
        let records: Vec<_> = features.iter().map(FeatureRecord::from).collect();
        return output.json(&records);
    }
    if features.is_empty() {
        if filter != FeatureFilter::default() {
            return output.line("no feature has these marks");
        }
        return output.line("no features yet; add one with `flagstaff feature create NAME`");
    }
    output.table(
        ["FEATURE", "DEFAULT", "INITIAL VALUE", "TAGS", "DESCRIPTION"],
        features.iter().map(|one| {
            [
                one.name.to_string(),
                on_off(one.default_enabled),
                short(&one.initial_value.to_json()),
                tags(one),
                short(one.description.as_str()),
            ]
        }),
    )
}

fn tags(feature: &Feature) -> String {
    feature.tags.iter().collect::<Vec<_>>().join(", ")
}

fn variants_of(feature: &Feature) -> String {
    let variants = feature.variants.iter();
    let told: Vec<_> = variants
        .map(|one| format!("{}={}", one.key, short(&one.value.to_json())))
        .collect();
    told.join(", ")
}

/// Shows a feature; to a person also the flags that it has.
fn show(feature: &Feature, services: &Services, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&FeatureRecord::from(feature));
    }
    output.fields([
        ("feature", feature.name.to_string()),
        ("description", feature.description.to_string()),
        ("type", feature.kind.to_string()),
        ("initial value", feature.initial_value.to_json()),
        ("default enabled", feature.default_enabled.to_string()),
        ("server key only", feature.server_key_only.to_string()),
        ("tags", tags(feature)),
        ("variants", variants_of(feature)),
        ("archived", feature.archived.to_string()),
        ("stale", feature.stale.to_string()),
        ("created", instant(feature.created_at)),
        ("version", feature.version.to_string()),
    ])?;
    let mut flags = Vec::new();
    for environment in environment::all(services)? {
        let flag = match services.flags.get_flag(&environment.name, &feature.name) {
            Ok(flag) => flag,
            // Deleted or renamed since the list was read.
            Err(FlagError::EnvironmentNotFound(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        flags.push([
            flag.environment.to_string(),
            flag::state(&flag),
            short(&flag.value.to_json()),
        ]);
    }
    if flags.is_empty() {
        return Ok(());
    }
    output.line("")?;
    output.table(["ENVIRONMENT", "STATE", "VALUE"], flags)
}
