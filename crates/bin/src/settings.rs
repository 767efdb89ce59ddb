//! The effective configuration: what a person can set, as types that cannot hold a wrong value.
//!
//! A new key is a field here and a line in `config/default.toml`; a new secret is also named in `settings/keys.rs`.
//! How the layers are read and who wins is in `settings/layers.rs`, what a value may look like in `settings/values.rs`,
//! and what is said when something is wrong in `settings/error.rs`.

mod database_url;
mod environment;
mod error;
mod keys;
mod layers;
mod log_format;
mod options;
mod origins;
mod rates;
mod values;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use flagstaff_domain::access::{Password, Username};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

pub(crate) use database_url::DatabaseUrl;
pub(crate) use environment::secret_in;
pub(crate) use error::SettingsError;
pub(crate) use log_format::{LogFilter, LogFormat};
pub(crate) use options::LoadOptions;
pub(crate) use origins::AllowedOrigins;
pub(crate) use rates::Rates;

/// Everything that can be configured, after all layers.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// Where and how requests are answered.
    pub server: Server,
    /// Where the data is kept.
    pub database: Database,
    /// What is logged, and where.
    pub log: Log,
    /// The first administrator.
    pub admin: Admin,
    /// How many failed sign-ins are borne, and for how long a session lasts.
    pub sign_in: SignIn,
    /// What applications may ask for.
    pub evaluation: Evaluation,
    /// Who may read the metrics.
    pub metrics: Metrics,
    /// Who is remembered for previews.
    pub preview: Preview,
    /// What is remembered of identities.
    pub traits: Traits,
    /// What is counted of the use of features.
    pub usage: Usage,
    /// Rates of currencies, in builds that have them.
    pub rates: Rates,
    /// Coupons, in builds that have them.
    pub coupons: Coupons,
    #[serde(skip)]
    sources: Sources,
}

/// Section `server`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port to listen on.
    #[serde(deserialize_with = "values::address")]
    pub bind: SocketAddr,
    /// Threads that answer requests, 0 to 1024; 0 means one per CPU.
    #[serde(deserialize_with = "values::whole::<_, _, 0, 1024>")]
    pub workers: usize,
    /// Connections that may be open at the same time, 16 to 1,000,000.
    #[serde(deserialize_with = "values::whole::<_, _, 16, 1_000_000>")]
    pub connections: usize,
    /// Seconds for which a server that is asked to stop goes on, saying that it is not ready; 0 to 300.
    #[serde(deserialize_with = "values::whole::<_, _, 0, 300>")]
    pub grace_seconds: u64,
    /// What this process is called among several: 1 to 64 visible ASCII characters. Without one it makes one up.
    #[serde(deserialize_with = "values::instance")]
    pub instance: Option<String>,
    /// Origins whose pages may evaluate flags.
    pub allowed_origins: AllowedOrigins,
}

/// Section `database`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Database {
    /// Where the data is kept.
    pub url: DatabaseUrl,
    /// Connections that read, 1 to 64.
    #[serde(deserialize_with = "values::whole::<_, _, 1, 64>")]
    pub readers: u32,
    /// Writes that may wait for their turn, 1 to 100,000.
    #[serde(deserialize_with = "values::whole::<_, _, 1, 100_000>")]
    pub queue: usize,
    /// Whether instances on PostgreSQL tell each other of changes, instead of only polling.
    #[serde(deserialize_with = "values::switch")]
    pub notify: bool,
}

/// Section `log`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Log {
    /// Which events are logged.
    pub level: LogFilter,
    /// How an event is written.
    pub format: LogFormat,
    /// A file that events are appended to besides standard error.
    #[serde(deserialize_with = "values::optional_path")]
    pub file: Option<PathBuf>,
    /// Whether successful evaluations are logged too.
    #[serde(deserialize_with = "values::switch")]
    pub access: bool,
}

/// Section `admin`: the administrator that the first start creates.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Admin {
    /// The account's name.
    #[serde(deserialize_with = "values::username")]
    pub username: Username,
    /// The account's password. Without one the first start makes one up.
    #[serde(
        deserialize_with = "values::password",
        serialize_with = "values::hidden"
    )]
    pub password: Option<Password>,
}

/// Section `sign_in`: failed sign-ins a minute before more are refused, and sessions.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// For one account from one address; at least 1.
    #[serde(deserialize_with = "values::whole::<_, _, 1, { u32::MAX as u64 }>")]
    pub failures_per_account: u32,
    /// From one address, all accounts together; at least 1.
    #[serde(deserialize_with = "values::whole::<_, _, 1, { u32::MAX as u64 }>")]
    pub failures_per_address: u32,
    /// Seconds after which a session ends that is not used; at least 300.
    #[serde(deserialize_with = "values::whole::<_, _, 300, { u32::MAX as u64 }>")]
    pub session_idle_seconds: u32,
    /// Seconds after which a session ends at the latest; at least 300.
    #[serde(deserialize_with = "values::whole::<_, _, 300, { u32::MAX as u64 }>")]
    pub session_max_seconds: u32,
    /// Whether browsers reach the server by TLS alone.
    #[serde(deserialize_with = "values::switch")]
    pub secure_cookie: bool,
}

/// Section `evaluation`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Evaluation {
    /// Evaluations that each key may ask for in a second, 0 to 1,000,000; 0 means any number.
    #[serde(deserialize_with = "values::whole::<_, _, 0, 1_000_000>")]
    pub limit_per_second: u32,
}

/// Section `metrics`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Metrics {
    /// Bearer token that opens `/metrics`: at least 16 visible ASCII characters.
    #[serde(deserialize_with = "values::token", serialize_with = "values::hidden")]
    pub token: Option<SecretString>,
    /// Whether anyone may read `/metrics`.
    #[serde(deserialize_with = "values::switch")]
    pub public: bool,
}

/// Section `preview`: contexts that were seen lately, kept in memory alone.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Preview {
    /// How many of each environment, 0 to 100,000; 0 keeps none.
    #[serde(deserialize_with = "values::whole::<_, _, 0, 100_000>")]
    pub contexts: usize,
    /// Traits that are left out.
    #[serde(deserialize_with = "values::names")]
    pub without_traits: BTreeSet<String>,
}

/// Section `traits`: what is remembered of identities.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Traits {
    /// Identities that are kept in memory, 1 to 10,000,000; ten times as many are stored.
    #[serde(deserialize_with = "values::whole::<_, _, 1, 10_000_000>")]
    pub identities: usize,
    /// Days for which an identity is remembered that is not seen, 1 to 3,650.
    #[serde(deserialize_with = "values::whole::<_, _, 1, 3_650>")]
    pub keep_days: u32,
    /// Whether client keys may tell traits.
    #[serde(deserialize_with = "values::switch")]
    pub from_clients: bool,
}

/// Section `usage`: what is counted of the use of features.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Usage {
    /// Days for which counts are kept, 1 to 3,650.
    #[serde(deserialize_with = "values::whole::<_, _, 1, 3_650>")]
    pub keep_days: u32,
}

/// Section `coupons`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Coupons {
    /// Whether everybody may read coupons.
    #[serde(deserialize_with = "values::switch")]
    pub public: bool,
    /// Coupons that are not there, which one address may ask for in a minute; at least 1.
    #[serde(deserialize_with = "values::whole::<_, _, 1, { u32::MAX as u64 }>")]
    pub misses_per_address: u32,
}

/// Where the settings came from. Names only, so that it can be shown to anyone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Sources {
    /// The profile in force.
    pub profile: String,
    /// The configuration files that were read, in the order in which they apply.
    pub files: Vec<PathBuf>,
    /// The environment variables that set a key, sorted.
    pub variables: Vec<String>,
}

impl Settings {
    /// Reads and merges all layers.
    ///
    /// # Errors
    /// The first thing that is wrong, with the file or variable it is in, its key, and what would be right. A secret's
    /// value is never part of it.
    pub(crate) fn load(options: &LoadOptions) -> Result<Self, SettingsError> {
        let mut layers = layers::Layers::built_in()?;
        layers.add_files(options)?;
        layers.add_environment(options)?;
        layers.merge()
    }

    /// The effective configuration to show: secrets that are set read `(hidden)`, secrets that are not are null.
    pub(crate) fn describe(&self) -> serde_json::Value {
        // No field has a map with keys that are not text, or a serializer that fails.
        serde_json::to_value(self).unwrap_or_default()
    }

    /// The files and variables that were read.
    pub(crate) fn sources(&self) -> &Sources {
        &self.sources
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
mod tests;
