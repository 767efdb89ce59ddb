//! The environment key that an application sends.

use actix_web::http::header::{HeaderMap, HeaderName};
use flagstaff_domain::serving::{Opened, Serving};

use crate::error::Problem;

const ENVIRONMENT_KEY: HeaderName = HeaderName::from_static("x-environment-key");
/// No key is longer than this.
const KEY_MAX: usize = 128;

/// What the request's key opens at this moment.
pub(crate) fn open(serving: &Serving, headers: &HeaderMap) -> Result<Opened, Problem> {
    let mut values = headers.get_all(ENVIRONMENT_KEY);
    let Some(key) = values.next() else {
        return Err(Problem::key("the header X-Environment-Key is missing"));
    };
    if values.next().is_some() {
        return Err(Problem::key("there must be one header X-Environment-Key"));
    }
    let key = key.as_bytes();
    if key.is_empty() || key.len() > KEY_MAX {
        return Err(Problem::key("X-Environment-Key holds no key"));
    }
    serving.open(key)?.ok_or_else(|| {
        Problem::key("X-Environment-Key opens no environment: it is unknown, revoked or expired")
    })
}
