//! `POST /ofrep/v1/evaluate/flags/{key}` and `POST /ofrep/v1/evaluate/flags`: from the head and the body to an answer, from
//! memory alone. The [edge](crate::edge) calls this, without the detour through routing.

use std::borrow::Cow;
use std::sync::Arc;

use actix_http::{Payload, Response};
use actix_web::body::BoxBody;
use actix_web::dev::RequestHead;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use flagstaff_domain::access::KeyKind;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::SeenContexts;
use flagstaff_domain::flags::evaluation::Identity;
use flagstaff_domain::ids::EnvironmentId;
use percent_encoding::percent_decode_str;
use serde::Deserialize;

use super::context;
use super::failure::{ErrorCode, Failure};
use super::paths::Target;
use super::schema::{
    OfrepBulkSuccess, OfrepError, OfrepFailure, OfrepFlag, OfrepFlagNotFound, OfrepRequest,
};
use super::view::View;
use crate::app::Services;
use crate::error::Problem;
use crate::json;
use crate::precondition::matches;
use crate::sdk::{REVISION, key};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The answer to a request for this target.
pub(crate) async fn answer(
    services: &Services,
    head: &RequestHead,
    payload: Payload,
    target: Target<'_>,
) -> Result<Response<BoxBody>, Failure> {
    let opened = key::open_any(&services.serving, &head.headers)?;
    services.limit.admit(&opened.grant)?;
    let view = services
        .ofrep
        .find(opened.grant.environment)
        .ok_or_else(|| Problem::unavailable("this environment's flags are not loaded yet"))?;
    let body = json::read(&head.headers, payload, services.settings.patience).await?;
    let asked = Asked {
        seen: &services.seen,
        environment: opened.grant.environment,
        head,
        view,
        body: &body,
        kind: opened.grant.kind,
        tells: opened.grant.kind == KeyKind::Server || services.settings.client_traits,
        now: opened.at(),
    };
    let mut response = match target {
        Target::Single(key) => asked.single(key),
        Target::Bulk => asked.bulk(),
    }?;
    let headers = response.headers_mut();
    headers.insert(REVISION, asked.view.revision.clone());
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    services.serving.record_retrieval(&opened);
    Ok(response)
}

/// What was asked, and where the answer is.
struct Asked<'a> {
    seen: &'a SeenContexts,
    environment: EnvironmentId,
    head: &'a RequestHead,
    view: Arc<View>,
    body: &'a [u8],
    kind: KeyKind,
    /// Whether the key may tell what is known of somebody.
    tells: bool,
    now: Timestamp,
}

impl Asked<'_> {
    fn identity(&self) -> Result<Identity, Failure> {
        let identity = context::identity(self.body, self.view.environment_key())?;
        if !self.tells && !identity.traits.is_empty() {
            return Err(Failure::bad(
                ErrorCode::InvalidContext,
                "context may have nothing besides targetingKey with a client key here (traits.from_clients = false); \
                 send it with a server key",
            ));
        }
        self.seen.seen(self.environment, &identity);
        Ok(identity)
    }

    fn single(&self, key: &str) -> Result<Response<BoxBody>, Failure> {
        let identity = self.identity()?;
        let decoded = percent_decode_str(key).decode_utf8_lossy();
        // Not every client encodes: then `%` is a part of the name.
        let flag = [decoded.as_ref(), key]
            .into_iter()
            .find_map(|key| self.view.find(self.kind, key));
        let one = flag.and_then(|flag| self.view.one(flag, &identity, self.now));
        let body = one.ok_or_else(|| Failure::flag_not_found(&decoded))?;
        Ok(success(body))
    }

    fn bulk(&self) -> Result<Response<BoxBody>, Failure> {
        check(self.head.uri.query().unwrap_or_default())?;
        let identity = self.identity()?;
        let all = self.view.all(self.kind, &identity, self.now);
        let etag = all.etag();
        let mut known = self.head.headers.get_all(header::IF_NONE_MATCH);
        let mut response = if known.any(|tags| matches(tags, &etag)) {
            Response::with_body(StatusCode::NOT_MODIFIED, BoxBody::new(()))
        } else {
            success(all.body())
        };
        response.headers_mut().insert(header::ETAG, etag);
        Ok(response)
    }
}

fn success(body: bytes::Bytes) -> Response<BoxBody> {
    let mut response = Response::with_body(StatusCode::OK, BoxBody::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, JSON);
    response
}

/// What a client heard of a change before it asks again.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Heard<'a> {
    #[serde(borrow)]
    flag_config_last_modified: Option<Cow<'a, str>>,
}

/// Checks what is told of a change. Nothing else comes of it: every answer is made of the newest that this instance has.
fn check(query: &str) -> Result<(), Failure> {
    if query.is_empty() {
        return Ok(());
    }
    let heard: Heard = serde_urlencoded::from_str(query).map_err(|error| {
        Failure::bad(
            ErrorCode::ParseError,
            format!("the query is not valid: {error}"),
        )
    })?;
    match heard.flag_config_last_modified {
        Some(at) if at.parse::<u64>().is_err() && Timestamp::parse(&at).is_err() => {
            Err(Failure::bad(
                ErrorCode::ParseError,
                "flagConfigLastModified must be seconds of Unix time, or a date and time such as 2026-02-20T21:28:18Z",
            ))
        }
        _ => Ok(()),
    }
}

/// One flag, by OFREP
///
/// The flag with this key for the context that the body brings. A feature that carries a value is answered with it, typed;
/// without `value` and with the reason DISABLED while it is off, so that the code's own default applies. A feature
/// without a value is `true` or `false`. An array goes out as its JSON text: the protocol knows none.
#[utoipa::path(
    post,
    path = "/ofrep/v1/evaluate/flags/{key}",
    tag = "ofrep",
    security(("ofrep_bearer" = []), ("ofrep_api_key" = []), ("environment_key" = [])),
    params(("key" = String, Path, description = "The feature's name, percent-encoded or not")),
    request_body = OfrepRequest,
    responses(
        (status = 200, description = "The flag", body = OfrepFlag, headers(
            ("X-Flagstaff-Revision" = i64, description = "The last change that affects this environment"),
        )),
        (status = 400, description = "The body or its context is not valid", body = OfrepFailure),
        (status = 404, description = "The environment has no such flag, or none that this key may see", body = OfrepFlagNotFound),
    )
)]
#[allow(dead_code, reason = "it describes what the edge answers")]
pub(crate) fn single() {}

/// All flags, by OFREP
///
/// Every flag that the key may see, sorted by key, for the context that the body brings. Its `ETag` is that of this
/// context's answer: sent back as `If-None-Match` it is answered with 304 until a flag of this context changes.
#[utoipa::path(
    post,
    path = "/ofrep/v1/evaluate/flags",
    tag = "ofrep",
    security(("ofrep_bearer" = []), ("ofrep_api_key" = []), ("environment_key" = [])),
    params(
        ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer"),
        ("flagConfigEtag" = Option<String>, Query, description = "What a change notification brought; changes nothing"),
        ("flagConfigLastModified" = Option<String>, Query,
            description = "Seconds of Unix time, or a date and time, that a change notification brought; changes nothing"),
    ),
    request_body = OfrepRequest,
    responses(
        (status = 200, description = "The flags", body = OfrepBulkSuccess, headers(
            ("ETag" = String, description = "A strong validator of this context's answer"),
            ("X-Flagstaff-Revision" = i64, description = "The last change that affects this environment"),
        )),
        (status = 304, description = "This context's flags are those of the answer with this ETag"),
        (status = 400, description = "The body or its context is not valid", body = OfrepError),
    )
)]
#[allow(dead_code, reason = "it describes what the edge answers")]
pub(crate) fn bulk() {}
