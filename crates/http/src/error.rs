//! The one shape of errors: RFC 9457 `application/problem+json`, each with a stable `code`.
//!
//! Domain errors become problems in `error/from_domain.rs` and nowhere else. What caused a 5xx is kept for the log, which
//! [`crate::edge`] writes, and is not shown.

mod from_domain;

use std::fmt;
use std::sync::Arc;

use actix_http::Response;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::sdk::key::CHALLENGE;

/// The most characters of a reason in the log; a client may have made most of it.
const LOGGED_MAX: usize = 500;

/// The media type of problems.
pub const PROBLEM_JSON: &str = "application/problem+json";

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident = $text:literal, $status:ident, $title:literal;)+) => {
        /// What kind of problem it is; stable, for programs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code {
            $($(#[$doc])* $code),+
        }

        impl Code {
            /// The code as it is written.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$code => $text),+ }
            }

            /// The status that goes with it.
            #[must_use]
            pub fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status),+ }
            }

            fn title(self) -> &'static str {
                match self { $(Self::$code => $title),+ }
            }
        }
    };
}

codes! {
    /// The request is not understood or not valid.
    InvalidRequest = "invalid_request", BAD_REQUEST, "The request is not valid";
    /// Nobody has signed in, or the key opens nothing.
    Unauthenticated = "unauthenticated", UNAUTHORIZED, "Credentials are missing or wrong";
    /// Whoever has signed in may not do this.
    Forbidden = "forbidden", FORBIDDEN, "This is not allowed";
    /// There is no such thing.
    NotFound = "not_found", NOT_FOUND, "There is no such thing";
    /// The path knows other methods.
    MethodNotAllowed = "method_not_allowed", METHOD_NOT_ALLOWED, "The method is not known here";
    /// The name or text is taken.
    AlreadyExists = "already_exists", CONFLICT, "It exists already";
    /// The record is of another kind than the request takes it for.
    Conflict = "conflict", CONFLICT, "It cannot be done to this record";
    /// Somebody still uses it.
    InUse = "in_use", CONFLICT, "It is still used";
    /// The body did not arrive in time.
    RequestTimeout = "request_timeout", REQUEST_TIMEOUT, "The request took too long";
    /// The record has moved on.
    VersionMismatch = "version_mismatch", PRECONDITION_FAILED, "The record has changed since it was read";
    /// The body is too large.
    PayloadTooLarge = "payload_too_large", PAYLOAD_TOO_LARGE, "The body is too large";
    /// The headers are too large.
    HeadersTooLarge = "headers_too_large", REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too large";
    /// The body is no JSON.
    UnsupportedMediaType = "unsupported_media_type", UNSUPPORTED_MEDIA_TYPE, "The content type is not supported";
    /// Too many attempts.
    RateLimited = "rate_limited", TOO_MANY_REQUESTS, "Too many requests";
    /// It may work again in a moment.
    Unavailable = "unavailable", SERVICE_UNAVAILABLE, "Not available at the moment";
    /// Flagstaff is at fault.
    Internal = "internal", INTERNAL_SERVER_ERROR, "Something went wrong in the server";
}

/// One field that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldProblem {
    /// The field, as `tags[2]`.
    pub field: String,
    /// What is wrong and what would be right.
    pub message: String,
}

/// A problem, to be answered.
#[derive(Debug, Clone)]
pub struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldProblem>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// A problem as it is written.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody<'a> {
    /// `urn:flagstaff:problem:` and the code.
    #[serde(rename = "type")]
    kind: String,
    /// What kind of problem it is, for people.
    title: &'static str,
    /// The response's status.
    status: u16,
    /// What was wrong here and what would be right.
    detail: &'a str,
    /// What kind of problem it is, for programs.
    code: &'static str,
    /// The fields that are not valid.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldProblem],
}

/// What would let somebody in who was refused.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Challenge {
    /// A name and a password; a browser asks for them by itself.
    Basic,
    /// An access token.
    Bearer,
    /// A session, for which no browser asks.
    Session,
}

impl Challenge {
    fn value(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Basic => "Basic realm=\"Flagstaff\", charset=\"UTF-8\"",
            Self::Bearer => "Bearer realm=\"Flagstaff\", error=\"invalid_token\"",
            Self::Session => "Session path=\"/api/admin/sessions\"",
        })
    }
}

impl Problem {
    /// A problem of this kind.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            cause: None,
        }
    }

    /// A field that is not valid.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        let (field, message) = (field.into(), message.into());
        let mut problem = Self::new(Code::InvalidRequest, format!("{field} {message}"));
        problem.errors.push(FieldProblem { field, message });
        problem
    }

    /// The same of a call that stands at this place in a request, its fields in its body.
    pub(crate) fn within(mut self, place: &str) -> Self {
        let separator = if self.errors.is_empty() {
            ": "
        } else {
            ".body."
        };
        self.detail = format!("{place}{separator}{}", self.detail);
        for error in &mut self.errors {
            error.field = format!("{place}.body.{}", error.field);
        }
        self
    }

    /// A key that opens nothing: missing, unknown, revoked or expired.
    pub fn key(detail: impl Into<String>) -> Self {
        Self::new(Code::Unauthenticated, detail).with(header::WWW_AUTHENTICATE, CHALLENGE)
    }

    /// More than one `Authorization` header: which of them counts could be read one way here and another way elsewhere.
    pub(crate) fn two_authorizations() -> Self {
        Self::new(
            Code::InvalidRequest,
            "there must be one Authorization header",
        )
    }

    /// Credentials of an account that are missing or wrong.
    pub fn credentials(detail: impl Into<String>) -> Self {
        Self::new(Code::Unauthenticated, detail)
            .with(header::WWW_AUTHENTICATE, Challenge::Basic.value())
    }

    /// Names another way in, where credentials were missing or wrong.
    pub(crate) fn challenge(mut self, challenge: Challenge) -> Self {
        for (name, value) in &mut self.headers {
            if *name == header::WWW_AUTHENTICATE {
                *value = challenge.value();
            }
        }
        self
    }

    /// An outage that may pass within seconds.
    pub fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(Code::Unavailable, detail).retry_after(1)
    }

    /// A fault of Flagstaff; the cause goes to the log alone.
    #[must_use]
    pub fn internal(cause: Arc<dyn std::error::Error + Send + Sync>) -> Self {
        Self::new(
            Code::Internal,
            "the request was not carried out; the server's log has the cause under this response's X-Request-Id",
        )
        .caused(cause)
    }

    fn caused(mut self, cause: Arc<dyn std::error::Error + Send + Sync>) -> Self {
        self.cause = Some(cause);
        self
    }

    /// A fault of Flagstaff that has only a sentence for a cause.
    pub(crate) fn fault(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::internal(Arc::from(cause.into()))
    }

    /// Asks to come back after that many seconds.
    #[must_use]
    pub fn retry_after(self, seconds: u64) -> Self {
        self.with(header::RETRY_AFTER, HeaderValue::from(seconds))
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The answer, and the reason for the log.
    pub(crate) fn into_answer(self) -> (Response<BoxBody>, Option<String>) {
        (Response::from(self.error_response()), Some(self.for_log()))
    }

    /// The problem in the shape of this body.
    pub(crate) fn written(&self, media_type: &str, body: &impl Serialize) -> HttpResponse {
        let mut response = HttpResponse::build(self.code.status());
        for header in &self.headers {
            response.append_header(header.clone());
        }
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        match serde_json::to_vec(body) {
            Ok(body) => response.content_type(media_type).body(body),
            Err(_) => response.finish(),
        }
    }

    /// What kind of problem it is.
    #[must_use]
    pub fn code(&self) -> Code {
        self.code
    }

    /// What was wrong, and the cause that is not shown; on one line. Of what a client did wrong only the code: the detail
    /// repeats what it sent, which may be a key or a password in the wrong place.
    #[must_use]
    pub fn for_log(&self) -> String {
        let text = match &self.cause {
            Some(cause) => format!("{} ({cause})", self.detail),
            None if self.code.status().is_client_error() => return self.code.as_str().to_owned(),
            None => self.detail.clone(),
        };
        let escaped = |c: char| match c {
            c if c.is_control() => c.escape_default().to_string(),
            c => c.to_string(),
        };
        text.chars().take(LOGGED_MAX).map(escaped).collect()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.code.status()
    }

    fn error_response(&self) -> HttpResponse {
        let body = ProblemBody {
            kind: format!("urn:flagstaff:problem:{}", self.code.as_str()),
            title: self.code.title(),
            status: self.code.status().as_u16(),
            detail: &self.detail,
            code: self.code.as_str(),
            errors: &self.errors,
        };
        self.written(PROBLEM_JSON, &body)
    }
}
