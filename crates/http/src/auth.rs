//! Who may call management: `authenticate` stands in front of it, and [`Viewer`], [`Editor`] and [`Admin`] are what a
//! handler takes. A handler that changes flags takes an [`Editor`]; only that and
//! [`Admin`] can be a change's actor.

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::{Method, header};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flagstaff_domain::access::{Principal, Role};
use flagstaff_domain::changes::Actor;

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

/// Lets a write through once it is known who makes it. Reads are left to their handlers.
pub(crate) async fn authenticate_writes(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    match *request.method() {
        Method::POST | Method::PUT | Method::PATCH | Method::DELETE => {
            let response = authenticate(request, next).await?;
            Ok(response.map_into_left_body())
        }
        _ => Ok(next.call(request).await?.map_into_right_body()),
    }
}

/// Who makes this request, by its `Authorization` header.
pub(crate) async fn principal(request: &HttpRequest) -> Result<Principal, Problem> {
    let attempt = credentials(request)?;
    let services = Services::of(request)?;
    if let Some(principal) = services.sign_in.remembered(&attempt) {
        return Ok(principal);
    }
    let sign_in = services.sign_in.clone();
    services
        .hashing
        .read(move || sign_in.sign_in(&attempt))
        .await
}

fn credentials(request: &HttpRequest) -> Result<Attempt, Problem> {
    let mut headers = request.headers().get_all(header::AUTHORIZATION);
    let Some(value) = headers.next() else {
        return Err(if request.headers().contains_key("x-environment-key") {
            Problem::new(
                Code::Forbidden,
                "an environment's key evaluates flags and nothing else; management needs an account",
            )
        } else {
            Problem::credentials("management needs an account: sign in with HTTP Basic")
        });
    };
    if headers.next().is_some() {
        return Err(Problem::new(
            Code::InvalidRequest,
            "there must be one Authorization header",
        ));
    }
    let wrong = || Problem::credentials("the Authorization header must be HTTP Basic in UTF-8");
    let text = value.to_str().map_err(|_| wrong())?;
    let (scheme, encoded) = text.split_once(' ').ok_or_else(wrong)?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return Err(wrong());
    }
    let decoded = STANDARD.decode(encoded.trim()).map_err(|_| wrong())?;
    let decoded = String::from_utf8(decoded).map_err(|_| wrong())?;
    let (username, password) = decoded.split_once(':').ok_or_else(wrong)?;
    // No account has a longer name or password, and hashing one would only cost time.
    if username.chars().count() > 150 || password.chars().count() > 128 {
        return Err(Problem::credentials(
            "the username or the password is wrong",
        ));
    }
    Ok(Attempt {
        username: username.to_owned(),
        password: password.to_owned(),
        address: request.peer_addr().map(|peer| peer.ip()),
    })
}

/// Somebody who may at least have this role.
fn with_role(request: &HttpRequest, role: Role) -> Result<Principal, Problem> {
    let extensions = request.extensions();
    let Some(principal) = extensions.get::<Principal>() else {
        return Err(Problem::credentials("management needs an account"));
    };
    if principal.role < role {
        return Err(Problem::new(
            Code::Forbidden,
            format!(
                "this needs the role {role}; {} is {}",
                principal.username, principal.role
            ),
        ));
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
                Actor::User(self.0.username.clone())
            }
        }

        impl FromRequest for $name {
            type Error = Problem;
            type Future = std::future::Ready<Result<Self, Problem>>;

            fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
                std::future::ready(with_role(request, Role::$name).map(Self))
            }
        }
    };
}

/// Somebody who may read; not the actor of any change.
#[derive(Debug, Clone)]
pub struct Viewer;

impl FromRequest for Viewer {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(with_role(request, Role::Viewer).map(|_| Self))
    }
}

role!(
    /// Somebody who may change features, environments and flags.
    Editor
);
role!(
    /// Somebody who may manage accounts and keys.
    Admin
);
