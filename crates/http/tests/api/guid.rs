//! `/guid`, the GUID register: its [`records`], what is [`refused`], [`people`] who may change it, GUIDs as [`keys`] of
//! environments, and what is answered from [`memory`].

mod keys;
mod memory;
mod people;
mod records;
mod refused;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

/// The contract's own.
const GUID: &str = "9094E4C980C74043A4B586B420E69DDF";
const OTHER: &str = "00000000000000000000000000000000";

fn path(guid: &str) -> String {
    format!("/guid/{guid}")
}

/// Makes a record as the administrator.
async fn create(api: &Api, guid: &str, body: Value) -> Answer {
    let ask = api.manage(Method::POST, &path(guid));
    ask.json(body).send().await
}

/// A record for Jay Patel with the default expiry, and the `environment` where one is given.
async fn created(api: &Api, guid: &str, environment: Option<&str>) {
    let mut body = json!({"user": "Jay Patel"});
    if let Some(environment) = environment {
        body["environment"] = json!(environment);
    }
    let answer = create(api, guid, body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
}

async fn change(api: &Api, guid: &str, body: Value) -> Answer {
    let ask = api.manage(Method::PATCH, &path(guid));
    ask.json(body).send().await
}

async fn delete(api: &Api, guid: &str) -> Answer {
    api.manage(Method::DELETE, &path(guid)).send().await
}

/// What whoever knows the GUID reads.
async fn read(api: &Api, guid: &str) -> Answer {
    api.get(&path(guid)).await
}
