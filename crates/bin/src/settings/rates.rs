//! Section `rates`: where rates of currencies come from, when, and who may read them.

use std::fmt;

use flagstaff_domain::clock::TimeOfDay;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use super::values;

/// Section `rates`.
#[derive(Debug, Clone, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rates {
    /// Where the Fixer API is.
    pub base_url: BaseUrl,
    /// The key to it: at most 128 visible ASCII characters.
    #[serde(
        deserialize_with = "values::access_key",
        serialize_with = "values::hidden"
    )]
    pub access_key: Option<SecretString>,
    /// When a server ingests, in UTC; without it none does.
    #[serde(deserialize_with = "values::time_of_day")]
    pub ingest_at: Option<TimeOfDay>,
    /// How many days before today are ingested, 1 to 366.
    #[serde(deserialize_with = "values::whole::<_, _, 1, 366>")]
    pub days: u64,
    /// Calls of one run beyond one a day, 0 to 1,000.
    #[serde(deserialize_with = "values::whole::<_, _, 0, 1000>")]
    pub retries: u32,
    /// How long an answer may take, 1 to 60 seconds.
    #[serde(deserialize_with = "values::whole::<_, _, 1, 60>")]
    pub timeout_seconds: u64,
    /// Whether everybody may read rates.
    #[serde(deserialize_with = "values::switch")]
    pub public: bool,
}

/// The address of an API: `http` or `https`, a host, and perhaps a path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct BaseUrl(String);

impl TryFrom<String> for BaseUrl {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        // What is not shown may have a password in it.
        let wrong = "expected the address of the Fixer API without user, query and fragment, such as \
                     https://data.fixer.io/api";
        let rest = text
            .strip_prefix("https://")
            .or(text.strip_prefix("http://"));
        let host = rest
            .and_then(|rest| rest.split('/').next())
            .unwrap_or_default();
        let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '?' | '#' | '@' | '\\');
        if host.is_empty() || host.starts_with(':') || !text.chars().all(plain) {
            return Err(wrong.to_owned());
        }
        Ok(Self(text))
    }
}

impl From<BaseUrl> for String {
    fn from(url: BaseUrl) -> Self {
        url.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_nothing_behind_its_path() {
        for right in [
            "https://data.fixer.io/api",
            "http://127.0.0.1:8080",
            "http://[::1]:80/api/",
        ] {
            assert_eq!(
                BaseUrl::try_from(right.to_owned()).unwrap().to_string(),
                right
            );
        }
        for wrong in [
            "",
            "data.fixer.io",
            "ftp://data.fixer.io",
            "http://",
            "https:///api",
            "http://:80",
            "http://a?b",
            "http://a#b",
            "http://user:password@a",
            "http://a b",
            "http://\u{e4}",
        ] {
            let said = BaseUrl::try_from(wrong.to_owned()).unwrap_err();
            assert!(!said.contains("password"), "{said}");
        }
    }
}
