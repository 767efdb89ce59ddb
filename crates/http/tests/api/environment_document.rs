//! `/api/v1/environment-document/`: all that SDKs need to evaluate locally, for server keys.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api, members};

const DOCUMENT: &str = "/api/v1/environment-document/";

impl Api {
    async fn document(&self, key: &str, header: (&str, &str)) -> Answer {
        let ask = self.ask(Method::GET, DOCUMENT).key(key);
        ask.header(header.0, header.1).send().await
    }
}

const NO_HEADER: (&str, &str) = ("X-Nothing", "");

#[actix_web::test]
async fn a_server_key_reads_everything_about_its_environment() {
    let (api, _) = Api::production().await;
    let server = api.key("production", "server").await;
    api.feature("dark_mode").await;
    let hidden =
        json!({ "name": "fraud_rules", "server_key_only": true, "initial_value": { "max": 3 } });
    let hidden = api.create("/api/admin/features", hidden).await;
    let answer = api.document(&server, NO_HEADER).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    let document = answer.json();
    assert_eq!(document["name"], "production");
    assert!(
        document["api_key"]
            .as_str()
            .is_some_and(|key| !key.is_empty())
    );
    assert_ne!(document["api_key"], server.as_str());
    assert_eq!(document["updated_at"], "2026-11-20T10:00:00.000000Z");
    assert_eq!(document["project"]["segments"], json!([]));
    assert_eq!(document["identity_overrides"], json!([]));
    let hidden_ids = json!([hidden["id"]]);
    assert_eq!(
        document["project"]["server_key_only_feature_ids"],
        hidden_ids
    );
    let states = document["feature_states"].as_array().unwrap();
    assert_eq!(states.len(), 2);
    let state = &states[1];
    assert_eq!(
        members(state),
        [
            "feature",
            "enabled",
            "feature_state_value",
            "featurestate_uuid",
            "feature_segment",
            "multivariate_feature_state_values"
        ]
    );
    let feature = json!({ "id": hidden["id"], "name": "fraud_rules", "type": "STANDARD" });
    assert_eq!(state["feature"], feature);
    assert_eq!(state["feature_state_value"], r#"{"max":3}"#);
    assert_eq!(state["feature_segment"], Value::Null);
}

#[actix_web::test]
async fn a_client_key_does_not() {
    let (api, client) = Api::production().await;
    let refused = api.document(&client, NO_HEADER).await;
    let detail = refused.problem(403, "forbidden");
    assert!(detail.contains("server keys"), "{detail}");
    let unknown = api.document("ser.unknown", NO_HEADER).await;
    unknown.problem(401, "unauthenticated");
    assert_eq!(refused.header("Access-Control-Allow-Origin"), None);
}

#[actix_web::test]
async fn nothing_is_sent_twice() {
    let (api, _) = Api::production().await;
    let server = api.key("production", "server").await;
    // No header tells the part of a second.
    api.backend.clock.advance(Duration::from_millis(750));
    api.feature("dark_mode").await;
    let first = api.document(&server, NO_HEADER).await;
    // Another change may follow in this second.
    assert_eq!(first.header("Last-Modified"), None);
    let etag = first.etag();
    let same = api.document(&server, ("If-None-Match", &etag)).await;
    assert_eq!((same.status, same.body.len()), (304, 0));

    api.backend.clock.advance(Duration::from_secs(11));
    let later = api.document(&server, NO_HEADER).await;
    let modified = later.header("Last-Modified").unwrap().to_owned();
    assert_eq!(modified, "Fri, 20 Nov 2026 10:00:00 GMT");
    let since = ("If-Modified-Since", modified.as_str());
    let same = api.document(&server, since).await;
    assert_eq!(
        (same.status, same.header("Last-Modified")),
        (304, Some(&*modified))
    );
    let other = ("If-Modified-Since", "Fri, 20 Nov 2026 10:00:01 GMT");
    assert_eq!(api.document(&server, other).await.status, 200);
    assert_eq!(
        api.document(&server, ("If-Modified-Since", "soon"))
            .await
            .status,
        200
    );

    api.set("dark_mode", json!(5)).await;
    for header in [since, ("If-None-Match", &etag)] {
        let changed = api.document(&server, header).await;
        assert_eq!(changed.status, 200);
        let state = &changed.json()["feature_states"][0];
        assert_eq!(state["feature_state_value"], 5);
    }
}

#[actix_web::test]
async fn it_is_sent_as_the_client_likes_it() {
    let (api, _) = Api::production().await;
    let server = api.key("production", "server").await;
    let plain = api.document(&server, NO_HEADER).await;
    for coding in ["gzip", "br"] {
        let coded = api.document(&server, ("Accept-Encoding", coding)).await;
        assert_eq!(coded.header("Content-Encoding"), Some(coding));
        assert_eq!(coded.decoded(), plain.body);
        assert_ne!(coded.etag(), plain.etag());
    }
    let report = api.get("/api/v1/environments/retrievals/").await.json();
    assert_eq!(report[0]["retrievals"], 3);
    let path = DOCUMENT.trim_end_matches('/');
    let head = api.ask(Method::HEAD, path).key(&server).send().await;
    assert_eq!(head.status, 200);
}

#[actix_web::test]
async fn lists_are_written_as_all_sdks_read_them() {
    let (api, _) = Api::production().await;
    let server = api.key("production", "server").await;
    api.feature("dark_mode").await;
    for (number, (list, written)) in [
        (json!("pro,team"), "pro,team"),
        (json!("pro, team"), "pro,team"),
        (json!(["pro", "team"]), "pro,team"),
        (json!(["pro, team", "a"]), r#"["pro, team","a"]"#),
        (json!([" pro"]), r#"[" pro"]"#),
        (json!(["[a]"]), r#"["[a]"]"#),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("segment-{number}");
        let conditions = json!([{ "property": "plan", "operator": "IN", "value": list }]);
        let rules = json!([{ "type": "ALL", "conditions": conditions }]);
        api.create(
            "/api/admin/segments",
            json!({ "name": name, "rules": rules }),
        )
        .await;
        let overrides = "/api/admin/environments/production/flags/dark_mode/overrides";
        api.create(overrides, json!({ "segment": name, "enabled": true }))
            .await;
        let document = api.document(&server, NO_HEADER).await.json();
        let segments = document["project"]["segments"].as_array().unwrap();
        let segment = segments.iter().find(|one| one["name"] == name.as_str());
        let condition = &segment.unwrap()["rules"][0]["conditions"][0];
        assert_eq!(condition["value"], written);
    }
}

#[actix_web::test]
async fn segments_and_overrides_are_in_it_unless_sdks_would_misread_them() {
    let (api, _) = Api::production().await;
    let server = api.key("production", "server").await;
    let theme = json!({ "name": "theme", "initial_value": "grey",
        "variants": [{ "key": "blue", "value": "#00f" }, { "key": "red", "value": "#f00" }] });
    api.create("/api/admin/features", theme).await;
    let overrides = "/api/admin/environments/production/flags/theme/overrides";
    for (name, property, operator) in [
        ("pro", "plan", "EQUAL"),
        ("own", "plan", "STARTS_WITH"),
        ("dated", "$.now", "EQUAL"),
    ] {
        let conditions = json!([{ "property": property, "operator": operator, "value": "pro" }]);
        let rules = json!([{ "type": "ALL", "conditions": conditions }]);
        api.create(
            "/api/admin/segments",
            json!({ "name": name, "rules": rules }),
        )
        .await;
        let shares = json!([{ "variant": "red", "weight": 12.5 }]);
        let body = json!({ "segment": name, "enabled": true, "variants": shares, "rollout": 50 });
        api.create(overrides, body).await;
    }
    let of_one = json!({ "identity": "user-1", "enabled": true, "value": 5 });
    api.create(overrides, of_one).await;

    let document = api.document(&server, NO_HEADER).await.json();
    let segments = document["project"]["segments"].as_array().unwrap();
    let names: Vec<_> = segments.iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["pro", "pro"]); // the segment, and the share of it
    let plan = json!({ "operator": "EQUAL", "value": "pro", "property_": "plan" });
    let split = json!({ "operator": "PERCENTAGE_SPLIT", "value": "50", "property_": "" });
    let asked = |rule: usize| &segments[1]["rules"][rule]["conditions"];
    assert_eq!((asked(0), asked(1)), (&json!([plan]), &json!([split])));
    let state = &segments[1]["feature_states"][0];
    assert_eq!(state["feature_segment"], json!({ "priority": 0 }));
    let share = &state["multivariate_feature_state_values"][0];
    assert_eq!(share["percentage_allocation"], json!(12.5));
    assert_eq!(share["multivariate_feature_option"]["value"], "#f00");
    let own = &document["identity_overrides"][0];
    assert_eq!(own["identifier"], "user-1");
    assert_eq!(own["identity_features"][0]["feature_state_value"], 5);
}
