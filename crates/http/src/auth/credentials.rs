//! What a request brings to sign in with: a name and a password, an access token, or the cookie of a session.

use actix_web::HttpRequest;
use actix_web::http::header::{AUTHORIZATION, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flagstaff_domain::access::{SessionText, TokenText};

use super::cookie;
use crate::app::Services;
use crate::error::{Challenge, Code, Problem};
use crate::sign_in::Attempt;

/// What somebody signs in with.
pub(super) enum Credentials {
    Password(Attempt),
    Token(TokenText),
    Session(SessionText),
}

impl Credentials {
    /// Those of a request. An `Authorization` header goes before a cookie, which a browser sends unasked.
    pub(super) fn of(request: &HttpRequest, services: &Services) -> Result<Self, Problem> {
        let headers = request.headers();
        let mut values = headers.get_all(AUTHORIZATION);
        match (values.next(), values.next()) {
            (Some(value), None) => Self::authorization(value, request, services),
            (Some(_), Some(_)) => Err(Problem::two_authorizations()),
            (None, _) => match cookie::find(headers, services.settings.secure_cookie)? {
                Some(text) => session(text).map(Self::Session),
                None => Err(missing(request)),
            },
        }
    }

    fn authorization(
        value: &HeaderValue,
        request: &HttpRequest,
        services: &Services,
    ) -> Result<Self, Problem> {
        let wrong = || {
            Problem::credentials(
                "the Authorization header must be HTTP Basic in UTF-8, or Bearer with an access token",
            )
        };
        let text = value.to_str().map_err(|_| wrong())?;
        let (scheme, given) = text.split_once(' ').ok_or_else(wrong)?;
        if scheme.eq_ignore_ascii_case("bearer") {
            let given = given.trim();
            return match TokenText::parse(given) {
                Some(token) => Ok(Self::Token(token)),
                None if services.serving.open(given.as_bytes())?.is_some() => Err(only_a_key()),
                None => Err(no_token()),
            };
        }
        if !scheme.eq_ignore_ascii_case("basic") {
            return Err(wrong());
        }
        let decoded = STANDARD.decode(given.trim()).map_err(|_| wrong())?;
        let decoded = String::from_utf8(decoded).map_err(|_| wrong())?;
        let (username, password) = decoded.split_once(':').ok_or_else(wrong)?;
        Attempt::new(request, username.to_owned(), password.to_owned())
            .within_limits("password")
            .map(Self::Password)
            .map_err(|_| Problem::credentials("the username or the password is wrong"))
    }
}

/// The session of a request's cookie, where it has one.
pub(crate) fn session_of(request: &HttpRequest, secure: bool) -> Option<SessionText> {
    let cookie = cookie::find(request.headers(), secure).ok().flatten();
    cookie.and_then(|text| session(text).ok())
}

fn session(text: &[u8]) -> Result<SessionText, Problem> {
    let text = std::str::from_utf8(text).ok().and_then(SessionText::parse);
    text.ok_or_else(no_session)
}

fn missing(request: &HttpRequest) -> Problem {
    if request.headers().contains_key("x-environment-key") {
        return only_a_key();
    }
    Problem::credentials("management needs an account: sign in with HTTP Basic or an access token")
}

fn only_a_key() -> Problem {
    Problem::new(
        Code::Forbidden,
        "an environment's key evaluates flags and nothing else; management needs an account",
    )
}

/// That no account is entered by this token.
pub(super) fn no_token() -> Problem {
    Problem::credentials("the access token is unknown or has expired").challenge(Challenge::Bearer)
}

/// That no account is entered by this session.
pub(super) fn no_session() -> Problem {
    Problem::credentials("the session has ended; sign in again").challenge(Challenge::Session)
}
