//! `/coupons`: offers. Read by everybody unless a setting closes it, written by editors, redeemed by applications.
//!
//! `routes` has the calls, `redemptions` those that count uses, `dto` the shapes, `audience` whom an answer is for, and
//! `guesses` keeps ids from being tried out.

mod audience;
pub mod dto;
mod guesses;
mod query;
pub(crate) mod redemptions;
pub(crate) mod routes;

use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, ServiceConfig};
use flagstaff_domain::modules::coupons::{CouponError, CouponService};
use prometheus_client::collector::Collector;
use serde_json::Value;
use utoipa::OpenApi;

use self::guesses::Guesses;
use super::{Module, reading};
use crate::auth;
use crate::error::{Code, Problem};
use crate::resource::resource;

/// The beginning of the module's paths.
pub(super) const ROOT: &str = "/coupons";
/// The routes that pages of other origins read.
pub(super) const OPEN: &[&str] = &["/coupons", "/coupons/{id}"];
/// The routes that they post to.
pub(super) const POSTED: &[&str] = &["/coupons/{id}/redemptions"];

/// Coupons over HTTP.
#[derive(Debug, Clone)]
pub struct CouponsModule {
    /// Manages, lists and redeems coupons.
    pub(crate) coupons: CouponService,
    /// Whether everybody may read.
    pub(crate) public: bool,
    pub(crate) guesses: Arc<Guesses>,
}

impl CouponsModule {
    /// Coupons that everybody may read, or not. `guesses` is how many ids of no coupon one address may ask for in a minute.
    #[must_use]
    pub fn new(coupons: CouponService, public: bool, guesses: u32) -> Self {
        Self {
            coupons,
            public,
            guesses: Arc::new(Guesses::new(guesses)),
        }
    }
}

#[derive(OpenApi)]
#[openapi(paths(
    routes::list,
    routes::create,
    routes::show,
    routes::change,
    routes::delete,
    redemptions::redeem,
    redemptions::list,
))]
struct Description;

pub(super) fn describe() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

/// Lets a write through once it is known who makes it; reads look for themselves.
async fn known(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    let writes = matches!(
        *request.method(),
        Method::POST | Method::PUT | Method::DELETE
    );
    auth::authenticate_where(writes, request, next).await
}

impl Module for CouponsModule {
    fn name(&self) -> &'static str {
        "coupons"
    }

    fn configure(&self, config: &mut ServiceConfig) {
        config
            .app_data(web::Data::new(self.clone()))
            .service(
                resource("/coupons")
                    .get(routes::list)
                    .post(routes::create)
                    .options(reading::preflight)
                    .build()
                    .wrap(from_fn(known)),
            )
            .service(
                resource("/coupons/{id}")
                    .get(routes::show)
                    .put(routes::change)
                    .delete(routes::delete)
                    .options(reading::preflight)
                    .build()
                    .wrap(from_fn(known)),
            )
            .service(
                resource("/coupons/{id}/redemptions")
                    .get(redemptions::list)
                    .post(redemptions::redeem)
                    .options(reading::preflight_of_posts)
                    .build(),
            );
    }

    fn collector(self: Arc<Self>) -> Option<Box<dyn Collector>> {
        None
    }

    fn readiness(&self) -> Option<Value> {
        None
    }
}

impl From<CouponError> for Problem {
    fn from(error: CouponError) -> Self {
        let detail = error.to_string();
        match error {
            CouponError::Invalid { field, reason } => Self::field(field, reason),
            CouponError::UnknownFeature(_) => Self::field("feature", detail),
            CouponError::NotFound(_) => Self::new(Code::NotFound, detail),
            CouponError::VersionMismatch(_) => Self::new(Code::VersionMismatch, detail),
            CouponError::Expired(_) | CouponError::NotPublished(_) => {
                Self::new(Code::Conflict, detail)
            }
            CouponError::Storage(error) => error.into(),
        }
    }
}
