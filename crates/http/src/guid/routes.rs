//! `/guid` and `/guid/{guid}`.

use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::{HttpResponse, web};
use flagstaff_domain::access::{Author, CreateGuid, Granting, Guid};

use super::Named;
use super::dto::{GuidBody, GuidChange, NewGuid};
use crate::admin::{answer, schema};
use crate::app::Services;
use crate::auth::{Admin, Editor};
use crate::error::Problem;
use crate::json::Body;
use crate::precondition::Accepts;

/// Who makes a change: an administrator may let a GUID open an environment.
fn author(editor: &Editor, admin: Option<&Admin>) -> Author {
    Author {
        actor: editor.actor(),
        granting: match admin {
            Some(_) => Granting::Allowed,
            None => Granting::Refused,
        },
    }
}

/// Create a record with a GUID that is made up
#[utoipa::path(post, path = "/guid", tag = "guid", request_body = NewGuid,
    responses((status = 201, description = "Created", body = GuidBody)))]
pub(crate) async fn generate(
    editor: Editor,
    admin: Option<Admin>,
    services: web::Data<Services>,
    body: Body<NewGuid>,
) -> Result<HttpResponse, Problem> {
    let author = author(&editor, admin.as_ref());
    make(&services, author, None, body.0.into()).await
}

/// Create a record with this GUID
///
/// The GUID of a record that has expired may be used again, for a new record.
#[utoipa::path(post, path = "/guid/{guid}", tag = "guid", operation_id = "create", request_body = NewGuid,
    params(("guid" = schema::Guid, Path, description = "The GUID")),
    responses((status = 201, description = "Created", body = GuidBody)))]
pub(crate) async fn create(
    named: Named,
    editor: Editor,
    admin: Option<Admin>,
    services: web::Data<Services>,
    body: Body<NewGuid>,
) -> Result<HttpResponse, Problem> {
    let author = author(&editor, admin.as_ref());
    make(&services, author, Some(named.0), body.0.into()).await
}

async fn make(
    services: &Services,
    author: Author,
    guid: Option<Guid>,
    command: CreateGuid,
) -> Result<HttpResponse, Problem> {
    let guids = services.guids.clone();
    let issued = services
        .blocking
        .run(move || guids.create(&author, guid, command))
        .await?;
    let record = &issued.written.record;
    let location = format!("/guid/{}", issued.guid.reveal());
    Ok(kept_nowhere(answer::created_at(
        issued.written.revision,
        record.version,
        location,
        &GuidBody::new(&issued.guid, record),
    )))
}

/// Show a record
///
/// Knowing the GUID is the credential. A record that has expired is unknown. Records that were read lately are answered from memory.
#[utoipa::path(get, path = "/guid/{guid}", tag = "guid", security(()),
    params(("guid" = schema::Guid, Path, description = "The GUID")),
    responses((status = 200, description = "The record", body = GuidBody)))]
pub(crate) async fn show(
    named: Named,
    services: web::Data<Services>,
) -> Result<HttpResponse, Problem> {
    let digest = named.0.digest();
    let record = match services.guids.remembered(&digest) {
        Some(record) => record,
        None => {
            let guids = services.guids.clone();
            services.register.read(move || guids.get(&digest)).await?
        }
    };
    let body = GuidBody::new(&named.0, &record);
    Ok(kept_nowhere(answer::record(record.version, &body)))
}

/// Change a record
///
/// A record that has expired and is not purged yet can be given a new end.
#[utoipa::path(patch, path = "/guid/{guid}", tag = "guid", request_body = GuidChange,
    params(("guid" = schema::Guid, Path, description = "The GUID")),
    responses((status = 200, description = "The whole record", body = GuidBody)))]
pub(crate) async fn change(
    named: Named,
    editor: Editor,
    admin: Option<Admin>,
    services: web::Data<Services>,
    accepts: Accepts,
    body: Body<GuidChange>,
) -> Result<HttpResponse, Problem> {
    let author = author(&editor, admin.as_ref());
    let (guids, digest) = (services.guids.clone(), named.0.digest());
    let written = services
        .blocking
        .run(move || guids.change(&author, &digest, &body.0.into(), &accepts.0))
        .await?;
    let body = GuidBody::new(&named.0, &written.record);
    let version = written.record.version;
    Ok(kept_nowhere(answer::changed(
        written.revision,
        version,
        &body,
    )))
}

/// Delete a record
#[utoipa::path(delete, path = "/guid/{guid}", tag = "guid",
    params(("guid" = schema::Guid, Path, description = "The GUID")),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    named: Named,
    editor: Editor,
    admin: Option<Admin>,
    services: web::Data<Services>,
    accepts: Accepts,
) -> Result<HttpResponse, Problem> {
    let author = author(&editor, admin.as_ref());
    let (guids, digest) = (services.guids.clone(), named.0.digest());
    let revision = services
        .blocking
        .run(move || guids.delete(&author, &digest, &accepts.0))
        .await?;
    Ok(kept_nowhere(answer::deleted(revision)))
}

/// No cache may keep what only those may read who know the path.
fn kept_nowhere(mut response: HttpResponse) -> HttpResponse {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
