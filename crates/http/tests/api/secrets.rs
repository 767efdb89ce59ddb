//! No secret that is used is found again: neither in a line of the log, nor in a change record, nor in an answer but the
//! one that gives it.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{ADMIN, Api, FLAGS, PASSWORD, logged};

const OTHER: &str = "another horse another staple";
const WRONG: &str = "a guess that is not right";
const NUMBER: i64 = 987_654_321_987_654;

/// Every text that must not be found, named by what it is.
async fn use_secrets(api: &Api) -> Vec<(&'static str, String)> {
    let client = api.environment("production").await;
    let server = api.key("production", "server").await;
    let jay = api.user("jay", "viewer").await;
    let (session, token) = (api.session("jay").await, api.token("jay").await);
    for ask in [
        api.ask(Method::GET, &jay).session(&session),
        api.ask(Method::GET, &jay).bearer(&token),
        api.ask(Method::GET, &jay).basic("jay", PASSWORD),
        api.ask(Method::GET, &jay).bearer(&token[..60]),
        api.ask(Method::GET, &jay).session(&session[..60]),
        api.ask(Method::GET, &jay).bearer(&token).bearer(&token),
        api.ask(Method::GET, &jay)
            .session(&session)
            .session(&session),
        api.ask(Method::GET, &format!("/api/admin/tokens/{token}"))
            .bearer(&token),
        api.ask(Method::GET, &format!("{jay}?token={token}")),
        api.ask(Method::GET, FLAGS).key(&server),
        api.begin_session("jay", WRONG),
        api.ask(Method::GET, &jay).basic("jay", WRONG),
    ] {
        ask.send().await;
    }
    for (path, body) in [
        (
            jay.as_str(),
            json!({"password": OTHER, "current_password": WRONG}),
        ),
        (
            &jay,
            json!({"password": NUMBER, "current_password": NUMBER}),
        ),
        (
            &jay,
            json!({"password": [PASSWORD], "current_password": {"x": PASSWORD}}),
        ),
        (
            &jay,
            json!({"password": OTHER, "current_password": PASSWORD}),
        ),
    ] {
        let ask = api.ask(Method::PATCH, path).session(&session);
        ask.json(body).send().await;
    }
    let begin = |password: Value| {
        let ask = api.ask(Method::POST, "/api/admin/sessions");
        ask.json(json!({"username": "jay", "password": password}))
            .send()
    };
    begin(json!(NUMBER)).await.field("password");
    begin(json!([OTHER])).await.field("password");
    let begun = begin(json!(OTHER)).await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    vec![
        ("password", PASSWORD.to_owned()),
        ("new password", OTHER.to_owned()),
        ("wrong password", WRONG.to_owned()),
        ("password that is a number", NUMBER.to_string()),
        ("hash", "$argon2".to_owned()),
        ("client key", client),
        ("server key", server[4..].to_owned()),
        ("token", token[4..60].to_owned()),
        ("session", session[4..60].to_owned()),
        ("new session", begun.session()[4..].to_owned()),
    ]
}

#[actix_web::test]
async fn no_secret_is_found_in_log_lines_change_records_or_answers() {
    let api = Api::empty().await;
    logged();
    let secrets = use_secrets(&api).await;
    let lines = logged();
    assert!(lines.len() > 20, "{lines:?}");
    let changes = api.read("/api/admin/changes").await;
    let kinds = changes.text().matches("\"kind\"").count();
    assert!(kinds > 6, "{}", changes.text());
    let users = api.read("/api/admin/users").await;
    let tokens = api
        .ask(Method::GET, "/api/admin/tokens")
        .basic("jay", OTHER);
    let tokens = tokens.send().await;
    let metrics = api.manage(Method::GET, "/metrics").send().await;
    let places = [
        ("the log", lines.join("\n")),
        ("the change records", changes.text().to_owned()),
        ("the list of users", users.text().to_owned()),
        ("the list of tokens", tokens.text().to_owned()),
        ("the metrics", metrics.text().to_owned()),
    ];
    for (place, text) in places {
        for (what, secret) in &secrets {
            assert!(!text.contains(secret), "a {what} is in {place}: {text}");
        }
        assert!(
            !text.contains("YWRtaW4"),
            "credentials of {ADMIN} are in {place}"
        );
    }
}
