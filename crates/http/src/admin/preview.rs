//! `/api/admin/environments/{environment}/preview`: what changes would mean, before they are made.

mod dto;

use actix_web::{HttpResponse, web};
use flagstaff_domain::flags::Proposal;
use flagstaff_domain::text::{EnvironmentName, FeatureName};
use serde::Deserialize;
use utoipa::ToSchema;

use self::dto::PreviewRecord;
use super::flags::FlagChange;
use super::schema;
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
}

impl ProposedChange {
    fn proposal(self) -> Proposal {
        match self {
            Self::ChangeFlag { feature, body } => Proposal::ChangeFlag {
                feature,
                change: body.into(),
            },
        }
    }
}

/// Say what changes would mean, before they are made
///
/// For the contexts that this server saw lately: how many would get another answer, in which direction, and some of them.
/// The changes are made as their own calls would make them, refused where those would be refused, and taken back.
#[utoipa::path(post, path = "/api/admin/environments/{environment}/preview", tag = "flags", request_body = PreviewBody,
    params(("environment" = schema::Name, Path, description = "The environment's name")),
    responses((status = 200, description = "What they would mean", body = PreviewRecord)))]
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
    let proposals: Vec<_> = changes.into_iter().map(ProposedChange::proposal).collect();
    let previews = services.previews.clone();
    let preview = services
        .blocking
        .run(move || previews.preview(&environment.0, &proposals))
        .await?;
    Ok(HttpResponse::Ok().json(PreviewRecord::from(&preview)))
}
