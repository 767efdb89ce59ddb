//! `flagstaff segment`: whom overrides are for.

mod wording;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::flags::targeting::{ChangeSegment, Condition, Rule, RuleKind, Segment};
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::{Description, SegmentName};
use flagstaff_http::admin::dto::SegmentRecord;

use super::arguments::{self, IfVersion, Input, at_least_one};
use super::{Session, every_page};
use crate::exit::Failure;
use crate::output::{Output, counted, instant, note, short};
use crate::wiring::Services;

const CONDITIONS: &str = "\
A condition is a property, an operator and a value. A property is a trait's name, or a path as $.identity.identifier;
between quotes where it has spaces. Operators go by their names, as IN, CONTAINS, ENDS_WITH, \"is set\", or by signs:
= != > >= < <= and ~ for REGEX. PERCENTAGE_SPLIT 10 is a tenth of all; FLAG checkout are those who get that feature.";

/// What to do with segments.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff segment list
  flagstaff segment create paying --where 'plan IN pro,team'
  flagstaff segment create --help")]
pub(crate) enum Command {
    /// List the segments
    #[command(after_help = "\
Examples:
  flagstaff segment list
  flagstaff segment list --json | jq -r '.[].name'")]
    List,
    /// Show a segment with its rules
    #[command(after_help = "\
Examples:
  flagstaff segment show paying
  flagstaff segment show paying --json | jq .rules > rules.json")]
    Show(Named),
    /// Add a segment
    #[command(after_help = format!("\
Examples:
  flagstaff segment create paying --where 'plan IN pro,team'
  flagstaff segment create adults --where 'age >= 18' --where 'country = DE'      # both must hold
  flagstaff segment create staff --where-any 'email ends with @shop.example' --where-any 'role = support'
  flagstaff segment create abroad --where-none 'country IN DE,AT,CH'
  flagstaff segment create beta --rules rules.json

{CONDITIONS}"))]
    Create(Create),
    /// Rename a segment, describe it, or give it other rules
    #[command(after_help = format!("\
Examples:
  flagstaff segment change paying --name customers
  flagstaff segment change paying --where 'plan IN pro,team,enterprise'
  flagstaff segment show paying --json | jq .rules | flagstaff segment change other --rules -

{CONDITIONS}"))]
    Change(Change),
    /// Delete a segment that no override is for
    #[command(after_help = "\
Examples:
  flagstaff segment delete paying")]
    Delete(Delete),
}

/// Names a segment.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The segment
    #[arg(value_parser = arguments::segment)]
    segment: SegmentName,
}

/// Arguments of `create`.
#[derive(Debug, Args)]
#[command(group = at_least_one(["rules", "all", "any", "none"]))]
pub(crate) struct Create {
    #[command(flatten)]
    named: Named,
    /// Whom it means
    #[arg(long, value_name = "TEXT", value_parser = arguments::description)]
    description: Option<Description>,
    #[command(flatten)]
    rules: Rules,
}

/// Arguments of `change`.
#[derive(Debug, Args)]
#[command(group = at_least_one(["name", "description", "rules", "all", "any", "none"]))]
pub(crate) struct Change {
    #[command(flatten)]
    named: Named,
    /// A new name
    #[arg(long, value_name = "NAME", value_parser = arguments::segment)]
    name: Option<SegmentName>,
    /// Whom it means
    #[arg(long, value_name = "TEXT", value_parser = arguments::description)]
    description: Option<Description>,
    #[command(flatten)]
    rules: Rules,
    #[command(flatten)]
    if_version: IfVersion,
}

/// Rules, from a file or from conditions.
#[derive(Debug, Args)]
pub(crate) struct Rules {
    /// The rules as a JSON array, a file or - for standard input
    #[arg(long, value_name = "FILE", conflicts_with_all = ["all", "any", "none"])]
    rules: Option<PathBuf>,
    /// A condition that must hold; may be repeated, and all of them must
    #[arg(id = "all", long = "where", value_name = "CONDITION", value_parser = wording::condition)]
    all: Vec<Condition>,
    /// Conditions of which one must hold
    #[arg(id = "any", long = "where-any", value_name = "CONDITION", value_parser = wording::condition)]
    any: Vec<Condition>,
    /// Conditions of which none may hold
    #[arg(id = "none", long = "where-none", value_name = "CONDITION", value_parser = wording::condition)]
    none: Vec<Condition>,
}

impl Rules {
    /// The rules, where any are given.
    fn into_rules(self) -> Result<Option<Vec<Rule>>, Failure> {
        if let Some(path) = self.rules {
            let input = Input::read(&path)?;
            let mut json = serde_json::Deserializer::from_str(&input.text);
            let rules = serde_path_to_error::deserialize(&mut json)
                .map_err(|error| input.wrong(arguments::misplaced(&error)))?;
            json.end().map_err(|error| input.wrong(error))?;
            return Ok(Some(rules));
        }
        let rule = |kind, conditions: Vec<Condition>| {
            let rules = Vec::new();
            (!conditions.is_empty()).then_some(Rule {
                kind,
                conditions,
                rules,
            })
        };
        let rules = [
            rule(RuleKind::All, self.all),
            rule(RuleKind::Any, self.any),
            rule(RuleKind::None, self.none),
        ];
        let rules: Vec<Rule> = rules.into_iter().flatten().collect();
        Ok((!rules.is_empty()).then_some(rules))
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

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    match command {
        Command::List => list(&services, &mut output),
        Command::Show(named) => {
            let segment = services.targeting.get_segment(&named.segment)?;
            show(&segment, &mut output)
        }
        Command::Create(create) => {
            let written = services.targeting.create_segment(
                &Actor::CommandLine,
                create.named.segment,
                create.description.unwrap_or_default(),
                create.rules.into_rules()?.unwrap_or_default(),
            )?;
            show_with_warnings(&written.record, &mut output)
        }
        Command::Change(change) => {
            let rules = change.rules.into_rules()?;
            let wanted = ChangeSegment {
                name: change.name,
                description: change.description,
                rules,
            };
            let written = services.targeting.change_segment(
                &Actor::CommandLine,
                &change.named.segment,
                &wanted,
                &change.if_version.precondition(),
            )?;
            show_with_warnings(&written.record, &mut output)
        }
        Command::Delete(delete) => {
            let revision = services.targeting.delete_segment(
                &Actor::CommandLine,
                &delete.named.segment,
                &delete.if_version.precondition(),
            )?;
            let what = format!("segment {}", delete.named.segment);
            super::deleted(&what, revision, &mut output)
        }
    }
}

fn list(services: &Services, output: &mut Output) -> Result<(), Failure> {
    let segments = every_page(
        |after| {
            let limit = PAGE_MAX;
            services.targeting.list_segments(&Page { limit, after })
        },
        |segment: &Segment| segment.name.clone(),
    )?;
    if output.is_json() {
        let records: Vec<_> = segments.iter().map(SegmentRecord::from).collect();
        return output.json(&records);
    }
    if segments.is_empty() {
        return output.line(
            "no segments yet; add one with `flagstaff segment create NAME --where 'plan = pro'`",
        );
    }
    output.table(
        ["SEGMENT", "RULES", "DESCRIPTION"],
        segments.iter().map(|segment| {
            [
                segment.name.to_string(),
                counted(segment.rules.len(), "rule", "rules"),
                short(segment.description.as_str()),
            ]
        }),
    )
}

fn show_with_warnings(segment: &Segment, output: &mut Output) -> Result<(), Failure> {
    let record = SegmentRecord::with_warnings(segment);
    if output.is_json() {
        return output.json(&record);
    }
    show(segment, output)?;
    for warning in &record.warnings {
        note(format_args!("warning: {warning}"));
    }
    Ok(())
}

fn show(segment: &Segment, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&SegmentRecord::from(segment));
    }
    output.fields([
        ("segment", segment.name.to_string()),
        ("description", segment.description.to_string()),
        ("created", instant(segment.created_at)),
        ("version", segment.version.to_string()),
    ])?;
    for line in wording::lines(&segment.rules) {
        output.line(crate::escape::OneLine(line))?;
    }
    Ok(())
}
