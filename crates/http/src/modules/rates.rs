//! `/rates`: what currencies cost, day by day. Public, unless a setting closes it.
//!
//! `routes` has the one call, `dto` its shape, `measured` what monitors read.

pub mod dto;
mod measured;
pub(crate) mod routes;

use std::sync::Arc;

use actix_web::Resource;
use actix_web::web::{self, ServiceConfig};
use flagstaff_domain::modules::rates::{RateError, RateIngest, RateService};
use prometheus_client::collector::Collector;
use serde_json::{Value, json};
use utoipa::OpenApi;

use super::{Module, reading};
use crate::error::{Code, Problem};
use crate::resource::{Methods, resource};

/// The beginning of the module's paths.
pub(super) const ROOT: &str = "/rates";
/// The routes that pages of other origins read.
pub(super) const OPEN: &[&str] = &["/rates/{date}/", "/rates/{date}"];

/// Rates over HTTP.
#[derive(Debug, Clone)]
pub struct RatesModule {
    /// Reads rates.
    pub rates: RateService,
    /// Knows how ingesting goes.
    pub ingest: Arc<RateIngest>,
    /// Whether everybody may read.
    pub public: bool,
}

#[derive(OpenApi)]
#[openapi(paths(routes::show))]
struct Description;

pub(super) fn describe() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

fn day(methods: Methods) -> Resource {
    methods
        .get(routes::show)
        .options(reading::preflight)
        .build()
}

impl Module for RatesModule {
    fn name(&self) -> &'static str {
        "rates"
    }

    fn configure(&self, config: &mut ServiceConfig) {
        config
            .app_data(web::Data::new(self.clone()))
            .service(day(resource("/rates/{date}/")))
            .service(day(resource("/rates/{date}")));
    }

    fn collector(self: Arc<Self>) -> Option<Box<dyn Collector>> {
        Some(Box::new(measured::Measured(Arc::clone(&self.ingest))))
    }

    fn readiness(&self) -> Option<Value> {
        let known = self.ingest.known();
        let age = known.last_success.map(|_| self.ingest.age().as_secs());
        (known.newest.is_some() || age.is_some()).then(|| {
            json!({
                "newest": known.newest,
                "last_success_at": known.last_success,
                "age_seconds": age,
            })
        })
    }
}

impl From<RateError> for Problem {
    fn from(error: RateError) -> Self {
        let detail = error.to_string();
        match error {
            RateError::Future { .. } => Self::field("date", detail),
            RateError::NotStored(_) | RateError::NoRate(..) => Self::new(Code::NotFound, detail),
            RateError::Storage(error) => error.into(),
        }
    }
}
