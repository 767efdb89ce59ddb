//! `GET /api/v1/flags/`: the one endpoint that Flagstaff exists for.

use actix_http::Response;
use actix_web::body::BoxBody;
use actix_web::dev::RequestHead;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::coding::{self, Coding};
use super::view::{Representation, View};
use crate::admin::schema::FeatureType;
use crate::app::Services;
use crate::error::{Code, Problem};
use crate::precondition::matches;
use crate::sdk::{REVISION, key};

pub(super) const UPDATED_AT: HeaderName =
    HeaderName::from_static("x-flagsmith-document-updated-at");

pub(super) const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
pub(super) const JSON: HeaderValue = HeaderValue::from_static("application/json");

#[derive(Deserialize)]
struct Filter {
    feature: Option<String>,
}

/// The flags of an environment
///
/// All flags of the environment that the key opens, sorted by feature name; with `?feature=` that one flag. Features
/// that are marked for servers are shown to server keys alone.
#[utoipa::path(
    get,
    path = "/api/v1/flags/",
    tag = "evaluation",
    security(("environment_key" = [])),
    params(
        ("feature" = Option<String>, Query, description = "The name of one feature"),
        ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The flags", body = SdkFlags, headers(
            ("ETag" = String, description = "A strong validator of this representation"),
            ("X-Flagstaff-Revision" = i64, description = "The last change that affects this environment"),
            ("X-Flagsmith-Document-Updated-At" = f64, description = "When it was made, in seconds of Unix time"),
        )),
        (status = 304, description = "Nothing has changed since the answer with this ETag"),
        (status = 404, description = "The environment has no such feature", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    )
)]
#[allow(
    clippy::unused_async,
    reason = "a handler is a function that returns a future"
)]
pub(crate) async fn list(
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    answer(&services, request.head()).map(HttpResponse::from)
}

/// The answer to a request for the flags, from memory alone.
pub(crate) fn answer(
    services: &Services,
    head: &RequestHead,
) -> Result<Response<BoxBody>, Problem> {
    let headers = &head.headers;
    let opened = key::open(&services.serving, headers)?;
    let grant = opened.grant;
    services.limit.admit(&grant)?;
    let view = services
        .flagsmith
        .find(grant.environment)
        .ok_or_else(|| Problem::unavailable("this environment's flags are not loaded yet"))?;
    let response = match wanted(head.uri.query().unwrap_or_default())? {
        None => {
            let wanted = coding::preferred(headers.get(header::ACCEPT_ENCODING));
            let (all, coding) = view.all(grant.kind, wanted);
            represent(services, &view, headers, all, coding)
        }
        Some(feature) => {
            let one = view.one(grant.kind, &feature).ok_or_else(|| {
                Problem::new(
                    Code::NotFound,
                    "this environment has no feature of the name that ?feature= gives",
                )
            })?;
            represent(services, &view, headers, &one, Coding::Identity)
        }
    };
    services.serving.record_retrieval(&opened);
    Ok(response)
}

/// The feature that the query asks for. Other parameters are left to the SDKs that send them.
fn wanted(query: &str) -> Result<Option<String>, Problem> {
    if query.is_empty() {
        return Ok(None);
    }
    serde_urlencoded::from_str::<Filter>(query)
        .map(|filter| filter.feature)
        .map_err(|error| Problem::field("feature", error.to_string()))
}

fn represent(
    services: &Services,
    view: &View,
    request: &HeaderMap,
    representation: &Representation,
    coding: Coding,
) -> Response<BoxBody> {
    let matched = request
        .get_all(header::IF_NONE_MATCH)
        .any(|tags| matches(tags, &representation.etag));
    let mut response = if matched {
        Response::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
    } else {
        Response::with_body(StatusCode::OK, BoxBody::new(representation.body.clone()))
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, representation.etag.clone());
    headers.insert(REVISION, view.revision.clone());
    headers.insert(UPDATED_AT, view.updated_at.clone());
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    headers.insert(header::VARY, services.cors.vary());
    if matched {
        return response;
    }
    if let Some(coding) = coding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    headers.insert(header::CONTENT_TYPE, JSON);
    response
}

/// Every flag, or the one that `?feature=` names.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, reason = "it describes what `view` writes")]
pub(crate) enum SdkFlags {
    All(Vec<SdkFlag>),
    One(Box<SdkFlag>),
}

/// A flag as Flagsmith's SDKs read it; for the description of the API.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what `view` writes")]
pub(crate) struct SdkFlag {
    /// The flag's id.
    id: i64,
    /// The feature that it switches.
    feature: SdkFeature,
    /// Null, a boolean, a number or a string; an object or array as its JSON text.
    #[schema(value_type = Value)]
    feature_state_value: Option<String>,
    /// On or off.
    enabled: bool,
    /// Always null.
    #[schema(required)]
    environment: Option<i64>,
    /// Always null.
    #[schema(required)]
    identity: Option<i64>,
    /// Always null.
    #[schema(required)]
    feature_segment: Option<i64>,
}

/// A feature as Flagsmith's SDKs read it; for the description of the API.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what `view` writes")]
pub(crate) struct SdkFeature {
    /// The feature's id.
    id: i64,
    /// Its name.
    name: String,
    /// What kind it is.
    #[schema(value_type = FeatureType)]
    r#type: String,
    /// When it was created.
    #[schema(format = DateTime)]
    created_date: String,
    /// What it does.
    description: String,
    /// The value its flags begin with, as `feature_state_value`.
    #[schema(value_type = Value)]
    initial_value: Option<String>,
    /// Whether its flags begin enabled.
    default_enabled: bool,
    /// Words by which it is grouped.
    tags: Vec<String>,
}
