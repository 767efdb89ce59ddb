//! `/api/v1/analytics/flags/` and `/api/v2/analytics/flags/`: how often applications used which feature, as their SDKs tell
//! from time to time. Counted in memory, and stored some time later.

use std::collections::HashMap;

use actix_web::{HttpRequest, HttpResponse, web};
use flagstaff_domain::flags::usage::COUNT_MAX;
use flagstaff_domain::text::Invalid;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::Services;
use crate::error::Problem;
use crate::json;
use crate::sdk::key;

/// Uses since an application's last report.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Uses {
    /// What was used, by whom.
    evaluations: Vec<Use>,
}

/// Uses of one feature.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct Use {
    /// The feature; one that the environment does not have is ignored.
    feature_name: String,
    /// How often.
    count: Count,
    /// For whom. Not counted apart.
    #[serde(default)]
    #[allow(dead_code, reason = "it is described, and not kept")]
    identity_identifier: Option<String>,
    /// Whether it was on. Not counted apart.
    #[serde(default)]
    #[allow(dead_code, reason = "it is described, and not kept")]
    enabled_when_evaluated: Option<bool>,
}

/// How often something was used since the last report.
#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(try_from = "u64")]
#[schema(value_type = u32, minimum = 0, maximum = 1_000_000_000)]
pub(crate) struct Count(u64);

impl TryFrom<u64> for Count {
    type Error = Invalid;

    fn try_from(count: u64) -> Result<Self, Invalid> {
        match count <= COUNT_MAX {
            true => Ok(Self(count)),
            false => Err(Invalid::new(format!("must be at most {COUNT_MAX}"))),
        }
    }
}

/// Uses by feature
///
/// How often an application used which feature since its last report: `{"dark_mode": 5}`. A feature that the environment does
/// not have is ignored.
#[utoipa::path(
    post,
    path = "/api/v1/analytics/flags/",
    tag = "evaluation",
    operation_id = "count",
    security(("environment_key" = [])),
    request_body = HashMap<String, Count>,
    responses((status = 200, description = "Counted"))
)]
pub(crate) async fn count(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let counts: HashMap<String, Count> = body(&request, payload, &services).await?;
    let counts = counts.iter().map(|(feature, count)| (&**feature, count.0));
    take(&request, &services, counts)?;
    Ok(HttpResponse::Ok().finish())
}

/// Uses by feature and identity
///
/// How often an application used which feature for whom since its last report.
#[utoipa::path(
    post,
    path = "/api/v2/analytics/flags/",
    tag = "evaluation",
    operation_id = "count_by_identity",
    security(("environment_key" = [])),
    request_body = Uses,
    responses((status = 204, description = "Counted"))
)]
pub(crate) async fn count_by_identity(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let uses: Uses = body(&request, payload, &services).await?;
    let counts = uses.evaluations.iter();
    let counts = counts.map(|one| (one.feature_name.as_str(), one.count.0));
    take(&request, &services, counts)?;
    Ok(HttpResponse::NoContent().finish())
}

/// A JSON body, whatever its type is called: reports come from a browser that leaves the page, too.
async fn body<T: serde::de::DeserializeOwned>(
    request: &HttpRequest,
    payload: web::Payload,
    services: &Services,
) -> Result<T, Problem> {
    // Before the body: who has no key makes no work.
    key::open(&services.serving, request.headers())?;
    let patience = services.settings.patience;
    let body = json::read(request.headers(), payload.into_inner(), patience).await?;
    json::parse(&body)
}

fn take<'a>(
    request: &HttpRequest,
    services: &Services,
    counts: impl Iterator<Item = (&'a str, u64)>,
) -> Result<(), Problem> {
    let opened = key::open(&services.serving, request.headers())?;
    let snapshot = services.serving.snapshot(opened.grant.environment);
    let loaded = || Problem::unavailable("this environment's flags are not loaded yet");
    let snapshot = snapshot.ok_or_else(loaded)?;
    services.usage.count(&snapshot, opened.grant.kind, counts);
    Ok(())
}
