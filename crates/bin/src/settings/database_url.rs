//! `database.url`: which database, and where. The one place that knows the schemes of the backends.
//! `settings.rs` has the section it belongs to.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::values::shown;
use crate::wiring::Location;
#[cfg(feature = "postgres")]
use crate::wiring::PostgresUrl;

/// Where the data is kept: a SQLite file, `sqlite://` and its path, or a PostgreSQL database by its URL.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "Value", into = "String")]
pub(crate) struct DatabaseUrl(Location);

const SQLITE: &str = "sqlite://";
const POSTGRES: [&str; 2] = ["postgres://", "postgresql://"];

impl DatabaseUrl {
    /// The database, which shows itself without its password.
    pub(crate) fn location(&self) -> &Location {
        &self.0
    }
}

impl TryFrom<Value> for DatabaseUrl {
    type Error = String;

    /// The text is not repeated: the URL of another database has a password in it.
    fn try_from(value: Value) -> Result<Self, String> {
        let right = if cfg!(feature = "postgres") {
            "expected sqlite:// and a path, such as sqlite://data/flagstaff.db, or \
             postgres://user:password@host:port/database"
        } else {
            "expected sqlite:// and a path, such as sqlite://data/flagstaff.db"
        };
        let Value::String(url) = value else {
            return Err(format!("{} is not a database URL; {right}", shown(&value)));
        };
        if POSTGRES.iter().any(|scheme| url.starts_with(scheme)) {
            return postgres(url).map_err(|what| format!("{what}; {right}"));
        }
        sqlite(&url).map_err(|what| format!("{what}; {right}"))
    }
}

fn sqlite(url: &str) -> Result<DatabaseUrl, String> {
    let Some(path) = url.strip_prefix(SQLITE) else {
        return Err(match url.split_once("://") {
            Some((scheme, _)) if scheme.chars().all(|c| c.is_ascii_alphanumeric()) => {
                format!("the scheme {scheme}:// is not supported")
            }
            _ => "not a database URL".to_owned(),
        });
    };
    let wrong = if path.is_empty() || path.ends_with('/') {
        "the path names no file"
    } else if path.starts_with(":memory:") {
        "a database in memory is not supported"
    // SQLite would take such a path for a URI of its own, with options.
    } else if path.starts_with("file:") || path.contains('?') || path.contains(char::is_control) {
        "options and control characters are not supported"
    } else {
        return Ok(DatabaseUrl(Location::from(Path::new(path))));
    };
    Err(wrong.to_owned())
}

#[cfg(feature = "postgres")]
fn postgres(url: String) -> Result<DatabaseUrl, &'static str> {
    PostgresUrl::parse(url).map(|url| DatabaseUrl(url.into()))
}

#[cfg(not(feature = "postgres"))]
fn postgres(_: String) -> Result<DatabaseUrl, &'static str> {
    Err("this build has no PostgreSQL (it is made with the cargo feature postgres)")
}

impl From<DatabaseUrl> for String {
    /// As it may be shown to anyone.
    fn from(url: DatabaseUrl) -> Self {
        match url.0 {
            Location::Sqlite(path) => format!("{SQLITE}{}", path.display()),
            #[cfg(feature = "postgres")]
            Location::Postgres(url) => url.to_string(),
        }
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
            assert_eq!(parsed.location(), &Location::from(Path::new(path)));
            assert_eq!(json!(parsed), json!(url));
        }
    }

    #[test]
    fn another_database_is_refused_with_what_would_be_right() {
        for wrong in [
            json!("postgres://user:hush@host"),
            json!("mysql://user:hush@host/db"),
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
        let message = DatabaseUrl::try_from(json!("mysql://u:p@host/db")).unwrap_err();
        assert!(
            message.starts_with("the scheme mysql:// is not supported"),
            "{message}"
        );
    }

    #[cfg(not(feature = "postgres"))]
    #[test]
    fn a_build_without_postgresql_says_so() {
        let message = DatabaseUrl::try_from(json!("postgres://u:p@host/db")).unwrap_err();
        assert!(
            message.starts_with("this build has no PostgreSQL"),
            "{message}"
        );
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_postgresql_url_is_shown_without_its_password() {
        for scheme in ["postgres", "postgresql"] {
            let url = format!("{scheme}://ada:hush@db:5432/flags?sslmode=require");
            let parsed = DatabaseUrl::try_from(json!(url)).unwrap();
            let without = format!("{scheme}://ada@db:5432/flags");
            assert_eq!(parsed.location().to_string(), without);
            assert_eq!(json!(parsed), json!(without));
            assert!(!format!("{parsed:?}").contains("hush"));
        }
    }
}
