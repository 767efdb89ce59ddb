//! One flag.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{BULK, kinds};
use crate::support::{Api, members};

/// What the metadata tells of a feature with this id.
fn metadata(id: i64) -> Value {
    json!({"feature_id": id, "type": "STANDARD"})
}

#[actix_web::test]
async fn a_value_is_answered_with_its_type() {
    let (api, key) = Api::of_every_kind().await;
    for ((name, value, enabled), id) in kinds().into_iter().zip(1..) {
        let answer = api.flag(name).key(&key).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        let expected = match (&value, enabled) {
            (Value::Null, enabled) => {
                json!({"key": name, "value": enabled, "reason": "STATIC", "variant": "default"})
            }
            (_, false) => json!({"key": name, "reason": "DISABLED", "variant": "default"}),
            (Value::Array(_), true) => {
                json!({"key": name, "value": value.to_string(), "reason": "STATIC", "variant": "default"})
            }
            (value, true) => {
                json!({"key": name, "value": value, "reason": "STATIC", "variant": "default"})
            }
        };
        let mut flag = answer.json();
        let told = flag
            .as_object_mut()
            .and_then(|flag| flag.remove("metadata"));
        assert_eq!(flag, expected);
        assert_eq!(told, Some(metadata(id)));
    }
}

#[actix_web::test]
async fn a_float_is_written_as_a_float() {
    let (api, key) = Api::of_every_kind().await;
    let answer = api.flag("whole_float").key(&key).send().await;
    assert!(
        answer.text().contains("\"value\":2.0,"),
        "{}",
        answer.text()
    );
    let answer = api.flag("integer").key(&key).send().await;
    assert!(answer.text().contains("\"value\":-7,"), "{}", answer.text());
}

#[actix_web::test]
async fn the_metadata_tells_what_people_wrote_of_the_feature() {
    let (api, key) = Api::production().await;
    let feature = json!({"name": "a", "description": "Does \"it\"", "tags": ["shop", "beta"]});
    api.create("/api/admin/features", feature).await;
    let answer = api.flag("a").key(&key).send().await.json();
    assert_eq!(
        answer["metadata"],
        json!({"feature_id": 1, "type": "STANDARD", "description": "Does \"it\"", "tags": "shop, beta"})
    );
    assert_eq!(
        members(&answer),
        ["key", "value", "reason", "variant", "metadata"]
    );
}

#[actix_web::test]
async fn the_answer_after_a_change_is_the_new_one() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let ask = async || api.flag("a").key(&key).send().await;
    let first = ask().await;
    assert_eq!(
        (
            first.json()["value"].clone(),
            first.json()["reason"].clone()
        ),
        (json!(false), json!("STATIC"))
    );
    api.set("a", json!("new")).await;
    let second = ask().await;
    assert_eq!(second.json()["reason"], "DISABLED");
    let revision = |answer: &crate::support::Answer| -> i64 {
        let revision = answer.header("X-Flagstaff-Revision");
        revision.and_then(|text| text.parse().ok()).unwrap_or(-1)
    };
    assert!(revision(&second) > revision(&first));
}

#[actix_web::test]
async fn names_are_found_encoded_and_as_they_are() {
    let (api, key) = Api::production().await;
    for name in [
        "dark mode",
        "größe",
        "a%2Fb",
        "100%",
        "a+b",
        "a(b)!$&'*,;=:@~|",
    ] {
        api.feature(name).await;
    }
    for (path, name) in [
        ("dark%20mode", "dark mode"),
        ("gr%C3%B6%C3%9Fe", "größe"),
        ("a%252Fb", "a%2Fb"),
        ("a%2Fb", "a%2Fb"),
        ("100%25", "100%"),
        ("100%", "100%"),
        ("a+b", "a+b"),
        ("a%2Bb", "a+b"),
        ("a(b)!$&'*,;=:@~|", "a(b)!$&'*,;=:@~|"),
    ] {
        let answer = api.flag(path).key(&key).send().await;
        assert_eq!(
            (answer.status, &answer.json()["key"]),
            (200, &json!(name)),
            "{path}"
        );
    }
}

#[actix_web::test]
async fn what_is_no_flag_is_not_found() {
    let (api, key) = Api::of_every_kind().await;
    for (path, name) in [
        ("nothing", "nothing"),
        ("BOOLEAN", "BOOLEAN"),
        ("a%20b", "a b"),
        ("a/b", "a/b"),
        ("%FF", "\u{fffd}"),
    ] {
        let answer = api.flag(path).key(&key).send().await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        let details = format!("this environment has no flag '{name}'");
        let expected = json!({"key": name, "errorCode": "FLAG_NOT_FOUND", "errorDetails": details});
        assert_eq!(answer.json(), expected);
    }
}

#[actix_web::test]
async fn what_is_for_servers_is_there_for_server_keys_alone() {
    let (api, key) = Api::production().await;
    let server = api.key("production", "server").await;
    let feature = json!({"name": "secret", "server_key_only": true});
    api.create("/api/admin/features", feature).await;
    api.feature("open").await;
    assert_eq!(api.flag("secret").key(&key).send().await.status, 404);
    assert_eq!(api.flag("secret").key(&server).send().await.status, 200);
    let shown = async |key: &str| {
        let all = api.evaluate(BULK).key(key).send().await.json();
        all["flags"].as_array().map(Vec::len)
    };
    assert_eq!(
        (shown(&key).await, shown(&server).await),
        (Some(1), Some(2))
    );
}

#[actix_web::test]
async fn a_context_that_is_wrong_is_refused_with_its_code() {
    let (api, key) = Api::of_every_kind().await;
    let long = json!({"context": {"targetingKey": "a", "b": "x".repeat(2_001)}}).to_string();
    for (body, code) in [
        ("", "PARSE_ERROR"),
        ("{\"context\":", "PARSE_ERROR"),
        ("[]", "PARSE_ERROR"),
        ("{}", "INVALID_CONTEXT"),
        ("{\"context\":7}", "INVALID_CONTEXT"),
        ("{\"context\":{}}", "TARGETING_KEY_MISSING"),
        ("{\"context\":{\"targetingKey\":7}}", "INVALID_CONTEXT"),
        (&long, "INVALID_CONTEXT"),
    ] {
        let single = api
            .ask(Method::POST, &format!("{BULK}/on"))
            .text(body.to_owned());
        let single = single.key(&key).send().await;
        assert_eq!(
            (single.status, &single.json()["errorCode"]),
            (400, &json!(code)),
            "{body}"
        );
        assert_eq!(
            members(&single.json()),
            ["key", "errorCode", "errorDetails"]
        );
        assert_eq!(single.json()["key"], "on");
        let bulk = api.ask(Method::POST, BULK).text(body.to_owned());
        let bulk = bulk.key(&key).send().await;
        assert_eq!(
            (bulk.status, &bulk.json()["errorCode"]),
            (400, &json!(code)),
            "{body}"
        );
        assert_eq!(members(&bulk.json()), ["errorCode", "errorDetails"]);
    }
}

#[actix_web::test]
async fn members_that_are_no_traits_are_borne() {
    let (api, key) = Api::of_every_kind().await;
    let context = json!({"targetingKey": "a", "none": null, "list": [1], "tree": {"a": {"b": []}}, "x": 1e300});
    let body = json!({"context": context, "extra": true});
    let answer = api
        .ask(Method::POST, &format!("{BULK}/on"))
        .json(body)
        .key(&key);
    assert_eq!(answer.send().await.status, 200);
}
