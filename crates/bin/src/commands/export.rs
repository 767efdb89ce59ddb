//! `flagstaff export`: everything as a state file, from which `flagstaff import` makes the same again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use flagstaff_domain::state::StateFile;
use serde_json::json;

use super::Session;
use crate::exit::Failure;
use crate::output::counted;
use crate::progress::Bar;

/// Arguments of `export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff export state.json
  flagstaff export | jq '.flags.features | length'

The file holds the texts of client keys and the digests of server keys: a new one is readable by its owner alone.
Accounts and the change log are not part of it; `flagstaff backup` copies those, too.")]
pub(crate) struct Arguments {
    /// The file, or - for standard output
    #[arg(default_value = "-", hide_default_value = true)]
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    let bar = Bar::start("reading the database");
    let state = services.state.export();
    bar.finish();
    let state = state?;
    let path = &arguments.file;
    if path == Path::new("-") {
        return output.json(&state);
    }
    write(&state, path)
        .map_err(|error| Failure::io(format!("cannot write {}", path.display()), &error))?;
    let [environments, features, keys] = sizes(&state);
    if output.is_json() {
        let mut report = json!({
            "file": path,
            "environments": environments,
            "features": features,
            "keys": keys,
        });
        for (_, several, count) in state.of_modules() {
            report[several] = json!(count);
        }
        return output.json(&report);
    }
    let core = [
        counted(environments, "environment", "environments"),
        counted(features, "feature", "features"),
        counted(keys, "key", "keys"),
    ];
    let modules = state.of_modules();
    let modules = modules.map(|(one, several, count)| counted(count, one, several));
    let all: Vec<_> = core.into_iter().chain(modules).collect();
    output.line(format_args!(
        "wrote {} to {}",
        in_words(&all),
        path.display()
    ))
}

fn in_words(items: &[String]) -> String {
    match items {
        [others @ .., last] if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        one => one.concat(),
    }
}

pub(super) fn sizes(state: &StateFile) -> [usize; 3] {
    [
        state.flags.environments.as_ref().map_or(0, Vec::len),
        state.flags.features.as_ref().map_or(0, Vec::len),
        state.access.keys.as_ref().map_or(0, Vec::len),
    ]
}

/// Writes the file under another name first, so that it is never there by half. It is readable by its owner alone.
/// What is there and is no file, as a pipe or a device, is written to; a link is followed.
fn write(state: &StateFile, path: &Path) -> io::Result<()> {
    let found = fs::canonicalize(path);
    let path = found.as_deref().unwrap_or(path);
    if path.exists() && !path.is_file() {
        let mut text = serde_json::to_vec_pretty(state)?;
        text.push(b'\n');
        return fs::OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(&text);
    }
    let folder = path.parent().filter(|folder| folder != &Path::new(""));
    let mut file = tempfile::Builder::new()
        .prefix(".flagstaff-export-")
        .tempfile_in(folder.unwrap_or(Path::new(".")))?;
    let mut text = serde_json::to_vec_pretty(state)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}
