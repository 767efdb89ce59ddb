//! `GET /api/v1/environment-document/`: for servers that evaluate flags themselves.

use std::time::{Duration, SystemTime};

use actix_web::http::header::{
    self, ACCEPT_ENCODING, HeaderMap, HeaderValue, HttpDate, IF_MODIFIED_SINCE, IF_NONE_MATCH,
};
use actix_web::{HttpRequest, HttpResponse, web};
use flagstaff_domain::access::KeyKind;
use flagstaff_domain::clock::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::coding;
use super::flags::{JSON, NO_CACHE, UPDATED_AT};
use crate::app::Services;
use crate::error::{Code, Problem};
use crate::precondition::matches;
use crate::sdk::{REVISION, key};

const SECOND: i64 = 1_000_000;
/// So many seconds after it was made a change is published at the latest, or not at all.
const WRITES: i64 = 10;

/// Everything about an environment
///
/// What Flagsmith's SDKs evaluate locally: segments with their rules, flags, overrides. For server keys alone. A segment with an
/// operator that they do not know is left out with its overrides, and so is what is killed.
#[utoipa::path(
    get,
    path = "/api/v1/environment-document/",
    tag = "evaluation",
    operation_id = "document",
    security(("environment_key" = [])),
    params(
        ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer"),
        ("If-Modified-Since" = Option<String>, Header, description = "The Last-Modified of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The document", body = SdkDocument, headers(
            ("ETag" = String, description = "A strong validator of this representation"),
            ("Last-Modified" = String, description = "When the last change was made; left out within ten seconds of it, while another of the same second may still come"),
            ("X-Flagstaff-Revision" = i64, description = "The last change that affects this environment"),
            ("X-Flagsmith-Document-Updated-At" = f64, description = "When it was made, in seconds of Unix time"),
        )),
        (status = 304, description = "Nothing has changed since that answer"),
        (status = 403, description = "The key is a client's", body = crate::error::ProblemBody, content_type = "application/problem+json"),
    )
)]
#[allow(
    clippy::unused_async,
    reason = "a handler is a function that returns a future"
)]
pub(crate) async fn show(
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let asked = request.headers();
    let opened = key::open(&services.serving, asked)?;
    services.limit.admit(&opened.grant)?;
    if opened.grant.kind != KeyKind::Server {
        return Err(Problem::new(
            Code::Forbidden,
            "the environment document is for server keys (ser.…): it tells all rules and overrides",
        ));
    }
    let view = services
        .flagsmith
        .find(opened.grant.environment)
        .ok_or_else(|| Problem::unavailable("this environment's flags are not loaded yet"))?;
    let document = view
        .document()
        .ok_or_else(|| Problem::fault("the environment document cannot be written"))?;
    let (body, coding) = document.coded(coding::preferred(asked.get(ACCEPT_ENCODING)));
    let modified = last_modified(view.snapshot.updated_at, opened.at());
    let unchanged = match asked.contains_key(IF_NONE_MATCH) {
        true => asked
            .get_all(IF_NONE_MATCH)
            .any(|tags| matches(tags, &body.etag)),
        false => modified.is_some() && since(asked) == modified,
    };
    services.serving.record_retrieval(&opened);
    let mut response = match unchanged {
        true => HttpResponse::NotModified(),
        false => HttpResponse::Ok(),
    };
    response
        .insert_header((header::ETAG, body.etag.clone()))
        .insert_header((REVISION, view.revision.clone()))
        .insert_header((UPDATED_AT, view.updated_at.clone()))
        .insert_header((header::CACHE_CONTROL, NO_CACHE))
        .insert_header((header::VARY, services.cors.vary()));
    if let Some(modified) = modified {
        response.insert_header((header::LAST_MODIFIED, modified));
    }
    if unchanged {
        return Ok(response.finish());
    }
    if let Some(coding) = coding.name() {
        response.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static(coding)));
    }
    response.insert_header((header::CONTENT_TYPE, JSON));
    Ok(response.body(body.body.clone()))
}

/// When the last change was made, to the second; `None` while another of that second may still be published, which takes
/// as long as a write may wait.
fn last_modified(updated_at: Timestamp, now: Timestamp) -> Option<HttpDate> {
    let second = |at: Timestamp| at.as_micros().div_euclid(SECOND);
    let over = second(updated_at) + WRITES < second(now);
    let seconds = u64::try_from(second(updated_at)).ok().filter(|_| over)?;
    let since = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    Some(HttpDate::from(since))
}

/// The date of an earlier answer. It is compared and nothing more: after a restore, what is served may be older than what a
/// client has.
fn since(headers: &HeaderMap) -> Option<HttpDate> {
    headers.get(IF_MODIFIED_SINCE)?.to_str().ok()?.parse().ok()
}

/// What SDKs evaluate; for the description of the API.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what `document` writes")]
pub(crate) struct SdkDocument {
    /// The environment's id.
    id: i64,
    /// What its identities are hashed with. It opens nothing.
    api_key: String,
    /// The environment's name.
    name: String,
    /// When the last change was made.
    #[schema(format = DateTime)]
    updated_at: String,
    /// Segments, in their `segments`.
    #[schema(value_type = Object)]
    project: (),
    /// The environment's own flags.
    #[schema(value_type = Vec<Object>)]
    feature_states: Vec<()>,
    /// What single identities get.
    #[schema(value_type = Vec<Object>)]
    identity_overrides: Vec<()>,
}
