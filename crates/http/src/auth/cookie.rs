//! The cookie of a session. Where TLS stands in front, its name begins with `__Host-`: no other host, and nobody who
//! listens, can set one that a browser would send here.

use actix_web::http::header::{COOKIE, HeaderMap, HeaderValue};
use flagstaff_domain::access::SessionText;

use crate::error::{Code, Problem};

/// The cookie's name.
fn name(secure: bool) -> &'static str {
    if secure {
        "__Host-flagstaff"
    } else {
        "flagstaff"
    }
}

/// What the request's cookie holds. More than one is refused, since it cannot be told who set which.
pub(super) fn find(headers: &HeaderMap, secure: bool) -> Result<Option<&[u8]>, Problem> {
    let name = name(secure).as_bytes();
    let pairs = headers.get_all(COOKIE).map(HeaderValue::as_bytes);
    let pairs = pairs.flat_map(|cookies| cookies.split(|byte| *byte == b';'));
    let mut values = pairs.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name)?;
        value.strip_prefix(b"=")
    });
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        (_, Some(_)) => Err(Problem::new(
            Code::InvalidRequest,
            "there must be one cookie of a session",
        )),
    }
}

/// Gives a browser its session. It forgets it when it is closed.
pub(crate) fn given(text: &SessionText, secure: bool) -> String {
    written(text.reveal(), secure)
}

/// Takes the session from a browser.
pub(crate) fn taken(secure: bool) -> String {
    format!("{}; Max-Age=0", written("", secure))
}

fn written(value: &str, secure: bool) -> String {
    let secure_attribute = if secure { "; Secure" } else { "" };
    format!(
        "{}={value}; Path=/; HttpOnly; SameSite=Strict{secure_attribute}",
        name(secure)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(cookies: &[&str], secure: bool) -> Result<Option<String>, Code> {
        let mut headers = HeaderMap::new();
        for cookie in cookies {
            headers.append(COOKIE, HeaderValue::from_str(cookie).unwrap());
        }
        find(&headers, secure)
            .map(|value| value.map(|value| String::from_utf8(value.to_vec()).unwrap()))
            .map_err(|problem| problem.code())
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        for cookies in [
            ["flagstaff=a"].as_slice(),
            &["x=1; flagstaff=a; y=2"],
            &["flagstaffs=b;flagstaff=a"],
            &["x=1", "flagstaff=a"],
            &["x=flagstaff=b;  flagstaff=a  "],
        ] {
            assert_eq!(
                found(cookies, false),
                Ok(Some("a".to_owned())),
                "{cookies:?}"
            );
        }
        for cookies in [
            [].as_slice(),
            &["flagstaff"],
            &["Flagstaff=a"],
            &["x=flagstaff=a"],
        ] {
            assert_eq!(found(cookies, false), Ok(None), "{cookies:?}");
        }
    }

    #[test]
    fn with_tls_another_name_is_no_session() {
        assert_eq!(found(&["flagstaff=a"], true), Ok(None));
        let both = found(&["flagstaff=a; __Host-flagstaff=b"], true);
        assert_eq!(both, Ok(Some("b".to_owned())));
    }

    #[test]
    fn two_of_them_are_refused() {
        for cookies in [
            ["flagstaff=a; flagstaff=a"].as_slice(),
            &["flagstaff=a", "flagstaff=b"],
        ] {
            assert_eq!(found(cookies, false), Err(Code::InvalidRequest));
        }
    }

    #[test]
    fn no_script_and_no_other_site_gets_at_it() {
        assert_eq!(
            taken(true),
            "__Host-flagstaff=; Path=/; HttpOnly; SameSite=Strict; Secure; Max-Age=0"
        );
        assert_eq!(
            taken(false),
            "flagstaff=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0"
        );
    }
}
