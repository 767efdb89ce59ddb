//! Overrides of flags are created, shown, ordered, changed and deleted, and served to those whom they are for.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::Api;

const SEGMENTS: &str = "/api/admin/segments";
const ALL: &str = "/api/admin/environments/production/flags/dark_mode/overrides";

/// Production with dark_mode and segments that are by plan.
async fn production(segments: &[&str]) -> (Api, String) {
    let (api, key) = Api::production().await;
    let feature = json!({"name": "dark_mode", "initial_value": "grey",
        "variants": [{"key": "blue", "value": "#00f"}, {"key": "black", "value": "#000"}]});
    api.create("/api/admin/features", feature).await;
    for name in segments {
        let condition = json!({"property": "plan", "operator": "EQUAL", "value": name});
        let rules = json!([{"type": "ALL", "conditions": [condition]}]);
        api.create(SEGMENTS, json!({"name": name, "rules": rules}))
            .await;
    }
    (api, key)
}

async fn create(api: &Api, body: Value) -> Value {
    let created = api.manage(Method::POST, ALL).json(body).send().await;
    assert_eq!(created.status, 201, "{}", created.text());
    created.json()
}

/// Who has an override, in the order of the list.
async fn listed(api: &Api) -> Vec<String> {
    let all = api.read(ALL).await.json();
    let name = |one: &Value| {
        let name = one["segment"].as_str().or(one["identity"].as_str());
        name.unwrap().to_owned()
    };
    all.as_array().unwrap().iter().map(name).collect()
}

/// Whether dark_mode is on, what it carries, and why, for this identity.
async fn served(api: &Api, identifier: &str, plan: &str) -> (bool, Value, String) {
    let body = json!({"identifier": identifier, "traits": {"plan": plan}, "feature": "dark_mode"});
    let path = "/api/admin/environments/production/evaluate";
    let answer = api.manage(Method::POST, path).json(body).send().await;
    let flag = &answer.json()["flags"][0];
    let reason = flag["reason"].as_str().unwrap().to_owned();
    (flag["enabled"] == true, flag["value"].clone(), reason)
}

#[actix_web::test]
async fn an_override_is_created_shown_changed_and_deleted() {
    let (api, _) = production(&["pro"]).await;
    let body = json!({"segment": "PRO", "enabled": true, "variants": [{"variant": "blue", "weight": 30}], "rollout": 12.5});
    let created = api.manage(Method::POST, ALL).json(body).send().await;
    assert_eq!(created.status, 201);
    insta::assert_snapshot!(created.text(), @r#"{"id":1,"feature":"dark_mode","environment":"production","segment":"pro","identity":null,"enabled":true,"value":"grey","variants":[{"variant":"blue","weight":30}],"priority":0,"rollout":12.5,"updated_at":"2026-11-20T10:00:00.000000Z","version":6}"#);
    let path = format!("{ALL}/1");
    assert_eq!(created.header("Location"), Some(path.as_str()));
    assert_eq!(api.read(&path).await.body, created.body);
    let change = json!({"value": null, "rollout": null, "variants": []});
    let changed = api.manage(Method::PATCH, &path).json(change).send().await;
    insta::assert_snapshot!(changed.text(), @r#"{"id":1,"feature":"dark_mode","environment":"production","segment":"pro","identity":null,"enabled":true,"value":null,"variants":[],"priority":0,"rollout":null,"updated_at":"2026-11-20T10:00:00.000000Z","version":7}"#);
    let stale = api
        .manage(Method::DELETE, &path)
        .header("If-Match", "\"6\"");
    stale.send().await.problem(412, "version_mismatch");
    let deleted = api.manage(Method::DELETE, &path).send().await;
    assert_eq!(deleted.status, 204);
    api.read(&path).await.problem(404, "not_found");
    assert_eq!(api.read(ALL).await.text(), "[]");
}

#[actix_web::test]
async fn the_strongest_override_is_served() {
    let (api, _) = production(&["pro", "team"]).await;
    let off = (false, json!("grey"), "DEFAULT".to_owned());
    assert_eq!(served(&api, "u", "pro").await, off);
    create(&api, json!({"segment": "pro", "enabled": true, "value": 1})).await;
    let pro = "TARGETING_MATCH; segment=pro".to_owned();
    assert_eq!(served(&api, "u", "pro").await, (true, json!(1), pro));
    assert_eq!(served(&api, "u", "team").await, off);
    let identity = json!({"identity": "u", "enabled": true, "variants": [{"variant": "black", "weight": 100}]});
    create(&api, identity).await;
    let own = "TARGETING_MATCH; identity".to_owned();
    assert_eq!(served(&api, "u", "pro").await, (true, json!("#000"), own));
    assert_eq!(served(&api, "U", "team").await, off);

    let flag = "/api/admin/environments/production/flags/dark_mode";
    let kill = |killed: bool| {
        api.manage(Method::PATCH, flag)
            .json(json!({"killed": killed}))
    };
    assert_eq!(kill(true).send().await.status, 200);
    assert_eq!(served(&api, "u", "pro").await, off);
    assert_eq!(kill(false).send().await.status, 200);
    assert!(served(&api, "u", "pro").await.0);
}

#[actix_web::test]
async fn a_rollout_grows_without_losing_anybody() {
    let (api, _) = production(&["pro"]).await;
    let body = json!({"segment": "pro", "enabled": true, "rollout": 0});
    create(&api, body).await;
    let path = format!("{ALL}/1");
    let mut before: Vec<bool> = vec![false; 60];
    for (rollout, least, most) in [(0, 0, 0), (30, 4, 40), (70, 20, 58), (100, 60, 60)] {
        let change = json!({"rollout": rollout});
        api.manage(Method::PATCH, &path).json(change).send().await;
        let mut now = Vec::new();
        for (user, was_on) in before.iter().enumerate() {
            let on = served(&api, &format!("user-{user}"), "pro").await.0;
            assert!(on || !was_on, "user-{user} at {rollout}");
            now.push(on);
        }
        let count = now.iter().filter(|on| **on).count();
        assert!((least..=most).contains(&count), "{count} at {rollout}");
        before = now;
    }
    assert!(!served(&api, "user-1", "free").await.0);
}

#[actix_web::test]
async fn overrides_are_put_in_order() {
    let (api, _) = production(&["a", "b", "c"]).await;
    create(&api, json!({"identity": "u", "enabled": true})).await;
    for name in ["a", "b"] {
        create(&api, json!({"segment": name, "enabled": true})).await;
    }
    create(
        &api,
        json!({"segment": "c", "enabled": true, "priority": 0}),
    )
    .await;
    assert_eq!(listed(&api).await, ["c", "a", "b", "u"]);
    let first = json!({"priority": 0});
    let path = format!("{ALL}/3");
    api.manage(Method::PATCH, &path).json(first).send().await;
    assert_eq!(listed(&api).await, ["b", "c", "a", "u"]);
    let page = api.read(&format!("{ALL}?limit=2")).await;
    let next = page.header("Link").unwrap();
    assert!(next.contains("limit=2&after=4"), "{next}");
    let rest = api.read(&format!("{ALL}?limit=2&after=4")).await.json();
    assert_eq!(
        (&rest[0]["segment"], &rest[1]["identity"]),
        (&json!("a"), &json!("u"))
    );
}

#[actix_web::test]
async fn what_an_override_cannot_be_is_refused_by_its_field() {
    let (api, _) = production(&["pro"]).await;
    for (body, field) in [
        (json!({"enabled": true}), "segment"),
        (
            json!({"segment": "pro", "identity": "u", "enabled": true}),
            "identity",
        ),
        (json!({"segment": "pro"}), "enabled"),
        (json!({"segment": "nobody", "enabled": true}), "segment"),
        (json!({"identity": "", "enabled": true}), "identity"),
        (
            json!({"identity": "u", "enabled": true, "priority": 1}),
            "priority",
        ),
        (
            json!({"identity": "u", "enabled": true, "rollout": 1}),
            "rollout",
        ),
        (
            json!({"segment": "pro", "enabled": true, "priority": -1}),
            "priority",
        ),
        (
            json!({"segment": "pro", "enabled": true, "rollout": 101}),
            "rollout",
        ),
        (
            json!({"segment": "pro", "enabled": true, "variants": [{"variant": "red", "weight": 1}]}),
            "variants",
        ),
        (
            json!({"identity": "u", "enabled": true, "variants": [{"variant": "blue", "weight": 50}]}),
            "variants",
        ),
        (
            json!({"segment": "pro", "enabled": true,
                "variants": [{"variant": "blue", "weight": 60}, {"variant": "black", "weight": 50}]}),
            "variants",
        ),
    ] {
        let refused = api.manage(Method::POST, ALL).json(body).send().await;
        assert!(!refused.field(field).is_empty(), "{field}");
    }
    create(&api, json!({"segment": "pro", "enabled": true})).await;
    let again = json!({"segment": "pro", "enabled": false});
    let again = api.manage(Method::POST, ALL).json(again).send().await;
    again.problem(409, "already_exists");
    for path in [
        format!("{ALL}/9"),
        format!("{ALL}/x"),
        ALL.replace("production", "nowhere"),
        ALL.replace("dark_mode", "nothing"),
    ] {
        api.read(&path).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn priorities_end_and_nothing_is_put_behind_the_last() {
    let (api, _) = production(&["a", "b"]).await;
    let last = json!({"segment": "a", "enabled": true, "priority": 1_000_000});
    create(&api, last).await;
    for body in [
        json!({"segment": "b", "enabled": true}),
        json!({"segment": "b", "enabled": true, "priority": 1_000_000}),
    ] {
        let refused = api.manage(Method::POST, ALL).json(body).send().await;
        let told = refused.field("priority");
        assert!(told.contains("1000000 is taken"), "{told}");
    }
    create(
        &api,
        json!({"segment": "b", "enabled": true, "priority": 7}),
    )
    .await;
    assert_eq!(listed(&api).await, ["b", "a"]);
}

#[actix_web::test]
async fn a_page_after_an_override_that_is_gone_is_refused() {
    let (api, _) = production(&["a", "b"]).await;
    for name in ["a", "b"] {
        create(&api, json!({"segment": name, "enabled": true})).await;
    }
    let gone = api.manage(Method::DELETE, &format!("{ALL}/1")).send().await;
    assert_eq!(gone.status, 204);
    let refused = api.read(&format!("{ALL}?limit=1&after=1")).await;
    let told = refused.field("after");
    assert!(told.contains("begin at the first page"), "{told}");
}

#[actix_web::test]
async fn a_segment_that_is_a_share_takes_no_rollout() {
    let (api, _) = production(&["pro"]).await;
    let half =
        json!([{"type": "ALL", "conditions": [{"operator": "PERCENTAGE_SPLIT", "value": "50"}]}]);
    let halves = json!({"name": "half", "rules": half});
    api.create(SEGMENTS, halves).await;
    let drawn = json!({"segment": "half", "enabled": true, "rollout": 50});
    let refused = api.manage(Method::POST, ALL).json(drawn).send().await;
    let told = refused.problem(409, "conflict");
    assert!(told.contains(r#""dark_mode" in "production""#), "{told}");
    let whole = create(&api, json!({"segment": "half", "enabled": true})).await;
    let path = format!("{ALL}/{}", whole["id"]);
    let change = api.manage(Method::PATCH, &path);
    let refused = change.json(json!({"rollout": 50})).send().await;
    refused.problem(409, "conflict");

    create(
        &api,
        json!({"segment": "pro", "enabled": true, "rollout": 50}),
    )
    .await;
    let path = format!("{SEGMENTS}/pro");
    let change = api.manage(Method::PATCH, &path);
    let refused = change.json(json!({"rules": half})).send().await;
    refused.problem(409, "conflict");
    assert_eq!(listed(&api).await, ["half", "pro"]);
}
