//! `/api/admin/environments/{environment}/flags/{feature}/overrides`.

use actix_web::{HttpResponse, web};
use flagstaff_domain::flags::FlagValue;
use flagstaff_domain::flags::targeting::{
    ChangeOverride, NewOverride, Percentage, Priority, Split, TargetName,
};
use flagstaff_domain::flags::value::present;
use flagstaff_domain::text::{EnvironmentName, FeatureName, Identifier, SegmentName};
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::OverrideRecord;
use super::{answer, schema};
use crate::app::Services;
use crate::auth::{Editor, Viewer};
use crate::error::Problem;
use crate::json::{Body, Params};
use crate::names::{Names, OverrideNumber};
use crate::paging::{self, PageParams};
use crate::precondition::Accepts;

/// A new override, for a segment or for an identity.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideBody {
    /// The segment that gets it.
    #[schema(value_type = Option<schema::Name>)]
    segment: Option<SegmentName>,
    /// The identity that gets it.
    #[schema(value_type = Option<schema::Identifier>)]
    identity: Option<Identifier>,
    /// On or off.
    enabled: bool,
    /// What it carries; what the flag carries now, where it is left out.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::FlagValue, required = false)]
    value: Option<FlagValue>,
    /// How those in the segment are shared out among the feature's variants. For an identity none, or one with the weight 100.
    #[serde(default)]
    #[schema(value_type = Vec<schema::Share>)]
    variants: Split,
    /// How strong it is among those for segments: the lowest wins. The weakest, where it is left out; what stands there moves back.
    #[schema(value_type = Option<u32>, maximum = 1_000_000)]
    priority: Option<Priority>,
    /// The share of the segment that gets it, in percent; all of it where there is none.
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100)]
    rollout: Option<Percentage>,
}

/// What is given is changed, the rest stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverrideChange {
    /// On or off.
    enabled: Option<bool>,
    /// A new value; null is one.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::FlagValue, required = false)]
    value: Option<FlagValue>,
    /// A new split, in place of the old one.
    #[schema(value_type = Option<Vec<schema::Share>>)]
    variants: Option<Split>,
    /// A new priority; what stands there moves back.
    #[schema(value_type = Option<u32>, maximum = 1_000_000)]
    priority: Option<Priority>,
    /// A new share of the segment; null for all of it. Raising it keeps those who have it.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<f64>, minimum = 0, maximum = 100, required = false)]
    rollout: Option<Option<Percentage>>,
}

fn target(
    segment: Option<SegmentName>,
    identity: Option<Identifier>,
) -> Result<TargetName, Problem> {
    match (segment, identity) {
        (Some(segment), None) => Ok(TargetName::Segment(segment)),
        (None, Some(identity)) => Ok(TargetName::Identity(identity)),
        (None, None) => Err(Problem::field(
            "segment",
            "is missing: name a segment, or an identity in \"identity\"",
        )),
        (Some(_), Some(_)) => Err(Problem::field(
            "identity",
            "must be left out where there is a segment",
        )),
    }
}

impl TryFrom<OverrideBody> for NewOverride {
    type Error = Problem;

    fn try_from(body: OverrideBody) -> Result<Self, Problem> {
        Ok(Self {
            target: target(body.segment, body.identity)?,
            enabled: body.enabled,
            value: body.value,
            variants: body.variants,
            priority: body.priority,
            rollout: body.rollout,
        })
    }
}

impl From<OverrideChange> for ChangeOverride {
    fn from(change: OverrideChange) -> Self {
        Self {
            enabled: change.enabled,
            value: change.value,
            variants: change.variants,
            priority: change.priority,
            rollout: change.rollout,
        }
    }
}

/// List the overrides of a flag
#[utoipa::path(get, path = "/api/admin/environments/{environment}/flags/{feature}/overrides", tag = "overrides",
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("feature" = schema::Name, Path, description = "The feature's name"),
           ("limit" = Option<usize>, Query, minimum = 1, maximum = 1000, description = "The most overrides to return, 1 to 1,000; 1,000 unless told."),
           ("after" = Option<i64>, Query, description = "Only what comes after the override of this id.")),
    responses((status = 200, description = "Those for segments, the strongest first, then those for identities", body = Vec<OverrideRecord>)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, FeatureName)>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = params
        .0
        .page(|id| OverrideNumber::try_from(id).map(|OverrideNumber(id)| id))?;
    let limit = page.limit;
    let (environment, feature) = names.0;
    let path = answer::location(&path(&environment, &feature));
    let targeting = services.targeting.clone();
    let listing = services
        .blocking
        .read(move || targeting.list_overrides(&environment, &feature, &page))
        .await?;
    Ok(paging::list(
        &listing,
        limit,
        &path,
        |one| OverrideRecord::from(one),
        |one| one.id.to_string(),
    ))
}

fn path<'a>(environment: &'a EnvironmentName, feature: &'a FeatureName) -> [&'a str; 5] {
    let (environment, feature) = (environment.as_str(), feature.as_str());
    ["environments", environment, "flags", feature, "overrides"]
}

/// Create an override
///
/// For a segment or for an identity, which has one of each flag.
#[utoipa::path(post, path = "/api/admin/environments/{environment}/flags/{feature}/overrides", tag = "overrides", request_body = OverrideBody,
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("feature" = schema::Name, Path, description = "The feature's name")),
    responses((status = 201, description = "Created", body = OverrideRecord),
              (status = 409, description = "The target has one, features would depend on one another in a circle, or a segment that is a share itself would have a rollout", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create(
    editor: Editor,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, FeatureName)>,
    body: Body<OverrideBody>,
) -> Result<HttpResponse, Problem> {
    let (environment, feature) = names.0;
    let new = body.0.try_into()?;
    let targeting = services.targeting.clone();
    let written = services
        .blocking
        .run(move || targeting.create_override(&editor.actor(), &environment, &feature, new))
        .await?;
    let created = &written.record;
    let id = created.id.to_string();
    let [a, b, c, d, e] = path(&created.environment, &created.feature);
    Ok(answer::created(
        written.revision,
        created.version,
        &[a, b, c, d, e, &id],
        &OverrideRecord::from(created),
    ))
}

/// Show an override
#[utoipa::path(get, path = "/api/admin/environments/{environment}/flags/{feature}/overrides/{id}", tag = "overrides",
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("feature" = schema::Name, Path, description = "The feature's name"),
           ("id" = i64, Path, description = "The override's id")),
    responses((status = 200, description = "The override", body = OverrideRecord)))]
pub(crate) async fn show(
    _: Viewer,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, FeatureName, OverrideNumber)>,
) -> Result<HttpResponse, Problem> {
    let (environment, feature, OverrideNumber(id)) = names.0;
    let targeting = services.targeting.clone();
    let found = services
        .blocking
        .read(move || targeting.get_override(&environment, &feature, id))
        .await?;
    Ok(answer::record(found.version, &OverrideRecord::from(&found)))
}

/// Change an override
#[utoipa::path(patch, path = "/api/admin/environments/{environment}/flags/{feature}/overrides/{id}", tag = "overrides", request_body = OverrideChange,
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("feature" = schema::Name, Path, description = "The feature's name"),
           ("id" = i64, Path, description = "The override's id")),
    responses((status = 200, description = "The override as it is now", body = OverrideRecord),
              (status = 409, description = "A segment that is a share itself would have a rollout", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn change(
    editor: Editor,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, FeatureName, OverrideNumber)>,
    accepts: Accepts,
    body: Body<OverrideChange>,
) -> Result<HttpResponse, Problem> {
    let (environment, feature, OverrideNumber(id)) = names.0;
    let change = body.0.into();
    let targeting = services.targeting.clone();
    let written = services
        .blocking
        .run(move || {
            let actor = editor.actor();
            targeting.change_override(&actor, &environment, &feature, id, &change, &accepts.0)
        })
        .await?;
    Ok(answer::changed(
        written.revision,
        written.record.version,
        &OverrideRecord::from(&written.record),
    ))
}

/// Delete an override
#[utoipa::path(delete, path = "/api/admin/environments/{environment}/flags/{feature}/overrides/{id}", tag = "overrides",
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("feature" = schema::Name, Path, description = "The feature's name"),
           ("id" = i64, Path, description = "The override's id")),
    responses((status = 204, description = "Deleted")))]
pub(crate) async fn delete(
    editor: Editor,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, FeatureName, OverrideNumber)>,
    accepts: Accepts,
) -> Result<HttpResponse, Problem> {
    let (environment, feature, OverrideNumber(id)) = names.0;
    let targeting = services.targeting.clone();
    let revision = services
        .blocking
        .run(move || {
            targeting.delete_override(&editor.actor(), &environment, &feature, id, &accepts.0)
        })
        .await?;
    Ok(answer::deleted(revision))
}
