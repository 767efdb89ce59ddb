//! The `flagstaff` program: reads the command line, runs what was asked for, and ends with an exit code that means
//! something.
//!
//! `cli.rs` says what can be asked for, `commands.rs` runs it, `wiring.rs` puts the services and their adapters together,
//! `settings.rs` is the configuration, `exit.rs` the exit codes.

mod cli;
mod commands;
mod escape;
mod exit;
mod jobs;
mod limits;
mod logging;
mod modules;
#[cfg(unix)]
mod open_files;
mod output;
mod progress;
mod settings;
mod wiring;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
