//! `/api/v1/identities/`: an identity gets its flags from memory, and what is told of it is remembered.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use actix_web::http::Method;
use flagstaff_domain::flags::evaluation::TraitValue;
use serde_json::{Value, json};

use crate::support::{Answer, Api, instant, settings};

const IDENTITIES: &str = "/api/v1/identities/";

impl Api {
    /// Tells of an identity.
    pub(crate) async fn identify(&self, key: &str, body: Value) -> Answer {
        let ask = self.ask(Method::POST, IDENTITIES).key(key);
        ask.json(body).send().await
    }

    async fn recall(&self, key: &str, query: &str) -> Answer {
        let path = format!("{IDENTITIES}?{query}");
        self.ask(Method::GET, &path).key(key).send().await
    }

    /// Stores what was told, as the server's job does.
    fn store_traits(&self) -> usize {
        let now = instant("2026-11-20T10:00:01Z");
        self.backend.traits.write(100, now).unwrap()
    }
}

/// The traits of an answer as an object.
fn traits(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text());
    let body = answer.json();
    let traits = body["traits"].as_array().unwrap().iter();
    traits
        .map(|one| {
            let name = one["trait_key"].as_str().unwrap().to_owned();
            (name, one["trait_value"].clone())
        })
        .collect()
}

fn told(pairs: &[(&str, Value)]) -> Value {
    let traits = pairs.iter();
    let traits = traits.map(|(name, value)| json!({ "trait_key": name, "trait_value": value }));
    json!({ "identifier": "user-1", "traits": traits.collect::<Vec<_>>() })
}

#[actix_web::test]
async fn an_identity_gets_the_flags_of_the_list_with_variant_and_reason() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    api.feature("a \"quoted\" feature").await;
    api.set("dark_mode", json!({ "colour": "#00f" })).await;
    let list = api.flags(&key).await;
    let answers = [
        api.identify(&key, json!({ "identifier": "user-1" })).await,
        api.recall(&key, "identifier=user-1").await,
    ];
    for answer in answers {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let mut expected = list.json();
        for flag in expected.as_array_mut().unwrap() {
            flag["variant"] = Value::Null;
            flag["reason"] = "DEFAULT".into();
        }
        assert_eq!(
            body,
            json!({ "identifier": "user-1", "traits": [], "flags": expected })
        );
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert_eq!(answer.header("Cache-Control"), Some("no-store"));
        assert_eq!(
            answer.header("X-Flagstaff-Revision"),
            list.header("X-Flagstaff-Revision")
        );
        assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    }
}

#[actix_web::test]
async fn paths_with_and_without_the_last_slash_answer_head_and_preflights() {
    let (api, key) = Api::production().await;
    let path = IDENTITIES.trim_end_matches('/');
    let answer = api.ask(Method::POST, path).key(&key);
    let answer = answer.json(json!({ "identifier": "a" })).send().await;
    assert_eq!(answer.status, 200);
    let head = api.ask(Method::HEAD, &format!("{path}?identifier=a"));
    assert_eq!(head.key(&key).send().await.status, 200);
    let preflight = api.ask(Method::OPTIONS, IDENTITIES);
    let preflight = preflight
        .header("Origin", "https://shop.example")
        .header("Access-Control-Request-Method", "POST")
        .header(
            "Access-Control-Request-Headers",
            "content-type,x-environment-key",
        );
    let preflight = preflight.send().await;
    assert_eq!(preflight.status, 204);
    let methods = preflight.header("Access-Control-Allow-Methods");
    assert_eq!(methods, Some("GET, HEAD, POST, OPTIONS"));
    let headers = preflight.header("Access-Control-Allow-Headers");
    assert_eq!(headers, Some("content-type,x-environment-key"));
    let other = api.ask(Method::DELETE, IDENTITIES).key(&key).send().await;
    other.problem(405, "method_not_allowed");
}

#[actix_web::test]
async fn what_is_told_is_remembered_until_it_is_told_otherwise() {
    let (api, key) = Api::production().await;
    let first = told(&[
        ("plan", json!("pro")),
        ("age", json!(5)),
        ("score", json!(1.0)),
        ("beta", json!(true)),
    ]);
    let first = api.identify(&key, first).await;
    let all = json!({ "plan": "pro", "age": 5, "score": 1.0, "beta": true });
    assert_eq!(traits(&first), all);
    assert!(first.text().contains(r#""trait_value":1.0"#));
    assert_eq!(traits(&api.recall(&key, "identifier=user-1").await), all);

    let second = told(&[("plan", json!("team")), ("age", Value::Null)]);
    let left = json!({ "plan": "team", "score": 1.0, "beta": true });
    assert_eq!(traits(&api.identify(&key, second).await), left);
    assert_eq!(traits(&api.recall(&key, "identifier=user-1").await), left);
    assert_eq!(
        traits(&api.recall(&key, "identifier=user-2").await),
        json!({})
    );
    let elsewhere = api.environment("staging").await;
    let there = api.recall(&elsewhere, "identifier=user-1").await;
    assert_eq!(traits(&there), json!({}));
}

#[actix_web::test]
async fn what_is_transient_counts_for_its_request_alone() {
    let (api, key) = Api::production().await;
    let mut body = told(&[("plan", json!("pro")), ("passing", json!(1))]);
    body["traits"][1]["transient"] = json!(true);
    let both = json!({ "plan": "pro", "passing": 1 });
    assert_eq!(traits(&api.identify(&key, body).await), both);
    let kept = json!({ "plan": "pro" });
    assert_eq!(traits(&api.recall(&key, "identifier=user-1").await), kept);

    let mut body = told(&[("age", json!(5))]);
    body["transient"] = json!(true);
    assert_eq!(traits(&api.identify(&key, body).await), json!({ "age": 5 }));
    assert_eq!(traits(&api.recall(&key, "identifier=user-1").await), kept);
    let transient = api.recall(&key, "identifier=user-1&transient=true").await;
    assert_eq!(traits(&transient), json!({}));
}

#[actix_web::test]
async fn identities_are_stored_later_and_without_a_change() {
    let (api, key) = Api::production().await;
    let changes = || async { api.read("/api/admin/changes").await.json() };
    let before = changes().await;
    api.identify(&key, told(&[("plan", json!("pro"))])).await;
    assert_eq!((api.store_traits(), api.store_traits()), (1, 0));
    assert_eq!(changes().await, before);
}

#[actix_web::test]
async fn an_identity_waits_for_no_database() {
    let (api, key) = Api::production().await;
    api.feature("dark_mode").await;
    let lock = api.backend.lock();
    let answer = api.identify(&key, told(&[("plan", json!("pro"))])).await;
    assert_eq!(traits(&answer), json!({ "plan": "pro" }));
    assert_eq!(answer.json()["flags"].as_array().unwrap().len(), 1);
    let now = instant("2026-11-20T10:00:01Z");
    assert!(api.backend.traits.write(100, now).is_err());
    drop(lock);
    assert_eq!(api.store_traits(), 1);
}

#[actix_web::test]
async fn features_for_servers_are_shown_to_server_keys_alone() {
    let (api, client) = Api::production().await;
    let server = api.key("production", "server").await;
    api.feature("everybodys").await;
    let hidden = json!({ "name": "fraud_rules", "server_key_only": true });
    api.create("/api/admin/features", hidden).await;
    for (key, count) in [(client, 1), (server, 2)] {
        let answer = api.identify(&key, json!({ "identifier": "a" })).await;
        assert_eq!(answer.json()["flags"].as_array().unwrap().len(), count);
    }
}

#[actix_web::test]
async fn a_request_for_an_identity_is_a_retrieval() {
    let (api, key) = Api::production().await;
    api.identify(&key, json!({ "identifier": "a" })).await;
    api.recall(&key, "identifier=a").await;
    api.recall(&key, "identifier=").await;
    let report = api.get("/api/v1/environments/retrievals/").await.json();
    assert_eq!(report[0]["retrievals"], 2);
}

#[actix_web::test]
async fn client_keys_tell_traits_only_where_they_may() {
    let mut closed = settings();
    closed.client_traits = false;
    let api = Api::with(closed).await;
    let client = api.environment("production").await;
    let server = api.key("production", "server").await;
    let message = api
        .identify(&client, told(&[("plan", json!("pro"))]))
        .await
        .field("traits");
    assert!(message.contains("server key"), "{message}");
    let known = json!({ "plan": "team" });
    let by_server = api
        .identify(&server, told(&[("plan", json!("team"))]))
        .await;
    assert_eq!(traits(&by_server), known);
    let without = api
        .identify(&client, json!({ "identifier": "user-1" }))
        .await;
    assert_eq!(traits(&without), known);
}

#[actix_web::test]
async fn a_form_tells_as_json_does_and_other_bodies_are_refused() {
    let (api, key) = Api::production().await;
    let send = |kind: &'static str, body: &'static str| {
        let ask = api.ask(Method::POST, IDENTITIES).key(&key);
        ask.header("Content-Type", kind).body(body).send()
    };
    let form = "identifier=user-1&traits[0]trait_key=plan&traits[0]trait_value=pro";
    let answer = send("application/x-www-form-urlencoded", form).await;
    assert_eq!(traits(&answer), json!({ "plan": "pro" }));
    let answer = send("application/json; charset=utf-8", r#"{"identifier":"b"}"#).await;
    assert_eq!(answer.status, 200);
    for kind in [
        "multipart/form-data; boundary=x",
        "text/plain",
        "application/jsonish",
    ] {
        let refused = send(kind, r#"{"identifier":"b"}"#).await;
        let detail = refused.problem(415, "unsupported_media_type");
        assert!(detail.contains("application/json"), "{detail}");
    }
}

#[actix_web::test]
async fn what_is_too_long_or_too_much_is_named() {
    let (api, key) = Api::production().await;
    let one = |name: &str, value: Value| json!([{ "trait_key": name, "trait_value": value }]);
    let many = |count: usize| {
        let traits = (0..count).map(|at| json!({ "trait_key": at.to_string(), "trait_value": at }));
        traits.collect::<Vec<_>>()
    };
    for (body, field) in [
        (json!({}), "identifier"),
        (json!({ "identifier": 5 }), "identifier"),
        (json!({ "identifier": "" }), "identifier"),
        (json!({ "identifier": "ä".repeat(2_001) }), "identifier"),
        (json!({ "identifier": "a\u{0}" }), "identifier"),
        (
            json!({ "identifier": "a", "transient": "yes" }),
            "transient",
        ),
        (json!({ "identifier": "a", "traits": many(101) }), "traits"),
        (
            json!({ "identifier": "a", "traits": one("", json!(1)) }),
            "traits[0].trait_key",
        ),
        (
            json!({ "identifier": "a", "traits": one(&"ä".repeat(201), json!(1)) }),
            "traits[0].trait_key",
        ),
        (
            json!({ "identifier": "a", "traits": one("t", json!("ä".repeat(2_001))) }),
            "traits[0].trait_value",
        ),
        (
            json!({ "identifier": "a", "traits": one("t", json!([1])) }),
            "traits[0].trait_value",
        ),
        (
            json!({ "identifier": "a", "traits": one("t", json!({})) }),
            "traits[0].trait_value",
        ),
    ] {
        let answer = api.identify(&key, body.clone()).await;
        let message = answer.field(field);
        assert!(message.len() > 8, "{message}");
    }
    for right in [
        json!({ "identifier": "ä".repeat(2_000), "traits": many(100), "transient": null }),
        json!({ "identifier": "a", "traits": one(&"ä".repeat(200), json!("ä".repeat(2_000))) }),
        json!({ "identifier": "a", "traits": null, "another": {} }),
    ] {
        let answer = api.identify(&key, right).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    let large = json!({ "identifier": "a", "another": "x".repeat(1024 * 1024) });
    let answer = api.identify(&key, large).await;
    answer.problem(413, "payload_too_large");
    for broken in ["", "[]", "{", r#"{"identifier":"a"}x"#] {
        let ask = api.ask(Method::POST, IDENTITIES).key(&key);
        ask.text(broken)
            .send()
            .await
            .problem(400, "invalid_request");
    }
}

#[actix_web::test]
async fn without_a_key_nothing_is_told_nor_asked() {
    let (api, _) = Api::production().await;
    let wrong = "0".repeat(32);
    let body = json!({ "identifier": "a" });
    api.identify(&wrong, body.clone())
        .await
        .problem(401, "unauthenticated");
    api.recall(&wrong, "identifier=a")
        .await
        .problem(401, "unauthenticated");
    let ask = api.ask(Method::POST, IDENTITIES).json(body);
    ask.send().await.problem(401, "unauthenticated");
    let remembered = api
        .backend
        .traits
        .find(flagstaff_domain::ids::EnvironmentId(1), "a");
    assert_eq!(remembered.get("plan"), None::<&TraitValue>);
}

#[actix_web::test]
async fn whom_overrides_and_splits_are_for_gets_them() {
    let (api, key) = Api::production().await;
    let theme = json!({ "name": "theme", "initial_value": "grey", "default_enabled": true,
        "variants": [{ "key": "blue", "value": "#00f" }, { "key": "red", "value": "#f00" }] });
    api.create("/api/admin/features", theme).await;
    let pro = json!([{ "type": "ALL", "conditions": [{ "property": "plan", "operator": "EQUAL", "value": "pro" }] }]);
    api.create(
        "/api/admin/segments",
        json!({ "name": "pro", "rules": pro }),
    )
    .await;
    let overrides = "/api/admin/environments/production/flags/theme/overrides";
    let all = |variant: &str| json!([{ "variant": variant, "weight": 100 }]);
    let of_pro =
        json!({ "segment": "pro", "enabled": true, "variants": all("blue"), "rollout": 100 });
    let of_pro = api.create(overrides, of_pro).await;
    let of_one = json!({ "identity": "user-1", "enabled": false, "variants": all("red") });
    api.create(overrides, of_one).await;
    let of = async |identifier: &str, plan: &str| {
        let plan = json!([{ "trait_key": "plan", "trait_value": plan }]);
        let body = json!({ "identifier": identifier, "traits": plan });
        let flag = api.identify(&key, body).await.json()["flags"][0].take();
        ["enabled", "feature_state_value", "variant", "reason"].map(|one| flag[one].clone())
    };
    let everybody = [json!(true), json!("grey"), Value::Null, json!("DEFAULT")];
    assert_eq!(of("user-2", "free").await, everybody);
    let blue = [
        json!(true),
        json!("#00f"),
        json!("blue"),
        json!("SPLIT; weight=100"),
    ];
    assert_eq!(of("user-2", "pro").await, blue);
    let own = "TARGETING_MATCH; identity";
    let red = [json!(false), json!("#f00"), json!("red"), json!(own)];
    assert_eq!(of("user-1", "pro").await, red);
    let path = format!("{overrides}/{}", of_pro["id"]);
    let nobody = api
        .manage(Method::PATCH, &path)
        .json(json!({ "rollout": 0 }));
    assert_eq!(nobody.send().await.status, 200);
    assert_eq!(of("user-2", "pro").await, everybody);
}
