//! `/api/admin/environments/{environment}/usage`.

use actix_web::http::header;
use actix_web::{HttpResponse, web};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::{HourOfUse, UsageReport};
use flagstaff_domain::text::{EnvironmentName, FeatureName};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::schema;
use crate::app::Services;
use crate::auth::Viewer;
use crate::error::Problem;
use crate::json::Params;
use crate::names::Names;

/// The most days that are told of at once.
const DAYS_MAX: i64 = 31;

/// Which uses are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// Uses of one feature.
    #[param(value_type = Option<schema::Name>)]
    feature: Option<FeatureName>,
    /// From the hour of this instant on; 24 hours before `to` unless told.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Timestamp>,
    /// Until this instant, at most 31 days after `from`; now unless told.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Timestamp>,
}

/// How often features were used in an environment, as applications tell.
#[derive(Debug, Serialize, ToSchema)]
pub struct UsageRecord {
    /// The environment.
    environment: String,
    /// From when.
    #[schema(format = DateTime)]
    from: String,
    /// Until when.
    #[schema(format = DateTime)]
    to: String,
    /// The features that were used, sorted by name.
    features: Vec<FeatureUsage>,
}

/// How often one feature was used.
#[derive(Debug, Serialize, ToSchema)]
pub struct FeatureUsage {
    /// The feature.
    feature: String,
    /// How often, in all these hours.
    count: u64,
    /// The hours in which it was used, oldest first.
    hours: Vec<HourUsage>,
}

/// How often a feature was used in one hour.
#[derive(Debug, Serialize, ToSchema)]
pub struct HourUsage {
    /// When the hour began.
    #[schema(format = DateTime)]
    hour: String,
    /// How often.
    count: u64,
}

impl From<UsageReport> for UsageRecord {
    fn from(report: UsageReport) -> Self {
        let of_one = |hours: &[HourOfUse]| FeatureUsage {
            feature: hours
                .first()
                .map(|one| one.feature.to_string())
                .unwrap_or_default(),
            count: hours
                .iter()
                .fold(0, |sum, one| sum.saturating_add(one.count)),
            hours: hours
                .iter()
                .map(|one| HourUsage {
                    hour: one.hour.to_string(),
                    count: one.count,
                })
                .collect(),
        };
        let features = report.hours.chunk_by(|a, b| a.feature == b.feature);
        Self {
            environment: report.environment.to_string(),
            from: report.from.to_string(),
            to: report.to.to_string(),
            features: features.map(of_one).collect(),
        }
    }
}

/// Uses of features
///
/// How often applications used which feature in an environment, hour by hour, as their SDKs report it. A report that was just
/// taken is included where the process that took it answers, elsewhere within ten seconds.
#[utoipa::path(get, path = "/api/admin/environments/{environment}/usage", tag = "usage",
    params(("environment" = schema::Name, Path, description = "The environment's name"), Filter),
    responses((status = 200, description = "The uses", body = UsageRecord)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    name: Names<EnvironmentName>,
    filter: Params<Filter>,
) -> Result<HttpResponse, Problem> {
    let Filter { feature, from, to } = filter.0;
    if let (Some(from), to) = (from, to.unwrap_or_else(|| services.serving.now())) {
        let span = to.to_utc() - from.to_utc();
        if span.num_seconds() < 0 || span.num_seconds() > DAYS_MAX * 24 * 60 * 60 {
            let wanted = format!("must be before \"to\", by at most {DAYS_MAX} days");
            return Err(Problem::field("from", wanted));
        }
    }
    let usage = services.usage.clone();
    let report = services
        .blocking
        .read(move || usage.report(&name.0, feature.as_ref(), from, to))
        .await?;
    Ok(HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(UsageRecord::from(report)))
}
