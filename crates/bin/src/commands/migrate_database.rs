//! `flagstaff migrate-database`: everything from one database into another, of the same backend or of another.

use std::path::Path;

use clap::Args;
use serde_json::{Map, Value, json};

use super::Session;
use crate::exit::Failure;
use crate::output::{counted, note};
use crate::progress::Bar;
use crate::settings::{DatabaseUrl, secret_in};
use crate::wiring::database;

/// Arguments of `migrate-database`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff migrate-database sqlite://data/flagstaff.db @/run/secrets/database_url
  flagstaff migrate-database sqlite://data/flagstaff.db postgres://flagstaff@db.example/flagstaff
  flagstaff migrate-database @old_url sqlite://data/flagstaff.db

Both are URLs as database.url takes them, or @ and a file that holds one: arguments are seen by everyone on the machine, so
a URL with a password belongs into a file. (PGPASSWORD and ~/.pgpass work, too.)

Copies every record with its id, keys, accounts, versions, times and the whole change log with its numbers; no id is ever
given again, also not that of what was deleted. The new database is created or migrated where that is needed, and refused
where it holds anything. What was copied is read back and compared before it is kept: the new database holds all of it or
nothing. The old one stays as it is.

Nobody can change either database while this runs; flags go on being served. Afterwards the servers have to be started
anew with database.url naming the new one, and what a server still writes to the old one is not in the new one: stop the
servers first, or at least let nobody change anything until they use the new database.")]
pub(crate) struct Arguments {
    /// The database to copy: its URL, or @FILE
    from: String,
    /// The new database: its URL, or @FILE
    to: String,
}

pub(super) fn run(arguments: &Arguments, session: Session) -> Result<(), Failure> {
    let (from, to) = (url("FROM", &arguments.from)?, url("TO", &arguments.to)?);
    let (from, to) = (from.location(), to.location());
    let bar = Bar::start("copying");
    let copied = database::copy(from, to, &bar);
    bar.finish();
    let copied = copied?;
    let mut output = session.output;
    if output.is_json() {
        let tables: Map<String, Value> = copied
            .into_iter()
            .map(|(table, rows)| (table, rows.into()))
            .collect();
        let shown = json!({ "from": from.to_string(), "to": to.to_string(), "tables": tables });
        return output.json(&shown);
    }
    let rows: u64 = copied.iter().map(|(_, rows)| rows).sum();
    output.table(
        ["TABLE", "ROWS"],
        copied
            .into_iter()
            .map(|(table, rows)| [table, rows.to_string()]),
    )?;
    let rows = counted(usize::try_from(rows).unwrap_or(usize::MAX), "row", "rows");
    output.line(format_args!(
        "\ncopied {rows} from {from} to {to}, and compared them; start the servers with database.url naming the new one"
    ))
}

/// The argument, or what is in the file that it names. What is wrong with a URL is told without the URL.
fn url(name: &str, argument: &str) -> Result<DatabaseUrl, Failure> {
    let wrong = |what: String| Failure::wrong(format!("{name}: {what}"));
    let text = match argument.strip_prefix('@') {
        None => {
            if has_password(argument) {
                note(format_args!(
                    "warning: the password in {name} is seen by everyone on this machine while this runs; \
                     write the URL into a file and name that: @FILE"
                ));
            }
            argument.to_owned()
        }
        Some(path) => secret_in(Path::new(path))
            .map_err(|error| wrong(format!("cannot read {path}: {error}")))?,
    };
    DatabaseUrl::try_from(Value::String(text)).map_err(wrong)
}

/// Whether the URL of a server has a password in it, before its host or among its parameters.
fn has_password(url: &str) -> bool {
    let Some((_, rest)) = url.split_once("://") else {
        return false;
    };
    let (place, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let user = place.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':')
        || parameters
            .split('&')
            .any(|one| one.starts_with("password=") || one.starts_with("sslpassword="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_seen_where_libpq_takes_one() {
        for (url, has) in [
            ("postgres://ada:hush@db/flags", true),
            ("postgres://ada@db:5432/flags", false),
            ("postgres://db/flags?user=ada&password=hush", true),
            ("postgres://db/flags?sslmode=require&sslpassword=hush", true),
            ("postgres://[::1]:5432/flags", false),
            ("sqlite://data/flagstaff.db", false),
        ] {
            assert_eq!(has_password(url), has, "{url}");
        }
    }
}
