//! Segments are created, shown, changed and deleted; what is wrong in their rules is told with its path.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::Api;

const ALL: &str = "/api/admin/segments";
const PAYING: &str = "/api/admin/segments/paying";

fn having(property: &str, operator: &str, value: &str) -> Value {
    let condition = json!({"property": property, "operator": operator, "value": value});
    json!([{"type": "ALL", "conditions": [condition]}])
}

#[actix_web::test]
async fn a_segment_is_created_shown_changed_and_deleted() {
    let (api, key) = Api::production().await;
    let body = json!({"name": "paying", "rules": having("plan", "IN", "pro,team")});
    let created = api.manage(Method::POST, ALL).json(body).send().await;
    assert_eq!(created.status, 201);
    insta::assert_snapshot!(created.text(), @r#"{"id":1,"name":"paying","description":"","rules":[{"type":"ALL","conditions":[{"property":"plan","operator":"IN","value":"pro,team"}],"rules":[]}],"created_at":"2026-11-20T10:00:00.000000Z","version":4}"#);
    assert_eq!(created.header("Location"), Some(PAYING));
    assert_eq!(api.read(PAYING).await.body, created.body);
    assert_eq!(api.read(ALL).await.json(), json!([created.json()]));

    let change = json!({"name": "customers", "description": "Those who pay"});
    let changed = api.manage(Method::PATCH, PAYING).json(change).send().await;
    assert_eq!(changed.status, 200);
    assert_eq!(changed.json()["rules"], created.json()["rules"]);
    let revision = changed.header("X-Flagstaff-Revision").unwrap();
    let served = api.flags(&key).await;
    assert_eq!(served.header("X-Flagstaff-Revision"), Some(revision));
    api.read(PAYING).await.problem(404, "not_found");

    let path = "/api/admin/segments/Customers";
    let stale = api.manage(Method::DELETE, path).header("If-Match", "\"1\"");
    stale.send().await.problem(412, "version_mismatch");
    let deleted = api.manage(Method::DELETE, path).send().await;
    assert_eq!(deleted.status, 204);
    assert_eq!(api.read(ALL).await.text(), "[]");
}

#[actix_web::test]
async fn a_mistake_in_a_rule_is_told_with_its_path() {
    let api = Api::empty().await;
    let good = json!({"property": "plan", "operator": "EQUAL", "value": "pro"});
    let nested = |condition: Value| {
        let inner = json!({"type": "ANY", "conditions": [good, condition]});
        json!([{"type": "ALL", "conditions": [good], "rules": [inner]}])
    };
    let at = |field: &str| format!("rules[0].rules[0].conditions[1].{field}");
    for (condition, field) in [
        (
            json!({"property": "a", "operator": "REGEX", "value": "("}),
            at("value"),
        ),
        (
            json!({"property": "a", "operator": "REGEX", "value": "(a{1000}){1000}"}),
            at("value"),
        ),
        (
            json!({"property": "$..a", "operator": "IS_SET"}),
            at("property"),
        ),
        (
            json!({"property": "nothing", "operator": "FLAG"}),
            at("property"),
        ),
        (
            json!({"property": "a", "operator": "equal"}),
            at("operator"),
        ),
        (
            json!({"property": "a", "operator": "EQUAL", "value": {}}),
            at("value"),
        ),
        (
            json!({"property": "", "operator": "PERCENTAGE_SPLIT", "value": 101}),
            at("value"),
        ),
    ] {
        let body = json!({"name": "a", "rules": nested(condition)});
        let refused = api.manage(Method::POST, ALL).json(body).send().await;
        assert!(!refused.field(&field).is_empty(), "{field}");
    }
    for (body, field) in [
        (json!({"name": "a/b", "rules": []}), "name"),
        (json!({"name": "a"}), "rules"),
        (
            json!({"name": "a", "rules": [{"type": "SOME"}]}),
            "rules[0].type",
        ),
        (json!({"name": "a", "rules": [], "colour": "red"}), "colour"),
    ] {
        let refused = api.manage(Method::POST, ALL).json(body).send().await;
        assert!(!refused.field(field).is_empty(), "{field}");
    }
    assert_eq!(api.read(ALL).await.text(), "[]");
}

#[actix_web::test]
async fn operators_that_only_flagstaff_knows_are_warned_of() {
    let api = Api::empty().await;
    let body = json!({"name": "staff", "rules": having("email", "ENDS_WITH", "@shop.example")});
    let created = api.manage(Method::POST, ALL).json(body).send().await;
    let warning = created.json()["warnings"][0].to_string();
    assert!(warning.contains("ENDS_WITH"), "{warning}");
    assert_eq!(
        api.read("/api/admin/segments/staff").await.json()["warnings"],
        Value::Null
    );
}

#[actix_web::test]
async fn the_operators_are_listed_with_what_they_mean() {
    let api = Api::empty().await;
    let all = api.read("/api/admin/operators").await.json();
    let all = all.as_array().unwrap();
    assert_eq!(all.len(), 20);
    assert_eq!(
        all[0],
        json!({"name": "EQUAL", "summary": all[0]["summary"], "value": all[0]["value"], "flagsmith": true})
    );
    let own = all.iter().find(|one| one["name"] == "FLAG").unwrap();
    assert_eq!(own["flagsmith"], false);
}

#[actix_web::test]
async fn what_is_in_use_is_kept_and_names_its_users() {
    let (api, _) = Api::production().await;
    for name in ["checkout", "dark_mode"] {
        api.feature(name).await;
    }
    let rules = having("checkout", "FLAG", "");
    api.create(ALL, json!({"name": "paying", "rules": rules}))
        .await;
    let overrides = "/api/admin/environments/production/flags/dark_mode/overrides";
    api.create(overrides, json!({"segment": "paying", "enabled": true}))
        .await;

    let refused = api.manage(Method::DELETE, PAYING).send().await;
    let detail = refused.problem(409, "in_use");
    assert!(
        detail.contains(r#""dark_mode" in "production""#),
        "{detail}"
    );
    let refused = api
        .manage(Method::DELETE, "/api/admin/features/checkout")
        .send()
        .await;
    let detail = refused.problem(409, "in_use");
    assert!(detail.contains("paying"), "{detail}");

    let own = json!({"rules": having("dark_mode", "FLAG", "")});
    let refused = api.manage(Method::PATCH, PAYING).json(own).send().await;
    let detail = refused.problem(409, "conflict");
    assert!(detail.contains("in a circle"), "{detail}");
}
