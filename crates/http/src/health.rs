//! Liveness and readiness, for load balancers and supervisors.
//!
//! While the database is away, flags are served from memory and the instance stays ready, saying that it is degraded:
//! taking it out of service would turn an outage of management into one of every application. Both answer from memory,
//! so that no storm of requests can hold them up.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpResponse, http::header};
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use flagstaff_domain::storage::Outage;

use crate::app::Services;
use crate::instance::InstanceRecord;
use crate::modules::Module;
use crate::resource::resource;

/// The log is looked at four times a second; a database that was silent for longer than this is away.
const CONFIRMED_WITHIN: Duration = Duration::from_secs(2);

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/health/live").get(live).build())
        .service(resource("/health/ready").get(ready).build());
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
    /// `ready`; `degraded` while flags are served from memory alone or no change can be stored; `starting` before they can be; `stopping`
    /// once the server was asked to stop.
    status: &'static str,
    database: Part,
    writes: Part,
    migrations: Migrations,
    snapshot: Option<SnapshotAge>,
    instance: InstanceRecord,
    /// What optional modules tell of themselves. None of it makes the instance unready.
    #[serde(skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object, required = false)]
    modules: Map<String, Value>,
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
    /// `ok` or `pending`.
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

fn told(modules: &[Arc<dyn Module>]) -> Map<String, Value> {
    let told = modules.iter();
    told.filter_map(|one| Some((one.name().to_owned(), one.readiness()?)))
        .collect()
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
/// 200 as soon as flags are loaded, also while the database is away (`degraded`); 503 before, and once the server
/// was asked to stop.
#[utoipa::path(get, path = "/health/ready", tag = "operation", security(()),
    responses(
        (status = 200, description = "It can", body = Ready),
        (status = 503, description = "Not yet, or no longer", body = Ready),
    ))]
#[allow(
    clippy::unused_async,
    reason = "a handler is a function that returns a future"
)]
pub(crate) async fn ready(services: web::Data<Services>) -> HttpResponse {
    let freshness = services.serving.freshness();
    let database = match freshness {
        Some(freshness) if freshness.age < CONFIRMED_WITHIN => Part {
            status: "ok",
            detail: None,
        },
        Some(_) => Part {
            status: "unavailable",
            detail: Some("the database cannot be read; flags are served from memory"),
        },
        None => Part {
            status: "unavailable",
            detail: Some("the database was not read yet"),
        },
    };
    let outage = services.storage.outage();
    let writes = Part {
        status: if outage.is_none() {
            "ok"
        } else {
            "unavailable"
        },
        detail: outage.map(Outage::as_str),
    };
    let pending = services.storage.pending_migrations();
    let migrations = Migrations {
        status: if pending.is_empty() { "ok" } else { "pending" },
        pending,
    };
    let snapshot = freshness.map(|freshness| SnapshotAge {
        revision: freshness.head.0,
        age_seconds: freshness.age.as_secs_f64(),
    });
    let whole = [database.status, writes.status, migrations.status] == ["ok"; 3];
    let (mut response, status) = match (&snapshot, whole) {
        _ if services.is_stopping() => (HttpResponse::ServiceUnavailable(), "stopping"),
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
            writes,
            migrations,
            snapshot,
            instance: InstanceRecord::from(&services.instance),
            modules: told(&services.modules),
        })
}
