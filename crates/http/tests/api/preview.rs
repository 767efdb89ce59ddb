//! What changes would mean, before they are made.

use std::collections::BTreeMap;

use actix_web::http::Method;
use flagstaff_domain::flags::evaluation::{Identity, TraitValue};
use flagstaff_domain::ids::EnvironmentId;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const PREVIEW: &str = "/api/admin/environments/production/preview";

async fn preview(api: &Api, changes: Value) -> Answer {
    let ask = api.manage(Method::POST, PREVIEW);
    ask.json(json!({ "changes": changes })).send().await
}

/// Applications ask for that many users, every fourth of whom is on the plan `pro`.
fn seen(api: &Api, count: usize) {
    for at in 0..count {
        let plan = if at % 4 == 0 { "pro" } else { "free" };
        let traits = BTreeMap::from([("plan".to_owned(), TraitValue::Text(plan.to_owned()))]);
        let identity = Identity::new("env", format!("user-{at}"), traits);
        let seen = &api.backend.services.seen;
        seen.seen(EnvironmentId(1), &identity);
    }
}

#[actix_web::test]
async fn a_preview_says_how_many_would_get_another_answer_and_changes_nothing() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    api.feature("theme").await;
    seen(&api, 12);
    let (flags, log) = (api.flags(&key).await, api.read("/api/admin/changes").await);

    let answer = preview(
        &api,
        json!([
            {"change_flag": {"feature": "dark_mode", "body": {"enabled": true}}},
            {"change_flag": {"feature": "theme", "body": {"value": 1.0}}},
        ]),
    )
    .await;

    assert_eq!(answer.status, 200, "{}", answer.text());
    let preview = answer.json();
    assert_eq!(
        (&preview["contexts"], &preview["changed"]),
        (&json!(12), &json!(12))
    );
    assert_eq!(
        preview["features"],
        json!([
            {"feature": "dark_mode", "changed": 12, "off_to_on": 12, "on_to_off": 0, "value": 0, "variant": 0},
            {"feature": "theme", "changed": 12, "off_to_on": 0, "on_to_off": 0, "value": 12, "variant": 0},
        ])
    );
    assert_eq!(preview["examples"].as_array().map(Vec::len), Some(10));
    assert_eq!(
        preview["examples"][0],
        json!({
            "identifier": "user-0", "feature": "dark_mode",
            "before": {"enabled": false, "value": null, "variant": null, "reason": "DEFAULT"},
            "after": {"enabled": true, "value": null, "variant": null, "reason": "DEFAULT"},
        })
    );
    assert_eq!(preview["without_identity"][1]["feature"], "theme");
    assert_eq!(preview["without_identity"][1]["after"]["value"], json!(1.0));

    assert_eq!(api.flags(&key).await.body, flags.body);
    assert_eq!(api.read("/api/admin/changes").await.body, log.body);
}

#[actix_web::test]
async fn whoever_applications_evaluate_for_is_seen() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    let told =
        json!({"identifier": "somebody", "traits": [{"trait_key": "plan", "trait_value": "pro"}]});
    assert_eq!(api.identify(&key, told).await.status, 200);
    for path in [
        "/ofrep/v1/evaluate/flags",
        "/ofrep/v1/evaluate/flags/dark_mode",
    ] {
        let context = json!({"context": {"targetingKey": path, "plan": "pro"}});
        let answer = api
            .ask(Method::POST, path)
            .key(&key)
            .json(context)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let on = json!([{"change_flag": {"feature": "dark_mode", "body": {"enabled": true}}}]);
    let on = preview(&api, on).await.json();
    assert_eq!((&on["contexts"], &on["changed"]), (&json!(3), &json!(3)));
}

/// Those of the plan `pro`.
fn pro() -> Value {
    json!([{"type": "ALL", "conditions": [{"property": "plan", "operator": "EQUAL", "value": "pro"}]}])
}

#[actix_web::test]
async fn segments_and_overrides_are_previewed_before_either_is_there() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    seen(&api, 12);
    let log = api.read("/api/admin/changes").await;
    let new = json!([
        {"create_segment": {"body": {"name": "pro", "rules": pro()}}},
        {"create_override": {"feature": "dark_mode", "body": {"segment": "pro", "enabled": true}}},
    ]);
    let told = preview(&api, new.clone()).await;
    assert_eq!(told.json()["changed"], 3, "{}", told.text());
    let reason = &told.json()["examples"][0]["after"]["reason"];
    assert_eq!(reason, "TARGETING_MATCH; segment=pro");
    assert_eq!(preview(&api, new).await.body, told.body);
    assert_eq!(api.read("/api/admin/changes").await.body, log.body);
}

#[actix_web::test]
async fn changes_of_segments_and_overrides_are_previewed() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    seen(&api, 12);
    api.create(
        "/api/admin/segments",
        json!({"name": "pro", "rules": pro()}),
    )
    .await;
    let path = "/api/admin/environments/production/flags/dark_mode/overrides";
    let body = json!({"segment": "pro", "enabled": true});
    let id = api.create(path, body).await["id"].clone();
    let mut everybody = pro();
    everybody[0]["conditions"][0]["operator"] = json!("IS_SET");
    let on = |id: &Value, body: Value| json!({"change_override": {"feature": "dark_mode", "id": id, "body": body}});
    for (change, off_to_on, on_to_off, value) in [
        (
            json!({"change_segment": {"segment": "pro", "body": {"rules": everybody}}}),
            9,
            0,
            0,
        ),
        (
            json!({"change_segment": {"segment": "PRO", "body": {"rules": []}}}),
            0,
            3,
            0,
        ),
        (on(&id, json!({"value": 1})), 0, 0, 3),
        (on(&id, json!({"rollout": 0})), 0, 3, 0),
        (
            json!({"delete_override": {"feature": "dark_mode", "id": id}}),
            0,
            3,
            0,
        ),
        (
            json!({"create_override": {"feature": "dark_mode", "body": {"identity": "user-0", "enabled": false}}}),
            0,
            1,
            0,
        ),
    ] {
        let answer = preview(&api, json!([change])).await;
        assert_eq!(answer.status, 200, "{change}: {}", answer.text());
        let feature = &answer.json()["features"][0];
        let counts = ["off_to_on", "on_to_off", "value"].map(|one| feature[one].as_u64());
        assert_eq!(counts, [off_to_on, on_to_off, value].map(Some), "{change}");
    }
    let wrong = json!([{"condition": "plan"}]);
    let wrong = json!([{"change_segment": {"segment": "pro", "body": {"rules": wrong}}}]);
    preview(&api, wrong).await.problem(400, "invalid_request");
    let mut costly = pro();
    costly[0]["conditions"][0]["operator"] = json!("REGEX");
    costly[0]["conditions"][0]["value"] = json!("(");
    let costly = json!([{"change_segment": {"segment": "pro", "body": {"rules": costly}}}]);
    let refused = preview(&api, costly).await;
    assert!(
        refused
            .problem(400, "invalid_request")
            .starts_with("changes[0].change_segment.body.rules[0].conditions[0].value")
    );
    let patterns = |name: &str| {
        let one = json!({"property": "plan", "operator": "REGEX", "value": "p"});
        let rules = json!([{"type": "ANY", "conditions": vec![one; 26]}]);
        json!({"create_segment": {"body": {"name": name, "rules": rules}}})
    };
    let refused = preview(&api, json!([patterns("a"), patterns("b")])).await;
    let told = refused.problem(400, "invalid_request");
    assert!(told.starts_with("changes must have at most 50"), "{told}");
    let ranked = json!({"identity": "user-0", "enabled": true, "priority": 1});
    let ranked = json!([{"create_override": {"feature": "dark_mode", "body": ranked}}]);
    let refused = preview(&api, ranked).await;
    assert!(
        !refused
            .field("changes[0].create_override.body.priority")
            .is_empty()
    );
    let gone = json!([
        on(&id, json!({"value": 1})),
        {"delete_override": {"feature": "dark_mode", "id": 99}},
    ]);
    let told = preview(&api, gone).await.problem(404, "not_found");
    assert!(told.starts_with("changes[1].delete_override: "), "{told}");
}

#[actix_web::test]
async fn where_nobody_was_seen_what_has_no_identity_is_previewed() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    let same = json!([{"change_flag": {"feature": "dark_mode", "body": {"enabled": false}}}]);
    let nothing = json!({"contexts": 0, "changed": 0, "features": [], "examples": [], "without_identity": []});
    assert_eq!(preview(&api, same).await.json(), nothing);
    let other = json!([{"change_flag": {"feature": "dark_mode", "body": {"enabled": true}}}]);
    let other = preview(&api, other).await.json();
    assert_eq!(
        (&other["contexts"], &other["changed"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(other["without_identity"][0]["feature"], "dark_mode");
}

#[actix_web::test]
async fn what_the_real_call_would_refuse_is_refused_by_its_place() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    let change = |body: Value| json!({"change_flag": {"feature": "dark_mode", "body": body}});
    let many: Vec<Value> = (0..21).map(|_| change(json!({}))).collect();
    for (changes, field) in [
        (json!([]), "changes"),
        (json!(many), "changes"),
        (
            json!([change(json!({"enabled": 1}))]),
            "changes[0].change_flag.body.enabled",
        ),
        (
            json!([change(json!({"on": true}))]),
            "changes[0].change_flag.body.on",
        ),
        (
            json!([{"change_flag": {"feature": "a/b", "body": {}}}]),
            "changes[0].change_flag.feature",
        ),
    ] {
        let answer = preview(&api, changes.clone()).await;
        let detail = answer.problem(400, "invalid_request");
        assert_eq!(
            answer.json()["errors"][0]["field"],
            field,
            "{changes}: {detail}"
        );
    }
    let unknown = json!([{"change_flag": {"feature": "nothing", "body": {}}}]);
    let unknown = preview(&api, unknown).await;
    assert!(unknown.problem(404, "not_found").contains("nothing"));
    let odd = preview(&api, json!([{"delete_everything": {}}])).await;
    assert!(
        odd.problem(400, "invalid_request")
            .contains("delete_everything")
    );
}
