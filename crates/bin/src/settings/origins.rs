//! `server.allowed_origins`: whose pages may call the evaluation endpoints, in the form in which browsers name them.
//! `settings.rs` has the section it belongs to.

use std::net::Ipv6Addr;

use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;

use super::values::shown;

/// Origins whose pages may call the evaluation endpoints.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Value")]
pub(crate) enum AllowedOrigins {
    /// Every origin: `"*"`.
    Any,
    /// These alone, as browsers write them: lower case, no default port, no path. May be empty.
    Only(Vec<String>),
}

impl TryFrom<Value> for AllowedOrigins {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        let right = "expected \"*\", or a list of origins such as https://shop.example";
        let texts: Vec<&str> = match &value {
            Value::String(text) => text
                .split(',')
                .map(str::trim)
                .filter(|part| !part.is_empty())
                .collect(),
            Value::Array(items) => {
                let texts = items.iter().map(Value::as_str).collect::<Option<_>>();
                texts
                    .ok_or_else(|| format!("the list holds something that is not text; {right}"))?
            }
            _ => {
                return Err(format!(
                    "{} is not a list of origins; {right}",
                    shown(&value)
                ));
            }
        };
        match texts[..] {
            ["*"] => Ok(Self::Any),
            _ if texts.contains(&"*") => {
                Err("\"*\" allows every origin and stands alone".to_owned())
            }
            _ => texts
                .into_iter()
                .map(origin)
                .collect::<Result<_, _>>()
                .map(Self::Only),
        }
    }
}

impl Serialize for AllowedOrigins {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Any => serializer.serialize_str("*"),
            Self::Only(origins) => origins.serialize(serializer),
        }
    }
}

/// An origin in the form in which a browser sends it (RFC 6454, section 6.2): what is compared is the text.
fn origin(text: &str) -> Result<String, String> {
    let lower = text.to_ascii_lowercase();
    let wrong = || {
        format!(
            "{text:?} is not an origin; expected scheme://host or scheme://host:port, such as https://shop.example"
        )
    };
    let (scheme, authority) = lower.split_once("://").ok_or_else(wrong)?;
    let in_scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    // The port follows the last colon, unless that colon is part of an IPv6 address in brackets.
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
        _ => (authority, None),
    };
    let in_host = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    let host_is_right = match host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        Some(address) => address.parse::<Ipv6Addr>().is_ok(),
        None => !host.is_empty() && host.chars().all(in_host),
    };
    let port = port
        .map(str::parse::<u16>)
        .transpose()
        .map_err(|_| wrong())?;
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        || !scheme.chars().all(in_scheme)
        || !host_is_right
        || port == Some(0)
    {
        return Err(wrong());
    }
    Ok(match (scheme, port) {
        (_, None) | ("http", Some(80)) | ("https", Some(443)) => format!("{scheme}://{host}"),
        (_, Some(port)) => format!("{scheme}://{host}:{port}"),
    })
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn origins_are_a_list_or_text_with_commas_in_the_form_that_browsers_send() {
        let only = |origins: &[&str]| {
            AllowedOrigins::Only(origins.iter().map(|&o| o.to_owned()).collect())
        };
        for (value, expected) in [
            (json!("*"), AllowedOrigins::Any),
            (json!(["*"]), AllowedOrigins::Any),
            (json!(""), only(&[])),
            (json!([]), only(&[])),
            (
                json!("https://a.example , http://b:3000,"),
                only(&["https://a.example", "http://b:3000"]),
            ),
            (
                json!(["HTTPS://A.example:443"]),
                only(&["https://a.example"]),
            ),
            (
                json!("http://[::1]:8080,http://[::1],http://a:80"),
                only(&["http://[::1]:8080", "http://[::1]", "http://a"]),
            ),
            (
                json!("capacitor://localhost"),
                only(&["capacitor://localhost"]),
            ),
        ] {
            assert_eq!(AllowedOrigins::try_from(value).unwrap(), expected);
        }
    }

    #[test]
    fn what_no_browser_sends_as_an_origin_is_refused() {
        for wrong in [
            json!("a.example"),
            json!("https://a.example/"),
            json!("https://a.example/shop"),
            json!("https://*.a.example"),
            json!("https://user@a.example"),
            json!("https://a.example:x"),
            json!("https://a.example:0"),
            json!("https://a.example:65536"),
            json!("https://"),
            json!("https://:80"),
            json!("https://[a]"),
            json!("://a"),
            json!("null"),
            json!("https://münchen.example"),
            json!("https://a b"),
            json!("*,https://a.example"),
            json!([1]),
            json!(true),
        ] {
            assert!(AllowedOrigins::try_from(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
