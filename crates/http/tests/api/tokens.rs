//! `/api/admin/tokens`: made and shown once, used as a bearer, seen and deleted by their owner alone.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::{Duration, Instant};

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Api, Ask, FLAGS, PASSWORD, members};

const TOKENS: &str = "/api/admin/tokens";
const FEATURES: &str = "/api/admin/features";
const ME: &str = "/api/admin/users/me";

fn me<'a>(api: &'a Api, token: &str) -> Ask<'a> {
    api.ask(Method::GET, ME).bearer(token)
}

#[track_caller]
fn refused(answer: &Answer) {
    answer.problem(401, "unauthenticated");
    let challenge = answer.header("WWW-Authenticate").unwrap();
    assert_eq!(
        challenge,
        "Bearer realm=\"Flagstaff\", error=\"invalid_token\""
    );
}

#[actix_web::test]
async fn a_token_is_shown_once_and_signs_its_owner_in() {
    let api = Api::empty().await;
    let made = api.manage(Method::POST, TOKENS);
    let made = made.json(json!({"name": "deploy"})).send().await;
    assert_eq!(made.status, 201, "{}", made.text());
    assert_eq!(made.header("Location"), Some("/api/admin/tokens/1"));
    assert_eq!(made.header("Cache-Control"), Some("no-store"));
    let record = made.json();
    assert_eq!(members(&record), ["id", "name", "token", "expires_at"]);
    assert_eq!(record["expires_at"], Value::Null);
    let token = record["token"].as_str().unwrap();
    assert!(token.starts_with("fst_") && token.len() == 68, "{token}");

    assert_eq!(me(&api, token).send().await.json()["username"], ADMIN);
    let lower = api.ask(Method::GET, ME);
    let lower = lower.header("Authorization", format!("bearer {token}"));
    assert_eq!(lower.send().await.status, 200, "a scheme has no case");
    let list = api.read(TOKENS).await;
    assert!(!list.text().contains(&token[4..]), "{}", list.text());
    let expected = ["id", "name", "created_at", "expires_at", "last_used_at"];
    assert_eq!(members(&list.json()[0]), expected);
}

#[actix_web::test]
async fn tokens_belong_to_their_owner_alone() {
    let api = Api::empty().await;
    api.user("jay", "viewer").await;
    let (mine, theirs) = (api.token("jay").await, api.token(ADMIN).await);
    for (token, id) in [(&mine, 1), (&theirs, 2)] {
        let list = api.ask(Method::GET, TOKENS).bearer(token).send().await;
        let list = list.json();
        assert_eq!(
            (list.as_array().unwrap().len(), &list[0]["id"]),
            (1, &json!(id))
        );
        let other = format!("{TOKENS}/{}", 3 - id);
        for path in [
            other.as_str(),
            "/api/admin/tokens/99",
            "/api/admin/tokens/x",
        ] {
            let answer = api.ask(Method::DELETE, path).bearer(token).send().await;
            answer.problem(404, "not_found");
        }
    }
    let deleted = api.ask(Method::DELETE, &format!("{TOKENS}/1"));
    let deleted = deleted.bearer(&mine).send().await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    refused(&me(&api, &mine).send().await);
    assert_eq!(me(&api, &theirs).send().await.status, 200);
}

#[actix_web::test]
async fn a_token_is_refused_at_its_expiry() {
    let api = Api::empty().await;
    let token = |expires_at: &str| {
        let body = json!({"name": "deploy", "expires_at": expires_at});
        api.create(TOKENS, body)
    };
    let made = token("2026-11-20T11:00:00+00:00").await;
    assert_eq!(made["expires_at"], "2026-11-20T11:00:00.000000Z");
    let text = made["token"].as_str().unwrap();
    api.backend.clock.set("2026-11-20T10:59:59.999999Z");
    assert_eq!(me(&api, text).send().await.status, 200);
    api.backend.clock.set("2026-11-20T11:00:00Z");
    refused(&me(&api, text).send().await);
    api.backend.clock.set("2026-11-20T10:30:00Z");
    refused(&me(&api, text).send().await);
    let past = token("2020-01-01T00:00:00Z").await;
    refused(&me(&api, past["token"].as_str().unwrap()).send().await);
}

#[actix_web::test]
async fn a_token_that_expires_makes_none_that_outlives_it() {
    let api = Api::empty().await;
    let expires_at = "2026-11-20T11:00:00Z";
    let body = json!({"name": "deploy", "expires_at": expires_at});
    let token = api.create(TOKENS, body).await["token"].clone();
    let make = |expires_at: Value| {
        let ask = api
            .ask(Method::POST, TOKENS)
            .bearer(token.as_str().unwrap());
        ask.json(json!({"name": "more", "expires_at": expires_at}))
            .send()
    };
    for later in [Value::Null, json!("2026-11-20T11:00:01Z")] {
        make(later).await.field("expires_at");
    }
    assert_eq!(make(json!(expires_at)).await.status, 201);
}

#[actix_web::test]
async fn a_token_does_what_its_owners_role_allows() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    let token = api.token("jay").await;
    let add = || {
        let ask = api.ask(Method::POST, FEATURES).bearer(&token);
        ask.json(json!({"name": "a"})).send()
    };
    add().await.problem(403, "forbidden");
    let promote = api.manage(Method::PATCH, &path);
    promote.json(json!({"role": "editor"})).send().await;
    assert_eq!(add().await.status, 201);
    let log = api.read("/api/admin/changes?actor=token:jay/deploy").await;
    assert_eq!(log.json()[0]["kind"], "feature.created");
    let user = json!({"username": "kim", "password": PASSWORD});
    let user = api.ask(Method::POST, "/api/admin/users").json(user);
    user.bearer(&token).send().await.problem(403, "forbidden");
}

#[actix_web::test]
async fn what_is_no_token_is_refused() {
    let api = Api::empty().await;
    let (token, session) = (api.token(ADMIN).await, api.session(ADMIN).await);
    let digest = api.read("/api/admin/changes?limit=1").await.json();
    let digest = digest[0]["after"]["digest"].as_str().unwrap().to_owned();
    for text in [
        "",
        "fst_",
        &token[..67],
        &format!("{token}0"),
        &format!("{token} {token}"),
        &token.to_uppercase(),
        &token[4..],
        &session,
        &digest,
        &digest.replace("sha256:", "fst_"),
        &"x".repeat(10_000),
    ] {
        refused(&me(&api, text).send().await);
    }
    let twice = me(&api, &token).bearer(&token).send().await;
    twice.problem(400, "invalid_request");
    let mixed = me(&api, &token).basic(ADMIN, PASSWORD).send().await;
    mixed.problem(400, "invalid_request");
    for name in ["token", "access_token"] {
        let query = api.get(&format!("{ME}?{name}={token}")).await;
        query.problem(401, "unauthenticated");
    }
    let as_key = api.ask(Method::GET, FLAGS).key(&token).send().await;
    as_key.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn what_is_no_new_token_is_refused_with_the_field() {
    let api = Api::empty().await;
    for (body, field) in [
        (json!({"name": ""}), "name"),
        (json!({"name": "a/b"}), "name"),
        (json!({"name": "x".repeat(151)}), "name"),
        (json!({"name": "a", "expires_at": "tomorrow"}), "expires_at"),
        (json!({"name": "a", "role": "admin"}), "role"),
        (json!({"name": "a", "account": 2}), "account"),
        (json!({"name": "a", "token": "fst_"}), "token"),
    ] {
        let answer = api.manage(Method::POST, TOKENS).json(body).send().await;
        answer.field(field);
    }
    assert_eq!(api.read(TOKENS).await.text(), "[]");
}

#[actix_web::test]
async fn a_deletion_needs_the_version_that_it_names() {
    let api = Api::empty().await;
    api.token(ADMIN).await;
    let delete = |tag: &str| {
        let ask = api.manage(Method::DELETE, "/api/admin/tokens/1");
        ask.header("If-Match", tag).send()
    };
    delete("\"1\"").await.problem(412, "version_mismatch");
    assert_eq!(delete("\"2\"").await.status, 204);
}

#[actix_web::test]
async fn when_a_token_was_last_used_is_told() {
    let api = Api::empty().await;
    let token = api.token(ADMIN).await;
    let used = || async { api.read(TOKENS).await.json()[0]["last_used_at"].clone() };
    assert_eq!(used().await, Value::Null);
    assert_eq!(me(&api, &token).send().await.status, 200);
    let deadline = Instant::now() + Duration::from_secs(30);
    while used().await == Value::Null {
        assert!(Instant::now() < deadline, "the use was not noted");
    }
    assert_eq!(used().await, "2026-11-20T10:00:00.000000Z");
    let log = api.read("/api/admin/changes?limit=1").await.json();
    assert_eq!(log[0]["kind"], "token.created", "a use is no change");
}

#[actix_web::test]
async fn a_token_reads_the_metrics() {
    let api = Api::empty().await;
    let token = api.token(ADMIN).await;
    let metrics = api.ask(Method::GET, "/metrics").bearer(&token).send().await;
    assert_eq!(metrics.status, 200);
}
