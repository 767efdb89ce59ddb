//! When were flags last retrieved, for each environment: names, never keys.

use actix_web::{HttpResponse, web};
use flagstaff_domain::serving::EnvironmentRetrievals;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::Services;
use crate::error::Problem;

/// One environment's retrievals from this process since it started.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RetrievalRecord {
    /// The environment.
    environment: String,
    /// The latest, or null where nobody asked.
    #[schema(format = DateTime, required)]
    last_retrieved_at: Option<String>,
    /// How many there were.
    retrievals: u64,
}

impl From<&EnvironmentRetrievals> for RetrievalRecord {
    fn from(line: &EnvironmentRetrievals) -> Self {
        Self {
            environment: line.environment.to_string(),
            last_retrieved_at: line.retrievals.map(|known| known.last.to_string()),
            retrievals: line.retrievals.map_or(0, |known| known.count),
        }
    }
}

/// Last retrievals
///
/// When each environment's flags were last retrieved from the process that answers, and how often since it started. From
/// its memory: of several instances behind one address, each tells of its own.
#[utoipa::path(
    get,
    path = "/api/v1/environments/retrievals/",
    tag = "evaluation",
    security(()),
    responses((status = 200, description = "Every environment, sorted by name", body = Vec<RetrievalRecord>, headers(
        ("X-Flagstaff-Instance" = String, description = "Which instance answers"),
        ("X-Flagstaff-Since" = String, description = "When it started, from when on it counts"),
    )))
)]
pub(crate) async fn report(services: web::Data<Services>) -> Result<HttpResponse, Problem> {
    if services.serving.freshness().is_none() {
        return Err(Problem::from(flagstaff_domain::serving::NotReady));
    }
    let report = services.serving.retrieval_report();
    let lines: Vec<_> = report.iter().map(RetrievalRecord::from).collect();
    let mut response = HttpResponse::Ok();
    for header in services.instance.headers() {
        response.insert_header(header);
    }
    Ok(response
        .insert_header(("Cache-Control", "no-store"))
        .json(lines))
}
