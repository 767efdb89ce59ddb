//! `/api/admin/segments`, and the operators that their conditions may have.

use actix_web::{HttpResponse, web};
use flagstaff_domain::flags::evaluation::Operator;
use flagstaff_domain::flags::targeting::{ChangeSegment, Rule};
use flagstaff_domain::text::{Description, SegmentName};
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::{OperatorRecord, SegmentRecord};
use super::{answer, schema};
use crate::app::Services;
use crate::auth::{Editor, Viewer};
use crate::error::Problem;
use crate::json::{Body, Params};
use crate::names::Names;
use crate::paging::{self, PageParams};
use crate::precondition::Accepts;

/// A new segment.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewSegment {
    /// Its name, unique without regard to case.
    #[schema(value_type = schema::Name)]
    pub(crate) name: SegmentName,
    /// Whom it means.
    #[serde(default)]
    #[schema(value_type = schema::Description)]
    description: Description,
    /// All of them must hold; where there are none, nobody is in it.
    #[schema(value_type = Vec<schema::Rule>, max_items = 100)]
    pub(crate) rules: Vec<Rule>,
}

/// What is given is changed, the rest stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SegmentChange {
    /// A new name.
    #[schema(value_type = Option<schema::Name>)]
    name: Option<SegmentName>,
    /// A new description.
    #[schema(value_type = Option<schema::Description>)]
    description: Option<Description>,
    /// New rules, in place of all old ones.
    #[schema(value_type = Option<Vec<schema::Rule>>, max_items = 100)]
    rules: Option<Vec<Rule>>,
}

impl From<SegmentChange> for ChangeSegment {
    fn from(change: SegmentChange) -> Self {
        Self {
            name: change.name,
            description: change.description,
            rules: change.rules,
        }
    }
}

/// List segments
#[utoipa::path(get, path = "/api/admin/segments", tag = "segments", params(PageParams),
    responses((status = 200, description = "The segments, sorted by name", body = Vec<SegmentRecord>)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = params.0.page(SegmentName::parse)?;
    let limit = page.limit;
    let targeting = services.targeting.clone();
    let listing = services
        .blocking
        .read(move || targeting.list_segments(&page))
        .await?;
    Ok(paging::list(
        &listing,
        limit,
        "/api/admin/segments",
        |one| SegmentRecord::from(one),
        |one| one.name.to_string(),
    ))
}

/// Create a segment
///
/// It is the same in every environment; overrides say what those in it get.
#[utoipa::path(post, path = "/api/admin/segments", tag = "segments", request_body = NewSegment,
    responses((status = 201, description = "Created", body = SegmentRecord),
              (status = 409, description = "The name is taken", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create(
    editor: Editor,
    services: web::Data<Services>,
    body: Body<NewSegment>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let targeting = services.targeting.clone();
    let written = services
        .blocking
        .run(move || {
            targeting.create_segment(&editor.actor(), body.name, body.description, body.rules)
        })
        .await?;
    let record = SegmentRecord::with_warnings(&written.record);
    Ok(answer::created(
        written.revision,
        written.record.version,
        &["segments", &record.name],
        &record,
    ))
}

/// Show a segment
#[utoipa::path(get, path = "/api/admin/segments/{segment}", tag = "segments",
    params(("segment" = schema::Name, Path, description = "Its name")),
    responses((status = 200, description = "The segment", body = SegmentRecord)))]
pub(crate) async fn show(
    _: Viewer,
    services: web::Data<Services>,
    name: Names<SegmentName>,
) -> Result<HttpResponse, Problem> {
    let targeting = services.targeting.clone();
    let segment = services
        .blocking
        .read(move || targeting.get_segment(&name.0))
        .await?;
    Ok(answer::record(
        segment.version,
        &SegmentRecord::from(&segment),
    ))
}

/// Change a segment
///
/// In every environment.
#[utoipa::path(patch, path = "/api/admin/segments/{segment}", tag = "segments", request_body = SegmentChange,
    params(("segment" = schema::Name, Path, description = "Its name")),
    responses((status = 200, description = "The segment as it is now", body = SegmentRecord),
              (status = 409, description = "The new name is taken, features would depend on one another in a circle, or a segment that is a share itself would have a rollout", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn change(
    editor: Editor,
    services: web::Data<Services>,
    name: Names<SegmentName>,
    accepts: Accepts,
    body: Body<SegmentChange>,
) -> Result<HttpResponse, Problem> {
    let change: ChangeSegment = body.0.into();
    let new_rules = change.rules.is_some();
    let targeting = services.targeting.clone();
    let written = services
        .blocking
        .run(move || targeting.change_segment(&editor.actor(), &name.0, &change, &accepts.0))
        .await?;
    let record = if new_rules {
        SegmentRecord::with_warnings(&written.record)
    } else {
        SegmentRecord::from(&written.record)
    };
    Ok(answer::changed(
        written.revision,
        written.record.version,
        &record,
    ))
}

/// Delete a segment
#[utoipa::path(delete, path = "/api/admin/segments/{segment}", tag = "segments",
    params(("segment" = schema::Name, Path, description = "Its name")),
    responses((status = 204, description = "Deleted"),
              (status = 409, description = "Overrides are for it", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn delete(
    editor: Editor,
    services: web::Data<Services>,
    name: Names<SegmentName>,
    accepts: Accepts,
) -> Result<HttpResponse, Problem> {
    let targeting = services.targeting.clone();
    let revision = services
        .blocking
        .run(move || targeting.delete_segment(&editor.actor(), &name.0, &accepts.0))
        .await?;
    Ok(answer::deleted(revision))
}

/// List the operators
///
/// What a condition may ask of a property, and what its value must be.
#[utoipa::path(get, path = "/api/admin/operators", tag = "operators",
    responses((status = 200, description = "The operators, Flagsmith's first", body = Vec<OperatorRecord>)))]
pub(crate) async fn operators(_: Viewer) -> HttpResponse {
    let all: Vec<OperatorRecord> = Operator::all().map(OperatorRecord::from).collect();
    HttpResponse::Ok().json(all)
}
