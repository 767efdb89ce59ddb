//! `/api/admin/environments/{environment}/flags`.

use actix_web::{HttpResponse, web};
use flagstaff_domain::flags::targeting::Split;
use flagstaff_domain::flags::value::present;
use flagstaff_domain::flags::{ChangeFlag, FlagValue};
use flagstaff_domain::text::{EnvironmentName, FeatureName};
use serde::Deserialize;
use utoipa::ToSchema;

use super::dto::FlagRecord;
use super::{answer, schema};
use crate::app::Services;
use crate::auth::{Editor, Viewer};
use crate::error::Problem;
use crate::json::{Body, Params};
use crate::names::Names;
use crate::paging::{self, PageParams};
use crate::precondition::Accepts;

/// What is given is changed, the rest stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FlagChange {
    /// On or off.
    enabled: Option<bool>,
    /// A new value; null is one.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::FlagValue, required = false)]
    value: Option<FlagValue>,
    /// A new split, in place of the old one: which part of the identities gets which variant. The rest gets the value.
    #[schema(value_type = Option<Vec<schema::Share>>, max_items = 100)]
    variants: Option<Split>,
    /// True: off for everyone, overrides included, until it is false again; nothing else of the flag changes.
    killed: Option<bool>,
}

impl From<FlagChange> for ChangeFlag {
    fn from(change: FlagChange) -> Self {
        Self {
            enabled: change.enabled,
            value: change.value,
            variants: change.variants,
            killed: change.killed,
        }
    }
}

/// List the flags of an environment
#[utoipa::path(get, path = "/api/admin/environments/{environment}/flags", tag = "flags",
    params(("environment" = schema::Name, Path, description = "The environment's name"), PageParams),
    responses((status = 200, description = "Its flags, sorted by feature", body = Vec<FlagRecord>)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    environment: Names<EnvironmentName>,
    params: Params<PageParams>,
) -> Result<HttpResponse, Problem> {
    let page = params.0.page(FeatureName::parse)?;
    let limit = page.limit;
    let flags = services.flags.clone();
    let path = answer::location(&["environments", environment.0.as_str(), "flags"]);
    let listing = services
        .blocking
        .read(move || flags.list_flags(&environment.0, &page))
        .await?;
    Ok(paging::list(
        &listing,
        limit,
        &path,
        |one| FlagRecord::from(one),
        |one| one.feature.to_string(),
    ))
}

/// Show a flag
#[utoipa::path(get, path = "/api/admin/environments/{environment}/flags/{feature}", tag = "flags",
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("feature" = schema::Name, Path, description = "The feature's name")),
    responses((status = 200, description = "The flag", body = FlagRecord)))]
pub(crate) async fn show(
    _: Viewer,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, FeatureName)>,
) -> Result<HttpResponse, Problem> {
    let flags = services.flags.clone();
    let (environment, feature) = names.0;
    let flag = services
        .blocking
        .read(move || flags.get_flag(&environment, &feature))
        .await?;
    Ok(answer::record(flag.version, &FlagRecord::from(&flag)))
}

/// Switch a flag, or set its value or its split
#[utoipa::path(patch, path = "/api/admin/environments/{environment}/flags/{feature}", tag = "flags", request_body = FlagChange,
    params(("environment" = schema::Name, Path, description = "The environment's name"),
           ("feature" = schema::Name, Path, description = "The feature's name")),
    responses((status = 200, description = "The flag as it is now", body = FlagRecord)))]
pub(crate) async fn change(
    editor: Editor,
    services: web::Data<Services>,
    names: Names<(EnvironmentName, FeatureName)>,
    accepts: Accepts,
    body: Body<FlagChange>,
) -> Result<HttpResponse, Problem> {
    let (environment, feature) = names.0;
    let change = body.0.into();
    let flags = services.flags.clone();
    let written = services
        .blocking
        .run(move || {
            flags.change_flag(&editor.actor(), &environment, &feature, &change, &accepts.0)
        })
        .await?;
    Ok(answer::changed(
        written.revision,
        written.record.version,
        &FlagRecord::from(&written.record),
    ))
}
