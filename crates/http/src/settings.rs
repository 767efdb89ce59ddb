//! What the HTTP server is told by the configuration.

use std::net::SocketAddr;
use std::time::Duration;

/// Settings of the HTTP server.
#[derive(Debug, Clone)]
pub struct HttpSettings {
    /// Where it listens; port 0 takes any free port.
    pub bind: SocketAddr,
    /// Threads that serve requests.
    pub workers: usize,
    /// Connections that may be open at the same time; more wait until one closes.
    pub connections: usize,
    /// How long a client may take: to send a head, to send a body, to take more of an answer.
    pub patience: Duration,
    /// Changes that may wait for the database at the same time, which share their commits; and as many reads.
    pub waiting: usize,
    /// Reads of the GUID register that may use the database at the same time. Anybody may ask for a GUID: fewer than the database
    /// has readers, so that the others get theirs.
    pub register_reads: usize,
    /// Web origins whose pages may evaluate flags.
    pub allowed_origins: AllowedOrigins,
    /// Whether client keys may tell traits of identities.
    pub client_traits: bool,
    /// Evaluations that each key may ask for in a second; 0 for any number.
    pub evaluations_per_second: u32,
    /// Whether successful evaluations are logged too.
    pub access_log: bool,
    /// Who may read the metrics.
    pub metrics: MetricsAccess,
    /// Failed sign-ins a minute for one account from one address.
    pub failures_per_account: u32,
    /// Failed sign-ins a minute from one address.
    pub failures_per_address: u32,
    /// Whether browsers reach it by TLS alone, so that a session's cookie never travels without.
    pub secure_cookie: bool,
    /// How long a server that is asked to stop goes on, telling load balancers that it is not ready.
    pub grace: Duration,
    /// How long a shutdown then waits for requests in flight, in seconds.
    pub shutdown_seconds: u64,
}

impl HttpSettings {
    /// Connections that one worker may have open.
    pub(crate) fn connections_a_worker(&self) -> usize {
        self.connections.div_ceil(self.workers).max(1)
    }
}

/// Web origins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AllowedOrigins {
    /// Every one.
    Any,
    /// These alone.
    Only(Vec<String>),
}

/// Who may read the metrics, besides accounts.
#[derive(Clone, Default)]
pub struct MetricsAccess {
    /// Everybody.
    pub public: bool,
    /// Whoever has this bearer token.
    pub token: Option<String>,
}

impl std::fmt::Debug for MetricsAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MetricsAccess")
            .field("public", &self.public)
            .field("token", &self.token.as_ref().map(|_| "hidden"))
            .finish()
    }
}
