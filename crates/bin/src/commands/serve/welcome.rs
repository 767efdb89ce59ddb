//! What a server prints once it listens: its address, the one-time password, and lines to paste into a shell.
//!
//! A line that begins with `curl ` works as it stands; the README's first command and its test rely on that. Such a line
//! holds a key, so it is printed for whoever asked for the demonstration or sits before a terminal, not into a journal.

use std::env;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use flagstaff_domain::access::{EnvironmentKey, FirstAdministrator, KeyText};
use flagstaff_domain::clock::Timestamp;
use serde_json::{Value, json};

use crate::commands::{environment, key};
use crate::escape::{OneLine, quoted};
use crate::exit::Failure;
use crate::output::Output;
use crate::wiring::Services;

/// How this program is started again, with the same configuration.
#[derive(Debug)]
pub(crate) struct Again(String);

/// What `--demo` has come to.
pub(super) enum Demonstration {
    /// The demonstration was loaded, and these keys were generated: environment, name, kind and text of each.
    Loaded(Vec<[String; 4]>),
    /// There was something already, and nothing was loaded.
    NotEmpty,
}

/// An environment and a key that opens it.
pub(super) struct Environment {
    name: String,
    key: Option<KeyText>,
}

/// What can be read.
pub(super) enum Environments {
    /// Each with a key to read it.
    Told(Vec<Environment>),
    /// Their names alone, for where keys would be kept that nobody asked for.
    Hidden(Vec<String>),
}

/// What there is to tell.
pub(super) struct Welcome<'a> {
    /// The administrator, where this start has created one.
    pub(super) administrator: Option<FirstAdministrator>,
    /// What `--demo` has come to, where it was asked for.
    pub(super) demonstration: Option<Demonstration>,
    /// What can be read.
    pub(super) environments: Environments,
    /// How commands are given.
    pub(super) again: &'a Again,
}

impl Again {
    /// The program as it was called, and the configuration directory that was named.
    pub(crate) fn new(config_dir: Option<&Path>) -> Self {
        let program = env::args_os().next();
        let program = program.map_or_else(
            || "flagstaff".to_owned(),
            |name| quoted(&name.to_string_lossy()),
        );
        Self(match config_dir {
            Some(folder) => format!(
                "{program} --config-dir {}",
                quoted(&folder.to_string_lossy())
            ),
            None => program,
        })
    }
}

/// Every environment with the first client key that opens it now.
pub(super) fn environments(
    services: &Services,
    now: Timestamp,
) -> Result<Vec<Environment>, Failure> {
    let usable = |key: &EnvironmentKey| key.expires_at.is_none_or(|end| now < end);
    let environments = environment::all(services)?.into_iter().map(|environment| {
        let keys = key::all(&environment.name, services)?;
        let key = keys.into_iter().filter(usable).find_map(|key| key.text);
        Ok(Environment {
            name: environment.name.to_string(),
            key,
        })
    });
    environments.collect()
}

/// The name of every environment.
pub(super) fn names(services: &Services) -> Result<Vec<String>, Failure> {
    let environments = environment::all(services)?;
    Ok(environments
        .iter()
        .map(|one| one.name.to_string())
        .collect())
}

impl Environments {
    fn is_empty(&self) -> bool {
        match self {
            Self::Told(environments) => environments.is_empty(),
            Self::Hidden(names) => names.is_empty(),
        }
    }

    fn to_json(&self) -> Value {
        match self {
            Self::Told(environments) => environments
                .iter()
                .map(
                    |one| json!({ "name": one.name, "key": one.key.as_ref().map(KeyText::reveal) }),
                )
                .collect(),
            Self::Hidden(names) => names.iter().map(|name| json!({ "name": name })).collect(),
        }
    }
}

impl Welcome<'_> {
    /// Prints it. Without an address the server could not start, and only the password is worth telling.
    pub(super) fn print(&self, address: Option<SocketAddr>, output: &mut Output) {
        let url = address.map(url);
        let printed = if output.is_json() {
            self.print_json(url.as_deref(), output)
        } else {
            self.print_text(url.as_deref(), output)
        };
        if let Err(Failure::Said(_, message)) = printed.and_then(|()| output.flush()) {
            log::warn!("{message}");
        }
    }

    fn print_json(&self, url: Option<&str>, output: &mut Output) -> Result<(), Failure> {
        let administrator = self.administrator.as_ref().map(|one| {
            let password = one.generated.as_ref().map(|password| password.reveal());
            json!({ "username": one.username.as_str(), "password": password })
        });
        let server_keys: Vec<_> = self
            .server_keys()
            .map(|[environment, name, _, text]| {
                json!({ "environment": environment, "name": name, "key": text })
            })
            .collect();
        output.json(&json!({
            "url": url,
            "administrator": administrator,
            "environments": self.environments.to_json(),
            "server_keys": server_keys,
            "demonstration_loaded": self
                .demonstration
                .as_ref()
                .map(|one| matches!(one, Demonstration::Loaded(_))),
        }))
    }

    fn print_text(&self, url: Option<&str>, output: &mut Output) -> Result<(), Failure> {
        if let Some(url) = url {
            output.line(format_args!(
                "Flagstaff {} serves {url}",
                env!("CARGO_PKG_VERSION")
            ))?;
        }
        self.print_administrator(output)?;
        let Some(url) = url else {
            return self.print_server_keys(output);
        };
        if let Some(Demonstration::NotEmpty) = self.demonstration {
            output.line("\nThe database is not empty: the demonstration was not loaded.")?;
        }
        match &self.environments {
            none if none.is_empty() => self.print_first_steps(output)?,
            Environments::Told(environments) => {
                self.print_environments(environments, url, output)?;
                self.print_server_keys(output)?;
            }
            Environments::Hidden(_) => output.line(format_args!(
                "\nApplications read flags from {url}/api/v1/; `{} key list ENVIRONMENT` shows an environment's keys.",
                self.again.0
            ))?,
        }
        output.line("")?;
        output.fields([
            ("The API, to browse and try", format!("{url}/docs/")),
            ("Its OpenAPI description", format!("{url}/openapi.json")),
            (
                "When flags were last read",
                format!("{url}/api/v1/environments/retrievals/"),
            ),
            ("Commands", format!("{} --help", self.again.0)),
        ])
    }

    fn print_administrator(&self, output: &mut Output) -> Result<(), Failure> {
        let Some(administrator) = &self.administrator else {
            return Ok(());
        };
        output.line("\nThe administrator was created, to manage flags under /api/admin/:")?;
        let password = administrator.generated.as_ref().map_or_else(
            || "(as configured)".to_owned(),
            |password| format!("{}   (shown this once)", password.reveal()),
        );
        output.fields([
            ("  username", administrator.username.to_string()),
            ("  password", password),
        ])
    }

    fn print_first_steps(&self, output: &mut Output) -> Result<(), Failure> {
        let again = &self.again.0;
        output.line(format_args!(
            "\nThere are no environments yet. Begin with (in another terminal):\n\
             {again} environment create production\n\
             {again} feature create dark_mode --enabled-in production\n\
             {again} key create production web --kind client"
        ))
    }

    fn print_environments(
        &self,
        environments: &[Environment],
        url: &str,
        output: &mut Output,
    ) -> Result<(), Failure> {
        output.line("\nRead an environment's flags:")?;
        for environment in environments {
            let name = OneLine(&environment.name);
            match &environment.key {
                Some(key) => {
                    let header = quoted(&format!("X-Environment-Key: {}", key.reveal()));
                    output.line(format_args!(
                        "{name}:\ncurl -H {header} {url}/api/v1/flags/"
                    ))?;
                }
                None => output.line(format_args!(
                    "{name} has no client key yet:\n{} key create {} web --kind client",
                    self.again.0,
                    quoted(&name.to_string())
                ))?,
            }
        }
        Ok(())
    }

    fn print_server_keys(&self, output: &mut Output) -> Result<(), Failure> {
        for [environment, _, _, text] in self.server_keys() {
            output.line(format_args!(
                "\nA server key of {}, which also reads features for servers alone (shown this once):\n{text}",
                OneLine(environment)
            ))?;
        }
        Ok(())
    }

    /// Server keys that were just made: their texts are not stored.
    fn server_keys(&self) -> impl Iterator<Item = &[String; 4]> {
        let keys = match &self.demonstration {
            Some(Demonstration::Loaded(keys)) => keys.as_slice(),
            Some(Demonstration::NotEmpty) | None => &[],
        };
        keys.iter().filter(|[_, _, kind, _]| kind == "server")
    }
}

/// The address by which this host reaches the server.
fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_means_all_is_told_as_the_loopback_address() {
        for (bound, told) in [
            ("0.0.0.0:8080", "http://127.0.0.1:8080"),
            ("[::]:8080", "http://[::1]:8080"),
            ("192.0.2.7:80", "http://192.0.2.7:80"),
            ("[2001:db8::1]:80", "http://[2001:db8::1]:80"),
        ] {
            assert_eq!(url(bound.parse().unwrap()), told);
        }
    }
}
