//! The command line: what can be asked for, and what `--help` says about it.
//!
//! A command's own arguments and examples stand beside its code, in `commands/`. A new command is a file there, a
//! variant here, and a line in `commands.rs`.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::commands::{
    backup, changes, check, config, environment, eval, export, feature, flag, guid, import, key,
    migrate, migrate_database, overrides, segment, serve, token, usage, user,
};
use crate::exit::EXIT_CODES;
use crate::modules;

const EXAMPLES: &str = "\
Examples:
  flagstaff                                            Serve on http://127.0.0.1:8080
  flagstaff serve --demo                               Serve the features of a made-up web shop
  flagstaff environment create production              Say where your product runs,
  flagstaff feature create dark_mode                   what it can do,
  flagstaff flag set production dark_mode --on         whether it does,
  flagstaff key create production web --kind client    and let an application read it
  flagstaff COMMAND --help                             More about a command, with examples";

/// Self-hosted feature flags in one small binary.
///
/// Commands work on the database of the configuration, also while a server uses it: the server serves what they change
/// within a second.
#[derive(Debug, Parser)]
#[command(name = "flagstaff", version, after_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct Cli {
    /// Where the configuration files are [default: ./config, if there]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,

    /// Print JSON, for scripts
    #[arg(long, global = true)]
    pub(crate) json: bool,

    /// `serve` where none is given.
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the server (what happens without a command)
    Serve(serve::Arguments),
    /// Create the database, or bring it up to this program's schema
    Migrate(migrate::Arguments),
    /// Copy everything from one database into another, as from SQLite to PostgreSQL
    MigrateDatabase(migrate_database::Arguments),
    /// What your product can do
    #[command(subcommand)]
    Feature(feature::Command),
    /// Where your product runs
    #[command(subcommand, visible_alias = "env")]
    Environment(environment::Command),
    /// The state of a feature in an environment
    #[command(subcommand)]
    Flag(flag::Command),
    /// Say what somebody gets
    Eval(eval::Arguments),
    /// Whom overrides are for: those of whom rules hold
    #[command(subcommand)]
    Segment(segment::Command),
    /// What a segment or an identity gets in place of a flag's own state
    #[command(subcommand)]
    Override(overrides::Command),
    /// How often features were used in an environment
    Usage(usage::Arguments),
    /// The keys with which applications read an environment's flags
    #[command(subcommand)]
    Key(key::Command),
    /// The GUID register: records that whoever knows the GUID may read
    #[command(subcommand)]
    Guid(guid::Command),
    /// Those who manage flags, and what they may do
    #[command(subcommand)]
    User(user::Command),
    /// Access tokens, with which jobs sign in
    #[command(subcommand)]
    Token(token::Command),
    /// Make the database like a state file
    Import(import::Arguments),
    /// Write everything into a state file
    Export(export::Arguments),
    /// Copy the database into a new file, also while a server uses it
    Backup(backup::Arguments),
    /// Check configuration, schema and database file
    Check(check::Arguments),
    /// Show the change log, newest first
    Changes(changes::Arguments),
    /// Show the configuration in force, without secrets
    Config(config::Arguments),
    /// What optional modules add
    #[command(flatten)]
    Module(modules::Command),
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(serve::Arguments::default())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_of_every_command_shows_examples() {
        fn look(command: &mut clap::Command, path: &str) {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Examples:\n  flagstaff "), "{path}: {help}");
            for inner in command.get_subcommands_mut() {
                if inner.get_name() != "help" {
                    let path = format!("{path} {}", inner.get_name());
                    look(inner, &path);
                }
            }
        }
        look(&mut Cli::command(), "flagstaff");
    }
}
