//! `flagstaff token`: the access tokens with which jobs sign in, in the name of a user.

use clap::{Args, Subcommand};
use flagstaff_domain::access::{Token, Username};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::TokenId;
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::{Invalid, TokenName};
use flagstaff_domain::write::Precondition;
use flagstaff_http::admin::dto::{IssuedTokenRecord, TokenRecord};

use super::{Session, arguments, every_page};
use crate::exit::Failure;
use crate::output::{Output, instant, instant_or};
use crate::wiring::Services;

/// What to do with access tokens.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff token create jay deploy --expires-at 2030-01-01T00:00:00Z
  flagstaff token list jay
  curl -H 'Authorization: Bearer fst_…' http://127.0.0.1:8080/api/admin/features")]
pub(crate) enum Command {
    /// List the tokens of a user
    #[command(after_help = "\
Examples:
  flagstaff token list jay")]
    List(Of),
    /// Make a token for a user
    #[command(after_help = "\
Examples:
  flagstaff token create jay deploy
  flagstaff token create jay deploy --expires-at 2030-01-01T00:00:00Z

It is shown this once. It does what the user's role allows, until it expires or is deleted, or the user is disabled or
given another password.")]
    Create(Create),
    /// Delete a token
    #[command(after_help = "\
Examples:
  flagstaff token delete jay 3")]
    Delete(Named),
}

/// Names a user.
#[derive(Debug, Args)]
pub(crate) struct Of {
    /// The user's name, in any case
    #[arg(value_parser = arguments::username)]
    username: Username,
}

/// Names a token.
#[derive(Debug, Args)]
pub(crate) struct Named {
    #[command(flatten)]
    of: Of,
    /// The token's id, as `flagstaff token list` shows it
    #[arg(value_parser = id)]
    id: TokenId,
}

/// Arguments of `create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    #[command(flatten)]
    of: Of,
    /// Tells which token this is, as "deploy"
    #[arg(value_parser = name)]
    name: TokenName,
    /// From when on it is refused [default: never]
    #[arg(long, value_name = "RFC3339", value_parser = arguments::instant)]
    expires_at: Option<Timestamp>,
}

fn id(text: &str) -> Result<TokenId, Invalid> {
    let id = text.parse().ok().filter(|id| *id > 0).map(TokenId);
    id.ok_or_else(|| {
        Invalid::new("must be the number of a token; `flagstaff token list` shows them")
    })
}

fn name(text: &str) -> Result<TokenName, Invalid> {
    TokenName::parse(text)
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    match command {
        Command::List(of) => list(&of, &services, &mut output),
        Command::Create(create) => self::create(create, &services, &mut output),
        Command::Delete(Named { of, id }) => {
            let owner = services.accounts.get_by_name(&of.username)?.id;
            let tokens = &services.tokens;
            let revision = tokens.delete(&Actor::CommandLine, owner, id, &Precondition::Any)?;
            let what = format!("token {id} of {}", of.username);
            super::deleted(&what, revision, &mut output)
        }
    }
}

fn list(of: &Of, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let owner = services.accounts.get_by_name(&of.username)?.id;
    let tokens = every_page(
        |after| {
            let limit = PAGE_MAX;
            services.tokens.list(owner, &Page { limit, after })
        },
        |token: &Token| token.id,
    )?;
    if output.is_json() {
        let records: Vec<_> = tokens.iter().map(TokenRecord::from).collect();
        return output.json(&records);
    }
    if tokens.is_empty() {
        return output.line(format_args!("{} has no tokens", of.username));
    }
    output.table(
        ["ID", "NAME", "EXPIRES", "LAST USED", "CREATED"],
        tokens.iter().map(|token| {
            [
                token.id.to_string(),
                token.name.to_string(),
                instant_or(token.expires_at, "never"),
                instant_or(token.last_used_at, "never"),
                instant(token.created_at),
            ]
        }),
    )
}

fn create(create: Create, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let owner = services.accounts.get_by_name(&create.of.username)?;
    let issued = services.tokens.create(
        &Actor::CommandLine,
        (owner.id, owner.version),
        create.name,
        create.expires_at,
    )?;
    if output.is_json() {
        return output.json(&IssuedTokenRecord::from(&issued));
    }
    let token = &issued.written.record;
    output.fields([
        ("id", token.id.to_string()),
        ("name", token.name.to_string()),
        ("user", token.username.to_string()),
        ("token", issued.text.reveal().to_owned()),
        ("expires", instant_or(token.expires_at, "never")),
    ])?;
    output.line("\nKeep it now: only its digest is stored, and it is not shown again.")
}
