//! What monitors read of ingests: when one last succeeded, how long ago, and why days failed in this process.

use std::fmt;
use std::sync::Arc;

use flagstaff_domain::modules::rates::RateIngest;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::instance;

/// Read when the page is asked for, from memory.
#[derive(Debug)]
pub(super) struct Measured(pub(super) Arc<RateIngest>);

impl Collector for Measured {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let ingest = &self.0;
        let mut gauge = |name: &str, help: &str, value: f64| {
            let descriptor = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(descriptor)
        };
        if let Some(last) = ingest.known().last_success {
            gauge(
                "rates_last_success_timestamp_seconds",
                "When an ingest of yesterday's or today's rates last ended without a failed day",
                instance::seconds(last),
            )?;
        }
        gauge(
            "rates_age_seconds",
            "Time since an ingest of yesterday's or today's rates last ended without a failed day; since the start where none did",
            ingest.age().as_secs_f64(),
        )?;
        let mut family = encoder.encode_descriptor(
            "rates_failures",
            "Days that this process could not ingest, by cause",
            None,
            MetricType::Counter,
        )?;
        for (cause, count) in ingest.failures() {
            let labels = [("cause", cause)];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
