//! The URL of a PostgreSQL database. It may have a password in it, which is never shown.

use std::fmt;

/// `postgres://user:password@host:port/database?parameters`, as libpq reads it
/// (<https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-URIS>).
#[derive(Clone, PartialEq, Eq)]
pub struct PostgresUrl(String);

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];

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
    /// A URL that libpq will take apart in the same way: where a password holds `@`, `/` or `?` as they are, a part of it
    /// would be taken for a host and be shown in the failure.
    ///
    /// # Errors
    /// What is wrong, without the URL.
    pub fn parse(url: impl Into<String>) -> Result<Self, &'static str> {
        let url = url.into();
        let rest = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme));
        if !is_percent_encoded(&url) {
            return Err(
                "% has to be followed by two hexadecimal digits, and not by 00; % itself is written %25",
            );
        }
        let rest = rest.ok_or("the scheme is neither postgres:// nor postgresql://")?;
        if url.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err("white space and control characters have to be percent-encoded");
        }
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, database) = place.split_once('/').ok_or("it names no database")?;
        if database.is_empty() {
            return Err("it names no database");
        }
        let (user, hosts) = authority.rsplit_once('@').unwrap_or(("", authority));
        let port_is_wrong = |host: &str| {
            let port = host.rsplit_once(']').map_or(host, |(_, port)| port);
            let port = port.split_once(':').map_or("", |(_, port)| port);
            !port.bytes().all(|byte| byte.is_ascii_digit())
        };
        if [user, database]
            .iter()
            .any(|part| part.contains(['@', '/']))
            || hosts.split(',').any(port_is_wrong)
        {
            return Err("what is special in the user's name or password has to be percent-encoded");
        }
        if !query.is_empty() && query.split('&').any(|one| !one.contains('=')) {
            return Err("what follows ? has to be name=value, joined by &");
        }
        Ok(Self(url))
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

/// Whether every `%` begins a byte that libpq would take.
fn is_percent_encoded(url: &str) -> bool {
    url.split('%').skip(1).all(|after| {
        let digits = after.as_bytes().get(..2);
        digits.is_some_and(|digits| digits != b"00" && digits.iter().all(u8::is_ascii_hexdigit))
    })
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
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
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
                "postgres://ada:hu%40sh@one:1,[::1]:2/flags",
                "postgres://ada@one:1,[::1]:2/flags",
            ),
            (
                "postgres:///flags?host=/run/postgresql",
                "postgres:///flags",
            ),
        ] {
            let url = PostgresUrl::parse(url).unwrap();
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("PostgresUrl({shown})"));
        }
    }

    #[test]
    fn what_would_be_taken_apart_in_another_way_is_refused_and_not_repeated() {
        for wrong in [
            "mysql://ada:hush@db/flags",
            "postgres://ada:hush@db",
            "postgres://ada:hush@db/",
            "postgres://ada:hu@sh@db/flags",
            "postgres://ada:hu/sh@db/flags",
            "postgres://ada:hu?sh@db/flags",
            "postgres://ada:hush@db:x/flags",
            "postgres://ada:hush@[::1]:x/flags",
            "postgres://ada:hu sh@db/flags",
            "postgres://ada:hu%sh@db/flags",
            "postgres://ada:hush%00@db/flags",
            "postgres://ada:hush@db/flags%f",
            "postgres://ada:hush\n@db/flags",
            "postgres://ada:hush@db/flags?sslmode",
        ] {
            let error = PostgresUrl::parse(wrong).unwrap_err();
            assert!(!error.contains("hu"), "{error}");
        }
    }

    #[test]
    fn what_the_url_says_goes_before_what_is_relied_on() {
        let with = |url: &str| PostgresUrl::parse(url).unwrap().with_parameters();
        let plain = with("postgres://db/flags");
        assert!(plain.starts_with("postgres://db/flags?connect_timeout=2&tcp_user_timeout=1500&"));
        let own = with("postgres://db/flags?connect_timeout=9&host=x");
        assert!(own.starts_with("postgres://db/flags?connect_timeout=9&host=x&tcp_user_timeout="));
        assert_eq!(own.matches("connect_timeout").count(), 1);
    }
}
