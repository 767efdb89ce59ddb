//! The URL of a PostgreSQL database. It may have a password in it, which is never shown.

use std::fmt;

/// `postgres://user:password@host:port/database?parameters`, as libpq reads it
/// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>).
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

/// What every connection is opened with unless the URL says otherwise: a server that went away is noticed within two
/// seconds, be it while connecting, while sending, or while waiting for an answer.
const PARAMETERS: [(&str, &str); 7] = [
    ("connect_timeout", "2"),
    ("tcp_user_timeout", "1500"),
    ("keepalives", "1"),
    ("keepalives_idle", "1"),
    ("keepalives_interval", "1"),
    ("keepalives_count", "2"),
    ("fallback_application_name", "flagstaff"),
];

impl PostgresUrl {
    /// The URL, whose scheme is `postgres://` or `postgresql://`. libpq looks at the rest when it connects.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self(url.into())
    }

    /// The URL as it was given, with its password.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The URL with the parameters that Flagstaff relies on.
    pub(super) fn with_parameters(&self) -> String {
        let given = self.0.split_once('?').map_or("", |(_, query)| query);
        let has = |name: &str| {
            given
                .split('&')
                .any(|one| one.split_once('=').is_some_and(|(given, _)| given == name))
        };
        let mut url = self.0.clone();
        if !url.contains('?') {
            url.push('?');
        }
        for (name, value) in PARAMETERS.iter().filter(|(name, _)| !has(name)) {
            if !url.ends_with(['?', '&']) {
                url.push('&');
            }
            url.push_str(&format!("{name}={value}"));
        }
        url
    }
}

impl fmt::Display for PostgresUrl {
    /// Without the password and without parameters, which may have one, too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = self.0.split_once("://").unwrap_or(("postgres", ""));
        let rest = rest.split_once('?').map_or(rest, |(rest, _)| rest);
        match rest.rsplit_once('@') {
            Some((user, place)) => {
                let user = user.split_once(':').map_or(user, |(user, _)| user);
                write!(f, "{scheme}://{user}@{place}")
            }
            None => write!(f, "{scheme}://{rest}"),
        }
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgresUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_shown_nowhere() {
        for (url, shown) in [
            (
                "postgres://ada:hush@db:5432/flags",
                "postgres://ada@db:5432/flags",
            ),
            (
                "postgresql://ada@db/flags?password=hush",
                "postgresql://ada@db/flags",
            ),
            (
                "postgres://ada:hu@sh@one,two/flags",
                "postgres://ada@one,two/flags",
            ),
            (
                "postgres:///flags?host=/run/postgresql",
                "postgres:///flags",
            ),
        ] {
            let url = PostgresUrl::new(url);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("PostgresUrl({shown})"));
        }
    }

    #[test]
    fn what_the_url_says_goes_before_what_is_relied_on() {
        let plain = PostgresUrl::new("postgres://db/flags").with_parameters();
        assert!(plain.starts_with("postgres://db/flags?connect_timeout=2&tcp_user_timeout=1500&"));
        let own =
            PostgresUrl::new("postgres://db/flags?connect_timeout=9&host=x").with_parameters();
        assert!(own.starts_with("postgres://db/flags?connect_timeout=9&host=x&tcp_user_timeout="));
        assert_eq!(own.matches("connect_timeout").count(), 1);
    }
}
