//! `flagstaff config`: the configuration in force, and where it came from. Secrets are hidden.

use clap::Args;
use serde_json::{Value, json};

use super::Session;
use crate::escape::OneLine;
use crate::exit::Failure;

/// Arguments of `config`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff config
  FLAGSTAFF_PROFILE=production flagstaff config
  flagstaff config --json | jq -r .settings.database.url")]
pub(crate) struct Arguments {}

pub(super) fn run(session: Session) -> Result<(), Failure> {
    let Session {
        settings,
        mut output,
    } = session;
    let effective = settings.describe();
    let sources = settings.sources();
    if output.is_json() {
        return output.json(&json!({ "settings": effective, "sources": sources }));
    }
    output.line(format_args!("# profile: {}", sources.profile))?;
    let files = sources.files.iter().map(|file| file.display().to_string());
    output.line(format_args!("# files: {}", OneLine(listed(files))))?;
    output.line(format_args!(
        "# variables: {}",
        listed(sources.variables.iter().cloned())
    ))?;
    for (section, keys) in effective.as_object().into_iter().flatten() {
        output.line(format_args!("\n[{section}]"))?;
        for (key, value) in keys.as_object().into_iter().flatten() {
            match value {
                Value::Null => output.line(format_args!("# {key} is not set"))?,
                // JSON's texts, numbers, truth values and lists of texts are TOML's.
                value => output.line(format_args!("{key} = {}", OneLine(value)))?,
            }
        }
    }
    Ok(())
}

fn listed(names: impl Iterator<Item = String>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
