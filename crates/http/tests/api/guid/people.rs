//! Who may do what: anybody reads with the GUID, an editor changes, an administrator says which environment a GUID opens.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{GUID, OTHER, created, path, read};
use crate::support::{Api, PASSWORD};

/// Every write, with a body that is valid.
fn writes() -> [(Method, String, Value); 4] {
    [
        (Method::POST, "/guid".to_owned(), json!({"user": "Kim"})),
        (Method::POST, path(OTHER), json!({"user": "Kim"})),
        (Method::PATCH, path(GUID), json!({"user": "Kim"})),
        (Method::DELETE, path(GUID), json!(null)),
    ]
}

#[actix_web::test]
async fn a_read_needs_the_guid_alone() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    let answers = [
        read(&api, GUID).await,
        // Credentials that are wrong are not even looked at.
        api.ask(Method::GET, &path(GUID))
            .basic("nobody", "wrong")
            .send()
            .await,
        api.ask(Method::HEAD, &path(GUID)).send().await,
    ];
    assert_eq!(answers.map(|answer| answer.status), [200; 3]);
    assert_eq!(
        api.backend.hasher.verified(),
        1,
        "the administrator's alone"
    );
}

#[actix_web::test]
async fn nobody_and_a_viewer_change_nothing() {
    let api = Api::empty().await;
    let key = api.environment("production").await;
    created(&api, GUID, None).await;
    api.backend.account("vera", "viewer", false);
    api.backend.account("dora", "admin", true);
    for (method, path, body) in writes() {
        let ask = || api.ask(method.clone(), &path).json(body.clone());
        ask().send().await.problem(401, "unauthenticated");
        ask().key(&key).send().await.problem(403, "forbidden");
        let viewer = ask().basic("vera", PASSWORD).send().await;
        viewer.problem(403, "forbidden");
        let disabled = ask().basic("dora", PASSWORD).send().await;
        disabled.problem(401, "unauthenticated");
        let wrong = ask().basic("admin", "a wrong password").send().await;
        wrong.problem(401, "unauthenticated");
    }
    assert_eq!(read(&api, GUID).await.json()["user"], "Jay Patel");
    assert_eq!(read(&api, OTHER).await.status, 404);
}

#[actix_web::test]
async fn an_editor_makes_changes_and_deletes() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    api.backend.account("eva", "editor", false);
    let statuses = [201, 201, 200, 204];
    for ((method, path, body), status) in writes().into_iter().zip(statuses) {
        let ask = api.ask(method.clone(), &path).basic("eva", PASSWORD);
        let answer = ask.json(body).send().await;
        assert_eq!(answer.status, status, "{method} {path}");
    }
    let changes = api.read("/api/admin/changes?actor=user:eva").await;
    assert_eq!(changes.json().as_array().map(Vec::len), Some(4));
}

#[actix_web::test]
async fn only_an_administrator_touches_a_guid_that_opens_an_environment() {
    let api = Api::empty().await;
    api.environment("production").await;
    api.backend.account("eva", "editor", false);
    created(&api, GUID, Some("production")).await;
    created(&api, OTHER, None).await;
    let third = "11111111111111111111111111111111";
    let granting = json!({"user": "Eva", "environment": "production"});
    for (method, path, body) in [
        (Method::POST, "/guid".to_owned(), granting.clone()),
        (Method::POST, path(third), granting),
        (
            Method::PATCH,
            path(OTHER),
            json!({"environment": "production"}),
        ),
        (Method::PATCH, path(OTHER), json!({"environment": null})),
        (Method::PATCH, path(GUID), json!({"environment": null})),
        (Method::PATCH, path(GUID), json!({"expire": "1801000000"})),
        (Method::DELETE, path(GUID), json!(null)),
    ] {
        let ask = || api.ask(method.clone(), &path).json(body.clone());
        let editor = ask().basic("eva", PASSWORD).send().await;
        editor.problem(403, "forbidden");
        let admin = ask().basic("admin", PASSWORD).send().await;
        assert!(admin.status < 300, "{method} {path} {}", admin.text());
        if method == Method::PATCH && path == super::path(GUID) {
            let back = json!({"environment": "production"});
            assert_eq!(super::change(&api, GUID, back).await.status, 200);
        }
    }
}
