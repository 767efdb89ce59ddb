//! Environments are created, listed, shown and changed.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;

use crate::support::Api;

const ALL: &str = "/api/admin/environments";

#[actix_web::test]
async fn creation_answers_with_the_record_and_where_it_is() {
    let api = Api::empty().await;
    let body = json!({"name": "production", "description": "Live"});
    let created = api.manage(Method::POST, ALL).json(body).send().await;
    assert_eq!(created.status, 201);
    // The first change is the administrator's account.
    insta::assert_snapshot!(created.text(), @r#"{"id":1,"name":"production","description":"Live","created_at":"2026-11-20T10:00:00.000000Z","revision":2,"version":2}"#);
    assert_eq!(
        created.header("Location"),
        Some("/api/admin/environments/production")
    );
    assert_eq!(created.header("ETag"), Some("\"2\""));
    assert_eq!(created.header("X-Flagstaff-Revision"), Some("2"));
    let shown = api.read("/api/admin/environments/production").await;
    assert_eq!((shown.status, shown.header("ETag")), (200, Some("\"2\"")));
    assert_eq!(shown.body, created.body);
    assert_eq!(api.read(ALL).await.json(), json!([created.json()]));
}

#[actix_web::test]
async fn a_name_is_all_that_is_needed() {
    let api = Api::empty().await;
    let record = api.create(ALL, json!({"name": "production"})).await;
    assert_eq!(record["description"], "");
    let nameless = api
        .manage(Method::POST, ALL)
        .json(json!({"description": "x"}))
        .send()
        .await;
    assert!(nameless.problem(400, "invalid_request").contains("name"));
}

#[actix_web::test]
async fn environments_are_listed_by_the_bytes_of_their_names_page_by_page() {
    let api = Api::empty().await;
    for name in ["b", "ä", "Z", "a"] {
        api.create(ALL, json!({"name": name})).await;
    }
    let whole = api.read(ALL).await;
    assert_eq!(whole.names(), ["Z", "a", "b", "ä"]);
    assert_eq!(whole.header("Link"), None);
    let first = api.read("/api/admin/environments?limit=3").await;
    assert_eq!(first.names(), ["Z", "a", "b"]);
    let link = first.header("Link").unwrap();
    assert_eq!(
        link,
        "</api/admin/environments?limit=3&after=b>; rel=\"next\""
    );
    let rest = api.read("/api/admin/environments?limit=3&after=b").await;
    assert_eq!(
        (rest.names(), rest.header("Link")),
        (vec!["ä".to_owned()], None)
    );
    let from_nowhere = api.read("/api/admin/environments?after=aa").await;
    assert_eq!(from_nowhere.names(), ["b", "ä"]);
}

#[actix_web::test]
async fn what_is_given_is_changed_and_the_rest_stays() {
    let api = Api::empty().await;
    api.create(ALL, json!({"name": "production", "description": "Live"}))
        .await;
    api.backend.clock.advance(Duration::from_secs(60));
    let path = "/api/admin/environments/production";
    let described = api
        .manage(Method::PATCH, path)
        .json(json!({"description": "Shop"}))
        .send()
        .await;
    assert_eq!(described.status, 200);
    insta::assert_snapshot!(described.text(), @r#"{"id":1,"name":"production","description":"Shop","created_at":"2026-11-20T10:00:00.000000Z","revision":3,"version":3}"#);
    assert_eq!(described.header("ETag"), Some("\"3\""));
    assert_eq!(described.header("X-Flagstaff-Revision"), Some("3"));
    let nothing = api.manage(Method::PATCH, path).json(json!({})).send().await;
    assert_eq!((nothing.status, &nothing.body), (200, &described.body));
    assert_eq!(nothing.header("X-Flagstaff-Revision"), Some("3"));
}

#[actix_web::test]
async fn a_description_may_be_long_and_break_lines() {
    let api = Api::empty().await;
    let long = "ü\n".repeat(2_000);
    let record = api
        .create(ALL, json!({"name": "a", "description": long}))
        .await;
    assert_eq!(record["description"], long);
    for bad in [&format!("{long}x"), "a\u{0}b", "a\u{1b}[31m"] {
        let body = json!({"name": "b", "description": bad});
        let refused = api.manage(Method::POST, ALL).json(body).send().await;
        refused.field("description");
    }
}

#[actix_web::test]
async fn the_revision_moves_with_what_the_environment_serves() {
    let (api, key) = Api::production().await;
    api.environment("staging").await;
    let revision = || async {
        let record = api.read("/api/admin/environments/production").await.json();
        (
            record["revision"].as_i64().unwrap(),
            record["version"].as_i64().unwrap(),
        )
    };
    let (begun, version) = revision().await;
    let feature = api.feature("a").await["version"].as_i64().unwrap();
    assert_eq!(
        revision().await,
        (feature, version),
        "a feature affects every environment"
    );
    assert!(feature > begun);
    api.set("a", json!(1)).await;
    assert_eq!(revision().await, (feature + 1, version));
    let elsewhere = "/api/admin/environments/staging/flags/a";
    let changed = api
        .manage(Method::PATCH, elsewhere)
        .json(json!({"value": 1}))
        .send()
        .await;
    assert_eq!(changed.status, 200);
    assert_eq!(revision().await, (feature + 1, version));
    let served = api.flags(&key).await;
    assert_eq!(
        served.header("X-Flagstaff-Revision"),
        Some((feature + 1).to_string().as_str())
    );
}
