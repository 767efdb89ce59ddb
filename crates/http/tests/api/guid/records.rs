//! The contract's examples, word by word, and what else a record does.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{GUID, change, create, created, delete, read};
use crate::support::Api;

/// Two weeks before the expiry of the contract's examples, which is long past.
async fn in_march_2015() -> Api {
    let api = Api::empty().await;
    api.backend.clock.set("2015-03-16T00:00:00.75Z");
    api
}

#[actix_web::test]
async fn a_record_is_created_with_a_guid_read_changed_and_deleted() {
    let api = in_march_2015().await;
    let body = json!({"expire": "1427736345", "user": "Salemount Labs"});
    let answer = create(&api, GUID, body).await;
    assert_eq!(answer.status, 201);
    insta::assert_snapshot!(answer.text(), @r#"{"guid":"9094E4C980C74043A4B586B420E69DDF","expire":"1427736345","user":"Salemount Labs"}"#);
    let location = answer.header("Location");
    assert_eq!(location, Some("/guid/9094E4C980C74043A4B586B420E69DDF"));

    let read_back = read(&api, GUID).await;
    assert_eq!((read_back.status, read_back.json()), (200, answer.json()));
    assert_eq!(read_back.header("Cache-Control"), Some("no-store"));
    let unknown = api.read("/guid/00000000000000000000000000000000").await;
    assert_eq!(unknown.header("Cache-Control"), Some("no-store"));

    let changed = change(&api, GUID, json!({"expire": "1427822745"})).await;
    assert_eq!(changed.status, 200);
    insta::assert_snapshot!(changed.text(), @r#"{"guid":"9094E4C980C74043A4B586B420E69DDF","expire":"1427822745","user":"Salemount Labs"}"#);
    assert_eq!(read(&api, GUID).await.json(), changed.json());

    let deleted = delete(&api, GUID).await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    read(&api, GUID).await.problem(404, "not_found");
    delete(&api, GUID).await.problem(404, "not_found");
    let late = change(&api, GUID, json!({"expire": "1427822745"})).await;
    late.problem(404, "not_found");
}

#[actix_web::test]
async fn without_guid_and_expire_both_are_made_up() {
    let api = in_march_2015().await;
    let ask = api.manage(Method::POST, "/guid");
    let answer = ask.json(json!({"user": "Jay Patel"})).send().await;
    assert_eq!(answer.status, 201);
    let record = answer.json();
    let guid = record["guid"].as_str().unwrap_or_default();
    let upper = |byte: u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    assert!(guid.len() == 32 && guid.bytes().all(upper), "{guid}");
    // 2015-04-15T00:00:00Z, 30 days on.
    let expected = json!({"guid": guid, "expire": "1429056000", "user": "Jay Patel"});
    assert_eq!(record, expected);
    assert_eq!(
        answer.header("Location"),
        Some(format!("/guid/{guid}").as_str())
    );
    assert_eq!(read(&api, guid).await.json(), expected);
    let again = api.manage(Method::POST, "/guid");
    let again = again.json(json!({"user": "Jay Patel"})).send().await;
    assert_ne!(again.json()["guid"], guid);
}

#[actix_web::test]
async fn a_number_is_accepted_and_a_string_is_answered() {
    let api = in_march_2015().await;
    let body = json!({"expire": 1_427_736_345, "user": "Salemount Labs"});
    let answer = create(&api, GUID, body).await;
    assert_eq!(answer.json()["expire"], "1427736345");
    let changed = change(&api, GUID, json!({"expire": 1_427_822_745})).await;
    assert_eq!(changed.json()["expire"], "1427822745");
}

#[actix_web::test]
async fn a_record_is_read_until_its_second_and_unknown_from_then_on() {
    let api = in_march_2015().await;
    create(
        &api,
        GUID,
        json!({"expire": "1427736345", "user": "Salemount Labs"}),
    )
    .await;
    for (now, status) in [
        ("2015-03-30T17:25:44.999999Z", 200),
        ("2015-03-30T17:25:45Z", 404),
        // A clock that is set back brings nothing back.
        ("2015-03-30T17:25:00Z", 404),
    ] {
        api.backend.clock.set(now);
        assert_eq!(read(&api, GUID).await.status, status, "{now}");
    }
}

#[actix_web::test]
async fn an_expire_in_the_past_ends_a_record_at_once() {
    let api = Api::empty().await;
    for past in [json!("0"), json!("1427736345")] {
        let body = json!({"expire": past, "user": "Salemount Labs"});
        assert_eq!(create(&api, GUID, body).await.status, 201);
        read(&api, GUID).await.problem(404, "not_found");
    }
    created(&api, GUID, None).await;
    assert_eq!(read(&api, GUID).await.status, 200);
    let ended = change(&api, GUID, json!({"expire": "1427736345"})).await;
    assert_eq!(
        (ended.status, &ended.json()["expire"]),
        (200, &json!("1427736345"))
    );
    read(&api, GUID).await.problem(404, "not_found");
    delete(&api, GUID).await.problem(404, "not_found");
}

#[actix_web::test]
async fn an_expired_guid_can_be_created_again_as_a_new_record() {
    let api = Api::empty().await;
    let first = json!({"user": "Jay Patel", "description": "the first"});
    let first = create(&api, GUID, first).await;
    api.backend.clock.advance(Duration::from_secs(31 * 86_400));
    let second = create(&api, GUID, json!({"user": "Kim"})).await;
    assert_eq!(second.status, 201);
    assert_ne!(second.json()["expire"], first.json()["expire"]);
    assert_eq!(second.json().get("description"), None);
    assert_eq!(read(&api, GUID).await.json(), second.json());
}

#[actix_web::test]
async fn an_expired_record_can_be_given_a_new_end_until_it_is_purged() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    let day = Duration::from_secs(86_400);
    api.backend.clock.advance(31 * day);
    let rename = change(&api, GUID, json!({"user": "Kim"})).await;
    rename.problem(404, "not_found");
    let revived = change(&api, GUID, json!({"expire": "1801000000", "user": "Kim"})).await;
    assert_eq!(revived.status, 200);
    assert_eq!(read(&api, GUID).await.json(), revived.json());

    change(&api, GUID, json!({"expire": "0"})).await;
    let guids = &api.backend.services.guids;
    let job = flagstaff_domain::changes::Actor::Job("purge");
    assert!(matches!(guids.purge(&job, 10), Ok(1)));
    let late = change(&api, GUID, json!({"expire": "1801000000"})).await;
    late.problem(404, "not_found");
}

#[actix_web::test]
async fn metadata_is_there_when_it_is_set() {
    let api = Api::empty().await;
    api.environment("Production").await;
    let body = json!({"user": "Jay Patel", "expire": "1801000000", "environment": "production",
                      "description": "line one\nline two"});
    let record = create(&api, GUID, body).await.json();
    let expected = json!({"guid": GUID, "expire": "1801000000", "user": "Jay Patel",
                          "environment": "Production", "description": "line one\nline two"});
    assert_eq!(record, expected);
    assert_eq!(read(&api, GUID).await.json(), expected);
    let bare = change(
        &api,
        GUID,
        json!({"environment": null, "description": null}),
    )
    .await;
    let expected = json!({"guid": GUID, "expire": "1801000000", "user": "Jay Patel"});
    assert_eq!((bare.status, bare.json()), (200, expected));
    let same = change(&api, GUID, json!({})).await;
    assert_eq!((same.status, same.json()), (200, bare.json()));
    assert_eq!(same.etag(), bare.etag());
}

#[actix_web::test]
async fn a_write_may_name_the_version_that_it_accepts() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    let etag = read(&api, GUID).await.etag();
    let ask = |method, etag: &str| {
        let ask = api.manage(method, "/guid/9094E4C980C74043A4B586B420E69DDF");
        ask.header("If-Match", etag)
    };
    let changed = ask(Method::PATCH, &etag).json(json!({"user": "Kim"}));
    let changed = changed.send().await;
    assert_eq!(changed.status, 200);
    assert!(changed.header("X-Flagstaff-Revision").is_some());
    let late = ask(Method::PATCH, &etag).json(json!({"user": "Lee"}));
    late.send().await.problem(412, "version_mismatch");
    let late = ask(Method::DELETE, &etag).send().await;
    late.problem(412, "version_mismatch");
    let deleted = ask(Method::DELETE, &changed.etag()).send().await;
    assert_eq!(deleted.status, 204);
}

#[actix_web::test]
async fn the_log_tells_who_did_what_by_digest() {
    let api = Api::empty().await;
    created(&api, GUID, None).await;
    change(&api, GUID, json!({"user": "Kim"})).await;
    delete(&api, GUID).await;
    let digest = "sha256:464f05c08c4fdb6ffc5014cecddfef911aa3c70c0fefb64b7e0645964f24a44f";
    let changes = api
        .read(&format!("/api/admin/changes?after=0&subject={digest}"))
        .await;
    let told: Vec<Value> = changes.json().as_array().cloned().unwrap_or_default();
    let kinds: Vec<_> = told.iter().map(|one| one["kind"].clone()).collect();
    assert_eq!(kinds, ["guid.created", "guid.changed", "guid.deleted"]);
    assert!(told.iter().all(|one| one["actor"] == "user:admin"));
    assert_eq!(told[1]["before"]["user"], "Jay Patel");
    assert_eq!(told[1]["after"]["user"], "Kim");
    let all = api.read("/api/admin/changes").await;
    assert!(!all.text().contains(GUID));
}
