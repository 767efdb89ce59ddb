//! Lists over HTTP: a bare array, cut to pages of at most 1,000, with a `Link` to the next.

use actix_web::HttpResponse;
use actix_web::http::header;
use flagstaff_domain::page::{Listing, PAGE_MAX, Page};
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use crate::admin::schema;
use crate::error::Problem;

/// Which part of a list is asked for. In a list of keys, `after` is an id.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageParams {
    /// The most records to return, 1 to 1,000; 1,000 unless told.
    #[param(minimum = 1, maximum = 1000)]
    pub(crate) limit: Option<usize>,
    /// Only what comes after the record of this name.
    #[param(value_type = Option<schema::Name>)]
    pub(crate) after: Option<String>,
}

impl PageParams {
    /// The page, its place read by `parse`.
    pub(crate) fn page<After, E: std::fmt::Display>(
        self,
        parse: impl FnOnce(String) -> Result<After, E>,
    ) -> Result<Page<After>, Problem> {
        let after = self
            .after
            .map(parse)
            .transpose()
            .map_err(|error| Problem::field("after", error.to_string()))?;
        Page::new(self.limit.unwrap_or(PAGE_MAX), after)
            .map_err(|error| Problem::field("limit", error.to_string()))
    }
}

/// The query of a next page.
#[derive(Serialize)]
struct Next<'a> {
    limit: usize,
    after: &'a str,
}

/// Answers with a page of records; `place` tells where the next page begins.
pub(crate) fn list<T, R: Serialize>(
    listing: &Listing<T>,
    limit: usize,
    path: &str,
    record: impl Fn(&T) -> R,
    place: impl Fn(&T) -> String,
) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    if let Some(last) = listing.items.last().filter(|_| listing.more) {
        let after = place(last);
        let next = Next {
            limit,
            after: &after,
        };
        response.insert_header(link(path, &next));
    }
    response.json(listing.items.iter().map(record).collect::<Vec<_>>())
}

/// A `Link` header to the next page of the list at `path`.
pub(crate) fn link(path: &str, query: &impl Serialize) -> (header::HeaderName, String) {
    let query = serde_urlencoded::to_string(query).unwrap_or_default();
    (header::LINK, format!("<{path}?{query}>; rel=\"next\""))
}
