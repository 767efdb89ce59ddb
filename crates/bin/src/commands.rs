//! Runs the command that was asked for. A file for each family, in `commands/`; what they share is here.
//!
//! Commands use the services that the HTTP API uses, as the actor `command-line`.

mod arguments;
pub(crate) mod backup;
pub(crate) mod changes;
pub(crate) mod check;
pub(crate) mod config;
pub(crate) mod environment;
pub(crate) mod eval;
pub(crate) mod export;
pub(crate) mod feature;
pub(crate) mod flag;
pub(crate) mod guid;
pub(crate) mod import;
pub(crate) mod key;
pub(crate) mod migrate;
pub(crate) mod migrate_database;
pub(crate) mod overrides;
mod password;
pub(crate) mod segment;
pub(crate) mod serve;
pub(crate) mod token;
pub(crate) mod usage;
pub(crate) mod user;

use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::Listing;
use serde_json::json;

use crate::cli::{Cli, Command};
use crate::escape::OneLine;
use crate::exit::Failure;
use crate::logging;
use crate::modules;
use crate::output::Output;
use crate::settings::{LoadOptions, Settings};
use crate::wiring::Services;

/// What a command is run with.
pub(crate) struct Session {
    settings: Settings,
    output: Output,
}

impl Session {
    /// The configuration in force.
    #[cfg(feature = "rates")]
    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Opens the database; it has to be there.
    pub(crate) fn open(self) -> Result<(Services, Output), Failure> {
        Ok((Services::open(&self.settings.database)?, self.output))
    }
}

/// Runs it.
///
/// # Errors
/// [`Failure`], to be reported.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    if let Some(Command::Eval(arguments)) = &cli.command
        && let Some(file) = &arguments.flagsmith_context
    {
        // It needs no configuration, not even a sound one.
        return eval::context(file, &mut Output::stdout(cli.json));
    }
    let again = serve::Again::new(cli.config_dir.as_deref());
    let session = Session {
        settings: Settings::load(&LoadOptions::from_process(cli.config_dir))?,
        output: Output::stdout(cli.json),
    };
    let command = cli.command.unwrap_or_default();
    if matches!(command, Command::Serve(_)) {
        logging::init(&session.settings.log)?;
    } else {
        logging::init_for_command()?;
    }
    match command {
        Command::Serve(arguments) => serve::run(&arguments, session, &again),
        Command::Migrate(arguments) => migrate::run(&arguments, session),
        Command::MigrateDatabase(arguments) => migrate_database::run(&arguments, session),
        Command::Feature(command) => feature::run(command, session),
        Command::Environment(command) => environment::run(command, session),
        Command::Flag(command) => flag::run(command, session),
        Command::Eval(arguments) => eval::run(arguments, session),
        Command::Segment(command) => segment::run(command, session),
        Command::Override(command) => overrides::run(command, session),
        Command::Key(command) => key::run(command, session),
        Command::Guid(command) => guid::run(command, session),
        Command::Usage(arguments) => usage::run(&arguments, session),
        Command::User(command) => user::run(command, session),
        Command::Token(command) => token::run(command, session),
        Command::Import(arguments) => import::run(&arguments, session),
        Command::Export(arguments) => export::run(&arguments, session),
        Command::Backup(arguments) => backup::run(&arguments, session),
        Command::Check(_) => check::run(session),
        Command::Changes(arguments) => changes::run(arguments, session),
        Command::Config(_) => config::run(session),
        Command::Module(command) => modules::run(command, session),
    }
}

/// A whole list, page by page.
pub(crate) fn every_page<T, After, E: Into<Failure>>(
    mut page: impl FnMut(Option<After>) -> Result<Listing<T>, E>,
    place: impl Fn(&T) -> After,
) -> Result<Vec<T>, Failure> {
    let mut all = Vec::new();
    loop {
        let Listing { items, more } = page(all.last().map(&place)).map_err(Into::into)?;
        all.extend(items);
        if !more {
            return Ok(all);
        }
    }
}

/// Says that something is no more.
pub(crate) fn deleted(what: &str, revision: Seq, output: &mut Output) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(&json!({ "revision": revision }));
    }
    output.line(format_args!("deleted {}", OneLine(what)))
}
