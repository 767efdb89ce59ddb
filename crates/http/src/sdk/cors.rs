//! Cross-origin requests (the Fetch standard's CORS): pages of the allowed origins may evaluate flags.
//!
//! Written out here because it is on the flag list's path, where it has to cost nothing: the headers are made once.

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use crate::app::Services;
use crate::settings::AllowedOrigins;

const EXPOSED: HeaderValue = HeaderValue::from_static(
    "ETag, Retry-After, X-Flagstaff-Revision, X-Flagsmith-Document-Updated-At, X-Request-Id",
);
/// What pages read beside flags has in its headers.
const EXPOSED_OTHERS: HeaderValue =
    HeaderValue::from_static("ETag, Link, Retry-After, X-Request-Id");
const READS: HeaderValue = HeaderValue::from_static("GET, HEAD, OPTIONS");
const BOTH: HeaderValue = HeaderValue::from_static("GET, HEAD, POST, OPTIONS");
const POSTS: HeaderValue = HeaderValue::from_static("POST, OPTIONS");
const DAY: HeaderValue = HeaderValue::from_static("86400");
const VARY: HeaderValue = HeaderValue::from_static("X-Environment-Key, Accept-Encoding");
const VARY_BY_ORIGIN: HeaderValue =
    HeaderValue::from_static("X-Environment-Key, Accept-Encoding, Origin");

/// Which origins may read what evaluations answer.
#[derive(Debug)]
pub(crate) struct Cors {
    /// `None` for every one.
    only: Option<Vec<HeaderValue>>,
}

impl Cors {
    pub(crate) fn new(origins: &AllowedOrigins) -> Self {
        let only = match origins {
            AllowedOrigins::Any => None,
            AllowedOrigins::Only(origins) => Some(
                origins
                    .iter()
                    .filter_map(|origin| HeaderValue::from_str(origin).ok())
                    .collect(),
            ),
        };
        Self { only }
    }

    /// What an answer of an evaluation depends on, for caches on the way.
    pub(crate) fn vary(&self) -> HeaderValue {
        match self.only {
            None => VARY,
            Some(_) => VARY_BY_ORIGIN,
        }
    }

    /// Lets the page that asked read an answer that is none of an evaluation, and may depend on more than the key.
    pub(crate) fn mark_other(&self, request: &HeaderMap, response: &mut HeaderMap) {
        let own = response.get(header::VARY).and_then(|own| own.to_str().ok());
        let vary = own.filter(|own| !own.ends_with("Origin"));
        let vary = vary.map(|own| HeaderValue::try_from(format!("{own}, Origin")));
        self.mark(request, response);
        if let Some(Ok(vary)) = vary.filter(|_| self.only.is_some()) {
            response.insert(header::VARY, vary);
        }
        if response.contains_key(header::ACCESS_CONTROL_EXPOSE_HEADERS) {
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_OTHERS);
        }
    }

    /// Lets the page that asked read the answer, whatever it is.
    pub(crate) fn mark(&self, request: &HeaderMap, response: &mut HeaderMap) {
        let allowed = match &self.only {
            None => Some(HeaderValue::from_static("*")),
            Some(only) => request
                .get(header::ORIGIN)
                .filter(|origin| only.contains(origin))
                .cloned(),
        };
        if self.only.is_some() {
            response.insert(header::VARY, VARY_BY_ORIGIN);
        }
        if let Some(allowed) = allowed {
            response.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            response.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        }
    }
}

/// Answers a browser that asks whether a page may send its request to read.
pub(crate) async fn preflight(request: HttpRequest, services: web::Data<Services>) -> HttpResponse {
    allow(&request, &services, &READS)
}

/// Answers a browser that asks whether a page may post a context.
pub(crate) async fn preflight_of_posts(
    request: HttpRequest,
    services: web::Data<Services>,
) -> HttpResponse {
    allow(&request, &services, &POSTS)
}

/// Answers a browser that asks whether a page may read, or post.
pub(crate) async fn preflight_of_both(
    request: HttpRequest,
    services: web::Data<Services>,
) -> HttpResponse {
    allow(&request, &services, &BOTH)
}

/// Allows these methods, and any header: none of them opens more than the key does.
fn allow(request: &HttpRequest, services: &Services, methods: &HeaderValue) -> HttpResponse {
    let mut response = HttpResponse::NoContent();
    response
        .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods.clone()))
        .insert_header((header::ACCESS_CONTROL_MAX_AGE, DAY))
        .insert_header((header::ALLOW, methods.clone()))
        .insert_header((header::VARY, services.cors.vary()));
    if let Some(wanted) = request
        .headers()
        .get(header::ACCESS_CONTROL_REQUEST_HEADERS)
    {
        response.insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone()));
    }
    response.finish()
}
