//! `/api/admin/environments/{environment}/keys`.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, web};
use flagstaff_domain::access::{ChangeKey, CreateKey, IssuedKey, KeyKind};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::value::present;
use flagstaff_domain::text::{EnvironmentName, KeyName};
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::KeyRecord;
use super::{answer, schema};
use crate::app::Services;
use crate::auth::{Admin, Viewer};
use crate::error::Problem;
use crate::json::{Body, Params};
use crate::names::{KeyNumber, Names};
use crate::paging::{self, PageParams};
use crate::precondition::Accepts;

/// A new key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// Tells a person which key this is.
    #[schema(value_type = schema::Label)]
    name: KeyName,
    /// Who it is for.
    #[schema(value_type = schema::KeyKind)]
    kind: KeyKind,
    /// From when on it is refused; never where there is none.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// What is given is changed, the rest stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeyChange {
    /// A new name.
    #[schema(value_type = Option<schema::Label>)]
    name: Option<KeyName>,
    /// From when on it is refused; null for never.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<Timestamp>>,
}

/// How a key is rotated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rotation {
    /// How long the old key goes on, in seconds.
    #[schema(format = Int64, maximum = 4_294_967_295_u32)]
    grace_seconds: u32,
}

/// List the keys of an environment
#[utoipa::path(get, path = "/api/admin/environments/{environment}/keys", tag = "keys",
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "The most keys to return, 1 to 1,000; 1,000 unless told."),
           ("after" = Option<i64>, Query, description = "Only what comes after the key of this id.")),
    responses((status = 200, description = "Its keys in the order of their creation; the text of server keys is null", body = Vec<KeyRecord>)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    environment: Names<EnvironmentName>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = params
        .0
        .page(|id| KeyNumber::try_from(id).map(|KeyNumber(id)| id))?;
    let limit = page.limit;
    let keys = services.keys.clone();
    let path = answer::location(&["environments", environment.0.as_str(), "keys"]);
    let listing = services
        .blocking
        .read(move || keys.list(&environment.0, &page))
        .await?;
    Ok(paging::list(
        &listing,
        limit,
        &path,
        |one| KeyRecord::with_last_use(one, services.serving.last_used(&one.digest)),
        |one| one.id.to_string(),
    ))
}

/// Create a key
///
/// The text of a server key is shown in this answer and never again.
#[utoipa::path(post, path = "/api/admin/environments/{environment}/keys", tag = "keys", request_body = NewKey,
    params(("environment" = schema::Name, Path, description = "The environment's name")),
    responses((status = 201, description = "Created", body = KeyRecord)))]
pub(crate) async fn create(
    admin: Admin,
    services: web::Data<Services>,
    environment: Names<EnvironmentName>,
    body: Body<NewKey>,
) -> Result<HttpResponse, Problem> {
    let command = CreateKey {
        name: body.0.name,
        kind: body.0.kind,
        expires_at: body.0.expires_at,
        text: None,
    };
    let keys = services.keys.clone();
    let issued = services
        .blocking
        .run(move || keys.create(&admin.actor(), &environment.0, command))
        .await?;
    Ok(shown_once(&issued))
}

/// Show a key
///
/// The text of a server key is null.
#[utoipa::path(get, path = "/api/admin/environments/{environment}/keys/{id}", tag = "keys",
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("id" = i64, Path, description = "The key's id")),
    responses((status = 200, description = "The key", body = KeyRecord)))]
pub(crate) async fn show(
    _: Viewer,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, KeyNumber)>,
) -> Result<HttpResponse, Problem> {
    let (environment, KeyNumber(id)) = names.0;
    let keys = services.keys.clone();
    let key = services
        .blocking
        .read(move || keys.get(&environment, id))
        .await?;
    let last_used = services.serving.last_used(&key.digest);
    let record = KeyRecord::with_last_use(&key, last_used);
    Ok(answer::record(key.version, &record))
}

/// Change a key
///
/// Its name, or from when on it is refused. Its text stays what it is.
#[utoipa::path(patch, path = "/api/admin/environments/{environment}/keys/{id}", tag = "keys", request_body = KeyChange,
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("id" = i64, Path, description = "The key's id")),
    responses((status = 200, description = "The key as it is now", body = KeyRecord)))]
pub(crate) async fn change(
    admin: Admin,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, KeyNumber)>,
    accepts: Accepts,
    body: Body<KeyChange>,
) -> Result<HttpResponse, Problem> {
    let (environment, KeyNumber(id)) = names.0;
    let change = ChangeKey {
        name: body.0.name,
        expires_at: body.0.expires_at,
    };
    let keys = services.keys.clone();
    let written = services
        .blocking
        .run(move || keys.change(&admin.actor(), &environment, id, &change, &accepts.0))
        .await?;
    let last_used = services.serving.last_used(&written.record.digest);
    Ok(answer::changed(
        written.revision,
        written.record.version,
        &KeyRecord::with_last_use(&written.record, last_used),
    ))
}

/// Rotate a key
///
/// Makes a new key of the same name and kind, without an expiry. The old one goes on for `grace_seconds`, so that applications can change
/// over.
#[utoipa::path(post, path = "/api/admin/environments/{environment}/keys/{id}/rotate", tag = "keys", request_body = Rotation,
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("id" = i64, Path, description = "The old key's id")),
    responses((status = 201, description = "The new key", body = KeyRecord)))]
pub(crate) async fn rotate(
    admin: Admin,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, KeyNumber)>,
    accepts: Accepts,
    body: Body<Rotation>,
) -> Result<HttpResponse, Problem> {
    let (environment, KeyNumber(id)) = names.0;
    let keys = services.keys.clone();
    let grace = body.0.grace_seconds;
    let issued = services
        .blocking
        .run(move || keys.rotate(&admin.actor(), &environment, id, grace, &accepts.0))
        .await?;
    Ok(shown_once(&issued))
}

/// Revoke a key
///
/// It is refused from the answer on.
#[utoipa::path(delete, path = "/api/admin/environments/{environment}/keys/{id}", tag = "keys",
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("id" = i64, Path, description = "The key's id")),
    responses((status = 204, description = "Revoked")))]
pub(crate) async fn delete(
    admin: Admin,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, KeyNumber)>,
    accepts: Accepts,
) -> Result<HttpResponse, Problem> {
    let (environment, KeyNumber(id)) = names.0;
    let keys = services.keys.clone();
    let revision = services
        .blocking
        .run(move || keys.delete(&admin.actor(), &environment, id, &accepts.0))
        .await?;
    Ok(answer::deleted(revision))
}

fn shown_once(issued: &IssuedKey) -> HttpResponse {
    let key = &issued.written.record;
    let record = KeyRecord {
        key: Some(issued.text.reveal().to_owned()),
        ..KeyRecord::from(key)
    };
    let id = record.id.to_string();
    let path = ["environments", key.environment.as_str(), "keys", &id];
    let mut response = answer::created(issued.written.revision, key.version, &path, &record);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
