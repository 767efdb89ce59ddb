//! `GET /rates/{date}/`.

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderValue, IF_NONE_MATCH, VARY,
};
use actix_web::{HttpRequest, HttpResponse, web};
use flagstaff_domain::modules::rates::service::RateView;
use flagstaff_domain::modules::rates::{Currency, RateDate};
use serde::Deserialize;
use utoipa::IntoParams;

use super::RatesModule;
use super::dto::RatesBody;
use crate::app::Services;
use crate::error::{Problem, ProblemBody};
use crate::json::Params;
use crate::modules::reading;
use crate::precondition;

/// For how long nobody has to ask again; a day is seldom replaced.
const PUBLIC: HeaderValue = HeaderValue::from_static("public, max-age=60");
const CLOSED: HeaderValue = HeaderValue::from_static("private, no-cache");
const CREDENTIALS: HeaderValue =
    HeaderValue::from_static("Authorization, Cookie, X-Environment-Key");

/// Which rates are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Wanted {
    /// The currencies to show, separated by commas; all unless told.
    #[param(pattern = r"^[A-Z]{3}(,[A-Z]{3})*$")]
    symbols: Option<String>,
    /// The currency to state them in; the source's unless told.
    #[param(pattern = r"^[A-Z]{3}$")]
    base: Option<String>,
}

impl Wanted {
    fn view(&self) -> Result<RateView, Problem> {
        let symbols = self.symbols.as_deref().map(|list| {
            let codes = list.split(',').map(Currency::parse);
            codes.collect::<Result<Vec<_>, _>>()
        });
        let base = self.base.as_deref().map(Currency::parse);
        Ok(RateView {
            base: base
                .transpose()
                .map_err(|error| Problem::field("base", error.to_string()))?,
            symbols: symbols.transpose().map_err(|error| {
                Problem::field(
                    "symbols",
                    format!("{error}, or several, separated by commas"),
                )
            })?,
        })
    }
}

/// Show a day's rates
///
/// What one unit of the base cost on that day (in UTC), as exact decimals. For everybody, unless `rates.public` is false.
#[utoipa::path(get, path = "/rates/{date}/", tag = "rates",
    security((), ("basic" = []), ("environment_key" = [])),
    params(
        ("date" = String, Path, format = Date, description = "The day, in ISO 8601"),
        Wanted,
        ("If-None-Match" = Option<String>, Header, description = "The ETag of an earlier answer"),
    ),
    responses(
        (status = 200, description = "The rates", body = RatesBody,
            headers(("ETag" = String, description = "A strong validator of this answer"))),
        (status = 304, description = "Nothing has changed since the answer with this ETag"),
        (status = 404, description = "Nothing is stored for the day, or it has no rate for the base", body = ProblemBody,
            content_type = "application/problem+json"),
    ))]
pub(crate) async fn show(
    request: HttpRequest,
    services: web::Data<Services>,
    module: web::Data<RatesModule>,
    wanted: Params<Wanted>,
) -> Result<HttpResponse, Problem> {
    reading::admit(&request, module.public).await?;
    let date = request.match_info().get("date").unwrap_or_default();
    let date = RateDate::parse(date).map_err(|error| Problem::field("date", error.to_string()))?;
    let view = wanted.0.view()?;
    let rates = module.rates.clone();
    let stored = services
        .blocking
        .read(move || rates.get(date, &view))
        .await?;
    let body = serde_json::to_vec(&RatesBody::from(stored))
        .map_err(|error| Problem::fault(error.to_string()))?;
    let etag = reading::tag_of(&body);
    let same = request
        .headers()
        .get_all(IF_NONE_MATCH)
        .any(|tags| precondition::matches(tags, &etag));
    let mut response = if same {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response.insert_header((ETAG, etag));
    if module.public {
        response.insert_header((CACHE_CONTROL, PUBLIC));
    } else {
        response
            .insert_header((CACHE_CONTROL, CLOSED))
            .insert_header((VARY, CREDENTIALS));
    }
    if same {
        return Ok(response.finish());
    }
    Ok(response
        .insert_header((CONTENT_TYPE, "application/json"))
        .body(body))
}
