//! Which of several instances answers, and since when it remembers: who asks through a load balancer meets any of them.

use flagstaff_domain::clock::Timestamp;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;
use serde::Serialize;
use utoipa::ToSchema;

/// The process that answers.
#[derive(Debug, Clone)]
pub struct Instance {
    /// Tells it from the others: visible ASCII.
    pub name: String,
    /// When it started; what it counts, it counts from then on.
    pub since: Timestamp,
}

/// An instance as reports show it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InstanceRecord {
    /// Its name: `server.instance`, or one that was made up at its start.
    name: String,
    /// When it started.
    #[schema(format = DateTime)]
    since: String,
}

impl From<&Instance> for InstanceRecord {
    fn from(instance: &Instance) -> Self {
        Self {
            name: instance.name.clone(),
            since: instance.since.to_string(),
        }
    }
}

impl Instance {
    /// The headers of an answer that tells what this process alone knows.
    pub(crate) fn headers(&self) -> [(&'static str, String); 2] {
        [
            ("X-Flagstaff-Instance", self.name.clone()),
            ("X-Flagstaff-Since", self.since.to_string()),
        ]
    }

    /// Tells monitors who this is.
    pub(crate) fn register(&self, registry: &mut Registry) {
        let labels = vec![
            ("name", self.name.clone()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
        ];
        registry.register("instance", "The process that answers", Info::new(labels));
        registry.register(
            "start_time_seconds",
            "When the process started, in seconds since 1970",
            ConstGauge::new(seconds(self.since)),
        );
    }
}

/// An instant as monitors count: in seconds since 1970.
pub(crate) fn seconds(at: Timestamp) -> f64 {
    at.as_micros() as f64 / 1e6
}
