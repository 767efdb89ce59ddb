//! `flagstaff key`: the keys with which applications read an environment's flags.
//!
//! A key's text is a credential: one of your own is taken from a file or from standard input, never from the command
//! line, which every process of the host can read.

use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args, Subcommand};
use flagstaff_domain::access::{ChangeKey, CreateKey, EnvironmentKey, IssuedKey, KeyKind, KeyText};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::KeyId;
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::{EnvironmentName, Invalid, KeyName};
use flagstaff_domain::write::Precondition;
use flagstaff_http::admin::dto::KeyRecord;

use super::{Session, arguments, every_page};
use crate::escape::quoted;
use crate::exit::Failure;
use crate::output::{Output, instant, instant_or};
use crate::wiring::Services;

/// What to do with keys.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff key list production
  flagstaff key create production web --kind client
  flagstaff key create --help")]
pub(crate) enum Command {
    /// List the keys of an environment
    #[command(after_help = "\
Examples:
  flagstaff key list production
  flagstaff key list production --json | jq -r '.[] | select(.kind == \"client\") | .key'")]
    List(Of),
    /// Show a key
    #[command(after_help = "\
Examples:
  flagstaff key show production 3")]
    Show(Named),
    /// Make a key
    #[command(after_help = "\
Examples:
  flagstaff key create production web --kind client
  flagstaff key create production backend --kind server --expires-at 2030-01-01T00:00:00Z
  flagstaff key create production web --kind client --key-file old-key.txt   # keep the key that applications have
  pass show flags/web | flagstaff key create production web --kind client --key-file -

A server key is shown this once. A client key reads what users of the application may see; a server key also reads
features that are marked --server-key-only.")]
    Create(Create),
    /// Make a key in place of another, which goes on for a while so that applications can change over
    #[command(after_help = "\
Examples:
  flagstaff key rotate production 3 --grace 86400     # a day")]
    Rotate(Rotate),
    /// Give a key another name or expiry
    #[command(after_help = "\
Examples:
  flagstaff key set production 3 --name web-old --expires-at 2030-01-01T00:00:00Z
  flagstaff key set production 3 --never-expires")]
    Set(Set),
    /// Revoke a key
    #[command(after_help = "\
Examples:
  flagstaff key delete production 3")]
    Delete(Named),
}

/// Names an environment.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The environment
    #[arg(value_parser = arguments::environment)]
    environment: EnvironmentName,
}

/// Names a key.
#[derive(Debug, Args)]
pub(crate) struct Named {
    #[command(flatten)]
    of: Of,
    /// The key's id, as `flagstaff key list` shows it
    #[arg(value_parser = id)]
    id: KeyId,
}

/// Arguments of `create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    of: Of,
    /// Tells which key this is, as "web"
    #[arg(value_parser = arguments::key)]
    name: KeyName,
    /// Who will hold it: client or server
    #[arg(long, value_parser = kind)]
    kind: KeyKind,
    /// From when on it is refused [default: never]
    #[arg(long, value_name = "RFC3339", value_parser = arguments::instant)]
    expires_at: Option<Timestamp>,
    /// A file with a key of your own, or - for standard input [default: one is generated]
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
}

/// Arguments of `rotate`.
#[derive(Debug, Args)]
pub(crate) struct Rotate {
    #[command(flatten)]
    named: Named,
    /// How long the old key goes on
    #[arg(long, value_name = "SECONDS")]
    grace: u32,
}

/// Arguments of `set`.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(true).args(["name", "expires_at", "never_expires"]))]
pub(crate) struct Set {
    #[command(flatten)]
    named: Named,
    /// A new name
    #[arg(long, value_parser = arguments::key)]
    name: Option<KeyName>,
    /// From when on it is refused
    #[arg(long, value_name = "RFC3339", value_parser = arguments::instant, conflicts_with = "never_expires")]
    expires_at: Option<Timestamp>,
    /// It is valid until it is revoked
    #[arg(long)]
    never_expires: bool,
}

fn id(text: &str) -> Result<KeyId, Invalid> {
    let id = text.parse().ok().filter(|id| *id > 0).map(KeyId);
    id.ok_or_else(|| Invalid::new("must be the number of a key; `flagstaff key list` shows them"))
}

fn kind(text: &str) -> Result<KeyKind, Invalid> {
    KeyKind::try_from(text.to_owned())
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    match command {
        Command::List(of) => list(&of.environment, &services, &mut output),
        Command::Show(named) => {
            let key = services.keys.get(&named.of.environment, named.id)?;
            show(&key, &mut output)
        }
        Command::Create(create) => self::create(create, &services, &mut output),
        Command::Rotate(rotate) => self::rotate(&rotate, &services, &mut output),
        Command::Set(set) => self::set(set, &services, &mut output),
        Command::Delete(named) => {
            let environment = &named.of.environment;
            let revision = services.keys.delete(
                &Actor::CommandLine,
                environment,
                named.id,
                &Precondition::Any,
            )?;
            let what = format!("key {} of {environment}", named.id);
            super::deleted(&what, revision, &mut output)
        }
    }
}

/// Every key of an environment, oldest first.
pub(super) fn all(
    environment: &EnvironmentName,
    services: &Services,
) -> Result<Vec<EnvironmentKey>, Failure> {
    every_page(
        |after| {
            let limit = PAGE_MAX;
            services.keys.list(environment, &Page { limit, after })
        },
        |key: &EnvironmentKey| key.id,
    )
}

fn list(
    environment: &EnvironmentName,
    services: &Services,
    output: &mut Output,
) -> Result<(), Failure> {
    let keys = all(environment, services)?;
    if output.is_json() {
        let records: Vec<_> = keys.iter().map(KeyRecord::from).collect();
        return output.json(&records);
    }
    if keys.is_empty() {
        return output.line(format_args!(
            "no keys yet; make one with `flagstaff key create {} NAME --kind client`",
            quoted(environment.as_str())
        ));
    }
    output.table(
        ["ID", "NAME", "KIND", "KEY", "EXPIRES", "CREATED"],
        keys.iter().map(|key| {
            [
                key.id.to_string(),
                key.name.to_string(),
                key.kind.as_str().to_owned(),
                shown(key),
                instant_or(key.expires_at, "never"),
                instant(key.created_at),
            ]
        }),
    )
}

fn shown(key: &EnvironmentKey) -> String {
    let text = key.text.as_ref().map(KeyText::reveal);
    text.unwrap_or("(not stored)").to_owned()
}

fn show(key: &EnvironmentKey, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&KeyRecord::from(key));
    }
    fields(key, &shown(key), output)
}

fn fields(key: &EnvironmentKey, text: &str, output: &mut Output) -> Result<(), Failure> {
    output.fields([
        ("id", key.id.to_string()),
        ("name", key.name.to_string()),
        ("environment", key.environment.to_string()),
        ("kind", key.kind.as_str().to_owned()),
        ("key", text.to_owned()),
        ("expires", instant_or(key.expires_at, "never")),
        ("created", instant(key.created_at)),
    ])
}

fn create(create: Create, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let command = CreateKey {
        name: create.name,
        kind: create.kind,
        expires_at: create.expires_at,
        text: create.key_file.as_deref().map(read).transpose()?,
    };
    let issued = services
        .keys
        .create(&Actor::CommandLine, &create.of.environment, command)?;
    issue(&issued, output)
}

fn rotate(rotate: &Rotate, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let Named { of, id } = &rotate.named;
    let issued = services.keys.rotate(
        &Actor::CommandLine,
        &of.environment,
        *id,
        rotate.grace,
        &Precondition::Any,
    )?;
    issue(&issued, output)?;
    if output.is_json() {
        return Ok(());
    }
    let old = services.keys.get(&of.environment, *id)?;
    output.line(format_args!(
        "\nkey {id} is refused from {} on",
        instant_or(old.expires_at, "never")
    ))
}

fn set(set: Set, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let Named { of, id } = &set.named;
    let change = ChangeKey {
        name: set.name,
        expires_at: match set.expires_at {
            None if set.never_expires => Some(None),
            given => given.map(Some),
        },
    };
    let actor = &Actor::CommandLine;
    let written = services
        .keys
        .change(actor, &of.environment, *id, &change, &Precondition::Any)?;
    show(&written.record, output)
}

/// Shows a key that was just made, with its text.
fn issue(issued: &IssuedKey, output: &mut Output) -> Result<(), Failure> {
    let key = &issued.written.record;
    if output.is_json() {
        return output.json(&KeyRecord {
            key: Some(issued.text.reveal().to_owned()),
            ..KeyRecord::from(key)
        });
    }
    fields(key, issued.text.reveal(), output)?;
    if key.kind == KeyKind::Server {
        output.line("\nKeep it now: only its digest is stored, and it is not shown again.")?;
    }
    Ok(())
}

/// Reads a key of one's own.
fn read(path: &Path) -> Result<KeyText, Failure> {
    let text = arguments::credential(path, "--key-file")?;
    KeyText::parse(text).map_err(|error| Failure::wrong(format!("--key-file: the key {error}")))
}
