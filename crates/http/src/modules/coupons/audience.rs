//! Whom an answer is for, by what the request brings: an environment's key, an account, or nothing.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use flagstaff_domain::modules::coupons::Audience;

use super::CouponsModule;
use crate::app::Services;
use crate::error::Problem;
use crate::modules::reading::{self, ENVIRONMENT_KEY};
use crate::{auth, sdk};

/// The audience of an environment's key, where the request has one. From memory.
pub(super) fn of_key(request: &HttpRequest) -> Result<Option<Audience>, Problem> {
    if !request.headers().contains_key(ENVIRONMENT_KEY) {
        return Ok(None);
    }
    let services = Services::of(request)?;
    let opened = sdk::key::open(&services.serving, request.headers())?;
    let enabled = services.serving.enabled_features(&opened.grant);
    Ok(Some(Audience::Environment(enabled)))
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
