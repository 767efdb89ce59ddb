//! Whom an answer is for, by what the request brings: an environment's key, an account, or nothing.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use flagstaff_domain::access::Grant;
use flagstaff_domain::modules::coupons::Audience;

use super::CouponsModule;
use crate::app::Services;
use crate::error::Problem;
use crate::modules::reading::{self, ENVIRONMENT_KEY};
use crate::{auth, sdk};

/// What an environment's key opens, where the request has one. From memory.
fn keyed(request: &HttpRequest) -> Result<Option<Grant>, Problem> {
    if !request.headers().contains_key(ENVIRONMENT_KEY) {
        return Ok(None);
    }
    let services = Services::of(request)?;
    let opened = sdk::key::open(&services.serving, request.headers())?;
    Ok(Some(opened.grant))
}

/// The audience of an environment's key.
fn of_grant(request: &HttpRequest, grant: &Grant) -> Result<Audience, Problem> {
    let enabled = Services::of(request)?.serving.enabled_features(grant);
    Ok(Audience::Environment(enabled))
}

/// The audience of an environment's key, where the request has one.
fn of_key(request: &HttpRequest) -> Result<Option<Audience>, Problem> {
    let grant = keyed(request)?;
    grant.map(|grant| of_grant(request, &grant)).transpose()
}

/// The audience of a use: an environment's key, as often as it may ask for anything, or an account.
pub(super) async fn of_redeemer(request: &HttpRequest) -> Result<Audience, Problem> {
    if let Some(grant) = keyed(request)? {
        Services::of(request)?.limit.admit(&grant)?;
        return of_grant(request, &grant);
    }
    if !auth::has_credentials(request) {
        let missing =
            "redeeming needs the key of an environment in X-Environment-Key, or an account";
        return Err(Problem::credentials(missing));
    }
    auth::principal(request).await?;
    Ok(Audience::Managers)
}

/// The audience of a read of one coupon: an account sees any, also beside a key.
pub(super) async fn of_visitor(
    request: &HttpRequest,
    module: &CouponsModule,
) -> Result<Audience, Problem> {
    let keyed = of_key(request)?;
    if auth::has_credentials(request) {
        match auth::principal(request).await {
            Ok(_) => return Ok(Audience::Managers),
            // A browser sends the cookie of a session that has ended unasked.
            Err(problem) if keyed.is_none() && request.headers().contains_key(AUTHORIZATION) => {
                return Err(problem);
            }
            Err(_) => {}
        }
    }
    if let Some(audience) = keyed {
        return Ok(audience);
    }
    reading::admit(request, module.public).await?;
    Ok(Audience::Everybody)
}

/// The audience of a read. Whoever asks for what is hidden has to have an account.
pub(super) async fn of_reader(
    request: &HttpRequest,
    module: &CouponsModule,
    hidden: bool,
) -> Result<Audience, Problem> {
    if hidden {
        auth::principal(request).await?;
        return Ok(Audience::Managers);
    }
    if let Some(audience) = of_key(request)? {
        return Ok(audience);
    }
    reading::admit(request, module.public).await?;
    Ok(Audience::Everybody)
}
