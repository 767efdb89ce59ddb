//! `/coupons/{id}/redemptions`: uses, counted per day.

use actix_web::{HttpRequest, HttpResponse, web};

use super::dto::RedemptionsBody;
use super::query::Numbered;
use super::{CouponsModule, audience};
use crate::app::Services;
use crate::auth;
use crate::error::{Problem, ProblemBody};

/// Redeem a coupon
///
/// Counts a use today, in UTC. Needs an environment's key, which has to be shown the coupon, or an account.
#[utoipa::path(post, path = "/coupons/{id}/redemptions", tag = "coupons", operation_id = "redeem",
    security(("environment_key" = []), ("basic" = [])),
    params(("id" = u64, Path, description = "The coupon's id", minimum = 1)),
    responses((status = 201, description = "Counted: how often it was redeemed today", body = RedemptionsBody),
              (status = 409, description = "It has expired, or is not published yet", body = ProblemBody,
               content_type = "application/problem+json"),
              (status = 429, description = "The key asks for more a second than it may, or too many attempts to sign in failed",
               body = ProblemBody, content_type = "application/problem+json")))]
pub(crate) async fn redeem(
    request: HttpRequest,
    id: Numbered,
    services: web::Data<Services>,
    module: web::Data<CouponsModule>,
) -> Result<HttpResponse, Problem> {
    let audience = audience::of_redeemer(&request).await?;
    let counted = services
        .blocking
        .run(move || module.coupons.redeem(id.0, &audience))
        .await?;
    Ok(HttpResponse::Created()
        .insert_header(("Cache-Control", "no-store"))
        .json(RedemptionsBody::from(counted)))
}

/// Count redemptions
///
/// How often the coupon was redeemed on each day, oldest first. Needs an account.
#[utoipa::path(get, path = "/coupons/{id}/redemptions", tag = "coupons", operation_id = "redemptions",
    params(("id" = u64, Path, description = "The coupon's id", minimum = 1)),
    responses((status = 200, description = "The days on which it was redeemed", body = Vec<RedemptionsBody>),
              (status = 403, description = "An environment's key is no account", body = ProblemBody,
               content_type = "application/problem+json"),
              (status = 429, description = "Too many failed attempts to sign in", body = ProblemBody,
               content_type = "application/problem+json")))]
pub(crate) async fn list(
    request: HttpRequest,
    id: Numbered,
    services: web::Data<Services>,
    module: web::Data<CouponsModule>,
) -> Result<HttpResponse, Problem> {
    auth::principal(&request).await?;
    let days = services
        .blocking
        .read(move || module.coupons.redemptions(id.0))
        .await?;
    let days = days.into_iter().map(RedemptionsBody::from);
    Ok(HttpResponse::Ok()
        .insert_header(("Cache-Control", "no-store"))
        .json(days.collect::<Vec<_>>()))
}
