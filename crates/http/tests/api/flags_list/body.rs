//! The bodies of the flag list: shape, order, values, one feature, what is for servers alone.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Api, FLAGS};

#[actix_web::test]
async fn the_list_is_what_the_contract_shows() {
    let (api, key) = Api::production().await;
    let feature = json!({
        "name": "dark_mode", "description": "Dark colours everywhere", "tags": ["ui"], "enabled_in": ["production"],
    });
    api.create("/api/admin/features", feature).await;
    let answer = api.flags(&key).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert_eq!(
        answer.header("X-Content-Type-Options"),
        Some("nosniff"),
        "nobody may take it for a page"
    );
    insta::assert_snapshot!(answer.text(), @r#"[{"id":1,"feature":{"id":1,"name":"dark_mode","type":"STANDARD","created_date":"2026-11-20T10:00:00.000000Z","description":"Dark colours everywhere","initial_value":null,"default_enabled":false,"tags":["ui"]},"feature_state_value":null,"enabled":true,"environment":null,"identity":null,"feature_segment":null}]"#);
}

#[actix_web::test]
async fn an_environment_without_features_has_an_empty_list() {
    let (api, key) = Api::production().await;
    let answer = api.flags(&key).await;
    assert_eq!((answer.status, answer.text()), (200, "[]"));
}

#[actix_web::test]
async fn nothing_about_the_environment_is_returned() {
    let (api, key) = Api::production().await;
    let change = json!({"description": "the shop of the north"});
    let path = "/api/admin/environments/production";
    let changed = api.manage(Method::PATCH, path).json(change).send().await;
    assert_eq!(changed.status, 200);
    api.feature("dark_mode").await;
    let answer = api.flags(&key).await;
    let headers = format!("{:?}", answer.headers);
    for secret in ["production", "north", &key] {
        assert!(!answer.text().contains(secret), "{secret}");
        assert!(!headers.contains(secret), "{secret}");
    }
}

#[actix_web::test]
async fn flags_are_ordered_by_the_bytes_of_their_names() {
    let (api, key) = Api::production().await;
    for name in [
        "b", "日本", "Z", "a.b", "_x", "ä", "a", "-x", "a-b", "10", "9",
    ] {
        api.feature(name).await;
    }
    let names = api.flags(&key).await.names();
    assert_eq!(
        names,
        [
            "-x", "10", "9", "Z", "_x", "a", "a-b", "a.b", "b", "ä", "日本"
        ]
    );
}

#[actix_web::test]
async fn a_list_of_more_than_a_page_is_whole() {
    let (api, key) = Api::production().await;
    api.backend.many_features(1_001);
    let answer = api.flags(&key).await;
    assert_eq!(answer.names().len(), 1_001);
    assert_eq!(answer.header("Link"), None);
}

#[actix_web::test]
async fn a_value_is_served_as_its_own_type() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let path = "/api/admin/environments/production/flags/a";
    for (stored, served) in [
        ("null", "null"),
        ("true", "true"),
        ("false", "false"),
        ("1", "1"),
        ("1.0", "1.0"),
        ("0.1", "0.1"),
        ("-0.5e-3", "-0.0005"),
        ("1e2", "100.0"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("1.7976931348623157e308", "1.7976931348623157e+308"),
        (r#""""#, r#""""#),
        (r#""1""#, r#""1""#),
        (r#""ü 日本 \u0001 \n \" \\""#, r#""ü 日本 \u0001 \n \" \\""#),
        (
            r#"{"b": 1.0, "a": [true, null]}"#,
            r#""{\"b\":1.0,\"a\":[true,null]}""#,
        ),
        ("[]", r#""[]""#),
        ("[12345678901234567890]", r#""[12345678901234567890]""#),
    ] {
        let body = format!(r#"{{"value": {stored}}}"#);
        let changed = api.manage(Method::PATCH, path).text(body).send().await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let list = api.flags(&key).await;
        let field = format!(r#""feature_state_value":{served},"#);
        assert!(list.text().contains(&field), "{stored}: {}", list.text());
        assert!(serde_json::from_slice::<Value>(&list.body).is_ok());
    }
}

#[actix_web::test]
async fn the_initial_value_is_flat_as_well() {
    let (api, key) = Api::production().await;
    let feature = json!({"name": "a", "initial_value": {"a": 1}, "default_enabled": true});
    api.create("/api/admin/features", feature).await;
    let flag = &api.flags(&key).await.json()[0];
    assert_eq!(flag["feature"]["initial_value"], r#"{"a":1}"#);
    assert_eq!(flag["feature_state_value"], r#"{"a":1}"#);
    assert_eq!(flag["feature"]["default_enabled"], true);
    assert_eq!(flag["enabled"], true);
}

#[actix_web::test]
async fn one_feature_is_one_object() {
    let (api, key) = Api::production().await;
    for name in ["a", "b", "größe 1"] {
        api.feature(name).await;
    }
    let list = api.flags(&key).await.json();
    for (at, query) in [
        (0, "a"),
        (1, "b"),
        (2, "gr%C3%B6%C3%9Fe%201"),
        (2, "gr%C3%B6%C3%9Fe+1"),
    ] {
        let path = format!("{FLAGS}?feature={query}");
        let one = api.ask(Method::GET, &path).key(&key).send().await;
        assert_eq!(one.status, 200, "{query}");
        assert_eq!(one.json(), list[at], "{query}");
    }
}

#[actix_web::test]
async fn a_feature_that_does_not_exist_is_not_found() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    for query in [
        "feature=b",
        "feature=",
        "feature=A",
        "feature=a%00",
        "feature=a%2Fb",
    ] {
        let path = format!("{FLAGS}?{query}");
        let answer = api.ask(Method::GET, &path).key(&key).send().await;
        let detail = answer.problem(404, "not_found");
        assert!(detail.contains("has no feature"), "{query}: {detail}");
    }
    let twice = format!("{FLAGS}?feature=a&feature=a");
    let answer = api.ask(Method::GET, &twice).key(&key).send().await;
    answer.field("feature");
}

#[actix_web::test]
async fn parameters_of_other_servers_are_tolerated() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let path = format!("{FLAGS}?page=2&limit=1");
    let answer = api.ask(Method::GET, &path).key(&key).send().await;
    assert_eq!((answer.status, answer.names().len()), (200, 1));
}

#[actix_web::test]
async fn what_is_for_servers_is_shown_to_server_keys_alone() {
    let (api, client) = Api::production().await;
    let server = api.key("production", "server").await;
    api.feature("a").await;
    let secret = json!({"name": "b", "server_key_only": true});
    api.create("/api/admin/features", secret).await;
    assert_eq!(api.flags(&server).await.names(), ["a", "b"]);
    let shown = api.flags(&client).await;
    assert_eq!(shown.names(), ["a"]);
    assert!(!shown.text().contains("server_key_only"));

    let one = format!("{FLAGS}?feature=b");
    let hidden = api.ask(Method::GET, &one).key(&client).send().await;
    hidden.problem(404, "not_found");
    let seen = api.ask(Method::GET, &one).key(&server).send().await;
    assert_eq!(seen.json()["feature"]["name"], "b");

    let open = json!({"server_key_only": false});
    let changed = api
        .manage(Method::PATCH, "/api/admin/features/b")
        .json(open);
    assert_eq!(changed.send().await.status, 200);
    assert_eq!(api.flags(&client).await.names(), ["a", "b"]);
}

#[actix_web::test]
async fn the_last_slash_makes_no_difference() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let with = api.flags(&key).await;
    let without = api.ask(Method::GET, "/api/v1/flags").key(&key).send().await;
    assert_eq!(without.status, 200);
    assert_eq!(without.body, with.body);
    assert_eq!(without.etag(), with.etag());
}

#[actix_web::test]
async fn each_environment_has_flags_of_its_own() {
    let (api, production) = Api::production().await;
    let staging = api.environment("staging").await;
    let feature = json!({"name": "a", "enabled_in": ["staging"]});
    api.create("/api/admin/features", feature).await;
    api.set("a", json!("in production")).await;
    let (production, staging) = (api.flags(&production).await, api.flags(&staging).await);
    let state = |one: &Value| {
        (
            one[0]["enabled"].clone(),
            one[0]["feature_state_value"].clone(),
        )
    };
    assert_eq!(
        state(&production.json()),
        (json!(false), json!("in production"))
    );
    assert_eq!(state(&staging.json()), (json!(true), json!(null)));
    assert_ne!(production.json()[0]["id"], staging.json()[0]["id"]);
}
