//! Who may call management: `authenticate` stands in front of it, and [`Viewer`], [`Editor`], [`Admin`] and [`Myself`] are
//! what a handler takes. A handler that changes flags takes an [`Editor`]; [`Viewer`] is the actor of no change.
//!
//! `credentials` reads what a request signs in with, `cookie` knows the session's, and `origin` keeps other sites' pages
//! from using it.

pub(crate) mod cookie;
pub(crate) mod credentials;
pub(crate) mod origin;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use flagstaff_domain::access::{Means, Principal, Role};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::ids::SessionId;

use self::credentials::{Credentials, no_session, no_token};
use crate::app::Services;
use crate::error::{Code, Problem};
use crate::sign_in::Attempt;

/// Lets a request through once it is known who makes it.
pub(crate) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    match principal(request.request()).await {
        Ok(principal) => {
            request.extensions_mut().insert(principal);
            next.call(request)
                .await
                .map(ServiceResponse::map_into_left_body)
        }
        // Not `into_response`, which would lose the problem that the log line tells of.
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    }
}

/// Lets a request that `needs` it through once it is known who makes it. Others are left to their handlers.
pub(crate) async fn authenticate_where(
    needs: bool,
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    if needs {
        let response = authenticate(request, next).await?;
        return Ok(response.map_into_left_body());
    }
    Ok(next.call(request).await?.map_into_right_body())
}

/// Whether a request brings something to sign in with, right or wrong.
#[cfg_attr(
    not(any(feature = "coupons", feature = "rates")),
    allow(
        dead_code,
        reason = "what the core answers is for accounts, or for everybody"
    )
)]
pub(crate) fn has_credentials(request: &HttpRequest) -> bool {
    let secure = Services::of(request).is_ok_and(|services| services.settings.secure_cookie);
    let cookie = || matches!(cookie::find(request.headers(), secure), Ok(Some(_)));
    request.headers().contains_key(AUTHORIZATION) || cookie()
}

/// Who makes this request. Each is looked up in the database, so that what was just taken away is refused at once, on
/// every instance.
pub(crate) async fn principal(request: &HttpRequest) -> Result<Principal, Problem> {
    let services = Services::of(request)?;
    match Credentials::of(request, services)? {
        Credentials::Password(attempt) => {
            let changes = !request.method().is_safe();
            by_password(services, attempt, changes).await
        }
        Credentials::Token(text) => {
            let tokens = services.tokens.clone();
            let entered = services.blocking.read(move || tokens.enter(&text)).await?;
            entered.ok_or_else(no_token)
        }
        Credentials::Session(text) => {
            origin::check(request, services.settings.secure_cookie)?;
            let sessions = services.sessions.clone();
            let entered = services
                .blocking
                .read(move || sessions.enter(&text))
                .await?;
            entered.ok_or_else(no_session)
        }
    }
}

/// By name and password. Where the time of the sign-in cannot be noted, somebody who `changes` something is refused at once,
/// rather than after waiting for the database twice.
async fn by_password(
    services: &Services,
    attempt: Attempt,
    changes: bool,
) -> Result<Principal, Problem> {
    if let Some(verified) = services.sign_in.remembered(&attempt) {
        let (sign_in, attempt) = (services.sign_in.clone(), attempt.clone());
        let recheck = move || sign_in.recheck(&attempt, &verified);
        if let Some(principal) = services.blocking.read(recheck).await? {
            return Ok(principal);
        }
    }
    let sign_in = services.sign_in.clone();
    let (principal, first) = services
        .hashing
        .read(move || sign_in.sign_in(&attempt))
        .await?;
    if first {
        let (accounts, account) = (services.accounts.clone(), principal.account);
        let note = move || accounts.note_sign_in(account);
        if let Err(problem) = services.blocking.run(note).await {
            log::warn!(reason = problem.for_log().as_str(); "the time of a sign-in was not noted");
            if changes && problem.code() == Code::Unavailable {
                return Err(Problem::unavailable(
                    "the database does not take changes at the moment; nothing was changed",
                ));
            }
        }
    }
    Ok(principal)
}

/// Somebody who may at least have this role.
fn with_role(request: &HttpRequest, role: Role) -> Result<Principal, Problem> {
    let extensions = request.extensions();
    let Some(principal) = extensions.get::<Principal>() else {
        return Err(Problem::credentials("management needs an account"));
    };
    if principal.role < role {
        return Err(principal.lacks(role).into());
    }
    Ok(principal.clone())
}

macro_rules! role {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone)]
        pub struct $name(Principal);

        impl $name {
            /// Who makes the change, for the log.
            #[must_use]
            pub fn actor(&self) -> Actor {
                self.0.actor()
            }
        }

        extracted!($name, Role::$name, Self);
    };
}

macro_rules! extracted {
    ($name:ident, $role:expr, $made:expr) => {
        impl FromRequest for $name {
            type Error = Problem;
            type Future = std::future::Ready<Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                std::future::ready(with_role(request, $role).map($made))
            }
        }
    };
}

role!(
    /// Somebody who may change features, environments and flags.
    Editor
);
role!(
    /// Somebody who may manage accounts and keys.
    Admin
);

/// Somebody who may read; not the actor of any change.
#[derive(Debug, Clone)]
pub struct Viewer;

extracted!(Viewer, Role::Viewer, |_| Self);

/// Somebody who has signed in, whatever the role, and reads or changes what is their own: their tokens, their password.
/// What belongs to others is decided on by a service that takes the [`Principal`].
#[derive(Debug, Clone)]
pub struct Myself(pub(crate) Principal);

extracted!(Myself, Role::Viewer, Self);

/// The session by whose cookie the request was signed in.
#[derive(Debug, Clone, Copy)]
pub struct CurrentSession(pub(crate) SessionId);

impl FromRequest for CurrentSession {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let current =
            with_role(request, Role::Viewer).and_then(|principal| match principal.means {
                Means::Session(session) => Ok(Self(session)),
                Means::Password | Means::Token { .. } => Err(Problem::new(
                    Code::NotFound,
                    "this request belongs to no session: it was not signed in by the cookie of one",
                )),
            });
        std::future::ready(current)
    }
}
