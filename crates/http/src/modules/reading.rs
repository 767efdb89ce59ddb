//! Who may read what a module shows to everybody, unless a setting closes it: then accounts and applications alone.

use actix_web::HttpRequest;
use actix_web::http::header::HeaderValue;
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
    auth::principal(request).await.map(drop)
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
