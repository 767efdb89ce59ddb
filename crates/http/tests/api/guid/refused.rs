//! What is not valid gets a 400 that names the field and says what would be right; nothing repeats a GUID.

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{GUID, OTHER, change, create, created, path, read};
use crate::support::{Api, logged};

#[actix_web::test]
async fn a_path_without_a_guid_is_400_whatever_is_asked_and_whoever_asks() {
    let api = Api::empty().await;
    for bad in [
        "9094e4c980c74043a4b586b420e69ddf",
        "9094E4C980C74043A4B586B420E69DD",
        "9094E4C980C74043A4B586B420E69DDF0",
        "9094E4C980C74043A4B586B420E69DDG",
        "9094E4C9-80C7-4043-A4B5-86B420E69DDF",
        "9094E4C980C74043A4B586B420E69DDF%20",
        "%00",
        "%ff",
        "x'%20OR%201=1--",
        "..%2f..",
        "",
        "9094E4C980C74043A4B586B420E69DDF/",
        "a/b",
    ] {
        for method in [
            Method::GET,
            Method::HEAD,
            Method::POST,
            Method::PATCH,
            Method::DELETE,
            Method::PUT,
            Method::OPTIONS,
        ] {
            let nobody = api.ask(method.clone(), &path(bad)).send().await;
            assert_eq!(nobody.status, 400, "{method} {bad}");
            let valid = json!({"user": "Jay Patel"});
            let admin = api.manage(method.clone(), &path(bad)).json(valid);
            let message = admin.send().await.field("guid");
            assert_eq!(
                message, "must be 32 hexadecimal characters, letters in upper case",
                "{method} {bad}"
            );
        }
    }
}

#[actix_web::test]
async fn other_methods_are_told_which_are_known() {
    let api = Api::empty().await;
    for (path, allow) in [
        ("/guid", "POST"),
        (path(GUID).as_str(), "GET, HEAD, POST, PATCH, DELETE"),
    ] {
        let refused = api.ask(Method::PUT, path).send().await;
        refused.problem(405, "method_not_allowed");
        assert_eq!(refused.header("Allow"), Some(allow));
    }
    let refused = api.get("/guid").await;
    refused.problem(405, "method_not_allowed");
}

#[actix_web::test]
async fn a_guid_that_exists_is_400() {
    let api = Api::empty().await;
    let key = api.environment("production").await;
    created(&api, GUID, None).await;
    let again = create(&api, GUID, json!({"user": "Kim"})).await;
    assert_eq!(again.field("guid"), "exists already");
    assert_eq!(read(&api, GUID).await.json()["user"], "Jay Patel");
    // So is a key of an environment, which is no record of the register.
    let taken = create(&api, &key, json!({"user": "Kim"})).await;
    taken.field("guid");
    read(&api, &key).await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_user_is_1_to_255_characters() {
    let api = Api::empty().await;
    for bad in [
        json!({}),
        json!({"user": null}),
        json!({"user": ""}),
        json!({"user": "ü".repeat(256)}),
        json!({"user": 7}),
        json!({"user": "a\r\nb"}),
        json!({"user": "a\u{0}"}),
    ] {
        let named = create(&api, GUID, bad.clone()).await;
        named.field("user");
        let ask = api.manage(Method::POST, "/guid");
        ask.json(bad).send().await.field("user");
    }
    for good in [
        "a".to_owned(),
        "ü".repeat(255),
        "O'Brien & <Söhne>".to_owned(),
    ] {
        let ask = api.manage(Method::POST, "/guid");
        let answer = ask.json(json!({"user": good})).send().await;
        assert_eq!((answer.status, &answer.json()["user"]), (201, &json!(good)));
    }
}

#[actix_web::test]
async fn an_expire_is_whole_seconds_from_1970_to_9999() {
    let api = Api::empty().await;
    created(&api, OTHER, None).await;
    for bad in [
        r#""-1""#,
        "-1",
        r#""253402300800""#,
        "253402300800",
        "1427736345.5",
        r#""1427736345.5""#,
        "1e9",
        "1e400",
        r#""NaN""#,
        r#""Infinity""#,
        r#""0x10""#,
        r#""""#,
        r#"" 1427736345""#,
        r#""2027-01-01T00:00:00Z""#,
        "99999999999999999999",
        r#""9223372036854775808""#,
        "true",
        "[]",
        "{}",
    ] {
        let body = format!(r#"{{"user": "Jay Patel", "expire": {bad}}}"#);
        let ask = api.manage(Method::POST, &path(GUID));
        ask.text(body).send().await.field("expire");
        let body = format!(r#"{{"expire": {bad}}}"#);
        let ask = api.manage(Method::PATCH, &path(OTHER));
        ask.text(body).send().await.field("expire");
    }
    for good in [json!("253402300799"), json!(253_402_300_799_i64)] {
        let changed = change(&api, OTHER, json!({"expire": good})).await;
        assert_eq!(changed.json()["expire"], "253402300799");
    }
    assert_eq!(read(&api, GUID).await.status, 404);
}

#[actix_web::test]
async fn what_no_record_has_is_refused_by_its_name() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    let message = change(&api, GUID, json!({"guid": OTHER})).await;
    assert!(message.field("guid").starts_with("cannot be changed"));
    let message = change(&api, GUID, json!({"guid": GUID, "user": "Kim"})).await;
    assert!(message.field("guid").starts_with("cannot be changed"));
    for (body, field) in [
        (json!({"expire": null}), "expire"),
        (json!({"user": null}), "user"),
        (json!({"role": "admin"}), "role"),
        (json!({"description": 7}), "description"),
        (json!({"description": "a\u{0}"}), "description"),
        (json!({"environment": "nowhere"}), "environment"),
        (json!({"environment": "a/b"}), "environment"),
    ] {
        change(&api, GUID, body.clone()).await.field(field);
        let mut body: Value = body;
        if body.get("user").is_none() {
            body["user"] = json!("Jay Patel");
        }
        // At creation null is as good as nothing.
        if body != json!({"user": "Jay Patel", "expire": null}) {
            create(&api, OTHER, body).await.field(field);
        }
    }
    assert_eq!(read(&api, GUID).await.json()["user"], "Jay Patel");
    assert_eq!(read(&api, OTHER).await.status, 404);
}

#[actix_web::test]
async fn a_body_that_is_no_json_object_is_refused() {
    let api = Api::empty().await;
    for body in [
        "",
        "[]",
        "null",
        "\"Jay Patel\"",
        "{",
        "{\"user\": \"a\"} x",
    ] {
        let ask = api.manage(Method::POST, &path(GUID)).text(body);
        ask.send().await.problem(400, "invalid_request");
    }
    let form = api.manage(Method::POST, &path(GUID)).body("user=Jay");
    form.send().await.problem(415, "unsupported_media_type");
    let deep = format!("{{\"user\": {}", "[".repeat(100_000));
    let ask = api.manage(Method::POST, &path(GUID)).text(deep);
    ask.send().await.problem(400, "invalid_request");
}

#[actix_web::test]
async fn no_answer_and_no_line_of_the_log_repeats_a_guid() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    logged();
    let longer = format!("{GUID}0");
    for guid in [GUID, OTHER, &longer] {
        read(&api, guid).await;
        for body in [
            json!({"guid": GUID}),
            json!({"user": ""}),
            json!({"user": "Kim", "expire": "x"}),
            json!({"environment": "nowhere", "user": "Kim"}),
        ] {
            let refused = [
                create(&api, guid, body.clone()).await,
                change(&api, guid, body).await,
            ];
            for answer in refused {
                assert!(answer.status >= 400);
                assert!(!answer.text().contains(GUID), "{}", answer.text());
            }
        }
    }
    change(&api, GUID, json!({"user": "Kim"})).await;
    super::delete(&api, GUID).await;
    let lines = logged();
    assert!(lines.len() > 20, "{lines:?}");
    assert!(lines.iter().any(|line| line.contains("route=/guid/{guid}")));
    assert!(lines.iter().all(|line| !line.contains(GUID)), "{lines:?}");
}
