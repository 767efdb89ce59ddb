//! Who may read what a module shows to everybody, unless a setting closes it: then accounts and applications alone.

use actix_web::http::header::{ALLOW, HeaderValue, WWW_AUTHENTICATE};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

use crate::app::Services;
use crate::error::Problem;
use crate::{auth, sdk};

/// The header's name.
pub(super) const ENVIRONMENT_KEY: &str = "x-environment-key";

/// Lets a reader pass where reading is public, or with the key of an environment or an account.
pub(super) async fn admit(request: &HttpRequest, public: bool) -> Result<(), Problem> {
    if public {
        return Ok(());
    }
    if request.headers().contains_key(ENVIRONMENT_KEY) {
        let services = Services::of(request)?;
        return sdk::key::open(&services.serving, request.headers()).map(drop);
    }
    if !auth::has_credentials(request) {
        let basic = Problem::credentials(
            "this is not for everybody here: it needs the key of an environment in X-Environment-Key, or an account",
        );
        return Err(basic.with(WWW_AUTHENTICATE, sdk::key::CHALLENGE));
    }
    auth::principal(request).await.map(drop)
}

/// Answers a browser that asks whether a page may read this. Its other methods are not for pages.
pub(super) async fn preflight(request: HttpRequest, services: Data<Services>) -> HttpResponse {
    let mut response = sdk::cors::preflight(request, services).await;
    response.headers_mut().remove(ALLOW);
    response
}

/// Answers a browser that asks whether a page may post to this. Its other methods are not for pages.
pub(super) async fn preflight_of_posts(
    request: HttpRequest,
    services: Data<Services>,
) -> HttpResponse {
    let mut response = sdk::cors::preflight_of_posts(request, services).await;
    response.headers_mut().remove(ALLOW);
    response
}

/// A strong entity tag of what is answered.
pub(super) fn tag_of(body: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(body);
    let digest: String = digest
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    HeaderValue::from_str(&format!("\"{digest}\"")).unwrap_or(HeaderValue::from_static("\"\""))
}
