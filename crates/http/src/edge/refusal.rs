//! What is refused wherever it is sent: heads that are too large, TRACE, keys in the query string.

use std::borrow::Cow;

use actix_web::dev::RequestHead;
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, CONNECTION, HeaderValue, UPGRADE};

use crate::error::{Code, Problem};

/// How many bytes a request's head may have.
const HEAD_MAX: usize = 16 * 1024;

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

/// What no handler gets to see.
pub(super) fn refusal(head: &RequestHead) -> Option<Problem> {
    if head_size(head) > HEAD_MAX {
        return Some(Problem::new(
            Code::HeadersTooLarge,
            "a request's line and headers may have at most 16 KiB",
        ));
    }
    if head.method == Method::TRACE {
        let problem = Problem::new(Code::MethodNotAllowed, "TRACE is not answered");
        return Some(problem.with(
            ALLOW,
            HeaderValue::from_static("GET, HEAD, POST, PATCH, DELETE, OPTIONS"),
        ));
    }
    // The library takes whatever follows for another protocol's, so that the body would never end.
    if let Some(protocol) = head.headers.get(UPGRADE)
        && protocol
            .as_bytes()
            .trim_ascii()
            .eq_ignore_ascii_case(b"websocket")
    {
        return Some(
            Problem::new(Code::InvalidRequest, "there are no WebSockets here")
                .with(CONNECTION, HeaderValue::from_static("close")),
        );
    }
    let name = key_in(head.uri.query()?)?;
    Some(Problem::key(format!(
        "a key in the query string ({name}) is refused, because URLs are logged on their way; \
         send it in the header X-Environment-Key"
    )))
}

/// The bytes of a request's line and headers, each header with a colon, a space and its line's end.
fn head_size(head: &RequestHead) -> usize {
    let target = head.uri.path_and_query();
    let line = head.method.as_str().len()
        + target.map_or(0, |target| target.as_str().len())
        + "  HTTP/1.1\r\n".len();
    let headers = head.headers.iter();
    let headers = headers.map(|(name, value)| name.as_str().len() + value.len() + 4);
    line + headers.sum::<usize>() + 2
}

/// The parameter of a query string that might hold a key.
fn key_in(query: &str) -> Option<&'static str> {
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
