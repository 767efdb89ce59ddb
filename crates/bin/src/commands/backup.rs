//! `flagstaff backup`: a copy of the database as of one moment, also while a server uses it.

use std::fs;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Session;
use crate::exit::Failure;
use crate::output::counted;
use crate::progress::Bar;
use crate::wiring::database;

/// Arguments of `backup`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff backup /backups/flagstaff-$(date +%F).db

The copy holds keys and password hashes: it is readable by its owner alone, and should stay so. To restore it, stop the
server, move the database and what stands beside it (-wal, -shm) away, and put the copy in the database's place. A
database in PostgreSQL is copied by its own pg_dump instead.")]
pub(crate) struct Arguments {
    /// The new file; one that exists is never overwritten
    file: PathBuf,
}

pub(super) fn run(arguments: &Arguments, session: Session) -> Result<(), Failure> {
    let from = session.settings.database.url.location();
    let to = &arguments.file;
    let bar = Bar::start("copying the database");
    let copied = database::backup(from, to);
    bar.finish();
    copied?;
    let bytes = fs::metadata(to)
        .map_err(|error| Failure::io(to.display(), &error))?
        .len();
    let mut output = session.output;
    if output.is_json() {
        return output.json(&json!({ "file": to, "bytes": bytes }));
    }
    let size = counted(
        usize::try_from(bytes).unwrap_or(usize::MAX),
        "byte",
        "bytes",
    );
    output.line(format_args!("copied {from} to {} ({size})", to.display()))
}
