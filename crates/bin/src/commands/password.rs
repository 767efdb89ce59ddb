//! How a command takes a password: from a file, from standard input, or typed twice and not shown.
//!
//! Never from the command line, which every process of the host can read.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
#[cfg(unix)]
use std::sync::Arc;

use clap::Args;
use flagstaff_domain::access::Password;

use super::arguments;
use crate::exit::{Exit, Failure};

/// Where a password comes from.
#[derive(Debug, Args)]
pub(super) struct PasswordArgument {
    /// A file with the password, or - for standard input [default: ask on a terminal, otherwise standard input]
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,
}

impl PasswordArgument {
    /// The password.
    pub(super) fn read(&self) -> Result<Password, Failure> {
        let file = self.password_file.as_deref();
        let text = match file {
            None if io::stdin().is_terminal() => ask()?,
            file => arguments::credential(file.unwrap_or(Path::new("-")), "--password-file")?,
        };
        if text.contains(['\n', '\r']) {
            return Err(Failure::wrong(
                "the password must stand on one line, with nothing behind it",
            ));
        }
        Password::parse(text).map_err(|error| Failure::wrong(format!("the password {error}")))
    }
}

/// Asks twice, since what is typed is not shown.
fn ask() -> Result<String, Failure> {
    // Ctrl-C would end the process before the terminal shows again what is typed.
    #[cfg(unix)]
    signal_hook::flag::register(signal_hook::consts::SIGINT, Arc::default())
        .map_err(|error| Failure::io("cannot ask for a password", &error))?;
    let prompt = |text: &str| {
        rpassword::prompt_password(text).map_err(|error| match error.kind() {
            io::ErrorKind::Interrupted => {
                Failure::new(Exit::Failed, "interrupted; nothing was changed")
            }
            _ => Failure::io("cannot ask for a password", &error),
        })
    };
    let password = prompt("Password: ")?;
    if prompt("The same again: ")? != password {
        return Err(Failure::wrong("the passwords differ; nothing was changed"));
    }
    Ok(password)
}
