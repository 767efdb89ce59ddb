//! Passwords: one's own is changed with the current one, anybody's by an administrator, and what was entered with the old
//! one ends.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{ME, OTHER};
use crate::support::{Answer, Api, Ask, PASSWORD};

fn patch<'a>(api: &'a Api, path: &str, body: Value) -> Ask<'a> {
    api.ask(Method::PATCH, path).json(body)
}

async fn me(api: &Api, username: &str, password: &str) -> Answer {
    let ask = api.ask(Method::GET, ME).basic(username, password);
    ask.send().await
}

#[actix_web::test]
async fn ones_own_password_is_changed_with_the_current_one() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    let (session, token) = (api.session("jay").await, api.token("jay").await);
    assert_eq!(me(&api, "jay", PASSWORD).await.status, 200);
    let body = json!({"password": OTHER, "current_password": PASSWORD});
    let changed = patch(&api, &path, body).session(&session).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text());

    me(&api, "jay", PASSWORD)
        .await
        .problem(401, "unauthenticated");
    for ask in [
        api.ask(Method::GET, ME).session(&session),
        api.ask(Method::GET, ME).bearer(&token),
    ] {
        ask.send().await.problem(401, "unauthenticated");
    }
    assert_eq!(me(&api, "jay", OTHER).await.status, 200);
    let log = api.read("/api/admin/changes?limit=2").await.json();
    assert_eq!(log[1]["kind"], "account.changed");
    assert_eq!(log[1]["actor"], "user:jay");
    assert_ne!(
        log[1]["before"]["credentials_changed_at"],
        Value::Null,
        "{log}"
    );
    assert_eq!(
        (&log[0]["kind"], &log[0]["group"]),
        (&json!("token.deleted"), &log[1]["seq"])
    );
}

#[actix_web::test]
async fn without_the_current_password_ones_own_is_not_changed_by_any_role() {
    let api = Api::empty().await;
    for role in ["viewer", "editor", "admin"] {
        let name = &format!("the {role}");
        let path = api.user(name, role).await;
        for (body, why) in [
            (json!({"password": OTHER}), "with the current one"),
            (
                json!({"password": OTHER, "current_password": null}),
                "with the current one",
            ),
            (
                json!({"password": OTHER, "current_password": OTHER}),
                "not the current",
            ),
            (
                json!({"password": OTHER, "current_password": ""}),
                "not the current",
            ),
        ] {
            let refused = patch(&api, &path, body).basic(name, PASSWORD).send().await;
            let detail = refused.problem(403, "forbidden");
            assert!(detail.contains(why), "{detail}");
        }
        assert_eq!(me(&api, name, PASSWORD).await.status, 200);
    }
}

#[actix_web::test]
async fn guesses_of_the_current_password_are_limited_as_sign_ins_are() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    let session = api.session("jay").await;
    let guess = |number: usize| {
        let body = json!({"password": OTHER, "current_password": format!("guess {number}")});
        patch(&api, &path, body).session(&session).send()
    };
    for number in 0..10 {
        guess(number).await.problem(403, "forbidden");
    }
    guess(10).await.problem(429, "rate_limited");
    let right = json!({"password": OTHER, "current_password": PASSWORD});
    let right = patch(&api, &path, right).session(&session).send().await;
    right.problem(429, "rate_limited");
}

#[actix_web::test]
async fn a_long_guess_costs_no_hash() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    let session = api.session("jay").await;
    let before = api.backend.hasher.verified();
    let body = json!({"password": OTHER, "current_password": "x".repeat(129)});
    let refused = patch(&api, &path, body).session(&session).send().await;
    refused.field("current_password");
    assert_eq!(api.backend.hasher.verified(), before);
}

#[actix_web::test]
async fn an_administrator_gives_anybody_another_password() {
    let api = Api::empty().await;
    let path = api.user("jay", "viewer").await;
    assert_eq!(me(&api, "jay", PASSWORD).await.status, 200);
    let ask = api.manage(Method::PATCH, &path);
    let changed = ask.json(json!({"password": OTHER})).send().await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    me(&api, "jay", PASSWORD)
        .await
        .problem(401, "unauthenticated");
    assert_eq!(me(&api, "jay", OTHER).await.status, 200);
    for body in [
        json!({"password": OTHER, "current_password": OTHER}),
        json!({"role": "editor", "current_password": PASSWORD}),
    ] {
        let ask = api.manage(Method::PATCH, &path).json(body);
        ask.send().await.field("current_password");
    }
}

#[actix_web::test]
async fn nothing_is_smuggled_in_beside_ones_own_password() {
    let api = Api::empty().await;
    let jay = api.user("jay", "viewer").await;
    let kim = api.user("kim", "viewer").await;
    let own = json!({"password": OTHER, "current_password": PASSWORD});
    let with = |more: Value| {
        let mut body = own.clone();
        body.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        body
    };
    for (path, body) in [
        (&jay, with(json!({"role": "admin"}))),
        (&jay, with(json!({"role": "viewer"}))),
        (&jay, with(json!({"disabled": false}))),
        (&jay, json!({"role": "admin"})),
        (&jay, json!({})),
        (&kim, own.clone()),
        (&kim, json!({"disabled": true})),
        (&format!("{ME}x"), own.clone()),
    ] {
        let refused = patch(&api, path, body.clone());
        let refused = refused.basic("jay", PASSWORD).send().await;
        assert!(matches!(refused.status, 403 | 404), "{path} {body}");
    }
    let unknown = patch(&api, &jay, with(json!({"is_admin": true})));
    unknown
        .basic("jay", PASSWORD)
        .send()
        .await
        .field("is_admin");
    for path in [&jay, &kim] {
        assert_eq!(api.read(path).await.json()["role"], "viewer");
    }
    assert_eq!(me(&api, "kim", PASSWORD).await.status, 200);
    assert_eq!(me(&api, "jay", PASSWORD).await.status, 200);
}
