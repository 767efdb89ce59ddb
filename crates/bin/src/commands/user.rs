//! `flagstaff user`: those who manage flags, also when none of them can sign in any more.

use clap::{Args, Subcommand};
use flagstaff_domain::access::{Account, ChangeAccount, CreateAccount, Role, Username};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::Invalid;
use flagstaff_domain::write::Precondition;
use flagstaff_http::admin::dto::UserRecord;

use super::password::PasswordArgument;
use super::{Session, arguments, every_page};
use crate::exit::Failure;
use crate::output::{Output, instant, instant_or};
use crate::wiring::Services;

/// What to do with users.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff user list
  flagstaff user add jay --role editor
  flagstaff user set-password admin

What is changed here acts at once on a running server: whoever is disabled, deleted or given another password is out,
with all sessions and tokens. The last enabled administrator can be neither deleted, disabled nor demoted.")]
pub(crate) enum Command {
    /// List the users, oldest first
    #[command(after_help = "\
Examples:
  flagstaff user list
  flagstaff user list --json | jq -r '.[] | select(.role == \"admin\") | .username'")]
    List,
    /// Add a user
    #[command(after_help = "\
Examples:
  flagstaff user add jay                            # asks for a password; a viewer
  flagstaff user add jay --role editor --password-file jay.txt
  pass show flagstaff/jay | flagstaff user add jay --role admin")]
    Add(Add),
    /// Give a user another role
    #[command(after_help = "\
Examples:
  flagstaff user set-role jay admin")]
    SetRole(SetRole),
    /// Give a user another password, which ends their sessions and tokens
    #[command(after_help = "\
Examples:
  flagstaff user set-password admin                 # asks for it
  flagstaff user set-password admin --password-file new.txt")]
    SetPassword(SetPassword),
    /// Shut a user out, which ends their sessions and tokens
    #[command(after_help = "\
Examples:
  flagstaff user disable jay")]
    Disable(Named),
    /// Let a user in again
    #[command(after_help = "\
Examples:
  flagstaff user enable jay")]
    Enable(Named),
    /// Delete a user, with their sessions and tokens
    #[command(after_help = "\
Examples:
  flagstaff user delete jay")]
    Delete(Named),
}

/// Names a user.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The user's name, in any case
    #[arg(value_parser = arguments::username)]
    username: Username,
}

/// Arguments of `add`.
#[derive(Debug, Args)]
pub(crate) struct Add {
    #[command(flatten)]
    named: Named,
    /// What they may do: viewer, editor or admin
    #[arg(long, value_parser = role, default_value = "viewer")]
    role: Role,
    #[command(flatten)]
    password: PasswordArgument,
}

/// Arguments of `set-role`.
#[derive(Debug, Args)]
pub(crate) struct SetRole {
    #[command(flatten)]
    named: Named,
    /// What they may do: viewer, editor or admin
    #[arg(value_parser = role)]
    role: Role,
}

/// Arguments of `set-password`.
#[derive(Debug, Args)]
pub(crate) struct SetPassword {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    password: PasswordArgument,
}

fn role(text: &str) -> Result<Role, Invalid> {
    Role::try_from(text.to_owned())
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    let output = &mut output;
    match command {
        Command::List => list(&services, output),
        Command::Add(add) => self::add(add, &services, output),
        Command::SetRole(SetRole { named, role }) => {
            let role = Some(role);
            let wanted = ChangeAccount {
                role,
                ..ChangeAccount::default()
            };
            change(&named, &wanted, &services, output)
        }
        Command::SetPassword(SetPassword { named, password }) => {
            // Before anything is asked for.
            services.accounts.get_by_name(&named.username)?;
            let wanted = ChangeAccount {
                password: Some(password.read()?),
                ..ChangeAccount::default()
            };
            change(&named, &wanted, &services, output)
        }
        Command::Disable(named) => disable(&named, true, &services, output),
        Command::Enable(named) => disable(&named, false, &services, output),
        Command::Delete(named) => {
            let id = services.accounts.get_by_name(&named.username)?.id;
            let accounts = &services.accounts;
            let revision = accounts.delete(&Actor::CommandLine, id, &Precondition::Any)?;
            super::deleted(named.username.as_str(), revision, output)
        }
    }
}

fn list(services: &Services, output: &mut Output) -> Result<(), Failure> {
    let accounts = every_page(
        |after| {
            let limit = PAGE_MAX;
            services.accounts.list(&Page { limit, after })
        },
        |account: &Account| account.id,
    )?;
    if output.is_json() {
        let records: Vec<_> = accounts.iter().map(UserRecord::from).collect();
        return output.json(&records);
    }
    if accounts.is_empty() {
        return output.line("no users yet; `flagstaff serve` makes the first administrator");
    }
    output.table(
        ["ID", "NAME", "ROLE", "STATE", "LAST SIGN-IN", "CREATED"],
        accounts.iter().map(|account| {
            [
                account.id.to_string(),
                account.username.to_string(),
                account.role.to_string(),
                state(account),
                instant_or(account.last_login_at, "never"),
                instant(account.created_at),
            ]
        }),
    )
}

fn state(account: &Account) -> String {
    let state = if account.disabled {
        "disabled"
    } else {
        "enabled"
    };
    state.to_owned()
}

fn add(add: Add, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let command = CreateAccount {
        username: add.named.username,
        password: add.password.read()?,
        role: add.role,
    };
    let written = services.accounts.create(&Actor::CommandLine, command)?;
    show(&written.record, output)
}

fn disable(
    named: &Named,
    disabled: bool,
    services: &Services,
    output: &mut Output,
) -> Result<(), Failure> {
    let wanted = ChangeAccount {
        disabled: Some(disabled),
        ..ChangeAccount::default()
    };
    change(named, &wanted, services, output)
}

fn change(
    named: &Named,
    wanted: &ChangeAccount,
    services: &Services,
    output: &mut Output,
) -> Result<(), Failure> {
    let accounts = &services.accounts;
    let id = accounts.get_by_name(&named.username)?.id;
    let written = accounts.change(&Actor::CommandLine, id, wanted, &Precondition::Any)?;
    show(&written.record, output)
}

fn show(account: &Account, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&UserRecord::from(account));
    }
    output.fields([
        ("id", account.id.to_string()),
        ("name", account.username.to_string()),
        ("role", account.role.to_string()),
        ("state", state(account)),
        ("last sign-in", instant_or(account.last_login_at, "never")),
        ("created", instant(account.created_at)),
    ])
}
