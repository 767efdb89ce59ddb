//! `/api/admin/environments`.

use actix_web::{HttpResponse, web};
use flagstaff_domain::flags::{ChangeEnvironment, CreateEnvironment};
use flagstaff_domain::text::{Description, EnvironmentName};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::dto::EnvironmentRecord;
use super::{answer, schema};
use crate::app::Services;
use crate::auth::{Editor, Viewer};
use crate::error::Problem;
use crate::json::{Body, Params};
use crate::names::Names;
use crate::paging::{self, PageParams};
use crate::precondition::Accepts;

/// A new environment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEnvironment {
    /// Its name, unique without regard to case.
    #[schema(value_type = schema::Name)]
    name: EnvironmentName,
    /// What it is for.
    #[serde(default)]
    #[schema(value_type = schema::Description)]
    description: Description,
}

/// What is given is changed, the rest stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnvironmentChange {
    /// A new name.
    #[schema(value_type = Option<schema::Name>)]
    name: Option<EnvironmentName>,
    /// A new description.
    #[schema(value_type = Option<schema::Description>)]
    description: Option<Description>,
}

/// How something is deleted that applications may use.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Deletion {
    /// Delete it although applications used it within the last 24 hours.
    #[serde(default)]
    pub(super) force: bool,
}

/// List environments
#[utoipa::path(get, path = "/api/admin/environments", tag = "environments", params(PageParams),
    responses((status = 200, description = "The environments, sorted by name", body = Vec<EnvironmentRecord>)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = params.0.page(EnvironmentName::parse)?;
    let limit = page.limit;
    let flags = services.flags.clone();
    let listing = services
        .blocking
        .read(move || flags.list_environments(&page))
        .await?;
    Ok(paging::list(
        &listing,
        limit,
        "/api/admin/environments",
        |one| EnvironmentRecord::from(one),
        |one| one.name.to_string(),
    ))
}

/// Create an environment
///
/// It gets a flag for every feature, with the feature's defaults.
#[utoipa::path(post, path = "/api/admin/environments", tag = "environments", request_body = NewEnvironment,
    responses((status = 201, description = "Created", body = EnvironmentRecord),
              (status = 409, description = "The name is taken", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create(
    editor: Editor,
    services: web::Data<Services>,
    body: Body<NewEnvironment>,
) -> Result<HttpResponse, Problem> {
    let command = CreateEnvironment {
        name: body.0.name,
        description: body.0.description,
    };
    let flags = services.flags.clone();
    let written = services
        .blocking
        .run(move || flags.create_environment(&editor.actor(), &command))
        .await?;
    let record = EnvironmentRecord::from(&written.record);
    Ok(answer::created(
        written.revision,
        written.record.version,
        &["environments", &record.name],
        &record,
    ))
}

/// Show an environment
#[utoipa::path(get, path = "/api/admin/environments/{environment}", tag = "environments",
    params(("environment" = schema::Name, Path, description = "Its name")),
    responses((status = 200, description = "The environment", body = EnvironmentRecord)))]
pub(crate) async fn show(
    _: Viewer,
    services: web::Data<Services>,
    name: Names<EnvironmentName>,
) -> Result<HttpResponse, Problem> {
    let flags = services.flags.clone();
    let environment = services
        .blocking
        .read(move || flags.get_environment(&name.0))
        .await?;
    Ok(answer::record(
        environment.version,
        &EnvironmentRecord::from(&environment),
    ))
}

/// Rename or describe an environment
#[utoipa::path(patch, path = "/api/admin/environments/{environment}", tag = "environments", request_body = EnvironmentChange,
    params(("environment" = schema::Name, Path, description = "Its name")),
    responses((status = 200, description = "The environment as it is now", body = EnvironmentRecord),
              (status = 409, description = "The new name is taken", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn change(
    editor: Editor,
    services: web::Data<Services>,
    name: Names<EnvironmentName>,
    accepts: Accepts,
    body: Body<EnvironmentChange>,
) -> Result<HttpResponse, Problem> {
    let change = ChangeEnvironment {
        name: body.0.name,
        description: body.0.description,
    };
    let flags = services.flags.clone();
    let written = services
        .blocking
        .run(move || flags.change_environment(&editor.actor(), &name.0, &change, &accepts.0))
        .await?;
    Ok(answer::changed(
        written.revision,
        written.record.version,
        &EnvironmentRecord::from(&written.record),
    ))
}

/// Delete an environment
///
/// With its flags and keys. One whose flags were retrieved from this process within the last 24 hours is kept unless
/// `force` is true.
#[utoipa::path(delete, path = "/api/admin/environments/{environment}", tag = "environments",
    params(("environment" = schema::Name, Path, description = "Its name"), Deletion),
    responses((status = 204, description = "Deleted"),
              (status = 409, description = "Applications still retrieve its flags", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn delete(
    editor: Editor,
    services: web::Data<Services>,
    name: Names<EnvironmentName>,
    accepts: Accepts,
    deletion: Params<Deletion>,
) -> Result<HttpResponse, Problem> {
    let flags = services.flags.clone();
    let force = deletion.0.force;
    let revision = services
        .blocking
        .run(move || flags.delete_environment(&editor.actor(), &name.0, &accepts.0, force))
        .await?;
    Ok(answer::deleted(revision))
}
