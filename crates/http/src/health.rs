//! Liveness and readiness, for load balancers and supervisors.
//!
//! While the database is away, flags are served from memory and the instance stays ready, saying that it is degraded:
//! taking it out of service would turn an outage of management into one of every application.

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, http::header};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Services;
use crate::blocking::blocking;
use crate::resource::resource;

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(resource(&["/health/live"]).get(live).build())
        .service(resource(&["/health/ready"]).get(ready).build());
}

/// That the process answers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Live {
    /// Always `live`.
    status: &'static str,
}

/// What is needed for serving, part by part.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Ready {
    /// `ready`; `degraded` while flags are served from memory alone; `starting` before they can be.
    status: &'static str,
    database: Part,
    migrations: Migrations,
    snapshot: Option<SnapshotAge>,
}

/// One part's condition.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Part {
    /// `ok` or `unavailable`.
    status: &'static str,
    /// What does not work.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

/// Which migrations are missing.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Migrations {
    /// `ok`, `pending`, or `unknown` while the database is away.
    status: &'static str,
    /// Their names.
    pending: Vec<String>,
}

/// How current the served flags are.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SnapshotAge {
    /// The last change that is served.
    revision: i64,
    /// Seconds since the database confirmed that nothing newer exists.
    age_seconds: f64,
}

/// Is the process alive?
///
/// Answers without the database.
#[utoipa::path(get, path = "/health/live", tag = "operation", security(()),
    responses((status = 200, description = "It is", body = Live)))]
#[allow(
    clippy::unused_async,
    reason = "a handler is a function that returns a future"
)]
pub(crate) async fn live() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Live { status: "live" })
}

/// Can this instance serve flags?
///
/// 200 as soon as flags are loaded, also while the database is away (`degraded`); 503 before.
#[utoipa::path(get, path = "/health/ready", tag = "operation", security(()),
    responses(
        (status = 200, description = "It can", body = Ready),
        (status = 503, description = "Not yet", body = Ready),
    ))]
pub(crate) async fn ready(services: web::Data<Services>) -> HttpResponse {
    let storage = services.storage.clone();
    let pending = blocking(move || storage.pending_migrations()).await;
    let snapshot = services.serving.freshness().map(|freshness| SnapshotAge {
        revision: freshness.head.0,
        age_seconds: freshness.age.as_secs_f64(),
    });
    let (database, migrations) = match pending {
        Ok(pending) => {
            let status = if pending.is_empty() { "ok" } else { "pending" };
            let database = Part {
                status: "ok",
                detail: None,
            };
            (database, Migrations { status, pending })
        }
        Err(problem) => {
            log::warn!(reason = problem.for_log().as_str(); "the database cannot be read");
            let database = Part {
                status: "unavailable",
                detail: Some("the database cannot be read; flags are served from memory"),
            };
            let unknown = Migrations {
                status: "unknown",
                pending: Vec::new(),
            };
            (database, unknown)
        }
    };
    let whole = database.status == "ok" && migrations.status == "ok";
    let (mut response, status) = match (&snapshot, whole) {
        (None, _) => (HttpResponse::ServiceUnavailable(), "starting"),
        (Some(_), true) => (HttpResponse::Ok(), "ready"),
        (Some(_), false) => (HttpResponse::Ok(), "degraded"),
    };
    if snapshot.is_none() {
        response.insert_header((header::RETRY_AFTER, "1"));
    }
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(Ready {
            status,
            database,
            migrations,
            snapshot,
        })
}
