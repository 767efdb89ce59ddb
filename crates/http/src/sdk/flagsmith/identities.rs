//! `/api/v1/identities/`: the flags of one identity, evaluated here. What the request tells of it is remembered some time later;
//! the answer waits for no database.

use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, VARY};
use actix_web::{HttpRequest, HttpResponse, web};
use flagstaff_domain::access::KeyKind;
use flagstaff_domain::flags::Visit;
use flagstaff_domain::flags::evaluation::TraitValue;
use flagstaff_domain::serving::Opened;
use serde::Serialize;
use utoipa::ToSchema;

use super::flags::{JSON, SdkFeature};
use super::visit::{self, IdentityRequest};
use crate::admin::schema;
use crate::app::Services;
use crate::error::Problem;
use crate::json;
use crate::sdk::{REVISION, key};

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// The flags of an identity
///
/// All flags of the environment that the key opens, as this identity gets them, with what is remembered of it.
#[utoipa::path(
    get,
    path = "/api/v1/identities/",
    tag = "evaluation",
    operation_id = "recall",
    security(("environment_key" = [])),
    params(
        ("identifier" = String, Query, description = "The identity, 1 to 2,000 characters"),
        ("transient" = Option<bool>, Query, description = "Whether nothing is recalled of it"),
    ),
    responses(
        (status = 200, description = "The identity and its flags", body = SdkIdentity, headers(
            ("X-Flagstaff-Revision" = i64, description = "The last change that affects this environment"),
        )),
    )
)]
#[allow(
    clippy::unused_async,
    reason = "a handler is a function that returns a future"
)]
pub(crate) async fn recall(
    request: HttpRequest,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let opened = key::open(&services.serving, request.headers())?;
    services.limit.admit(&opened.grant)?;
    let visit = visit::of_query(request.query_string())?;
    answer(&services, &opened, visit)
}

/// Identify somebody
///
/// All flags of the environment that the key opens, as this identity gets them. What is told of it is remembered, unless it is
/// marked as transient, and used for its flags from then on; a trait whose value is null is forgotten. Where
/// `traits.from_clients` is false, client keys may tell no traits.
#[utoipa::path(
    post,
    path = "/api/v1/identities/",
    tag = "evaluation",
    operation_id = "identify",
    security(("environment_key" = [])),
    request_body = IdentityRequest,
    responses(
        (status = 200, description = "The identity and its flags", body = SdkIdentity, headers(
            ("X-Flagstaff-Revision" = i64, description = "The last change that affects this environment"),
        )),
    )
)]
pub(crate) async fn identify(
    request: HttpRequest,
    payload: web::Payload,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let opened = key::open(&services.serving, request.headers())?;
    services.limit.admit(&opened.grant)?;
    let patience = services.settings.patience;
    let body = json::read(request.headers(), payload.into_inner(), patience).await?;
    let visit = visit::of_body(request.headers(), &body)?;
    let told = !visit.traits.is_empty() || !visit.transient_traits.is_empty();
    if told && opened.grant.kind == KeyKind::Client && !services.settings.client_traits {
        return Err(Problem::field(
            "traits",
            "must not be told with a client key here (traits.from_clients = false); tell them with a server key",
        ));
    }
    answer(&services, &opened, visit)
}

fn answer(services: &Services, opened: &Opened, visit: Visit) -> Result<HttpResponse, Problem> {
    let (grant, at) = (opened.grant, opened.at());
    let view = services
        .flagsmith
        .find(grant.environment)
        .ok_or_else(|| Problem::unavailable("this environment's flags are not loaded yet"))?;
    let passing = visit.transient || !visit.transient_traits.is_empty();
    let identity = services.identities.identify(&view.snapshot, visit, at);
    if !passing {
        services.seen.seen(grant.environment, &identity);
    }
    let mut body = Vec::new();
    let mut write = || {
        body.extend_from_slice(br#"{"identifier":"#);
        serde_json::to_writer(&mut body, &identity.identifier)?;
        body.extend_from_slice(br#","traits":["#);
        for (number, (name, value)) in identity.traits.iter().enumerate() {
            if number > 0 {
                body.push(b',');
            }
            body.extend_from_slice(br#"{"trait_key":"#);
            serde_json::to_writer(&mut body, name)?;
            body.extend_from_slice(br#","trait_value":"#);
            serde_json::to_writer(&mut body, value)?;
            body.push(b'}');
        }
        body.extend_from_slice(br#"],"flags":"#);
        view.write_for(&identity, at, grant.kind, &mut body)?;
        body.push(b'}');
        Ok::<_, serde_json::Error>(())
    };
    write().map_err(|error| Problem::fault(error.to_string()))?;
    services.serving.record_retrieval(opened);
    let mut response = HttpResponse::Ok().body(body);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, JSON);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(VARY, services.cors.vary());
    headers.insert(REVISION, view.revision.clone());
    Ok(response)
}

/// An identity as Flagsmith's SDKs read it; for the description of the API.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what `answer` writes")]
pub(crate) struct SdkIdentity {
    /// The identity.
    identifier: String,
    /// What is known of it.
    traits: Vec<SdkTrait>,
    /// Its flags, sorted by feature name.
    flags: Vec<SdkIdentityFlag>,
}

/// A trait as Flagsmith's SDKs read it; for the description of the API.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what `answer` writes")]
pub(crate) struct SdkTrait {
    /// Its name.
    trait_key: String,
    /// What it says.
    #[schema(value_type = schema::TraitValue)]
    trait_value: TraitValue,
}

/// A flag as an identity gets it; for the description of the API.
#[derive(Serialize, ToSchema)]
#[allow(dead_code, reason = "it describes what `answer` writes")]
pub(crate) struct SdkIdentityFlag {
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
    /// The variant's key; `control` outside all variants' shares, null where there was nothing to choose.
    #[schema(required)]
    variant: Option<String>,
    /// Why: `DEFAULT`, `TARGETING_MATCH; segment=…`, `TARGETING_MATCH; identity`, `SPLIT; weight=…`.
    reason: String,
}
