//! `/api/admin/environments/{environment}/keys`: [`records`] of keys, made and revoked, and their [`rotation`].

mod records;
mod rotation;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const ALL: &str = "/api/admin/environments/production/keys";

async fn create(api: &Api, body: Value) -> Answer {
    api.manage(Method::POST, ALL).json(body).send().await
}

/// An environment without keys.
async fn api() -> Api {
    let api = Api::empty().await;
    api.create("/api/admin/environments", json!({"name": "production"}))
        .await;
    api
}
