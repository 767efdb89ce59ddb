//! The GUID register, `/guid`: whoever knows a GUID reads its record; making, changing and deleting one needs an account.
//!
//! `dto` holds the shapes, `routes` the calls. Here is what stands in front of them: a path that names no GUID is refused
//! whatever is asked, and writes are asked who makes them.

mod dto;
pub(crate) mod routes;

use actix_web::body::MessageBody;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, HttpRequest};
use flagstaff_domain::access::Guid;

use crate::auth;
use crate::error::Problem;
use crate::resource::resource;

/// Whether this route is one of the register's, whose answers no cache may keep.
pub(crate) fn is_register(route: &str) -> bool {
    route.starts_with("/guid")
}

/// Whether a request for this route makes, changes or deletes a record.
pub(crate) fn is_change(route: &str, method: &str) -> bool {
    is_register(route) && matches!(method, "POST" | "PATCH" | "DELETE")
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            resource("/guid")
                .post(routes::generate)
                .build()
                .wrap(from_fn(known)),
        )
        .service(
            resource("/guid/{guid}")
                .get(routes::show)
                .post(routes::create)
                .patch(routes::change)
                .delete(routes::delete)
                .build()
                .wrap(from_fn(known))
                .wrap(from_fn(named)),
        )
        .service(web::resource("/guid/{none:.*}").to(nameless));
}

/// Refuses a path that names no GUID, before anything else is looked at.
async fn named(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    match guid_in(request.request()) {
        Ok(_) => {
            let response = next.call(request).await?;
            Ok(response.map_into_left_body())
        }
        Err(problem) => Ok(request.error_response(problem).map_into_right_body()),
    }
}

/// Lets a write through once it is known who makes it; a GUID is its own credential for a read.
async fn known(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let writes = matches!(
        *request.method(),
        Method::POST | Method::PATCH | Method::DELETE
    );
    auth::authenticate_where(writes, request, next).await
}

/// A path below `/guid` that is none of the register's.
async fn nameless(request: HttpRequest) -> Result<&'static str, Problem> {
    guid_in(&request).map(|_| "")
}

/// The GUID that the path names. What is no GUID is not repeated: it may be most of one.
fn guid_in(request: &HttpRequest) -> Result<Guid, Problem> {
    let text = request.match_info().get("guid").unwrap_or_default();
    Guid::parse(text).map_err(|error| Problem::field("guid", error.to_string()))
}

/// The GUID that the path names.
pub(crate) struct Named(pub(crate) Guid);

impl FromRequest for Named {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(guid_in(request).map(Self))
    }
}
