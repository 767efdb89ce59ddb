//! A key is rotated: a new one takes its place, and the old one goes on for a while.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{ALL, api, create};
use crate::support::{Answer, Api, instant};

async fn rotate(api: &Api, id: i64, grace: Value) -> Answer {
    let path = format!("{ALL}/{id}/rotate");
    let request = api.manage(Method::POST, &path);
    request.json(json!({ "grace_seconds": grace })).send().await
}

#[actix_web::test]
async fn a_rotated_key_goes_on_until_its_grace_is_over() {
    let api = api().await;
    let old = create(&api, json!({"name": "web", "kind": "client"}))
        .await
        .json();
    api.backend.clock.set("2026-11-20T10:00:00.000007Z");
    let rotated = rotate(&api, 1, json!(3_600)).await;
    assert_eq!(rotated.status, 201);
    assert_eq!(
        rotated.header("Location"),
        Some("/api/admin/environments/production/keys/2")
    );
    assert!(rotated.header("X-Flagstaff-Revision").is_some());
    let new = rotated.json();
    assert_eq!(
        (&new["name"], &new["kind"], &new["expires_at"]),
        (&json!("web"), &json!("client"), &Value::Null)
    );
    assert_ne!(new["key"], old["key"]);
    let expires_at = api.read(ALL).await.json()[0]["expires_at"].clone();
    assert_eq!(expires_at, "2026-11-20T11:00:00.000007Z");
    let (old, new) = (old["key"].as_str().unwrap(), new["key"].as_str().unwrap());
    for (now, old_status) in [
        ("2026-11-20T10:00:00.000007Z", 200),
        ("2026-11-20T11:00:00.000006Z", 200),
        ("2026-11-20T11:00:00.000007Z", 401),
    ] {
        api.backend.clock.set(now);
        assert_eq!(
            (api.flags(old).await.status, api.flags(new).await.status),
            (old_status, 200),
            "{now}"
        );
    }
}

#[actix_web::test]
async fn without_grace_a_rotated_key_is_refused_at_once() {
    let api = api().await;
    let old = create(&api, json!({"name": "backend", "kind": "server"}))
        .await
        .json();
    let new = rotate(&api, 1, json!(0)).await.json();
    assert_eq!(new["kind"], "server");
    let (old, new) = (old["key"].as_str().unwrap(), new["key"].as_str().unwrap());
    assert!(new.starts_with("ser."));
    assert_eq!(
        (api.flags(old).await.status, api.flags(new).await.status),
        (401, 200)
    );
}

#[actix_web::test]
async fn grace_never_makes_a_key_last_longer() {
    let api = api().await;
    let soon = "2026-11-20T10:00:10.000000Z";
    create(
        &api,
        json!({"name": "web", "kind": "client", "expires_at": soon}),
    )
    .await;
    assert_eq!(rotate(&api, 1, json!(3_600)).await.status, 201);
    assert_eq!(api.read(ALL).await.json()[0]["expires_at"], soon);
}

#[actix_web::test]
async fn grace_is_a_whole_number_of_seconds() {
    let api = api().await;
    create(&api, json!({"name": "web", "kind": "client"})).await;
    for wrong in [
        json!(-1),
        json!(4_294_967_296_i64),
        json!(1.5),
        json!("60"),
        json!(null),
    ] {
        rotate(&api, 1, wrong).await.field("grace_seconds");
    }
    assert_eq!(rotate(&api, 1, json!(4_294_967_295_u32)).await.status, 201);
    let until = api.read(ALL).await.json()[0]["expires_at"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(instant(&until) > instant("2100-01-01T00:00:00Z"), "{until}");
}
