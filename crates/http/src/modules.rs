//! The optional modules over HTTP, a cargo feature each, and what the core asks of one: routes, their description,
//! metrics, a word on its readiness.

#[cfg(any(feature = "coupons", feature = "rates"))]
mod reading;

#[cfg(feature = "coupons")]
pub mod coupons;
#[cfg(feature = "rates")]
pub mod rates;

use std::fmt::Debug;
use std::sync::Arc;

use actix_web::web::ServiceConfig;
use prometheus_client::collector::Collector;
use serde_json::Value;
use utoipa::openapi::OpenApi;

/// What a module adds to a server.
pub trait Module: Debug + Send + Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Adds its routes, and what their handlers need.
    fn configure(&self, config: &mut ServiceConfig);

    /// What it measures.
    fn collector(self: Arc<Self>) -> Option<Box<dyn Collector>>;

    /// What an operator is told beside the core's readiness. MUST answer from memory.
    fn readiness(&self) -> Option<Value>;
}

/// What the modules of this build describe.
pub(crate) const DESCRIPTIONS: &[fn() -> OpenApi] = &[
    #[cfg(feature = "coupons")]
    coupons::describe,
    #[cfg(feature = "rates")]
    rates::describe,
];

/// The beginnings of their paths.
const ROOTS: &[&str] = &[
    #[cfg(feature = "coupons")]
    coupons::ROOT,
    #[cfg(feature = "rates")]
    rates::ROOT,
];

/// Whether a path is a module's.
pub(crate) fn owns(path: &str) -> bool {
    ROOTS.iter().any(|root| {
        let rest = path.strip_prefix(root);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// The routes that pages of other origins may read, as they may evaluate flags.
const OPEN: &[&[&str]] = &[
    #[cfg(feature = "coupons")]
    coupons::OPEN,
    #[cfg(feature = "rates")]
    rates::OPEN,
];

/// The routes that pages of other origins may post to, with an environment's key.
const POSTED: &[&[&str]] = &[
    #[cfg(feature = "coupons")]
    coupons::POSTED,
];

/// Whether a page of another origin may read what this request is answered.
pub(crate) fn is_open(route: &str, method: &str) -> bool {
    let among = |routes: &[&[&str]]| routes.iter().copied().flatten().any(|one| *one == route);
    match method {
        "GET" | "HEAD" => among(OPEN),
        "POST" => among(POSTED),
        "OPTIONS" => is_open(route, "GET") || is_open(route, "POST"),
        _ => false,
    }
}

/// The paths of a module's records: of all, and of one.
const RECORDS: &[&[&str]] = &[
    #[cfg(feature = "coupons")]
    coupons::OPEN,
];

/// Whether a path is that of records with versions.
pub(crate) fn has_record(path: &str) -> bool {
    RECORDS
        .iter()
        .copied()
        .flatten()
        .any(|records| *records == path)
}

/// Whether a request for this route changes something of a module's.
pub(crate) fn is_change(route: &str, method: &str) -> bool {
    owns(route) && matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
}
