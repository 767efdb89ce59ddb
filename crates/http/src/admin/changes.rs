//! `/api/admin/changes`.

use actix_web::{HttpResponse, web};
use flagstaff_domain::changes::{ChangeQuery, Context, Direction};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::PAGE_MAX;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::dto::ChangeRecord;
use super::schema;
use crate::app::Services;
use crate::auth::Viewer;
use crate::error::Problem;
use crate::json::Params;
use crate::paging;

/// Which changes are asked for.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Filter {
    /// The most changes to return, 1 to 1,000; 100 unless told.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only changes before this one, newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<i64>,
    /// Only changes after this one, oldest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<i64>,
    /// Changes of one context.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(value_type = Option<schema::Context>)]
    context: Option<Context>,
    /// Changes to records of this name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(pattern = r"^[^\x00]*$")]
    subject: Option<String>,
    /// Changes by this actor, as `user:jay`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(pattern = r"^[^\x00]*$")]
    actor: Option<String>,
    /// Changes that affect this environment alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[param(pattern = r"^[^\x00]*$")]
    environment: Option<String>,
}

impl Filter {
    fn query(&self) -> Result<ChangeQuery, Problem> {
        let limit = self.limit.unwrap_or(100);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(Problem::field("limit", format!("must be 1 to {PAGE_MAX}")));
        }
        let direction = match (self.before, self.after) {
            (Some(_), Some(_)) => {
                return Err(Problem::field("after", "must not stand beside \"before\""));
            }
            (None, Some(after)) => Direction::OldestFirst(Seq(after)),
            (before, None) => Direction::NewestFirst(before.map(Seq)),
        };
        Ok(ChangeQuery {
            direction,
            limit,
            context: self.context,
            subject: self.subject.clone(),
            actor: self.actor.clone(),
            environment: self.environment.clone(),
        })
    }

    /// The same for the next page.
    fn next(&self, last: Seq) -> Self {
        let mut next = self.clone();
        if self.after.is_some() {
            next.after = Some(last.0);
        } else {
            next.before = Some(last.0);
        }
        next
    }
}

/// Read the change log
///
/// Newest first; with `after` oldest first. Every change of everything, with the record before and after.
#[utoipa::path(get, path = "/api/admin/changes", tag = "changes", params(Filter),
    responses((status = 200, description = "The changes", body = Vec<ChangeRecord>)))]
pub(crate) async fn list(
    _: Viewer,
    services: web::Data<Services>,
    filter: Params<Filter>,
) -> Result<HttpResponse, Problem> {
    let query = filter.0.query()?;
    let changes = services.changes.clone();
    let listing = services.blocking.read(move || changes.list(&query)).await?;
    let mut response = HttpResponse::Ok();
    if let Some(last) = listing.items.last().filter(|_| listing.more) {
        response.insert_header(paging::link("/api/admin/changes", &filter.0.next(last.seq)));
    }
    Ok(response.json(
        listing
            .items
            .iter()
            .map(ChangeRecord::from)
            .collect::<Vec<_>>(),
    ))
}
