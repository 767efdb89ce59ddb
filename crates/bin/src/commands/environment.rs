//! `flagstaff environment`: where a product runs.

use clap::{Args, Subcommand};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::flags::{ChangeEnvironment, CreateEnvironment, Environment};
use flagstaff_domain::page::{PAGE_MAX, Page};
use flagstaff_domain::text::{Description, EnvironmentName};
use flagstaff_http::admin::dto::EnvironmentRecord;

use super::arguments::{self, IfVersion, at_least_one};
use super::{Session, every_page};
use crate::exit::{Exit, Failure};
use crate::output::{Output, instant, short};
use crate::wiring::Services;

/// What to do with environments.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  flagstaff environment list
  flagstaff environment create production
  flagstaff environment create --help")]
pub(crate) enum Command {
    /// List the environments
    #[command(after_help = "\
Examples:
  flagstaff environment list
  flagstaff environment list --json | jq -r '.[].name'")]
    List,
    /// Show an environment
    #[command(after_help = "\
Examples:
  flagstaff environment show production")]
    Show(Named),
    /// Add an environment, with a flag for every feature
    #[command(after_help = "\
Examples:
  flagstaff environment create staging
  flagstaff environment create production --description 'What customers see'")]
    Create(Create),
    /// Rename or describe an environment
    #[command(after_help = "\
Examples:
  flagstaff environment set staging --description 'What testers see'
  flagstaff environment set staging --name acceptance")]
    Set(Set),
    /// Delete an environment with its flags and keys
    #[command(after_help = "\
Examples:
  flagstaff environment delete staging --force

A command does not know whether applications still read the environment's flags, therefore --force. The server knows:
  curl http://127.0.0.1:8080/api/v1/environments/retrievals/")]
    Delete(Delete),
}

/// Names an environment.
#[derive(Debug, Args)]
pub(crate) struct Named {
    /// The environment
    #[arg(value_parser = arguments::environment)]
    environment: EnvironmentName,
}

/// Arguments of `create`.
#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Its name
    #[arg(value_parser = arguments::environment)]
    environment: EnvironmentName,
    /// What it is for
    #[arg(long, value_name = "TEXT", value_parser = arguments::description)]
    description: Option<Description>,
}

/// Arguments of `set`.
#[derive(Debug, Args)]
pub(crate) struct Set {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    change: Change,
    #[command(flatten)]
    if_version: IfVersion,
}

/// What `set` can set.
#[derive(Debug, Args)]
#[command(group = at_least_one(["name", "description"]))]
pub(crate) struct Change {
    /// A new name
    #[arg(long, value_name = "NAME", value_parser = arguments::environment)]
    name: Option<EnvironmentName>,
    /// What it is for
    #[arg(long, value_name = "TEXT", value_parser = arguments::description)]
    description: Option<Description>,
}

/// Arguments of `delete`.
#[derive(Debug, Args)]
pub(crate) struct Delete {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    if_version: IfVersion,
    /// Delete it although applications may still use it
    #[arg(long)]
    force: bool,
}

pub(super) fn run(command: Command, session: Session) -> Result<(), Failure> {
    let (services, mut output) = session.open()?;
    match command {
        Command::List => list(&services, &mut output),
        Command::Show(named) => {
            let environment = services.flags.get_environment(&named.environment)?;
            show(&environment, &mut output)
        }
        Command::Create(create) => {
            let create = CreateEnvironment {
                name: create.environment,
                description: create.description.unwrap_or_default(),
            };
            let written = services
                .flags
                .create_environment(&Actor::CommandLine, &create)?;
            show(&written.record, &mut output)
        }
        Command::Set(set) => {
            let change = ChangeEnvironment {
                name: set.change.name,
                description: set.change.description,
            };
            let written = services.flags.change_environment(
                &Actor::CommandLine,
                &set.named.environment,
                &change,
                &set.if_version.precondition(),
            )?;
            show(&written.record, &mut output)
        }
        Command::Delete(delete) => self::delete(&delete, &services, &mut output),
    }
}

fn list(services: &Services, output: &mut Output) -> Result<(), Failure> {
    let environments = all(services)?;
    if output.is_json() {
        let records: Vec<_> = environments.iter().map(EnvironmentRecord::from).collect();
        return output.json(&records);
    }
    if environments.is_empty() {
        return output
            .line("no environments yet; add one with `flagstaff environment create NAME`");
    }
    output.table(
        ["ENVIRONMENT", "REVISION", "CREATED", "DESCRIPTION"],
        environments.iter().map(|one| {
            [
                one.name.to_string(),
                one.revision.to_string(),
                instant(one.created_at),
                short(one.description.as_str()),
            ]
        }),
    )
}

/// Every environment, sorted by name.
pub(super) fn all(services: &Services) -> Result<Vec<Environment>, Failure> {
    every_page(
        |after| {
            services.flags.list_environments(&Page {
                limit: PAGE_MAX,
                after,
            })
        },
        |environment| environment.name.clone(),
    )
}

fn show(environment: &Environment, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&EnvironmentRecord::from(environment));
    }
    output.fields([
        ("environment", environment.name.to_string()),
        ("description", environment.description.to_string()),
        ("created", instant(environment.created_at)),
        ("revision", environment.revision.to_string()),
        ("version", environment.version.to_string()),
    ])
}

fn delete(delete: &Delete, services: &Services, output: &mut Output) -> Result<(), Failure> {
    let name = &delete.named.environment;
    if !delete.force {
        let environment = services.flags.get_environment(name)?;
        let message = format!(
            "a command does not know whether applications still read the flags of {:?}; look at the server's \
             /api/v1/environments/retrievals/, then repeat this with --force",
            environment.name.as_str()
        );
        return Err(Failure::new(Exit::Conflict, message));
    }
    let revision = services.flags.delete_environment(
        &Actor::CommandLine,
        name,
        &delete.if_version.precondition(),
        delete.force,
    )?;
    super::deleted(&format!("environment {name}"), revision, output)
}
