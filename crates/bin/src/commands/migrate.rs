//! `flagstaff migrate`: creates the database, or brings it up to this program's schema.

use clap::Args;
use serde_json::json;

use super::Session;
use crate::exit::{Exit, Failure};
use crate::output::counted;
use crate::wiring::database;

/// Arguments of `migrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff migrate
  flagstaff migrate --check || echo 'to be migrated'

`flagstaff serve` does this by itself when it starts. Processes that start together take turns.")]
pub(crate) struct Arguments {
    /// Change nothing, and end with exit code 5 if there is something to do
    #[arg(long)]
    check: bool,
}

pub(super) fn run(arguments: &Arguments, session: Session) -> Result<(), Failure> {
    let location = session.settings.database.url.location();
    let mut output = session.output;
    if arguments.check {
        let pending = database::pending(location)?;
        if output.is_json() {
            output.json(&json!({ "pending": pending }))?;
        } else if pending.is_empty() {
            output.line(format_args!("{location} is up to date"))?;
        }
        if pending.is_empty() {
            return Ok(());
        }
        let message = format!(
            "{location} lacks {}: {}; run `flagstaff migrate`",
            counted(pending.len(), "migration", "migrations"),
            pending.join(", ")
        );
        return Err(Failure::new(Exit::Found, message));
    }
    let applied = database::migrate(location)?;
    if output.is_json() {
        return output.json(&json!({ "applied": applied }));
    }
    for name in &applied {
        output.line(format_args!("applied {name}"))?;
    }
    output.line(format_args!("{location} is up to date"))
}
