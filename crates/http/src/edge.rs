//! What every request passes through: refusals that hold everywhere, panics turned into a 500, request ids, metrics,
//! and one log line for each 4xx and 5xx.
//!
//! This is on the flag list's path: it allocates nothing for a successful evaluation.

mod log_budget;
mod refusal;
mod request_ids;

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::net::SocketAddr;
use std::panic::{self, AssertUnwindSafe};
use std::rc::Rc;
use std::time::{Duration, Instant};

use actix_http::{HttpMessage, Request, Response};
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceResponse, always_ready};
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, TRANSFER_ENCODING,
    X_CONTENT_TYPE_OPTIONS,
};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::{Error, web};
use futures_util::FutureExt;
use futures_util::future::{Either, LocalBoxFuture};

use crate::app::Services;
use crate::connection::{Body, Watch};
use crate::error::Problem;
use crate::guid;
use crate::modules;
use crate::sdk::flagsmith::flags;
use crate::sdk::ofrep::{self, Failure, paths::Target};
use crate::sdk::{self};
pub(crate) use log_budget::LogBudget;
use refusal::refusal;
pub(crate) use request_ids::RequestIds;

/// The header by which a response is found in the log.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Nobody may take a body for something else than its `Content-Type` says.
const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// What stands in front of the application: every request passes through it, and the flag list is answered right here.
pub(crate) struct Edge<S> {
    app: S,
    services: web::Data<Services>,
}

impl<S> Edge<S> {
    pub(crate) fn new(app: S, services: web::Data<Services>) -> Self {
        Self { app, services }
    }
}

type Answer = std::result::Result<Response<BoxBody>, Infallible>;

impl<S, B> Service<Request> for Edge<S>
where
    S: Service<Request, Response = ServiceResponse<B>, Error = Error>,
    S::Future: 'static,
    B: MessageBody + 'static,
{
    type Response = Response<BoxBody>;
    type Error = Infallible;
    type Future = Either<Ready<Answer>, LocalBoxFuture<'static, Answer>>;

    always_ready!();

    fn call(&self, request: Request) -> Self::Future {
        let visit = Visit::begin(&request);
        let head = request.head();
        let list = sdk::is_list(request.path());
        let answer = match refusal(head) {
            Some(problem) => Err(problem),
            // What routing would come to as well, after a microsecond.
            None if list && matches!(head.method, Method::GET | Method::HEAD) => {
                panic::catch_unwind(AssertUnwindSafe(|| flags::answer(&self.services, head)))
                    .unwrap_or_else(|_| Err(panicked()))
            }
            None if head.method == Method::POST && Target::of(request.path()).is_some() => {
                let services = self.services.clone();
                return Either::Right(Box::pin(evaluated(services, visit, request)));
            }
            None => {
                let services = self.services.clone();
                let answer = AssertUnwindSafe(self.app.call(request)).catch_unwind();
                let finished = async move { Ok(routed(&services, &visit, answer.await)) };
                return Either::Right(Box::pin(finished));
            }
        };
        let route = match list {
            true => sdk::EVALUATION,
            false => Target::of(request.path()).map_or(NO_ROUTE, Target::label),
        };
        let (response, reason) = match answer {
            Ok(response) => (response, None),
            Err(problem) => refused(problem, request.path()),
        };
        let headers = Some(&head.headers);
        Either::Left(ready(Ok(finish(
            &self.services,
            &visit,
            route,
            headers,
            response,
            reason.as_deref(),
        ))))
    }
}

/// The route of what no route was found for.
const NO_ROUTE: &str = "none";

/// What is known of a request when its head has arrived.
struct Visit {
    started: Instant,
    watch: Option<Rc<Watch>>,
    method: &'static str,
    peer: Option<SocketAddr>,
    /// Whether the client would speak another protocol. It is not answered in one, and not told so either.
    upgrade: bool,
}

impl Visit {
    fn begin(request: &Request) -> Self {
        let watch = request.conn_data::<Rc<Watch>>().cloned();
        if let Some(watch) = &watch {
            watch.begin(body(request));
        }
        Self {
            started: Instant::now(),
            watch,
            method: method_label(request.method()),
            peer: request.peer_addr(),
            upgrade: request.upgrade(),
        }
    }
}

fn body(request: &Request) -> Body {
    let headers = request.headers();
    if headers.contains_key(TRANSFER_ENCODING) {
        Body::Chunked
    } else if headers.contains_key(CONTENT_LENGTH) {
        Body::Sized
    } else {
        Body::None
    }
}

fn panicked() -> Problem {
    Problem::fault("a handler panicked")
}

/// The answer to an evaluation whose context comes as a body.
async fn evaluated(services: web::Data<Services>, visit: Visit, mut request: Request) -> Answer {
    let payload = request.take_payload();
    let path = request.path();
    let target = Target::of(path).unwrap_or(Target::Bulk);
    let answer = ofrep::evaluate::answer(&services, request.head(), payload, target);
    let answer = AssertUnwindSafe(answer).catch_unwind().await;
    let (response, reason) = match answer.unwrap_or_else(|_| Err(panicked().into())) {
        Ok(response) => (response, None),
        Err(failure) => failure.into_answer(path),
    };
    let headers = Some(request.headers());
    let route = target.label();
    Ok(finish(
        &services,
        &visit,
        route,
        headers,
        response,
        reason.as_deref(),
    ))
}

/// A problem in the shape that the path's protocol has for it.
fn refused(problem: Problem, path: &str) -> (Response<BoxBody>, Option<String>) {
    match ofrep::paths::owns(path) {
        true => Failure::from(problem).into_answer(path),
        false => problem.into_answer(),
    }
}

/// What the application answered, or that it did not.
fn routed<B: MessageBody + 'static>(
    services: &Services,
    visit: &Visit,
    answer: std::thread::Result<Result<ServiceResponse<B>, Error>>,
) -> Response<BoxBody> {
    let problem = match answer {
        Ok(Ok(response)) => {
            let (request, response) = response.into_parts();
            let route = request.match_pattern();
            let problem = response
                .error()
                .and_then(|error| error.as_error::<Problem>());
            let (response, reason) = match problem {
                Some(problem) if ofrep::paths::owns(request.path()) => {
                    Failure::from(problem.clone()).into_answer(request.path())
                }
                Some(_) | None => {
                    let reason = response.error().map(reason);
                    (Response::from(response).map_into_boxed_body(), reason)
                }
            };
            let headers = Some(request.headers());
            let route = route.as_deref().unwrap_or(NO_ROUTE);
            return finish(services, visit, route, headers, response, reason.as_deref());
        }
        Ok(Err(error)) => error
            .as_error::<Problem>()
            .cloned()
            .unwrap_or_else(|| Problem::fault(error.to_string())),
        Err(_) => panicked(),
    };
    let (response, reason) = problem.into_answer();
    finish(services, visit, NO_ROUTE, None, response, reason.as_deref())
}

/// Why a request failed, for the log.
fn reason(error: &Error) -> String {
    error
        .as_error::<Problem>()
        .map_or_else(|| error.to_string(), Problem::for_log)
}

/// Completes an answer, counts it and logs it. `headers` are the request's.
fn finish(
    services: &Services,
    visit: &Visit,
    route: &str,
    headers: Option<&HeaderMap>,
    mut response: Response<BoxBody>,
    reason: Option<&str>,
) -> Response<BoxBody> {
    let elapsed = visit.started.elapsed();
    let status = response.status();
    // What is left of a body that came too late is not waited for.
    let late = status == StatusCode::REQUEST_TIMEOUT;
    let closing = late || visit.upgrade || services.is_stopping();
    if closing {
        response
            .head_mut()
            .set_connection_type(ConnectionType::Close);
    }
    if let Some(watch) = &visit.watch {
        watch.answered(closing);
    }
    let answered = response.headers_mut();
    answered.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    let management = route.starts_with("/api/admin")
        || guid::is_change(route, visit.method)
        || modules::is_change(route, visit.method);
    let private = management || guid::is_register(route);
    if private && !answered.contains_key(CACHE_CONTROL) {
        answered.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Some(headers) = headers.filter(|_| sdk::is_evaluation(route)) {
        services.cors.mark(headers, answered);
    }
    if let Some(headers) = headers.filter(|_| modules::is_open(route, visit.method)) {
        services.cors.mark_other(headers, answered);
    }
    services
        .metrics
        .answered(route, visit.method, status, elapsed);
    if status.is_client_error() || status.is_server_error() {
        let id = services.request_ids.next();
        let left_out = match status.is_server_error() {
            true => Some(0),
            false => services.log_budget.take(),
        };
        if let Some(left_out) = left_out {
            if left_out > 0 {
                log::warn!(left_out; "so many requests were refused that not each is logged");
            }
            log_failure(visit, route, status, &id, elapsed, reason);
        }
        response.headers_mut().insert(REQUEST_ID, id);
    } else if services.settings.access_log || management {
        log::info!(
            method = visit.method,
            route,
            status = status.as_u16(),
            micros = micros(elapsed);
            "answered"
        );
    }
    response
}

fn micros(elapsed: Duration) -> u64 {
    u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX)
}

fn log_failure(
    visit: &Visit,
    route: &str,
    status: StatusCode,
    id: &HeaderValue,
    elapsed: Duration,
    reason: Option<&str>,
) {
    let level = if status.is_server_error() {
        log::Level::Error
    } else {
        log::Level::Warn
    };
    log::log!(
        level,
        request_id = id.to_str().unwrap_or_default(),
        method = visit.method,
        route,
        status = status.as_u16(),
        micros = micros(elapsed),
        peer = visit.peer.map(|peer| peer.ip().to_string()).unwrap_or_default().as_str(),
        reason = reason.unwrap_or("no reason was given");
        "refused"
    );
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
