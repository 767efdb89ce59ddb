//! Adding, listing, showing, changing and deleting users.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{ME, OTHER, USERS};
use crate::support::{ADMIN, Api, PASSWORD, members};

#[actix_web::test]
async fn a_user_is_added_shown_listed_and_deleted() {
    let api = Api::empty().await;
    let user = json!({"username": "Jay", "password": OTHER, "role": "editor"});
    let added = api.manage(Method::POST, USERS).json(user).send().await;
    assert_eq!(added.status, 201, "{}", added.text());
    let path = added.header("Location").unwrap().to_owned();
    let record = added.json();
    assert_eq!(path, format!("{USERS}/{}", record["id"]));
    let expected = [
        "id",
        "username",
        "role",
        "disabled",
        "created_at",
        "last_login_at",
    ];
    assert_eq!(members(&record), expected);
    assert_eq!(record["username"], "Jay");
    assert_eq!(record["role"], "editor");
    assert_eq!(record["disabled"], false);
    assert_eq!(record["created_at"], "2026-11-20T10:00:00.000000Z");
    assert_eq!(record["last_login_at"], Value::Null);

    let shown = api.read(&path).await;
    assert_eq!((shown.json(), shown.etag()), (record, added.etag()));
    let list = api.read(USERS).await.json();
    let names: Vec<_> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["username"])
        .collect();
    assert_eq!(names, [ADMIN, "Jay"], "oldest first");

    let deleted = api.manage(Method::DELETE, &path).send().await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    assert_eq!(deleted.header("X-Flagstaff-Revision"), Some("3"));
    api.read(&path).await.problem(404, "not_found");
    let again = api.manage(Method::DELETE, &path).send().await;
    again.problem(404, "not_found");
}

#[actix_web::test]
async fn a_user_is_a_viewer_unless_told() {
    let api = Api::empty().await;
    for (name, role) in [("jay", json!({})), ("kim", json!({"role": null}))] {
        let mut user = json!({"username": name, "password": OTHER});
        user.as_object_mut()
            .unwrap()
            .extend(role.as_object().unwrap().clone());
        assert_eq!(api.create(USERS, user).await["role"], "viewer");
    }
}

#[actix_web::test]
async fn a_name_is_taken_in_any_case() {
    let api = Api::empty().await;
    for name in [ADMIN, "ADMIN"] {
        let user = json!({"username": name, "password": OTHER});
        let taken = api.manage(Method::POST, USERS).json(user).send().await;
        taken.problem(409, "already_exists");
    }
}

#[actix_web::test]
async fn what_is_no_user_is_refused_with_the_field() {
    let api = Api::empty().await;
    let with = |more: Value| {
        let mut user = json!({"username": "jay", "password": OTHER});
        user.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        api.manage(Method::POST, USERS).json(user).send()
    };
    for (more, field) in [
        (json!({"role": "owner"}), "role"),
        (json!({"role": "Admin"}), "role"),
        (json!({"role": ["admin"]}), "role"),
        (json!({"username": "a:b"}), "username"),
        (json!({"username": ""}), "username"),
        (json!({"username": " jay"}), "username"),
        (json!({"username": "x".repeat(151)}), "username"),
        (json!({"password": "elevenchars"}), "password"),
        (json!({"password": "x".repeat(129)}), "password"),
        (json!({"password": "x".repeat(1_000_000)}), "password"),
        (json!({"password": 123_456_789_012_i64}), "password"),
        (json!({"password": [OTHER]}), "password"),
        (json!({"is_admin": true}), "is_admin"),
        (json!({"id": 1}), "id"),
        (json!({"disabled": false}), "disabled"),
        (json!({"password_hash": "$argon2id$"}), "password_hash"),
    ] {
        let answer = with(more).await;
        answer.field(field);
        for secret in [OTHER, "elevenchars", "123456789012"] {
            assert!(!answer.text().contains(secret), "{}", answer.text());
        }
    }
    let large = with(json!({"password": "x".repeat(1_100_000)})).await;
    large.problem(413, "payload_too_large");
    assert_eq!(api.backend.hasher.hashed(), 1, "the administrator's alone");
    assert_eq!(api.read(USERS).await.json().as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn long_passwords_are_taken_whole() {
    let api = Api::empty().await;
    for length in [64, 128] {
        let (name, password) = (format!("jay{length}"), "ü".repeat(length));
        api.create(USERS, json!({"username": name, "password": password}))
            .await;
        let me = api
            .ask(Method::GET, ME)
            .basic(&name, &password)
            .send()
            .await;
        assert_eq!(me.json()["username"], *name);
        let cut: String = password.chars().skip(1).collect();
        let me = api.ask(Method::GET, ME).basic(&name, &cut).send().await;
        me.problem(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn a_change_needs_the_version_that_it_names() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    let tag = api.read(&path).await.etag();
    let change = |method: Method, tag: &str| {
        let ask = api.manage(method, &path).header("If-Match", tag);
        ask.json(json!({"role": "editor"})).send()
    };
    let changed = change(Method::PATCH, &tag).await;
    assert_eq!(
        (changed.status, &changed.json()["role"]),
        (200, &json!("editor"))
    );
    assert_eq!(changed.header("X-Flagstaff-Revision"), Some("3"));
    assert_eq!(changed.etag(), "\"3\"");
    for method in [Method::PATCH, Method::DELETE] {
        change(method, &tag).await.problem(412, "version_mismatch");
    }
    let same = change(Method::PATCH, "*").await;
    assert_eq!(same.etag(), "\"3\"", "what changes nothing leaves no trace");
    assert_eq!(change(Method::DELETE, "\"3\"").await.status, 204);
}

#[actix_web::test]
async fn a_change_with_a_foreign_field_changes_nothing() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    for (body, field) in [
        (json!({"role": "owner"}), "role"),
        (json!({"disabled": "yes"}), "disabled"),
        (json!({"username": "kim"}), "username"),
        (
            json!({"disabled": true, "last_login_at": null}),
            "last_login_at",
        ),
        (json!({"password": "short"}), "password"),
    ] {
        let answer = api.manage(Method::PATCH, &path).json(body).send().await;
        answer.field(field);
    }
    assert_eq!(api.read(&path).await.etag(), "\"2\"");
}

#[actix_web::test]
async fn a_long_list_is_paged() {
    let api = Api::empty().await;
    for number in 0..4 {
        api.backend
            .account(&format!("user{number}"), "viewer", false);
    }
    let first = api.read(&format!("{USERS}?limit=3")).await;
    assert_eq!(first.json().as_array().unwrap().len(), 3);
    let link = first.header("Link").unwrap();
    assert_eq!(link, format!("<{USERS}?limit=3&after=3>; rel=\"next\""));
    let rest = api.read(&format!("{USERS}?limit=3&after=3")).await;
    assert_eq!(rest.json().as_array().unwrap().len(), 2);
    assert_eq!(rest.header("Link"), None);
    api.read(&format!("{USERS}?limit=1001"))
        .await
        .field("limit");
    api.read(&format!("{USERS}?after=jay")).await.field("after");
}

#[actix_web::test]
async fn what_cannot_be_a_users_id_names_nobody() {
    let api = Api::empty().await;
    for id in [
        "99",
        "0",
        "-1",
        "admin",
        "1.0",
        "99999999999999999999",
        "%00",
    ] {
        for method in [Method::GET, Method::DELETE] {
            let answer = api.manage(method, &format!("{USERS}/{id}")).send().await;
            answer.problem(404, "not_found");
        }
    }
    let me = api.manage(Method::DELETE, ME).send().await;
    me.problem(405, "method_not_allowed");
    assert_eq!(me.header("Allow"), Some("GET, HEAD"));
}

#[actix_web::test]
async fn everybody_sees_the_users_and_themselves() {
    let api = Api::empty().await;
    api.user("jay", "viewer").await;
    let list = api
        .ask(Method::GET, USERS)
        .basic("jay", PASSWORD)
        .send()
        .await;
    assert_eq!(list.json().as_array().unwrap().len(), 2);
    let (session, token) = (api.session("jay").await, api.token("jay").await);
    for ask in [
        api.ask(Method::GET, ME).basic("JAY", PASSWORD),
        api.ask(Method::GET, ME).session(&session),
        api.ask(Method::GET, ME).bearer(&token),
    ] {
        let me = ask.send().await;
        assert_eq!((me.status, &me.json()["username"]), (200, &json!("jay")));
        assert_eq!(me.etag(), "\"2\"");
    }
}
