//! `GET /metrics`: what a monitor reads, in the OpenMetrics text format.
//!
//! Requests are counted as they are answered; the rest is read when the page is asked for, by `Measured`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::{StatusCode, header};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use flagstaff_domain::serving::Serving;
use flagstaff_domain::storage::StorageMonitor;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use sha2::{Digest, Sha256};

use crate::app::Services;
use crate::auth;
use crate::error::Problem;
use crate::instance::{self, Instance};
use crate::modules::Module;
use crate::resource::resource;
use crate::sdk;
use crate::sdk::key;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config.service(resource("/metrics").get(page).build());
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    route: String,
}

/// Makes histograms of seconds from 100 µs to 10 s.
#[derive(Clone)]
struct Seconds;

impl MetricConstructor<Histogram> for Seconds {
    fn new_metric(&self) -> Histogram {
        Histogram::new([
            0.0001, 0.000_25, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0,
            2.5, 10.0,
        ])
    }
}

/// Why the server closed a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Reason {
    /// A head did not arrive in time.
    Late,
    /// The client did not read its answer.
    NotReading,
    /// Nothing was sent for long.
    Idle,
    /// What arrived is not HTTP.
    Malformed,
}

impl Reason {
    fn as_str(self) -> &'static str {
        match self {
            Self::Late => "late",
            Self::NotReading => "not_reading",
            Self::Idle => "idle",
            Self::Malformed => "malformed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    reason: &'static str,
}

/// What becomes of connections.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    /// How many are open.
    pub(crate) open: Gauge,
    ended: Family<Ended, Counter>,
}

impl Connections {
    fn register(&self, registry: &mut Registry) {
        registry.register("connections_open", "Connections open", self.open.clone());
        registry.register(
            "connections_ended",
            "Connections that the server closed, by reason",
            self.ended.clone(),
        );
    }

    /// Counts one that the server ends.
    pub(crate) fn ended(&self, reason: Reason) {
        self.ended
            .get_or_create(&Ended {
                reason: reason.as_str(),
            })
            .inc();
    }
}

/// The metrics of one process.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) connections: Connections,
    answers: Family<Answer, Counter>,
    durations: Family<Route, Histogram, Seconds>,
    /// Those of evaluations, resolved once.
    evaluations: Vec<Resolved>,
}

/// What counts the answers of one route, method and status.
struct Resolved {
    route: &'static str,
    method: &'static str,
    status: u16,
    count: Counter,
    duration: Histogram,
}

impl Metrics {
    pub(crate) fn new(
        instance: &Instance,
        serving: Serving,
        storage: Arc<dyn StorageMonitor>,
        modules: &[Arc<dyn Module>],
    ) -> Self {
        let mut registry = Registry::with_prefix("flagstaff");
        instance.register(&mut registry);
        let answers = Family::<Answer, Counter>::default();
        let durations = Family::<Route, Histogram, Seconds>::new_with_constructor(Seconds);
        registry.register("http_requests", "Requests answered", answers.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its answer's head",
            durations.clone(),
        );
        let connections = Connections::default();
        connections.register(&mut registry);
        registry.register_collector(Box::new(Measured { serving, storage }));
        for module in modules {
            if let Some(collector) = Arc::clone(module).collector() {
                registry.register_collector(collector);
            }
        }
        let evaluations = sdk::COUNTED.map(|(route, method, status)| Resolved {
            route,
            method,
            status,
            count: answers.get_or_create_owned(&Answer {
                route: route.to_owned(),
                method,
                status,
            }),
            duration: durations.get_or_create_owned(&Route {
                route: route.to_owned(),
            }),
        });
        Self {
            evaluations: evaluations.into(),
            registry,
            connections,
            answers,
            durations,
        }
    }

    /// Counts a request. For a successful evaluation nothing is looked up.
    pub(crate) fn answered(
        &self,
        route: &str,
        method: &'static str,
        status: StatusCode,
        elapsed: Duration,
    ) {
        let seconds = elapsed.as_secs_f64();
        let resolved = self
            .evaluations
            .iter()
            .find(|one| (one.status, one.method, one.route) == (status.as_u16(), method, route));
        if let Some(resolved) = resolved {
            resolved.count.inc();
            resolved.duration.observe(seconds);
            return;
        }
        let answer = Answer {
            route: route.to_owned(),
            method,
            status: status.as_u16(),
        };
        self.answers.get_or_create(&answer).inc();
        self.durations
            .get_or_create(&Route {
                route: answer.route,
            })
            .observe(seconds);
    }
}

/// What is read when the page is asked for.
struct Measured {
    serving: Serving,
    storage: Arc<dyn StorageMonitor>,
}

impl fmt::Debug for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measured").finish_non_exhaustive()
    }
}

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let report = self.serving.retrieval_report();
        let mut family = encoder.encode_descriptor(
            "retrievals",
            "Successful retrievals of flags since the start",
            None,
            MetricType::Counter,
        )?;
        for line in &report {
            let count = line.retrievals.map_or(0, |known| known.count);
            let labels = [("environment", line.environment.as_str())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        let mut family = encoder.encode_descriptor(
            "last_retrieval_timestamp_seconds",
            "When flags were last retrieved, in seconds since 1970; left out where that was not since the start",
            None,
            MetricType::Gauge,
        )?;
        for line in &report {
            if let Some(known) = line.retrievals {
                let labels = [("environment", line.environment.as_str())];
                ConstGauge::new(instance::seconds(known.last))
                    .encode(family.encode_family(&labels)?)?;
            }
        }
        let mut family = encoder.encode_descriptor(
            "snapshot_revision",
            "The last change that affects what the environment serves",
            None,
            MetricType::Gauge,
        )?;
        for line in &report {
            let labels = [("environment", line.environment.as_str())];
            ConstGauge::new(line.revision.0).encode(family.encode_family(&labels)?)?;
        }
        if let Some(freshness) = self.serving.freshness() {
            gauge(
                &mut encoder,
                "change_seq",
                "The last change that is served",
                freshness.head.0,
            )?;
            let age = ConstGauge::new(freshness.age.as_secs_f64());
            age.encode(encoder.encode_descriptor(
                "snapshot_age_seconds",
                "Time since the database confirmed that nothing newer exists",
                None,
                MetricType::Gauge,
            )?)?;
        }
        gauge(
            &mut encoder,
            "storage_writable",
            "Whether changes can be stored (1) or not (0)",
            i64::from(self.storage.outage().is_none()),
        )?;
        let usage = self.storage.usage();
        for (name, help, value) in [
            (
                "storage_readers_busy",
                "Connections that read at this moment",
                i64::from(usage.readers_busy),
            ),
            (
                "storage_readers_max",
                "Connections that may read at the same time",
                i64::from(usage.readers_max),
            ),
            (
                "storage_writes_waiting",
                "Writes that wait for the writer",
                signed(usage.writes_waiting),
            ),
            (
                "storage_writes_waiting_max",
                "Writes that may wait",
                signed(usage.writes_waiting_max),
            ),
        ] {
            gauge(&mut encoder, name, help, value)?;
        }
        if let Some(bytes) = usage.log_bytes {
            gauge(
                &mut encoder,
                "storage_log_bytes",
                "Length of the database's log of newest changes, which grows while somebody reads an older state",
                signed(bytes),
            )?;
        }
        Ok(())
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn gauge(encoder: &mut DescriptorEncoder, name: &str, help: &str, value: i64) -> fmt::Result {
    ConstGauge::new(value).encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

/// Metrics
///
/// In the OpenMetrics text format. For the bearer token `metrics.token`, for accounts, or for everybody where
/// `metrics.public` says so.
#[utoipa::path(get, path = "/metrics", tag = "operation",
    security(("metrics_token" = []), ("basic" = []), ("access_token" = []), ("session" = [])),
    responses((status = 200, description = "The metrics", body = String, content_type = "application/openmetrics-text")))]
pub(crate) async fn page(
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let access = &services.settings.metrics;
    let token = access.token.as_deref();
    if !access.public && !token.is_some_and(|token| bears(&request, token)) {
        auth::principal(&request).await?;
    }
    let mut text = String::new();
    encode(&mut text, &services.metrics.registry)
        .map_err(|error| Problem::internal(Arc::new(error)))?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .content_type("application/openmetrics-text; version=1.0.0; charset=utf-8")
        .body(text))
}

/// Whether the request bears this token. Digests are compared, so that the time tells nothing of a guess.
fn bears(request: &HttpRequest, token: &str) -> bool {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return false;
    };
    key::bearer(value).is_some_and(|given| Sha256::digest(given) == Sha256::digest(token))
}
