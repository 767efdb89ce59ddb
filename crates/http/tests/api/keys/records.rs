//! Keys are made, shown and revoked.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::{Value, json};

use super::{ALL, api, create};

#[actix_web::test]
async fn creation_answers_with_the_record_and_its_text() {
    let api = api().await;
    let body =
        json!({"name": "web", "kind": "client", "expires_at": "2027-01-01T01:00:00.5+01:00"});
    let created = create(&api, body).await;
    assert_eq!(created.status, 201);
    let mut record = created.json();
    let text = record["key"].take();
    insta::assert_snapshot!(record.to_string(), @r#"{"id":1,"name":"web","kind":"client","key":null,"created_at":"2026-11-20T10:00:00.000000Z","expires_at":"2027-01-01T00:00:00.500000Z"}"#);
    let text = text.as_str().unwrap();
    assert!(
        text.len() == 32
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'A'..=b'F')),
        "{text}"
    );
    assert_eq!(
        created.header("Location"),
        Some("/api/admin/environments/production/keys/1")
    );
    assert_eq!(
        (
            created.header("ETag"),
            created.header("X-Flagstaff-Revision")
        ),
        (Some("\"3\""), Some("3"))
    );
    assert_eq!(api.flags(text).await.status, 200);
}

#[actix_web::test]
async fn a_server_key_is_shown_this_once() {
    let api = api().await;
    let created = create(&api, json!({"name": "backend", "kind": "server"}))
        .await
        .json();
    let text = created["key"].as_str().unwrap().to_owned();
    let random = text.strip_prefix("ser.").unwrap();
    assert!(
        random.len() == 64
            && random
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')),
        "{text}"
    );
    assert_eq!(created["expires_at"], Value::Null);
    assert_eq!(api.flags(&text).await.status, 200);
    let list = api.read(ALL).await;
    assert_eq!(list.json()[0]["key"], Value::Null);
    for path in [
        ALL,
        "/api/admin/changes",
        "/api/admin/environments/production",
    ] {
        assert!(!api.read(path).await.text().contains(random), "{path}");
    }
}

#[actix_web::test]
async fn keys_are_listed_in_the_order_of_their_creation_page_by_page() {
    let api = api().await;
    for (name, kind) in [("b", "client"), ("a", "server"), ("b", "client")] {
        assert_eq!(
            create(&api, json!({"name": name, "kind": kind}))
                .await
                .status,
            201
        );
    }
    let list = api.read(ALL).await;
    assert_eq!(
        list.names(),
        ["b", "a", "b"],
        "a name tells a person which key it is, and may come twice"
    );
    let texts: Vec<bool> = list
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["key"].is_string())
        .collect();
    assert_eq!(texts, [true, false, true], "client keys are shown again");
    let page = api.read(&format!("{ALL}?limit=2")).await;
    assert_eq!(page.names(), ["b", "a"]);
    assert_eq!(
        page.header("Link"),
        Some("</api/admin/environments/production/keys?limit=2&after=2>; rel=\"next\"")
    );
    assert_eq!(
        api.read(&format!("{ALL}?limit=2&after=2")).await.json()[0]["id"],
        3
    );
    api.read(&format!("{ALL}?after=x")).await.field("after");
}

#[actix_web::test]
async fn what_is_not_valid_is_refused_by_its_field() {
    let api = api().await;
    for (body, field) in [
        (json!({"name": "", "kind": "client"}), "name"),
        (json!({"name": "a\nb", "kind": "client"}), "name"),
        (json!({"name": "x".repeat(151), "kind": "client"}), "name"),
        (json!({"name": "web", "kind": "Client"}), "kind"),
        (json!({"name": "web", "kind": null}), "kind"),
        (
            json!({"name": "web", "kind": "client", "expires_at": "tomorrow"}),
            "expires_at",
        ),
        (
            json!({"name": "web", "kind": "client", "expires_at": 1_795_168_800}),
            "expires_at",
        ),
        (
            json!({"name": "web", "kind": "client", "key": "a-key-of-ones-own"}),
            "key",
        ),
        (
            json!({"name": "web", "kind": "client", "role": "admin"}),
            "role",
        ),
    ] {
        let refused = create(&api, body).await;
        assert!(!refused.field(field).is_empty());
    }
    assert!(
        create(&api, json!({"name": "web"}))
            .await
            .problem(400, "invalid_request")
            .contains("kind")
    );
    assert_eq!(api.read(ALL).await.text(), "[]");
}

#[actix_web::test]
async fn a_deleted_key_is_refused_from_the_answer_on() {
    let api = api().await;
    let first = create(&api, json!({"name": "web", "kind": "client"})).await;
    let second = create(&api, json!({"name": "app", "kind": "client"}))
        .await
        .json();
    let path = format!("{ALL}/1");
    let stale = api
        .manage(Method::DELETE, &path)
        .header("If-Match", "\"1\"");
    stale.send().await.problem(412, "version_mismatch");
    let deletion = api
        .manage(Method::DELETE, &path)
        .header("If-Match", first.etag());
    let deleted = deletion.send().await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    assert_eq!(deleted.header("X-Flagstaff-Revision"), Some("5"));
    let first = first.json();
    let (first, second) = (
        first["key"].as_str().unwrap(),
        second["key"].as_str().unwrap(),
    );
    assert_eq!(
        (
            api.flags(first).await.status,
            api.flags(second).await.status
        ),
        (401, 200)
    );
    assert_eq!(api.read(ALL).await.names(), ["app"]);
    api.manage(Method::DELETE, &path)
        .send()
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn a_key_is_given_another_name_and_an_end() {
    let api = api().await;
    let first = create(&api, json!({"name": "web", "kind": "client"})).await;
    let (etag, key) = (first.etag().to_owned(), first.json());
    let path = format!("{ALL}/{}", key["id"]);
    let change = |body: Value| api.manage(Method::PATCH, &path).json(body);
    let ending = json!({"name": "web-old", "expires_at": "2030-01-01T00:00:00Z"});
    let changed = change(ending).header("If-Match", &etag).send().await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.etag(), etag);
    let record = changed.json();
    assert_eq!(
        (&record["name"], &record["expires_at"], &record["key"]),
        (
            &json!("web-old"),
            &json!("2030-01-01T00:00:00.000000Z"),
            &key["key"]
        )
    );
    assert_eq!(api.read(&path).await.json(), record);
    let stale = change(json!({"name": "web"})).header("If-Match", &etag);
    stale.send().await.problem(412, "version_mismatch");
    let nothing = change(json!({})).send().await;
    assert_eq!(nothing.json(), record);
    let endless = change(json!({"expires_at": null})).send().await;
    assert_eq!(endless.json()["expires_at"], Value::Null);
    change(json!({"kind": "server"})).send().await.field("kind");

    let ended = json!({"expires_at": "2026-01-01T00:00:00Z"});
    assert_eq!(change(ended).send().await.status, 200);
    assert_eq!(api.flags(key["key"].as_str().unwrap()).await.status, 401);
}

#[actix_web::test]
async fn a_key_is_found_in_its_own_environment_alone() {
    let api = api().await;
    let key = create(&api, json!({"name": "web", "kind": "client"}))
        .await
        .json();
    api.create("/api/admin/environments", json!({"name": "staging"}))
        .await;
    let other = "/api/admin/environments/staging/keys/1";
    api.manage(Method::DELETE, other)
        .send()
        .await
        .problem(404, "not_found");
    let rotation = api.manage(Method::POST, &format!("{other}/rotate"));
    rotation
        .json(json!({"grace_seconds": 0}))
        .send()
        .await
        .problem(404, "not_found");
    for id in ["0", "-1", "+1", "01", "one", "9223372036854775808", "1%2F2"] {
        let path = format!("{ALL}/{id}");
        api.manage(Method::DELETE, &path)
            .send()
            .await
            .problem(404, "not_found");
    }
    assert_eq!(api.flags(key["key"].as_str().unwrap()).await.status, 200);
    let nowhere = api.manage(Method::POST, "/api/admin/environments/nowhere/keys");
    nowhere
        .json(json!({"name": "web", "kind": "client"}))
        .send()
        .await
        .problem(404, "not_found");
}

#[actix_web::test]
async fn an_expired_key_is_listed_until_it_is_deleted() {
    let api = api().await;
    create(
        &api,
        json!({"name": "web", "kind": "client", "expires_at": "2026-11-20T10:00:01Z"}),
    )
    .await;
    api.backend.clock.advance(Duration::from_secs(3_600));
    assert_eq!(api.read(ALL).await.names(), ["web"]);
}
