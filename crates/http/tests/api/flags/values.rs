//! What a flag may carry: each type comes back as it was given, and what is too large or out of range is refused.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const FLAG: &str = "/api/admin/environments/production/flags/a";
const KIB_64: usize = 64 * 1024;

async fn api() -> Api {
    let (api, _) = Api::production().await;
    api.feature("a").await;
    api
}

/// Sets the value to this JSON text.
async fn set(api: &Api, value: &str) -> Answer {
    let body = format!(r#"{{"value":{value}}}"#);
    api.manage(Method::PATCH, FLAG).text(body).send().await
}

#[actix_web::test]
async fn a_value_comes_back_as_it_was_given() {
    let api = api().await;
    for (given, returned) in [
        ("true", "true"),
        ("null", "null"),
        ("0", "0"),
        ("-0", "0"),
        ("1.0", "1.0"),
        ("1e0", "1.0"),
        ("0.1", "0.1"),
        ("9223372036854775807", "9223372036854775807"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("5e-324", "5e-324"),
        (r#""1""#, r#""1""#),
        (r#""\u00fc\ud83d\udea9""#, r#""ü🚩""#),
        (r#"{ "b" : 1.0 , "a" : [ ] }"#, r#"{"b":1.0,"a":[]}"#),
        (
            r#"[18446744073709551616, 1.10, "a  b"]"#,
            r#"[18446744073709551616,1.10,"a  b"]"#,
        ),
    ] {
        let answer = set(&api, given).await;
        assert_eq!(answer.status, 200, "{given}: {}", answer.text());
        let field = format!(r#""value":{returned},"#);
        assert!(answer.text().contains(&field), "{given}: {}", answer.text());
        assert!(api.read(FLAG).await.text().contains(&field), "{given}");
    }
}

#[actix_web::test]
async fn a_number_out_of_range_is_refused() {
    let api = api().await;
    set(&api, "7").await;
    for number in [
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "1e309",
        "-1e309",
        "1e999999999999",
        "1.0e+400",
        "[1e309]",
    ] {
        let message = set(&api, number).await.field("value");
        assert!(message.contains("must be"), "{number}: {message}");
    }
    for no_json in ["NaN", "Infinity", "-", "01", "1.", ".5", "0x10", "+1"] {
        set(&api, no_json).await.problem(400, "invalid_request");
    }
    assert_eq!(api.read(FLAG).await.json()["value"], 7);
}

#[actix_web::test]
async fn a_string_has_up_to_64_kib() {
    let api = api().await;
    for text in ["x".repeat(KIB_64), "ü".repeat(KIB_64 / 2)] {
        let answer = set(&api, &json!(text).to_string()).await;
        assert_eq!(
            (answer.status, &answer.json()["value"]),
            (200, &Value::String(text))
        );
    }
    for text in ["x".repeat(KIB_64 + 1), "ü".repeat(KIB_64 / 2 + 1)] {
        let message = set(&api, &json!(text).to_string()).await.field("value");
        assert!(message.contains("64 KiB"), "{message}");
    }
}

#[actix_web::test]
async fn json_has_up_to_64_kib() {
    let api = api().await;
    let padded = |bytes: usize| format!(r#"["{}"]"#, "x".repeat(bytes - 4));
    assert_eq!(set(&api, &padded(KIB_64)).await.status, 200);
    assert_eq!(
        set(&api, &padded(KIB_64 + 1)).await.field("value"),
        "must have at most 64 KiB (65,536 bytes)"
    );
}

#[actix_web::test]
async fn a_string_holds_no_nul() {
    let api = api().await;
    set(&api, r#""a\u0000b""#).await.field("value");
    set(&api, r#""\ud800""#)
        .await
        .problem(400, "invalid_request");
    assert_eq!(api.read(FLAG).await.json()["value"], Value::Null);
}

#[actix_web::test]
async fn json_nests_as_deep_as_it_can_be_read_back() {
    let api = api().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deep = set(&api, &nested(100)).await;
    assert_eq!(deep.status, 200, "{}", deep.text());
    assert!(api.read(FLAG).await.text().contains(&nested(100)));
    for depth in [128, 200, 30_000] {
        set(&api, &nested(depth))
            .await
            .problem(400, "invalid_request");
    }
    let objects = format!("{}1{}", r#"{"a":"#.repeat(10_000), "}".repeat(10_000));
    set(&api, &objects).await.problem(400, "invalid_request");
}

#[actix_web::test]
async fn the_deepest_value_that_is_taken_can_be_listed_logged_and_served() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let mut taken = 0;
    for depth in 100..130 {
        if set(&api, &nested(depth)).await.status == 200 {
            taken = depth;
        }
    }
    assert!(taken >= 100);
    for path in [
        FLAG,
        "/api/admin/environments/production/flags",
        "/api/admin/changes",
    ] {
        let answer = api.read(path).await;
        assert_eq!(
            answer.status,
            200,
            "{path} at depth {taken}: {}",
            answer.text()
        );
        assert!(answer.text().contains(&nested(taken)), "{path}");
    }
    assert_eq!(
        api.flags(&key).await.json()[0]["feature_state_value"],
        nested(taken)
    );
}
