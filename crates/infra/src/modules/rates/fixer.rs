//! The Fixer API over HTTP: bounded in time and size, redirected nowhere, repeated with growing pauses where that may
//! help.
//!
//! The access key is part of the address that is asked (the API wants it there), so no error of the HTTP library, which
//! may name the address, is passed on as it is.

use std::fmt;
use std::io::{self, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};
use flagstaff_domain::clock::Clock;
use flagstaff_domain::modules::rates::{CallBudget, DayRates, RateDate, RateSource, SourceError};
use rustls::crypto::ring;
use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::unversioned::transport::DefaultConnector;
use ureq::{Agent, Body};

use super::address::{Forbidden, GuardedResolver};
use super::answer;

/// The most bytes of an answer.
const ANSWER_MAX: u64 = 1024 * 1024;
/// The most calls for one day.
const CALLS_A_DAY: usize = 4;
/// Whoever asks to be left alone for longer is asked again another day.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the API is, and how it is asked.
#[derive(Clone)]
pub struct FixerSettings {
    /// Its address, without a last slash.
    pub base_url: String,
    /// The access key; without one nothing is asked.
    pub access_key: Option<String>,
    /// How long an answer may take, its whole body included.
    pub timeout: Duration,
    /// Pauses between calls.
    pub pause: Arc<dyn Fn(Duration) + Send + Sync>,
}

/// The Fixer API.
pub struct FixerRateSource {
    settings: FixerSettings,
    clock: Arc<dyn Clock>,
    agent: Agent,
}

impl FixerSettings {
    /// Settings that sleep between calls.
    #[must_use]
    pub fn new(base_url: &str, access_key: Option<String>, timeout: Duration) -> Self {
        Self {
            base_url: base_url.trim_end_matches('/').to_owned(),
            access_key,
            timeout,
            pause: Arc::new(thread::sleep),
        }
    }
}

impl FixerRateSource {
    /// The API, to be asked as `settings` say.
    #[must_use]
    pub fn new(settings: FixerSettings, clock: Arc<dyn Clock>) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(settings.timeout))
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .proxy(None)
            .user_agent(concat!("flagstaff/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls(&settings.base_url))
            .build();
        let agent = Agent::with_parts(
            config,
            DefaultConnector::default(),
            GuardedResolver::default(),
        );
        Self {
            settings,
            clock,
            agent,
        }
    }

    fn call(&self, date: RateDate, key: &str) -> Result<DayRates, SourceError> {
        let url = format!("{}/{date}", self.settings.base_url);
        let asked = self.agent.get(url).query("access_key", key).call();
        let mut response = asked.map_err(|error| self.failure(&error))?;
        match response.status().as_u16() {
            200 => answer::read(&self.body(&mut response)?, date),
            300..=399 => Err(SourceError::Redirect),
            429 => Err(SourceError::RateLimited(self.wait(response.headers()))),
            status @ 500.. => Err(SourceError::Fault {
                status,
                wait: self.wait(response.headers()),
            }),
            status => Err(SourceError::Status(status)),
        }
    }

    fn body(&self, response: &mut Response<Body>) -> Result<Vec<u8>, SourceError> {
        let mut body = Vec::new();
        let reader = response.body_mut().as_reader();
        let read = reader.take(ANSWER_MAX + 1).read_to_end(&mut body);
        read.map_err(|error| self.broken(&error))?;
        if body.len() as u64 > ANSWER_MAX {
            return Err(SourceError::Garbage("it has more than 1 MiB".to_owned()));
        }
        Ok(body)
    }

    /// What went wrong, without the library's own words where these may name the address.
    fn failure(&self, error: &ureq::Error) -> SourceError {
        match error {
            ureq::Error::Timeout(_) => SourceError::Timeout(self.settings.timeout),
            ureq::Error::Io(error) => self.broken(error),
            ureq::Error::HostNotFound => connection("its host cannot be found"),
            ureq::Error::ConnectionFailed => connection("no connection could be made"),
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
                connection("no secure connection could be made")
            }
            ureq::Error::Other(other) if other.is::<Forbidden>() => SourceError::ForbiddenAddress,
            _ => connection("what it sent is no HTTP, or rates.base_url is no address"),
        }
    }

    /// What went wrong on the connection. The library hides its own errors in those of the system.
    fn broken(&self, error: &io::Error) -> SourceError {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
        match (inner, error.kind()) {
            (Some(inner @ (ureq::Error::Timeout(_) | ureq::Error::HostNotFound)), _) => {
                self.failure(inner)
            }
            (_, io::ErrorKind::TimedOut) => SourceError::Timeout(self.settings.timeout),
            (_, kind) => SourceError::Connection(kind.to_string()),
        }
    }

    /// How long the source asks to be left alone: a number of seconds, or an instant (RFC 9110, 10.2.3).
    fn wait(&self, headers: &HeaderMap) -> Option<Duration> {
        let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            // More than can be counted is longer than anybody waits.
            return Some(text.parse().map_or(Duration::MAX, Duration::from_secs));
        }
        let until = httpdate::parse_http_date(text).ok()?;
        let until = until.duration_since(std::time::UNIX_EPOCH).ok()?;
        let now = u64::try_from(self.clock.now().as_micros()).ok()?;
        Some(until.saturating_sub(Duration::from_micros(now)))
    }
}

fn connection(what: &str) -> SourceError {
    SourceError::Connection(what.to_owned())
}

/// The system's certificates, read only where they are needed.
fn tls(base_url: &str) -> TlsConfig {
    let builder =
        TlsConfig::builder().unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()));
    if !base_url.starts_with("https:") {
        return builder
            .root_certs(RootCerts::Specific(Arc::default()))
            .build();
    }
    let found = rustls_native_certs::load_native_certs();
    for error in found.errors {
        log::warn!(error:%; "a certificate of the system cannot be read");
    }
    let certificates = found.certs.iter();
    let certificates = certificates.map(|one| Certificate::from_der(one).to_owned());
    builder.root_certs(RootCerts::from(certificates)).build()
}

impl RateSource for FixerRateSource {
    fn fetch(&self, date: RateDate, calls: &CallBudget) -> Result<DayRates, SourceError> {
        let key = self.settings.access_key.as_deref();
        let key = key.ok_or(SourceError::NoKey)?;
        let growing = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(500))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(CALLS_A_DAY - 1)
            .with_jitter();
        let mut pauses = growing.build();
        let left = calls.left_alone(self.clock.uptime());
        if left > PATIENCE {
            return Err(SourceError::LeftAlone(left));
        }
        if !left.is_zero() {
            (self.settings.pause)(left);
            calls.waited();
        }
        loop {
            let error = match self.call(date, key) {
                Ok(day) => return Ok(day),
                Err(error) => error,
            };
            if let Some(wait) = error.wait() {
                calls.leave_alone(self.clock.uptime(), wait);
            }
            let patient = error.wait().is_none_or(|wait| wait <= PATIENCE);
            match pauses.next() {
                Some(pause) if error.may_pass() && patient && calls.take_retry() => {
                    (self.settings.pause)(error.wait().unwrap_or_default().max(pause));
                    calls.waited();
                }
                _ => return Err(error),
            }
        }
    }
}

impl fmt::Debug for FixerRateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixerRateSource").finish_non_exhaustive()
    }
}

impl fmt::Debug for FixerSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FixerSettings")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
