//! What somebody gets, and why.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const EVALUATE: &str = "/api/admin/environments/production/evaluate";

async fn evaluate(api: &Api, body: Value) -> Answer {
    let ask = api.manage(Method::POST, EVALUATE);
    ask.json(body).send().await
}

#[actix_web::test]
async fn everything_is_explained_to_nobody_in_particular() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    api.feature("theme").await;
    api.set("theme", json!(1.0)).await;
    let answer = evaluate(&api, json!({})).await;
    assert_eq!(answer.status, 200);
    insta::assert_snapshot!(answer.text(), @r#"{"identifier":null,"traits":{},"flags":[{"feature":"dark_mode","enabled":false,"value":null,"variant":null,"reason":"DEFAULT","explanation":{"summary":"There is no override that could apply: it is what the environment has.","killed":false,"candidates":[{"origin":"environment","outcome":"won","enabled":false,"value":null}],"split":null}},{"feature":"theme","enabled":false,"value":1.0,"variant":null,"reason":"DEFAULT","explanation":{"summary":"There is no override that could apply: it is what the environment has.","killed":false,"candidates":[{"origin":"environment","outcome":"won","enabled":false,"value":1.0}],"split":null}}]}"#);
}

#[actix_web::test]
async fn a_killed_flag_is_off_for_everyone_and_says_so() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    let kill = json!({"enabled": true, "killed": true});
    let path = "/api/admin/environments/production/flags/dark_mode";
    let killed = api.manage(Method::PATCH, path).json(kill).send().await;
    assert_eq!(killed.status, 200, "{}", killed.text());
    let answer = evaluate(&api, json!({"identifier": "user-7"})).await.json();
    let flag = &answer["flags"][0];
    assert_eq!(flag["enabled"], false);
    assert_eq!(flag["explanation"]["killed"], true);
    let summary = flag["explanation"]["summary"].as_str().unwrap();
    assert!(summary.starts_with("The flag is killed"), "{summary}");
}

#[actix_web::test]
async fn an_override_that_won_is_told_from_one_that_does_not_apply_and_every_condition_says_what_it_saw()
 {
    let (api, _) = Api::production().await;
    api.feature("theme").await;
    for (name, property, value) in [("pro", "plan", "pro"), ("adults", "age", "18")] {
        let rules = json!([{"type": "ANY", "conditions": [
            {"property": property, "operator": "EQUAL", "value": value},
            {"property": "", "operator": "PERCENTAGE_SPLIT", "value": "0"},
        ]}]);
        let segment = json!({"name": name, "rules": rules});
        api.create("/api/admin/segments", segment).await;
        let flag = "/api/admin/environments/production/flags/theme/overrides";
        let body = json!({"segment": name, "enabled": true, "value": name});
        api.create(flag, body).await;
    }
    let asked = json!({"identifier": "user-7", "traits": {"plan": "free", "age": 18}});
    let flag = evaluate(&api, asked).await.json()["flags"][0].clone();
    assert_eq!(flag["reason"], "TARGETING_MATCH; segment=adults");
    assert_eq!(flag["value"], "adults");
    let explanation = &flag["explanation"];
    assert_eq!(
        explanation["summary"],
        "It is in the segment \"adults\", whose override is the only one that applies."
    );
    let candidates = explanation["candidates"].as_array().unwrap();
    let outcomes: Vec<_> = candidates
        .iter()
        .map(|one| (&one["origin"], &one["segment"], &one["outcome"]))
        .collect();
    let nothing = Value::Null;
    assert_eq!(
        outcomes,
        [
            (&json!("segment"), &json!("pro"), &json!("no_match")),
            (&json!("segment"), &json!("adults"), &json!("won")),
            (&json!("environment"), &nothing, &json!("beaten")),
        ]
    );
    let rule = &candidates[0]["rules"][0];
    assert_eq!(
        (&rule["type"], &rule["held"]),
        (&json!("ANY"), &json!(false))
    );
    assert_eq!(
        rule["conditions"][0],
        json!({"property": "plan", "operator": "EQUAL", "value": "pro", "held": false, "found": "free"})
    );
    assert!(rule["conditions"][1]["bucket"].is_f64(), "{rule}");
    assert_eq!(candidates[1]["rules"][0]["conditions"][0]["held"], true);
}

#[actix_web::test]
async fn a_rollout_is_told_whether_or_not_somebody_is_in_it() {
    let (api, _) = Api::production().await;
    api.feature("theme").await;
    let everybody = json!({"name": "everybody", "rules": [{"type": "ALL"}]});
    api.create("/api/admin/segments", everybody).await;
    let overrides = "/api/admin/environments/production/flags/theme/overrides";
    let body = json!({"segment": "everybody", "enabled": true, "rollout": 0});
    let id = api.create(overrides, body).await["id"].clone();
    let somebody = json!({"identifier": "user-7"});
    for (share, who, outcome, held) in [
        (json!(0), &somebody, "no_match", false),
        (json!(100), &somebody, "won", true),
        (json!(100), &json!({}), "no_match", false),
    ] {
        let change = json!({ "rollout": share });
        let path = format!("{overrides}/{id}");
        api.manage(Method::PATCH, &path).json(change).send().await;
        let told = evaluate(&api, who.clone()).await.json();
        let candidate = &told["flags"][0]["explanation"]["candidates"][0];
        assert_eq!(candidate["outcome"], outcome, "{candidate}");
        // The share stands beside the segment's rules, not among them.
        assert_eq!(candidate["rules"].as_array().unwrap().len(), 1);
        let rollout = &candidate["rollout"];
        assert_eq!(
            (&rollout["percentage"], &rollout["held"]),
            (&share, &json!(held))
        );
        assert_eq!(rollout["bucket"].is_number(), who == &somebody);
    }
}

#[actix_web::test]
async fn an_identity_is_asked_for_with_its_traits_and_for_one_feature_alone() {
    let (api, _) = Api::production().await;
    api.feature("dark_mode").await;
    api.feature("theme").await;
    let traits = json!({"plan": "pro", "age": 31, "beta": true, "score": 1.0, "gone": null});
    let answer = evaluate(
        &api,
        json!({"identifier": "user-7", "traits": traits, "feature": "Theme", "now": "2026-12-24T00:00:00Z"}),
    )
    .await
    .json();
    assert_eq!(answer["identifier"], "user-7");
    assert_eq!(answer["traits"], traits);
    assert_eq!(answer["flags"].as_array().map(Vec::len), Some(1));
    assert_eq!(answer["flags"][0]["feature"], "theme");
}

#[actix_web::test]
async fn what_cannot_be_evaluated_is_refused_by_name() {
    let (api, _) = Api::production().await;
    let many: serde_json::Map<_, _> = (0..101).map(|at| (at.to_string(), json!(1))).collect();
    for (body, field) in [
        (json!({"traits": {"a": 1}}), "identifier"),
        (json!({"identifier": ""}), "identifier"),
        (json!({"identifier": "x".repeat(2_001)}), "identifier"),
        (json!({"identifier": "a", "traits": {"a": []}}), "traits.a"),
        (
            json!({"identifier": "a", "traits": {"a": "x".repeat(2_001)}}),
            "traits.a",
        ),
        (json!({"identifier": "a", "traits": {"": 1}}), "traits"),
        (json!({"identifier": "a", "traits": many}), "traits"),
        (json!({"now": "tomorrow"}), "now"),
        (json!({"feature": "a/b"}), "feature"),
        (json!({"identity": "a"}), "identity"),
    ] {
        let answer = evaluate(&api, body.clone()).await;
        let detail = answer.problem(400, "invalid_request");
        assert_eq!(
            answer.json()["errors"][0]["field"],
            field,
            "{body}: {detail}"
        );
    }
    let unknown = evaluate(&api, json!({"feature": "nothing"})).await;
    assert!(unknown.problem(404, "not_found").contains("nothing"));
    let elsewhere = api.manage(Method::POST, "/api/admin/environments/elsewhere/evaluate");
    let elsewhere = elsewhere.json(json!({})).send().await;
    assert!(elsewhere.problem(404, "not_found").contains("elsewhere"));
}
