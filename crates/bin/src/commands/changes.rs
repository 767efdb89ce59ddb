//! `flagstaff changes`: who changed what, and when.

use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;

use clap::Args;
use flagstaff_domain::changes::{Change, ChangeLog, ChangeQuery, Context, Direction};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::json::JsonText;
use flagstaff_domain::page::PAGE_MAX;
use flagstaff_domain::text::Invalid;
use flagstaff_http::admin::dto::ChangeRecord;
use serde_json::{Map, Value};

use super::{Session, arguments};
use crate::escape::OneLine;
use crate::exit::Failure;
use crate::output::{Output, instant, note, short};

/// How often what is followed is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// Arguments of `changes`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff changes
  flagstaff changes --environment production --limit 5
  flagstaff changes --subject dark_mode --json
  flagstaff changes --actor user:admin --context access
  flagstaff changes --after 120      # what came then, oldest first
  flagstaff changes --before 120     # what came earlier, newest first
  flagstaff changes --follow         # what comes from now on; with --after 120, also what came since

--follow prints each change on a line of its own as it comes, with --json as an object, and goes on until it is ended, also
over an outage of the database; --after with the last SEQ that was read misses none.

Actors are command-line, import, job:NAME, system, user:NAME for accounts, and token:NAME/TOKEN for access tokens.")]
pub(crate) struct Arguments {
    /// How many changes at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = limit)]
    limit: usize,
    /// Only changes before this one
    #[arg(long, value_name = "SEQ", value_parser = arguments::seq, conflicts_with = "after")]
    before: Option<Seq>,
    /// Only changes after this one, oldest first
    #[arg(long, value_name = "SEQ", value_parser = arguments::seq)]
    after: Option<Seq>,
    /// Go on and print what comes
    #[arg(long, conflicts_with = "before")]
    follow: bool,
    /// Only changes of one context: flags (features, environments and flags), access (keys and accounts), or a module
    #[arg(long, value_parser = context)]
    context: Option<Context>,
    /// Only changes to records of this name
    #[arg(long, value_name = "NAME")]
    subject: Option<String>,
    /// Only changes by this actor
    #[arg(long)]
    actor: Option<String>,
    /// Only changes that affect this environment alone
    #[arg(long)]
    environment: Option<String>,
}

fn context(text: &str) -> Result<Context, Invalid> {
    Context::try_from(text.to_owned())
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|n| (1..=PAGE_MAX).contains(n));
    limit.ok_or_else(|| format!("must be 1 to {PAGE_MAX}"))
}

pub(super) fn run(arguments: Arguments, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    let query = ChangeQuery {
        direction: match (arguments.after, arguments.before) {
            (Some(after), _) => Direction::OldestFirst(after),
            (None, before) => Direction::NewestFirst(before),
        },
        limit: arguments.limit,
        context: arguments.context,
        subject: arguments.subject,
        actor: arguments.actor,
        environment: arguments.environment,
    };
    if arguments.follow {
        return follow(services.changes.as_ref(), query, &mut output);
    }
    let listing = services.changes.list(&query)?;
    if output.is_json() {
        let records: Vec<_> = listing.items.iter().map(ChangeRecord::from).collect();
        return output.json(&records);
    }
    if listing.items.is_empty() {
        return output.line("no such changes");
    }
    output.table(
        [
            "SEQ",
            "AT",
            "ACTOR",
            "WHAT",
            "ENVIRONMENT",
            "SUBJECT",
            "HOW",
        ],
        listing.items.iter().map(row),
    )?;
    if let (true, Some(last)) = (listing.more, listing.items.last()) {
        let on = match query.direction {
            Direction::NewestFirst(_) => "--before",
            Direction::OldestFirst(_) => "--after",
        };
        note(format_args!("more with {on} {}", last.seq));
    }
    Ok(())
}

/// Prints changes as they come, from the position of the query or the log's end on.
fn follow(log: &dyn ChangeLog, mut query: ChangeQuery, output: &mut Output) -> Result<(), Failure> {
    query.limit = PAGE_MAX;
    if let Direction::NewestFirst(_) = query.direction {
        query.direction = Direction::OldestFirst(head(log)?);
    }
    let mut away = false;
    loop {
        match log.list(&query) {
            Ok(listing) => {
                away = false;
                for change in &listing.items {
                    if output.is_json() {
                        output.json_line(&ChangeRecord::from(change))?;
                    } else {
                        output.line(OneLine(row(change).join("  ")))?;
                    }
                }
                output.flush()?;
                if let Some(last) = listing.items.last() {
                    query.direction = Direction::OldestFirst(last.seq);
                }
                if listing.more {
                    continue;
                }
            }
            Err(error) if !away => {
                note(format_args!("{error}; it is tried again"));
                away = true;
            }
            Err(_) => {}
        }
        thread::sleep(INTERVAL);
    }
}

/// The last change of all.
fn head(log: &dyn ChangeLog) -> Result<Seq, Failure> {
    let last = log.list(&ChangeQuery {
        direction: Direction::NewestFirst(None),
        limit: 1,
        context: None,
        subject: None,
        actor: None,
        environment: None,
    })?;
    Ok(last.items.first().map_or(Seq(0), |change| change.seq))
}

fn row(change: &Change) -> [String; 7] {
    [
        change.seq.to_string(),
        instant(change.at),
        change.actor.clone(),
        change.kind.clone(),
        change.environment.clone().unwrap_or_default(),
        change.subject.clone(),
        short(&how(change)),
    ]
}

/// Fields that every change of a record changes.
const STAMPS: [&str; 2] = ["version", "updated_at"];

/// Fields of a new record that nobody asks for, or that the other columns tell.
const BARE: [&str; 10] = [
    "id",
    "version",
    "created_at",
    "updated_at",
    "environment",
    "seed",
    "rollout_seed",
    "hash",
    "hash_key",
    "digest",
];

/// Which fields a change gave another value, as `enabled: false → true`; of what is new, what it has.
fn how(change: &Change) -> String {
    let Some(after) = fields(&change.after) else {
        return String::new();
    };
    let Some(before) = fields(&change.before) else {
        let told = after.iter().filter(|(name, value)| {
            !BARE.contains(&name.as_str()) && !is_empty(value) && **value != change.subject
        });
        let told = told.map(|(name, value)| format!("{name}: {value}"));
        return told.collect::<Vec<_>>().join(", ");
    };
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let news = names.into_iter().filter_map(|name| {
        let of = |record: &Map<String, Value>| record.get(name).cloned().unwrap_or_default();
        let (old, new) = (of(&before), of(&after));
        let told = !STAMPS.contains(&name.as_str()) && old != new;
        told.then(|| format!("{name}: {old} → {new}"))
    });
    news.collect::<Vec<_>>().join(", ")
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(members) => members.is_empty(),
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn fields(record: &Option<JsonText>) -> Option<Map<String, Value>> {
    serde_json::from_str(record.as_ref()?.as_str()).ok()
}

#[cfg(test)]
mod tests {
    use flagstaff_domain::clock::Timestamp;

    use super::*;

    #[test]
    fn a_change_is_told_by_the_fields_that_it_changed() {
        let record = |text| Some(JsonText::parse(text).unwrap());
        let mut change = Change {
            seq: Seq(2),
            group: Seq(2),
            at: Timestamp::from_micros(0).unwrap(),
            actor: "command-line".to_owned(),
            context: "flags".to_owned(),
            kind: "flag.changed".to_owned(),
            subject: "dark_mode".to_owned(),
            environment: Some("production".to_owned()),
            before: record(r#"{"enabled":false,"value":1,"version":1}"#),
            after: record(r#"{"enabled":true,"value":1,"version":2}"#),
        };
        assert_eq!(how(&change), "enabled: false → true");
        change.after = record(r#"{"enabled":true,"version":2}"#);
        assert_eq!(how(&change), "enabled: false → true, value: 1 → null");
        change.before = None;
        assert_eq!(how(&change), "enabled: true");
        change.after = None;
        assert_eq!(how(&change), "");
    }
}
