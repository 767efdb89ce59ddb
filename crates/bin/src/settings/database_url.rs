//! `database.url`: which database, and where. The one place that knows the schemes of the backends.
//! `settings.rs` has the section it belongs to.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::shown;

/// Where the data is kept: for now always a SQLite file, `sqlite://` and its path.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Value", into = "String")]
pub(crate) struct DatabaseUrl(String);

const SQLITE: &str = "sqlite://";

impl DatabaseUrl {
    /// The path of the database file, relative to the working directory or absolute.
    pub(crate) fn path(&self) -> &Path {
        Path::new(self.0.strip_prefix(SQLITE).unwrap_or_default())
    }
}

impl TryFrom<Value> for DatabaseUrl {
    type Error = String;

    /// The text is not repeated: the URL of another database has a password in it.
    fn try_from(value: Value) -> Result<Self, String> {
        let right = "expected sqlite:// and a path, such as sqlite://data/flagstaff.db";
        let Value::String(url) = value else {
            return Err(format!("{} is not a database URL; {right}", shown(&value)));
        };
        let Some(path) = url.strip_prefix(SQLITE) else {
            return Err(match url.split_once("://") {
                Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                    format!("the scheme {scheme}:// is not supported; {right}")
                }
                _ => format!("not a database URL; {right}"),
            });
        };
        if path.is_empty() || path.ends_with('/') {
            return Err(format!("the path names no file; {right}"));
        }
        if path.starts_with(":memory:") {
            return Err(format!("a database in memory is not supported; {right}"));
        }
        // SQLite would take such a path for a URI of its own, with options.
        if path.starts_with("file:") || path.contains('?') || path.contains(char::is_control) {
            return Err(format!(
                "options and control characters are not supported; {right}"
            ));
        }
        Ok(Self(url))
    }
}

impl From<DatabaseUrl> for String {
    fn from(url: DatabaseUrl) -> Self {
        url.0
    }
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
    fn a_database_url_is_sqlite_and_a_path() {
        for (url, path) in [
            ("sqlite://data/flagstaff.db", "data/flagstaff.db"),
            ("sqlite:///var/lib/flagstaff.db", "/var/lib/flagstaff.db"),
            ("sqlite://with space.db", "with space.db"),
        ] {
            let parsed = DatabaseUrl::try_from(json!(url)).unwrap();
            assert_eq!(parsed.path(), Path::new(path));
            assert_eq!(json!(parsed), json!(url));
        }
    }

    #[test]
    fn another_database_is_refused_with_what_would_be_right() {
        for wrong in [
            json!("postgres://user:hush@host/db"),
            json!("data/hush.db"),
            json!("sqlite:hush.db"),
            json!("SQLITE://hush.db"),
            json!("sqlite://"),
            json!("sqlite://hush/"),
            json!("sqlite://:memory:"),
            json!("sqlite://file:hush.db"),
            json!("sqlite://hush.db?mode=ro"),
            json!("sqlite://hush\0.db"),
            json!(["hush"]),
        ] {
            let message = DatabaseUrl::try_from(wrong).unwrap_err();
            assert!(message.contains("sqlite://data/flagstaff.db"), "{message}");
            assert!(!message.contains("hush"), "{message}");
        }
        let message = DatabaseUrl::try_from(json!("postgres://u:p@host/db")).unwrap_err();
        assert!(
            message.starts_with("the scheme postgres:// is not supported"),
            "{message}"
        );
    }
}
