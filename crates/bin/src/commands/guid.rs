//! `flagstaff guid`: the GUID register.
//!
//! Knowing a GUID is the credential: it is taken from a file or from standard input, never from the command line. A
//! record is also found by its digest, which the change log shows.

use std::path::Path;

use clap::{Args, Subcommand};
use flagstaff_domain::access::{
    Author, ChangeGuid, CreateGuid, Expire, Guid, GuidRecord, KeyDigest,
};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::{Description, EnvironmentName, GuidUser, Invalid};
use flagstaff_domain::write::Precondition;
use serde::Serialize;

use super::{Session, arguments, every_page};
use crate::exit::Failure;
use crate::jobs::purge;
use crate::output::{Output, counted, instant};
use crate::wiring::Services;

/// What to do with the GUID register.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff guid create --user 'Jay Patel'
  flagstaff guid show guid.txt
  flagstaff guid create --help")]
pub(crate) enum Command {
    /// List the records, or those of a user
    #[command(after_help = "\
Examples:
  flagstaff guid list --user 'Jay Patel'
  flagstaff guid list --json | jq -r '.[] | select(.environment == \"production\") | .digest'")]
    List(List),
    /// Show a record
    #[command(after_help = "\
Examples:
  flagstaff guid show guid.txt
  pass show guids/jay | flagstaff guid show -
  flagstaff guid show sha256:464f05c08c4fdb6ffc5014cecddfef911aa3c70c0fefb64b7e0645964f24a44f")]
    Show(Which),
    /// Make a record
    #[command(after_help = "\
Examples:
  flagstaff guid create --user 'Jay Patel'
  flagstaff guid create --user 'Salemount Labs' --expire 1827736345 --guid-file guid.txt
  flagstaff guid create --user 'Jay Patel' --environment production --expire 2030-01-01T00:00:00Z

A GUID is shown this once: only its digest is stored. One that opens an environment is accepted as a key of it,
X-Environment-Key, until it expires.")]
    Create(Create),
    /// Change a record, also one that has expired and is not purged yet
    #[command(after_help = "\
Examples:
  flagstaff guid set guid.txt --expire 2030-01-01T00:00:00Z
  flagstaff guid set guid.txt --no-environment")]
    Set(Set),
    /// Delete a record
    #[command(after_help = "\
Examples:
  flagstaff guid delete guid.txt
  flagstaff guid delete sha256:464f05c08c4fdb6ffc5014cecddfef911aa3c70c0fefb64b7e0645964f24a44f")]
    Delete(Which),
    /// Remove the records that expired 30 days ago or earlier, as a server does every hour
    #[command(after_help = "\
Examples:
  flagstaff guid purge")]
    Purge,
}

/// Arguments of `list`.
#[derive(Debug, Args)]
pub(crate) struct List {
    /// Only this user's
    #[arg(long, value_parser = user)]
    user: Option<GuidUser>,
}

/// Names a record.
#[derive(Debug, Args)]
pub(crate) struct Which {
    /// A file with the GUID, - for standard input, or the GUID's digest (sha256:…)
    #[arg(value_name = "FILE")]
    which: String,
}

/// Arguments of `create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Whom it is given to
    #[arg(long, value_parser = user)]
    user: GuidUser,
    /// From when on it is unknown: Unix time or RFC 3339 [default: 30 days from now]
    #[arg(long, value_name = "TIME", value_parser = expire)]
    expire: Option<Expire>,
    /// An environment that it is to open
    #[arg(long, value_parser = arguments::environment)]
    environment: Option<EnvironmentName>,
    /// What it is for
    #[arg(long, value_parser = arguments::description)]
    description: Option<Description>,
    /// A file with a GUID of your own, or - for standard input [default: one is generated]
    #[arg(long, value_name = "FILE")]
    guid_file: Option<String>,
}

/// Arguments of `set`.
#[derive(Debug, Args)]
#[command(group = arguments::at_least_one(["user", "expire", "environment", "no_environment", "description", "no_description"]))]
pub(crate) struct Set {
    #[command(flatten)]
    which: Which,
    /// Another user
    #[arg(long, value_parser = user)]
    user: Option<GuidUser>,
    /// From when on it is unknown: Unix time or RFC 3339
    #[arg(long, value_name = "TIME", value_parser = expire)]
    expire: Option<Expire>,
    /// Another environment that it is to open
    #[arg(long, value_parser = arguments::environment, conflicts_with = "no_environment")]
    environment: Option<EnvironmentName>,
    /// It is to open no environment
    #[arg(long)]
    no_environment: bool,
    /// What it is for
    #[arg(long, value_parser = arguments::description, conflicts_with = "no_description")]
    description: Option<Description>,
    /// Nothing is to be said about what it is for
    #[arg(long)]
    no_description: bool,
}

fn user(text: &str) -> Result<GuidUser, Invalid> {
    GuidUser::parse(text)
}

fn expire(text: &str) -> Result<Expire, Invalid> {
    match Timestamp::try_from(text.to_owned()) {
        Ok(at) => Expire::of(at),
        Err(_) => Expire::parse(text),
    }
}

/// A record that somebody names, by the GUID itself or by its digest alone.
struct Meant {
    digest: KeyDigest,
    guid: Option<Guid>,
}

impl Which {
    fn read(self) -> Result<Meant, Failure> {
        if self.which.starts_with("sha256:") {
            let digest = KeyDigest::try_from(self.which)
                .map_err(|error| Failure::wrong(format!("the digest {error}")))?;
            return Ok(Meant { digest, guid: None });
        }
        let guid = read(&self.which)?;
        Ok(Meant {
            digest: guid.digest(),
            guid: Some(guid),
        })
    }
}

/// Reads a GUID: the file's text without the line's end. What may be a GUID in the place of a file's name is not repeated.
fn read(file: &str) -> Result<Guid, Failure> {
    if Guid::parse(file).is_ok() {
        return Err(Failure::wrong(
            "a GUID is a credential, and every process of the host can read the command line: put it into a file, or \
             give - and write it to standard input",
        ));
    }
    let text = arguments::credential(Path::new(file), "the GUID's file")?;
    Guid::parse(&text).map_err(|error| Failure::wrong(format!("the GUID {error}")))
}

/// A record as `--json` prints it.
#[derive(Serialize)]
struct Record<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    guid: Option<&'a str>,
    digest: KeyDigest,
    expire: Expire,
    user: &'a GuidUser,
    #[serde(skip_serializing_if = "Option::is_none")]
    environment: Option<&'a EnvironmentName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a Description>,
    created_at: Timestamp,
}

impl<'a> Record<'a> {
    fn new(guid: Option<&'a Guid>, record: &'a GuidRecord) -> Self {
        Self {
            guid: guid.map(Guid::reveal),
            digest: record.digest,
            expire: record.expire,
            user: &record.user,
            environment: record.environment.as_ref().map(|(_, name)| name),
            description: record.description.as_ref(),
            created_at: record.created_at,
        }
    }
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    let author = Author::command_line();
    let any = Precondition::Any;
    match command {
        Command::List(list) => self::list(&list, &services, &mut output),
        Command::Show(which) => {
            let meant = which.read()?;
            let record = services.guids.get(&meant.digest)?;
            show(meant.guid.as_ref(), &record, &mut output)
        }
        Command::Create(create) => self::create(create, &services, &mut output),
        Command::Set(set) => self::set(set, &services, &mut output),
        Command::Delete(which) => {
            let digest = which.read()?.digest;
            let revision = services.guids.delete(&author, &digest, &any)?;
            super::deleted(&format!("the GUID of {digest}"), revision, &mut output)
        }
        Command::Purge => {
            let purged = purge::all(&services.guids)?;
            if output.is_json() {
                return output.json(&serde_json::json!({ "purged": purged }));
            }
            output.line(format_args!(
                "purged {}",
                counted(purged, "record", "records")
            ))
        }
    }
}

fn list(list: &List, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let user = list.user.as_ref().map(GuidUser::as_str);
    let records = every_page(
        |after| {
            let limit = PAGE_MAX;
            services.guids.list(user, &Page { limit, after })
        },
        |record: &GuidRecord| record.id,
    )?;
    if output.is_json() {
        let records = records.iter().map(|record| Record::new(None, record));
        return output.json(&records.collect::<Vec<_>>());
    }
    output.table(
        ["USER", "ENVIRONMENT", "EXPIRES", "DIGEST"],
        records.iter().map(|record| {
            let environment = record.environment.as_ref();
            [
                record.user.to_string(),
                environment.map_or_else(|| "none".to_owned(), |(_, name)| name.to_string()),
                instant(record.expire.at()),
                record.digest.to_string(),
            ]
        }),
    )
}

fn show(guid: Option<&Guid>, record: &GuidRecord, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&Record::new(guid, record));
    }
    let environment = record.environment.as_ref();
    let description = record.description.as_ref();
    output.fields([
        ("guid", guid.map_or("(not stored)", Guid::reveal).to_owned()),
        ("digest", record.digest.to_string()),
        ("user", record.user.to_string()),
        ("expires", instant(record.expire.at())),
        (
            "environment",
            environment.map_or_else(|| "none".to_owned(), |(_, name)| name.to_string()),
        ),
        (
            "description",
            description.map(ToString::to_string).unwrap_or_default(),
        ),
        ("created", instant(record.created_at)),
    ])
}

fn create(create: Create, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let guid = create.guid_file.as_deref().map(read).transpose()?;
    let command = CreateGuid {
        user: create.user,
        expire: create.expire,
        environment: create.environment,
        description: create.description,
    };
    let issued = services
        .guids
        .create(&Author::command_line(), guid, command)?;
    show(Some(&issued.guid), &issued.written.record, output)?;
    if output.is_json() {
        return Ok(());
    }
    output.line("\nKeep it now: only its digest is stored, and it is not shown again.")
}

fn set(set: Set, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let change = ChangeGuid {
        user: set.user,
        expire: set.expire,
        environment: changed(set.environment, set.no_environment),
        description: changed(set.description, set.no_description),
    };
    let meant = set.which.read()?;
    let any = Precondition::Any;
    let written = services
        .guids
        .change(&Author::command_line(), &meant.digest, &change, &any)?;
    show(meant.guid.as_ref(), &written.record, output)
}

/// What is given, none where that is asked for, or no change.
fn changed<T>(given: Option<T>, none: bool) -> Option<Option<T>> {
    match given {
        None if none => Some(None),
        given => given.map(Some),
    }
}
