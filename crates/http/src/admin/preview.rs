//! `/api/admin/environments/{environment}/preview`: what changes would mean, before they are made.

mod dto;

use actix_web::{HttpResponse, web};
use flagstaff_domain::flags::Proposal;
use flagstaff_domain::ids::OverrideId;
use flagstaff_domain::text::{EnvironmentName, FeatureName, SegmentName};
use serde::Deserialize;
use utoipa::ToSchema;

use self::dto::PreviewRecord;
use super::flags::FlagChange;
use super::overrides::{OverrideBody, OverrideChange};
use super::schema;
use super::segments::{NewSegment, SegmentChange};
use crate::app::Services;
use crate::auth::Viewer;
use crate::error::Problem;
use crate::json::Body;
use crate::names::Names;

/// The most changes that are previewed together.
const CHANGES_MAX: usize = 20;

/// The changes that might be made, one after the other.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PreviewBody {
    #[schema(min_items = 1, max_items = 20)]
    changes: Vec<ProposedChange>,
}

/// A change: the call that would make it, with its names and the body that it would have.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(crate) enum ProposedChange {
    /// `PATCH /environments/{environment}/flags/{feature}`
    ChangeFlag {
        /// The feature.
        #[schema(value_type = schema::Name)]
        feature: FeatureName,
        /// The call's body.
        body: FlagChange,
    },
    /// `POST /segments`
    CreateSegment {
        /// The call's body.
        body: NewSegment,
    },
    /// `PATCH /segments/{segment}`, as far as this environment is concerned
    ChangeSegment {
        /// The segment.
        #[schema(value_type = schema::Name)]
        segment: SegmentName,
        /// The call's body.
        body: SegmentChange,
    },
    /// `POST /environments/{environment}/flags/{feature}/overrides`
    CreateOverride {
        /// The feature.
        #[schema(value_type = schema::Name)]
        feature: FeatureName,
        /// The call's body.
        body: OverrideBody,
    },
    /// `PATCH /environments/{environment}/flags/{feature}/overrides/{id}`
    ChangeOverride {
        /// The feature.
        #[schema(value_type = schema::Name)]
        feature: FeatureName,
        /// The override's id.
        id: i64,
        /// The call's body.
        body: OverrideChange,
    },
    /// `DELETE /environments/{environment}/flags/{feature}/overrides/{id}`
    DeleteOverride {
        /// The feature.
        #[schema(value_type = schema::Name)]
        feature: FeatureName,
        /// The override's id.
        id: i64,
    },
}

impl ProposedChange {
    /// Its name, as it is written.
    fn call(&self) -> &'static str {
        match self {
            Self::ChangeFlag { .. } => "change_flag",
            Self::CreateSegment { .. } => "create_segment",
            Self::ChangeSegment { .. } => "change_segment",
            Self::CreateOverride { .. } => "create_override",
            Self::ChangeOverride { .. } => "change_override",
            Self::DeleteOverride { .. } => "delete_override",
        }
    }
}

impl TryFrom<ProposedChange> for Proposal {
    type Error = Problem;

    fn try_from(change: ProposedChange) -> Result<Self, Problem> {
        Ok(match change {
            ProposedChange::ChangeFlag { feature, body } => Self::ChangeFlag {
                feature,
                change: body.into(),
            },
            ProposedChange::CreateSegment { body } => Self::CreateSegment {
                name: body.name,
                rules: body.rules,
            },
            ProposedChange::ChangeSegment { segment, body } => Self::ChangeSegment {
                segment,
                change: body.into(),
            },
            ProposedChange::CreateOverride { feature, body } => Self::CreateOverride {
                feature,
                new: body.try_into()?,
            },
            ProposedChange::ChangeOverride { feature, id, body } => Self::ChangeOverride {
                feature,
                id: OverrideId(id),
                change: body.into(),
            },
            ProposedChange::DeleteOverride { feature, id } => Self::DeleteOverride {
                feature,
                id: OverrideId(id),
            },
        })
    }
}

/// Where a change stands.
fn place(at: usize, call: &str) -> String {
    format!("changes[{at}].{call}")
}

/// Say what changes would mean, before they are made
///
/// For the contexts that this server saw lately: how many would get another answer, in which direction, and some of them.
/// The changes are made as their own calls would make them, refused where those would be refused, and taken back.
#[utoipa::path(post, path = "/api/admin/environments/{environment}/preview", tag = "flags", request_body = PreviewBody,
    params(("environment" = schema::Name, Path, description = "The environment's name")),
    responses((status = 200, description = "What they would mean", body = PreviewRecord),
              (status = 409, description = "One of the calls would be refused so", body = crate::error::ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn preview(
    _: Viewer,
    services: web::Data<Services>,
    environment: Names<EnvironmentName>,
    body: Body<PreviewBody>,
) -> Result<HttpResponse, Problem> {
    let changes = body.0.changes;
    if !(1..=CHANGES_MAX).contains(&changes.len()) {
        let message = format!("must hold 1 to {CHANGES_MAX} changes");
        return Err(Problem::field("changes", message));
    }
    let calls: Vec<&str> = changes.iter().map(ProposedChange::call).collect();
    let proposals = changes.into_iter().enumerate().map(|(at, change)| {
        let call = calls[at];
        Proposal::try_from(change).map_err(|problem| problem.within(&place(at, call)))
    });
    let proposals = proposals.collect::<Result<Vec<_>, _>>()?;
    let previews = services.previews.clone();
    let preview = services
        .previewing
        .run(move || {
            let preview = previews.preview(&environment.0, &proposals);
            preview.map_err(|refused| {
                let problem = Problem::from(refused.error);
                match refused.at {
                    Some(at) => problem.within(&place(at, calls[at])),
                    None => problem,
                }
            })
        })
        .await?;
    Ok(HttpResponse::Ok().json(PreviewRecord::from(&preview)))
}
