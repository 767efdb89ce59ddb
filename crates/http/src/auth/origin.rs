//! A browser sends a session's cookie also where another site's page asks it to: what changes something must come from a
//! page of the same origin.
//!
//! Every browser says so by `Sec-Fetch-Site`, and older ones by `Origin`, which is looked at where the former is missing: behind
//! a proxy the `Host` may be another. Whatever sends neither is no browser, and can be made to send nothing by a page.

use actix_web::HttpRequest;
use actix_web::http::header::{HOST, HeaderName, HeaderValue, ORIGIN};

use crate::error::{Code, Problem};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Refuses a request that changes something and comes from a page of another origin. Where browsers come by TLS alone
/// (`secure`), pages without TLS are of another.
pub(crate) fn check(request: &HttpRequest, secure: bool) -> Result<(), Problem> {
    if request.method().is_safe() || is_same(request, secure) {
        return Ok(());
    }
    Err(Problem::new(
        Code::Forbidden,
        "a session's cookie changes nothing from a page of another origin; the Origin must be that of the Host",
    ))
}

fn is_same(request: &HttpRequest, secure: bool) -> bool {
    let headers = request.headers();
    let mut sites = headers.get_all(SEC_FETCH_SITE).peekable();
    if sites.peek().is_some() {
        return sites.all(|site| site == "same-origin");
    }
    let mut origins = headers.get_all(ORIGIN);
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => headers
            .get(HOST)
            .and_then(text)
            .zip(text(origin))
            .is_some_and(|(host, origin)| is_origin_of(origin, host, secure)),
        (Some(_), Some(_)) => false,
    }
}

fn text(value: &HeaderValue) -> Option<&str> {
    value.to_str().ok()
}

/// Whether an origin is that of a host, whose scheme only a proxy with TLS in front may know.
fn is_origin_of(origin: &str, host: &str, secure: bool) -> bool {
    let schemes = [("https://", ":443"), ("http://", ":80")];
    let schemes = schemes.into_iter().take(if secure { 1 } else { 2 });
    schemes.into_iter().any(|(scheme, port)| {
        let without = |host: &str| host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase();
        origin
            .strip_prefix(scheme)
            .is_some_and(|authority| without(authority) == without(host))
    })
}

#[cfg(test)]
mod tests {
    use actix_web::http::Method;
    use actix_web::test::TestRequest;

    use super::*;

    fn passes(method: Method, headers: &[(&str, &str)]) -> bool {
        admitted(method, headers, false)
    }

    fn admitted(method: Method, headers: &[(&str, &str)], secure: bool) -> bool {
        let request = TestRequest::default()
            .method(method)
            .insert_header(("Host", "flags.example:8080"));
        let request = headers
            .iter()
            .fold(request, |request, header| request.append_header(*header));
        check(&request.to_http_request(), secure).is_ok()
    }

    #[test]
    fn a_page_of_the_same_origin_may_change_things() {
        for headers in [
            [("Sec-Fetch-Site", "same-origin")].as_slice(),
            &[("Origin", "http://flags.example:8080")],
            &[("Origin", "https://FLAGS.example:8080")],
            // The Host may be the one behind a proxy.
            &[
                ("Sec-Fetch-Site", "same-origin"),
                ("Origin", "https://flags.example"),
            ],
            &[],
        ] {
            assert!(passes(Method::POST, headers), "{headers:?}");
        }
    }

    #[test]
    fn where_browsers_come_by_tls_a_page_without_is_of_another_origin() {
        for (origin, passes) in [
            ("https://flags.example:8080", true),
            ("http://flags.example:8080", false),
        ] {
            let headers = [("Origin", origin)];
            assert_eq!(admitted(Method::POST, &headers, true), passes, "{origin}");
        }
    }

    #[test]
    fn a_page_of_another_origin_may_not() {
        for headers in [
            [("Sec-Fetch-Site", "cross-site")].as_slice(),
            &[("Sec-Fetch-Site", "same-site")],
            &[("Sec-Fetch-Site", "none")],
            &[("Sec-Fetch-Site", "")],
            &[
                ("Sec-Fetch-Site", "same-origin"),
                ("Sec-Fetch-Site", "cross-site"),
            ],
            &[
                ("Sec-Fetch-Site", "cross-site"),
                ("Origin", "http://flags.example:8080"),
            ],
            &[("Origin", "http://evil.example")],
            &[("Origin", "http://flags.example")],
            &[("Origin", "http://flags.example:8081")],
            &[("Origin", "http://flags.example:8080.evil.example")],
            &[("Origin", "http://evil.example@flags.example:8080")],
            &[("Origin", "ftp://flags.example:8080")],
            &[("Origin", "flags.example:8080")],
            &[("Origin", "null")],
            &[("Origin", "")],
            &[
                ("Origin", "http://flags.example:8080"),
                ("Origin", "http://evil.example"),
            ],
        ] {
            for method in [Method::POST, Method::PATCH, Method::DELETE] {
                assert!(!passes(method, headers), "{headers:?}");
            }
            assert!(passes(Method::GET, headers), "{headers:?}");
        }
    }

    #[test]
    fn a_default_port_may_be_left_out() {
        for (origin, host, same) in [
            ("http://flags.example", "flags.example:80", true),
            ("https://flags.example", "flags.example:443", true),
            ("http://flags.example", "flags.example:443", false),
            ("https://[::1]:8443", "[::1]:8443", true),
        ] {
            assert_eq!(is_origin_of(origin, host, false), same, "{origin} {host}");
        }
    }
}
