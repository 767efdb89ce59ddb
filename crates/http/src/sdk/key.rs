//! The environment key that an application sends: in a header of Flagsmith's, or in one of those that OFREP names.

use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use flagstaff_domain::serving::{Opened, Serving};

use crate::error::{Challenge, Problem};

const ENVIRONMENT_KEY: HeaderName = HeaderName::from_static("x-environment-key");
const API_KEY: HeaderName = HeaderName::from_static("x-api-key");
/// What would let in whoever has no key.
pub(crate) const CHALLENGE: HeaderValue =
    HeaderValue::from_static("EnvironmentKey header=\"X-Environment-Key\"");
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
    opened(serving, key.as_bytes(), "X-Environment-Key")
}

/// What the key opens that the request brings as a bearer token, in `X-API-Key` or in `X-Environment-Key`.
pub(crate) fn open_any(serving: &Serving, headers: &HeaderMap) -> Result<Opened, Problem> {
    let named = [ENVIRONMENT_KEY, API_KEY];
    let named = named.iter().flat_map(|name| headers.get_all(name));
    if headers.get_all(AUTHORIZATION).nth(1).is_some() {
        return Err(Problem::two_authorizations());
    }
    let bearer = headers.get_all(AUTHORIZATION).filter_map(bearer);
    let mut given = named.map(HeaderValue::as_bytes).chain(bearer);
    let refused = |detail| Err(Problem::key(detail).challenge(Challenge::Bearer));
    let Some(key) = given.next() else {
        return refused(
            "an environment's key is missing: send it as Authorization: Bearer, X-API-Key or X-Environment-Key",
        );
    };
    if given.any(|other| other != key) {
        return refused("the request brings two different keys; send one of them");
    }
    opened(serving, key, "the key").map_err(|problem| problem.challenge(Challenge::Bearer))
}

/// The token of an `Authorization` header, if that is what it holds.
pub(crate) fn bearer(value: &HeaderValue) -> Option<&[u8]> {
    let (scheme, token) = value.as_bytes().split_at_checked(7)?;
    let token = token.trim_ascii();
    scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)
}

fn opened(serving: &Serving, key: &[u8], name: &str) -> Result<Opened, Problem> {
    if key.is_empty() || key.len() > KEY_MAX {
        return Err(Problem::key(format!("{name} holds no key")));
    }
    serving.open(key)?.ok_or_else(|| {
        Problem::key(format!(
            "{name} opens no environment: it is unknown, revoked or expired"
        ))
    })
}
