//! Errors as OFREP writes them: a code of OpenFeature's, and what would be right.

use actix_http::Response;
use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use serde::{Serialize, Serializer};

use super::paths::Target;
use crate::error::{Code, Problem};

/// OpenFeature's error codes, as far as a server knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorCode {
    /// The body is not what the protocol sends.
    ParseError,
    /// Nobody is named to evaluate for.
    TargetingKeyMissing,
    /// The context is more than is borne, or not of its shape.
    InvalidContext,
    /// There is no such flag.
    FlagNotFound,
    /// Anything else.
    General,
}

impl ErrorCode {
    /// The code as it is written.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ParseError => "PARSE_ERROR",
            Self::TargetingKeyMissing => "TARGETING_KEY_MISSING",
            Self::InvalidContext => "INVALID_CONTEXT",
            Self::FlagNotFound => "FLAG_NOT_FOUND",
            Self::General => "GENERAL",
        }
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// A problem that is answered in OFREP's shape.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    problem: Problem,
    code: ErrorCode,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    error_code: ErrorCode,
    error_details: String,
}

impl Failure {
    /// A request that is not valid.
    pub(crate) fn bad(code: ErrorCode, details: impl Into<String>) -> Self {
        Self {
            problem: Problem::new(Code::InvalidRequest, details),
            code,
        }
    }

    /// The key names no flag.
    pub(crate) fn flag_not_found(key: &str) -> Self {
        Self {
            problem: Problem::new(
                Code::NotFound,
                format!("this environment has no flag '{key}'"),
            ),
            code: ErrorCode::FlagNotFound,
        }
    }

    /// What kind of error it is.
    #[cfg(test)]
    pub(crate) fn code(&self) -> ErrorCode {
        self.code
    }

    /// The answer to whoever asked at this path, and the reason for the log.
    pub(crate) fn into_answer(self, path: &str) -> (Response<BoxBody>, Option<String>) {
        let key = Target::of(path).and_then(Target::key);
        let body = FailureBody {
            key: key.as_deref(),
            error_code: self.code,
            error_details: self.problem.to_string(),
        };
        let response = self.problem.written("application/json", &body);
        (Response::from(response), Some(self.problem.for_log()))
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        let code = match problem.code().status() {
            StatusCode::BAD_REQUEST | StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::ParseError,
            _ => ErrorCode::General,
        };
        Self { problem, code }
    }
}
