//! `flagstaff import`: makes the database like a state file, in one transaction, and says what that took.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use flagstaff_domain::state::error::ImportError;
use flagstaff_domain::state::{Count, ImportOptions, Plan, Progress, StateFile, Step};
use serde_json::{Map, Value, json};

use super::Session;
use super::arguments::{self, Input};
use crate::exit::{Exit, Failure};
use crate::output::Output;
use crate::progress::Bar;

/// Arguments of `import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff import state.json --dry-run          # what would change?
  flagstaff import state.json
  flagstaff import state.json --prune            # also delete what the file leaves out
  flagstaff import state.json --prune --force    # environments and features in use, too
  git show main:state.json | flagstaff import -

What the file leaves out stays as it is. Importing a file twice changes nothing the second time.
Keys that the file names without their text are generated and shown this once.

A key without \"key\" and \"digest\" is known by its name and kind; after a rotation that is the new
key. --prune then revokes the old one at once, before its grace is over, unless the file has it
with its text or digest, as an export does. A key in the file with its text or digest moves along
when --prune deletes its environment and the file names another.
An \"expires_at\" that is missing leaves the stored expiry, null clears it.
A \"hash_key\" of an environment and a \"seed\" of a flag say what splits are hashed with, where
those are new; what is there keeps its own, so that nobody gets another variant.

A command does not know whether applications still read an environment's flags, therefore --force.
The server knows:
  curl http://127.0.0.1:8080/api/v1/environments/retrievals/

An example of such a file:
  {\"version\": 1, \"flags\": {\"environments\": [{\"name\": \"production\"}],
    \"features\": [{\"name\": \"dark_mode\", \"flags\": {\"production\": {\"enabled\": true}}}]},
   \"access\": {\"keys\": [{\"environment\": \"production\", \"name\": \"web\", \"kind\": \"client\"}]}}")]
pub(crate) struct Arguments {
    /// The state file, or - for standard input
    file: PathBuf,
    /// Try it, show the plan, and take everything back
    #[arg(long)]
    dry_run: bool,
    /// Also delete what the file's lists leave out
    #[arg(long)]
    prune: bool,
    /// With --prune, delete environments although applications may still use them, and features although they do
    #[arg(long, requires = "prune")]
    force: bool,
}

impl From<ImportError> for Failure {
    fn from(error: ImportError) -> Self {
        match error {
            ImportError::State(error) => error.into(),
            ImportError::DeletesEnvironments(_) => Self::new(
                Exit::Conflict,
                format!(
                    "this {error}; look at the server's /api/v1/environments/retrievals/, then repeat it with --force"
                ),
            ),
            ImportError::DeletesUsedFeatures(_) => Self::new(
                Exit::Conflict,
                format!(
                    "this {error}; take them out of the applications first, or repeat it with --force"
                ),
            ),
        }
    }
}

pub(super) fn run(arguments: &Arguments, session: Session) -> Result<(), Failure> {
    let input = Input::read(&arguments.file)?;
    let file = parse(&input.text).map_err(|message| input.wrong(message))?;
    let (services, mut output) = session.open()?;
    let options = ImportOptions {
        dry_run: arguments.dry_run,
        prune: arguments.prune,
        force: arguments.force,
    };
    let what = if options.dry_run {
        "trying"
    } else {
        "importing"
    };
    let bar = Arc::new(Bar::start(what));
    let progress: Arc<dyn Progress> = Arc::clone(&bar) as _;
    let imported = services.state.import(file, options, progress);
    bar.finish();
    print(&imported?, arguments.dry_run, &mut output)
}

/// Reads a state file; a mistake is named with its place.
pub(super) fn parse(text: &str) -> Result<StateFile, String> {
    let mut json = serde_json::Deserializer::from_str(text);
    let file = serde_path_to_error::deserialize(&mut json)
        .map_err(|error| arguments::misplaced(&error))?;
    json.end().map_err(|error| error.to_string())?;
    Ok(file)
}

/// Prints the plan, and the keys that were generated.
fn print(plan: &Plan, dry_run: bool, output: &mut Output) -> Result<(), Failure> {
    let keys = if dry_run { Vec::new() } else { generated(plan) };
    if output.is_json() {
        let counts: Map<String, Value> = plan
            .counts()
            .into_iter()
            .map(|(what, count)| (what.to_owned(), count_as_json(count)))
            .collect();
        let keys: Vec<_> = keys
            .iter()
            .map(|[environment, name, kind, key]| {
                json!({ "environment": environment, "name": name, "kind": kind, "key": key })
            })
            .collect();
        let report = json!({ "dry_run": dry_run, "plan": counts, "generated_keys": keys });
        return output.json(&report);
    }
    if plan.steps.is_empty() {
        return output.line("nothing to do: the database is like the file already");
    }
    output.table(
        ["", "CREATE", "CHANGE", "DELETE"],
        plan.counts().into_iter().map(|(what, count)| {
            let [create, change, delete] =
                [count.create, count.change, count.delete].map(|count| count.to_string());
            [what.to_owned(), create, change, delete]
        }),
    )?;
    if dry_run {
        return output.line("\nnothing was changed: this was a dry run");
    }
    if keys.is_empty() {
        return Ok(());
    }
    output.line("\nGenerated keys. Keep those of kind server now: they are not shown again.")?;
    output.table(["ENVIRONMENT", "NAME", "KIND", "KEY"], keys)
}

fn count_as_json(count: Count) -> Value {
    json!({ "create": count.create, "change": count.change, "delete": count.delete })
}

/// Environment, name, kind and text of each key that the import made up.
pub(super) fn generated(plan: &Plan) -> Vec<[String; 4]> {
    let generated = plan.steps.iter().filter_map(|step| match step {
        Step::CreateKey {
            environment,
            key,
            generated: Some(text),
        } => Some([
            environment.to_string(),
            key.name.to_string(),
            key.kind.as_str().to_owned(),
            text.reveal().to_owned(),
        ]),
        _ => None,
    });
    generated.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_named_with_its_place() {
        for (text, place) in [
            (
                r#"{"version": 1, "flags": {"features": [{"name": "a"}, {"name": "b/c"}]}}"#,
                "flags.features[1].name: must not contain",
            ),
            (
                r#"{"version": 1, "flags": {"features": [{"name": "a", "flags": {"p": {"value": 1e999}}}]}}"#,
                "flags.features[0].flags.p.value: ",
            ),
            (r#"{"version": 2}"#, "version: must be 1"),
            (
                r#"{"version": 1, "flag": {}}"#,
                "flag: unknown field `flag`",
            ),
            (r#"{"version": 1"#, "EOF while parsing an object at line 1"),
            (r#"{"version": 1} {}"#, "trailing characters at line 1"),
            ("", "EOF while parsing a value at line 1"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.starts_with(place), "{text}: {message}");
        }
    }
}
