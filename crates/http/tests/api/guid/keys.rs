//! A GUID that grants an environment is a key of it: it opens the flag list to the second of its expiry, and no longer.

use actix_web::http::Method;
use serde_json::json;

use super::{GUID, change, create, created, delete, path, read};
use crate::support::Api;

const KEYS: &str = "/api/admin/environments/production/keys";

async fn production() -> Api {
    let api = Api::empty().await;
    api.create("/api/admin/environments", json!({"name": "production"}))
        .await;
    api
}

#[actix_web::test]
async fn a_guid_opens_its_environment_until_its_second() {
    let api = production().await;
    // 2026-11-20T10:00:10Z
    let body = json!({"user": "Jay Patel", "environment": "production", "expire": "1795168810"});
    assert_eq!(create(&api, GUID, body).await.status, 201);
    for (now, status) in [
        ("2026-11-20T10:00:00Z", 200),
        ("2026-11-20T10:00:09.999999Z", 200),
        ("2026-11-20T10:00:10Z", 401),
        ("2026-11-20T10:00:09Z", 401),
    ] {
        api.backend.clock.set(now);
        assert_eq!(api.flags(GUID).await.status, status, "{now}");
    }
}

#[actix_web::test]
async fn a_guid_without_an_environment_is_no_key() {
    let api = production().await;
    created(&api, GUID, None).await;
    api.flags(GUID).await.problem(401, "unauthenticated");
    assert_eq!(api.flags(&GUID.to_lowercase()).await.status, 401);
    let granted = change(&api, GUID, json!({"environment": "production"})).await;
    assert_eq!(granted.status, 200);
    assert_eq!(api.flags(GUID).await.status, 200);
    change(&api, GUID, json!({"environment": null})).await;
    assert_eq!(api.flags(GUID).await.status, 401);
}

#[actix_web::test]
async fn whatever_ends_a_guid_ends_the_key() {
    let api = production().await;
    for end in 0..3 {
        created(&api, GUID, Some("production")).await;
        assert_eq!(api.flags(GUID).await.status, 200);
        match end {
            0 => drop(delete(&api, GUID).await),
            1 => drop(change(&api, GUID, json!({"expire": "0"})).await),
            _ => {
                let key = api.read(KEYS).await.json()[0]["id"].to_string();
                let ask = api.manage(Method::DELETE, &format!("{KEYS}/{key}"));
                assert_eq!(ask.send().await.status, 204);
            }
        }
        assert_eq!(api.flags(GUID).await.status, 401, "{end}");
        assert_eq!(read(&api, GUID).await.status, 404, "{end}");
    }
    created(&api, GUID, Some("production")).await;
    let environment = "/api/admin/environments/production?force=true";
    assert_eq!(
        api.manage(Method::DELETE, environment).send().await.status,
        204
    );
    assert_eq!(api.flags(GUID).await.status, 401);
    assert_eq!(read(&api, GUID).await.status, 404);
}

#[actix_web::test]
async fn it_is_listed_among_the_keys_and_changed_in_the_register_alone() {
    let api = production().await;
    created(&api, GUID, Some("production")).await;
    let key = api.read(KEYS).await.json()[0].clone();
    assert_eq!(
        (&key["name"], &key["kind"], &key["key"], &key["guid"]),
        (
            &json!("Jay Patel"),
            &json!("client"),
            &json!(null),
            &json!(true)
        )
    );
    let rotate = format!("{KEYS}/{}/rotate", key["id"]);
    let ask = api.manage(Method::POST, &rotate);
    let refused = ask.json(json!({"grace_seconds": 60})).send().await;
    refused.problem(409, "conflict");
}

#[actix_web::test]
async fn a_renamed_environment_is_named_as_it_is_now() {
    let api = production().await;
    created(&api, GUID, Some("production")).await;
    assert_eq!(read(&api, GUID).await.json()["environment"], "production");
    let environment = "/api/admin/environments/production";
    let ask = api.manage(Method::PATCH, environment);
    assert_eq!(ask.json(json!({"name": "live"})).send().await.status, 200);
    assert_eq!(read(&api, GUID).await.json()["environment"], "live");
    assert_eq!(api.flags(GUID).await.status, 200);
}

#[actix_web::test]
async fn the_last_use_of_each_key_is_shown_with_it() {
    let api = production().await;
    let web = api.key("production", "client").await;
    created(&api, GUID, Some("production")).await;
    api.key("production", "client").await;
    let uses = async || {
        let keys = api.read(KEYS).await.json();
        let uses = keys.as_array().cloned().unwrap_or_default();
        uses.iter()
            .map(|key| key["last_used_at"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(uses().await, [json!(null), json!(null), json!(null)]);
    api.flags(&web).await;
    api.backend.clock.set("2026-11-20T11:00:00.000007Z");
    api.flags(GUID).await;
    // A rotated key keeps its last use, so that it is seen when nobody uses it any more.
    let rotate = api.manage(Method::POST, &format!("{KEYS}/1/rotate"));
    let rotated = rotate.json(json!({"grace_seconds": 60})).send().await;
    assert_eq!(rotated.status, 201);
    assert_eq!(rotated.json().get("last_used_at"), None);
    let [first, second] = ["2026-11-20T10:00:00.000000Z", "2026-11-20T11:00:00.000007Z"];
    assert_eq!(
        uses().await,
        [json!(first), json!(second), json!(null), json!(null)]
    );
    api.backend.clock.set("2026-11-20T11:00:30Z");
    api.flags(&web).await;
    api.backend.clock.set("2026-11-20T12:00:00Z");
    assert_eq!(api.flags(&web).await.status, 401);
    assert_eq!(uses().await[0], "2026-11-20T11:00:30.000000Z");
    let one = api.read(&format!("{KEYS}/1")).await.json();
    assert_eq!(one["last_used_at"], "2026-11-20T11:00:30.000000Z");
    assert!(!api.read(KEYS).await.text().contains(&path(GUID)[6..]));
}
