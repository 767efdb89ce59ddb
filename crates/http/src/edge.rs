//! What every request passes through: refusals that hold everywhere, panics turned into a 500, request ids, metrics,
//! and one log line for each 4xx and 5xx.
//!
//! This is on the flag list's path: it allocates nothing for a successful evaluation.

use std::borrow::Cow;
use std::future::{Future, Ready, ready};
use std::panic::AssertUnwindSafe;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse};
use actix_web::http::header::{
    ALLOW, CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method};
use actix_web::{Error, HttpRequest, HttpResponse, ResponseError, web};
use futures_util::FutureExt;
use futures_util::future::Either;
use sha2::{Digest, Sha256};

use crate::app::Services;
use crate::connection::{HEAD_MAX, Watch};
use crate::error::{Code, Problem};
use crate::sdk;

/// The header by which a response is found in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nobody may take a body for something else than its `Content-Type` says.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// Query parameters in which somebody might send a key; a URL is logged by every proxy on the way.
const KEYS_IN_QUERY: [&str; 7] = [
    "environment_key",
    "x-environment-key",
    "api_key",
    "apikey",
    "key",
    "token",
    "access_token",
];

/// Makes ids for requests: unique in this process, and not guessable from another's.
#[derive(Debug)]
pub(crate) struct RequestIds {
    base: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        // A digest, so that an id tells nothing of the secret.
        let digest = Sha256::digest([&secret[..], b"request ids"].concat());
        let mut base = [0; 8];
        base.copy_from_slice(&digest[..8]);
        Self {
            base: u64::from_le_bytes(base),
            next: AtomicU64::new(0),
        }
    }

    fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}", self.base.wrapping_add(number));
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none"))
    }
}

/// Passes a request on, and looks at its answer.
pub(crate) fn pass<S, B>(
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<EitherBody<B>>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let started = Instant::now();
    let services = request.app_data::<web::Data<Services>>().cloned();
    let watch = request.conn_data::<Rc<Watch>>().cloned();
    let received = watch.as_ref().map(|watch| watch.begin());
    let method = method_label(request.method());
    let answer = match refusal(&request, received) {
        Some(problem) => Either::Left(refused(request, problem)),
        None => Either::Right(
            service
                .call(request)
                .map(|answer| answer.map(ServiceResponse::map_into_left_body)),
        ),
    };
    async move {
        let answer = AssertUnwindSafe(answer).catch_unwind().await;
        let answer = answer.unwrap_or_else(|_| Err(Problem::fault("a handler panicked").into()));
        if let Some(watch) = watch {
            watch.answered();
        }
        let Some(services) = services else {
            return answer;
        };
        match answer {
            Ok(response) => Ok(finish(&services, response, started.elapsed())),
            Err(error) => Err(finish_error(&services, &error, method, started.elapsed())),
        }
    }
}

fn refused<B>(
    request: ServiceRequest,
    problem: Problem,
) -> Ready<Result<ServiceResponse<EitherBody<B>>, Error>> {
    ready(Ok(request.error_response(problem).map_into_right_body()))
}

/// What no handler gets to see; `received` is how many bytes the head has at most, where that is known.
fn refusal(request: &ServiceRequest, received: Option<usize>) -> Option<Problem> {
    if received.is_none_or(|bytes| bytes > HEAD_MAX) && head_size(request) > HEAD_MAX {
        return Some(Problem::new(
            Code::HeadersTooLarge,
            "a request's line and headers may have at most 16 KiB",
        ));
    }
    if *request.method() == Method::TRACE {
        let problem = Problem::new(Code::MethodNotAllowed, "TRACE is not answered");
        return Some(problem.with(
            ALLOW,
            HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
        ));
    }
    let name = key_in(request.query_string())?;
    Some(Problem::key(format!(
        "a key in the query string ({name}) is refused, because URLs are logged on their way; \
         send it in the header X-Environment-Key"
    )))
}

/// The bytes of a request's line and headers, without the spaces and line ends between them.
fn head_size(request: &ServiceRequest) -> usize {
    let target = request.uri().path_and_query();
    let headers = request.headers().iter();
    target.map_or(0, |target| target.as_str().len())
        + headers
            .map(|(name, value)| name.as_str().len() + value.len())
            .sum::<usize>()
}

/// The parameter of a query string that might hold a key.
fn key_in(query: &str) -> Option<&'static str> {
    if query.is_empty() {
        return None;
    }
    let names = query.split('&').filter_map(|pair| pair.split('=').next());
    names
        .filter_map(|name| {
            KEYS_IN_QUERY
                .into_iter()
                .find(|key| decoded(name).eq_ignore_ascii_case(key))
        })
        .next()
}

/// A parameter's name without its percent-encoding.
fn decoded(name: &str) -> Cow<'_, str> {
    if !name.contains('%') {
        return Cow::Borrowed(name);
    }
    let decoded = serde_urlencoded::from_str::<Vec<(String, String)>>(name);
    let decoded = decoded.ok().and_then(|mut pairs| pairs.pop());
    decoded.map_or(Cow::Borrowed(name), |(name, _)| Cow::Owned(name))
}

fn finish<B>(
    services: &Services,
    response: ServiceResponse<B>,
    elapsed: Duration,
) -> ServiceResponse<B> {
    let (request, mut response) = response.into_parts();
    let status = response.status();
    let method = method_label(request.method());
    let evaluation = sdk::is_evaluation(request.path());
    if services.is_stopping() {
        response
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if evaluation {
        services.cors.mark(request.headers(), headers);
    }
    let route = if evaluation {
        Cow::Borrowed(sdk::EVALUATION)
    } else {
        request
            .match_pattern()
            .map_or(Cow::Borrowed("none"), Cow::Owned)
    };
    if route.starts_with("/api/admin") && !response.headers().contains_key(CACHE_CONTROL) {
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    services.metrics.answered(&route, method, status, elapsed);
    if status.is_client_error() || status.is_server_error() {
        let id = services.request_ids.next();
        log_failure(&request, &response, &route, &id, elapsed);
        response.headers_mut().insert(REQUEST_ID, id);
    } else if services.settings.access_log || route.starts_with("/api/admin") {
        log::info!(
            method,
            route = route.as_ref(),
            status = status.as_u16(),
            micros = micros(elapsed);
            "answered"
        );
    }
    ServiceResponse::new(request, response)
}

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

fn log_failure<B>(
    request: &HttpRequest,
    response: &HttpResponse<B>,
    route: &str,
    id: &HeaderValue,
    elapsed: Duration,
) {
    let status = response.status();
    let reason = response.error().map(|error| {
        error
            .as_error::<Problem>()
            .map_or_else(|| error.to_string(), Problem::for_log)
    });
    let level = if status.is_server_error() {
        log::Level::Error
    } else {
        log::Level::Warn
    };
    log::log!(
        level,
        request_id = id.to_str().unwrap_or_default(),
        method = method_label(request.method()),
        route,
        status = status.as_u16(),
        micros = micros(elapsed),
        peer = request.peer_addr().map(|peer| peer.ip().to_string()).unwrap_or_default().as_str(),
        reason = reason.as_deref().unwrap_or("no reason was given");
        "refused"
    );
}

/// An error that no handler turned into a response: a panic. There is no request left to tell its route from.
fn finish_error(
    services: &Services,
    error: &Error,
    method: &'static str,
    elapsed: Duration,
) -> Error {
    let id = services.request_ids.next();
    let problem = error
        .as_error::<Problem>()
        .cloned()
        .unwrap_or_else(|| Problem::fault(error.to_string()));
    let status = problem.status_code();
    services.metrics.answered("none", method, status, elapsed);
    log::error!(
        request_id = id.to_str().unwrap_or_default(),
        method = method,
        status = status.as_u16(),
        reason = problem.for_log().as_str();
        "failed"
    );
    problem
        .with(REQUEST_ID, id)
        .with(X_CONTENT_TYPE_OPTIONS, NOSNIFF)
        .into()
}

/// The method as a label: one of the known, so that nobody can make labels.
fn method_label(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "other",
    }
}
