//! `/api/admin/features`.

use actix_web::{HttpResponse, web};
use flagstaff_domain::flags::targeting::Variants;
use flagstaff_domain::flags::value::present;
use flagstaff_domain::flags::{
    ChangeFeature, CreateFeature, FeatureFilter, FeatureKind, FlagValue,
};
use flagstaff_domain::text::{Description, EnvironmentName, FeatureName, Tags};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::dto::FeatureRecord;
use super::environments::Deletion;
use super::{answer, schema};
use crate::app::Services;
use crate::auth::{Editor, Viewer};
use crate::error::Problem;
use crate::json::{Body, Params};
use crate::names::Names;
use crate::paging::{self, PageParams};
use crate::precondition::Accepts;

/// A new feature.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewFeature {
    /// Its name, unique without regard to case.
    #[schema(value_type = schema::Name)]
    name: FeatureName,
    /// What it does.
    #[serde(default)]
    #[schema(value_type = schema::Description)]
    description: Description,
    /// What kind it is; `STANDARD` unless told.
    #[serde(default, rename = "type")]
    #[schema(value_type = schema::FeatureType)]
    kind: FeatureKind,
    /// The value its flags begin with.
    #[serde(default)]
    #[schema(value_type = schema::FlagValue)]
    initial_value: FlagValue,
    /// Whether its flags begin enabled.
    #[serde(default)]
    default_enabled: bool,
    /// Whether it is shown to server keys alone.
    #[serde(default)]
    server_key_only: bool,
    /// Words by which it is grouped, each once.
    #[serde(default)]
    #[schema(value_type = HashSet<schema::Tag>, max_items = 50)]
    tags: Tags,
    /// The values that it may have beside a flag's own, each key once; with any it is `MULTIVARIATE`.
    #[serde(default)]
    #[schema(value_type = Vec<schema::Variant>, max_items = 100)]
    variants: Variants,
    /// Environments in which its flag begins enabled whatever `default_enabled` says.
    #[serde(default)]
    #[schema(value_type = Vec<schema::Name>)]
    enabled_in: Vec<EnvironmentName>,
}

/// What is given is changed, the rest stays. Flags keep their state: defaults concern environments to come.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FeatureChange {
    /// A new name.
    #[schema(value_type = Option<schema::Name>)]
    name: Option<FeatureName>,
    /// A new description.
    #[schema(value_type = Option<schema::Description>)]
    description: Option<Description>,
    /// A new kind.
    #[serde(default, rename = "type")]
    #[schema(value_type = Option<schema::FeatureType>)]
    kind: Option<FeatureKind>,
    /// A new initial value; null is one.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::FlagValue, required = false)]
    initial_value: Option<FlagValue>,
    /// A new default.
    default_enabled: Option<bool>,
    /// Shown to server keys alone, or to all.
    server_key_only: Option<bool>,
    /// New tags, in place of all old ones.
    #[schema(value_type = Option<HashSet<schema::Tag>>, max_items = 50)]
    tags: Option<Tags>,
    /// All its variants from now on. Those that it has stay in their order and may get another value, new ones are appended, and
    /// one that is left out goes unless some flag gives it a share.
    #[schema(value_type = Option<Vec<schema::Variant>>, max_items = 100)]
    variants: Option<Variants>,
    /// Put away, or taken out again. An archived feature is served as before.
    archived: Option<bool>,
    /// Done with, or not: it may go once no code asks for it.
    stale: Option<bool>,
}

/// Which features are asked for.
#[derive(Debug, Clone, Deserialize, Serialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The most records to return, 1 to 1,000; 1,000 unless told.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only what comes after the record of this name.
    #[param(value_type = Option<schema::Name>)]
    after: Option<String>,
    /// Only those that are archived, or only the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    archived: Option<bool>,
    /// Only those that are stale, or only the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<bool>,
}

/// List features
#[utoipa::path(get, path = "/api/admin/features", tag = "features", params(Wanted),
    responses((status = 200, description = "The features, sorted by name", body = Vec<FeatureRecord>)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    wanted: Params<Wanted>,
) -> Result<HttpResponse, Problem> {
    let wanted = wanted.0;
    let page = PageParams {
        limit: wanted.limit,
        after: wanted.after.clone(),
    };
    let page = page.page(FeatureName::parse)?;
    let limit = page.limit;
    let filter = FeatureFilter {
        archived: wanted.archived,
        stale: wanted.stale,
    };
    let flags = services.flags.clone();
    let listing = services
        .blocking
        .read(move || flags.list_features(&page, filter))
        .await?;
    let mut response = HttpResponse::Ok();
    if let Some(last) = listing.items.last().filter(|_| listing.more) {
        let next = Wanted {
            limit: Some(limit),
            after: Some(last.name.to_string()),
            ..wanted
        };
        response.insert_header(paging::link("/api/admin/features", &next));
    }
    let records: Vec<_> = listing.items.iter().map(FeatureRecord::from).collect();
    Ok(response.json(records))
}

/// Create a feature
///
/// It gets a flag in every environment.
#[utoipa::path(post, path = "/api/admin/features", tag = "features", request_body = NewFeature,
    responses((status = 201, description = "Created", body = FeatureRecord),
              (status = 409, description = "The name is taken", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn create(
    editor: Editor,
    services: web::Data<Services>,
    body: Body<NewFeature>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let command = CreateFeature {
        description: body.description,
        kind: body.kind,
        initial_value: body.initial_value,
        default_enabled: body.default_enabled,
        server_key_only: body.server_key_only,
        tags: body.tags,
        variants: body.variants,
        enabled_in: body.enabled_in,
        ..CreateFeature::named(body.name)
    };
    let flags = services.flags.clone();
    let written = services
        .blocking
        .run(move || flags.create_feature(&editor.actor(), &command))
        .await?;
    let record = FeatureRecord::with_warnings(&written.record);
    Ok(answer::created(
        written.revision,
        written.record.version,
        &["features", &record.name],
        &record,
    ))
}

/// Show a feature
#[utoipa::path(get, path = "/api/admin/features/{feature}", tag = "features",
    params(("feature" = schema::Name, Path, description = "Its name")),
    responses((status = 200, description = "The feature", body = FeatureRecord)))]
pub(crate) async fn show(
    _: Viewer,
    services: web::Data<Services>,
    name: Names<FeatureName>,
) -> Result<HttpResponse, Problem> {
    let flags = services.flags.clone();
    let feature = services
        .blocking
        .read(move || flags.get_feature(&name.0))
        .await?;
    Ok(answer::record(
        feature.version,
        &FeatureRecord::from(&feature),
    ))
}

/// Change a feature
#[utoipa::path(patch, path = "/api/admin/features/{feature}", tag = "features", request_body = FeatureChange,
    params(("feature" = schema::Name, Path, description = "Its name")),
    responses((status = 200, description = "The feature as it is now", body = FeatureRecord),
              (status = 409, description = "The new name is taken, or a flag gives a variant that would go a share", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn change(
    editor: Editor,
    services: web::Data<Services>,
    name: Names<FeatureName>,
    accepts: Accepts,
    body: Body<FeatureChange>,
) -> Result<HttpResponse, Problem> {
    let body = body.0;
    let renamed = body.name.is_some();
    let change = ChangeFeature {
        name: body.name,
        description: body.description,
        kind: body.kind,
        initial_value: body.initial_value,
        default_enabled: body.default_enabled,
        server_key_only: body.server_key_only,
        tags: body.tags,
        variants: body.variants,
        archived: body.archived,
        stale: body.stale,
    };
    let flags = services.flags.clone();
    let written = services
        .blocking
        .run(move || flags.change_feature(&editor.actor(), &name.0, &change, &accepts.0))
        .await?;
    let record = if renamed {
        FeatureRecord::with_warnings(&written.record)
    } else {
        FeatureRecord::from(&written.record)
    };
    Ok(answer::changed(
        written.revision,
        written.record.version,
        &record,
    ))
}

/// Delete a feature
///
/// With its flags. One that applications used within the last 24 hours is kept unless `force` is true.
#[utoipa::path(delete, path = "/api/admin/features/{feature}", tag = "features",
    params(("feature" = schema::Name, Path, description = "Its name"), Deletion),
    responses((status = 204, description = "Deleted"),
              (status = 409, description = "Applications still use it, or something names it", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn delete(
    editor: Editor,
    services: web::Data<Services>,
    name: Names<FeatureName>,
    accepts: Accepts,
    deletion: Params<Deletion>,
) -> Result<HttpResponse, Problem> {
    let flags = services.flags.clone();
    let force = deletion.0.force;
    let revision = services
        .blocking
        .run(move || flags.delete_feature(&editor.actor(), &name.0, &accepts.0, force))
        .await?;
    Ok(answer::deleted(revision))
}
