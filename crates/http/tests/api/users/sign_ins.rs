//! `last_login_at` moves with each sign-in, and with nothing else.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};

use super::ME;
use crate::support::{Api, Ask, PASSWORD};

async fn last_login(api: &Api, path: &str) -> Value {
    api.read(path).await.json()["last_login_at"].clone()
}

fn me(api: &Api) -> Ask<'_> {
    api.ask(Method::GET, ME).basic("jay", PASSWORD)
}

#[actix_web::test]
async fn it_moves_with_a_session_and_with_credentials_that_are_seen_for_the_first_time() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    assert_eq!(last_login(&api, &path).await, Value::Null);

    let begun = api.begin_session("jay", PASSWORD).send().await;
    let at = json!("2026-11-20T10:00:00.000000Z");
    assert_eq!(begun.json()["last_login_at"], at);
    assert_eq!(last_login(&api, &path).await, at);

    api.backend.clock.set("2026-11-20T10:00:10Z");
    let at = json!("2026-11-20T10:00:10.000000Z");
    assert_eq!(me(&api).send().await.json()["last_login_at"], at);

    api.backend.clock.set("2026-11-20T10:00:20Z");
    for _ in 0..3 {
        assert_eq!(me(&api).send().await.json()["last_login_at"], at);
    }
    let token = api.token("jay").await;
    let by_token = api.ask(Method::GET, ME).bearer(&token).send().await;
    assert_eq!(by_token.json()["last_login_at"], at);
    let by_session = api.ask(Method::GET, ME).session(&begun.session());
    assert_eq!(by_session.send().await.json()["last_login_at"], at);

    api.session("jay").await;
    let at = json!("2026-11-20T10:00:20.000000Z");
    assert_eq!(last_login(&api, &path).await, at);
}

#[actix_web::test]
async fn it_moves_neither_with_a_refusal_nor_back_nor_into_the_log() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    let log = api.read("/api/admin/changes").await;
    let wrong = api.begin_session("jay", "not the password").send().await;
    wrong.problem(401, "unauthenticated");
    assert_eq!(last_login(&api, &path).await, Value::Null);
    api.session("jay").await;
    api.backend.clock.set("2026-11-20T09:00:00Z");
    api.session("jay").await;
    let at = last_login(&api, &path).await;
    assert_eq!(at, "2026-11-20T10:00:00.000000Z");
    let now = api.read("/api/admin/changes").await;
    assert_eq!(now.body, log.body, "a trace of use");
    assert_eq!(api.read(&path).await.etag(), "\"2\"", "and no version");
}

#[actix_web::test]
async fn who_cannot_be_noted_still_enters() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    let lock = api.backend.lock();
    assert_eq!(me(&api).send().await.status, 200);
    drop(lock);
    assert_eq!(last_login(&api, &path).await, Value::Null);
    api.backend.clock.advance(Duration::from_secs(1));
    api.session("jay").await;
    assert_ne!(last_login(&api, &path).await, Value::Null);
}
