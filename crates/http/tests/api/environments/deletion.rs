//! Environments are deleted, unless applications still retrieve their flags; and writes that come too late are refused.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;

use crate::support::{Answer, Api};

const PRODUCTION: &str = "/api/admin/environments/production";

async fn delete(api: &Api, query: &str) -> Answer {
    let path = format!("{PRODUCTION}{query}");
    api.manage(Method::DELETE, &path).send().await
}

#[actix_web::test]
async fn an_environment_goes_with_its_keys_and_flags() {
    let (api, key) = Api::production().await;
    let staging = api.environment("staging").await;
    api.feature("a").await;
    let deleted = delete(&api, "").await;
    assert_eq!((deleted.status, deleted.text()), (204, ""));
    assert!(deleted.header("X-Flagstaff-Revision").is_some());
    for path in ["", "/keys", "/flags", "/flags/a"] {
        api.read(&format!("{PRODUCTION}{path}"))
            .await
            .problem(404, "not_found");
    }
    api.flags(&key).await.problem(401, "unauthenticated");
    assert_eq!(api.flags(&staging).await.names(), ["a"]);
    assert_eq!(
        api.read("/api/admin/environments").await.names(),
        ["staging"]
    );
    delete(&api, "").await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_name_that_is_free_again_makes_another_environment() {
    let (api, key) = Api::production().await;
    let id = api.read(PRODUCTION).await.json()["id"].clone();
    assert_eq!(delete(&api, "").await.status, 204);
    api.environment("production").await;
    assert_ne!(
        api.read(PRODUCTION).await.json()["id"],
        id,
        "ids are never used again"
    );
    api.flags(&key).await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn an_environment_that_was_retrieved_within_a_day_is_kept() {
    let (api, key) = Api::production().await;
    api.backend.clock.set("2026-11-20T10:00:00.123456Z");
    assert_eq!(api.flags(&key).await.status, 200);
    for later in ["2026-11-20T10:00:00.123456Z", "2026-11-21T10:00:00.123455Z"] {
        api.backend.clock.set(later);
        for query in ["", "?force=false"] {
            let detail = delete(&api, query).await.problem(409, "in_use");
            assert!(
                detail.contains("2026-11-20T10:00:00.123456Z"),
                "it says when: {detail}"
            );
            assert!(
                detail.contains("force=true"),
                "it says what would do: {detail}"
            );
        }
    }
    assert_eq!(api.flags(&key).await.status, 200);
}

#[actix_web::test]
async fn a_forced_deletion_does_not_ask_who_retrieves() {
    let (api, key) = Api::production().await;
    api.flags(&key).await;
    assert_eq!(delete(&api, "?force=true").await.status, 204);
    api.flags(&key).await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn an_environment_that_nobody_retrieved_for_a_day_is_deleted() {
    let (api, key) = Api::production().await;
    api.flags(&key).await;
    api.backend.clock.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(delete(&api, "").await.status, 204);
}

#[actix_web::test]
async fn a_refused_retrieval_keeps_nothing() {
    let (api, _) = Api::production().await;
    api.flags("not-a-key").await.problem(401, "unauthenticated");
    assert_eq!(delete(&api, "").await.status, 204);
}

#[actix_web::test]
async fn force_is_true_or_false() {
    let (api, _) = Api::production().await;
    for query in [
        "?force=yes",
        "?force",
        "?force=1",
        "?Force=true",
        "?forced=true",
    ] {
        delete(&api, query).await.problem(400, "invalid_request");
    }
    assert_eq!(api.read(PRODUCTION).await.status, 200);
}

#[actix_web::test]
async fn a_write_that_expects_another_version_is_refused() {
    let (api, _) = Api::production().await;
    let etag = api.read(PRODUCTION).await.etag();
    let weak = format!("W/{etag}");
    for stale in ["\"1\"", "\"999\"", "\"x\"", "\"1\", \"x\"", &weak] {
        let change = api
            .manage(Method::PATCH, PRODUCTION)
            .json(json!({"description": "lost"}));
        let detail = change
            .header("If-Match", stale)
            .send()
            .await
            .problem(412, "version_mismatch");
        assert!(detail.contains("version 2"), "{detail}");
        let deletion = api
            .manage(Method::DELETE, PRODUCTION)
            .header("If-Match", stale);
        deletion.send().await.problem(412, "version_mismatch");
    }
    let record = api.read(PRODUCTION).await;
    assert_eq!(
        (record.etag(), &record.json()["description"]),
        (etag, &json!(""))
    );
}

#[actix_web::test]
async fn a_write_that_expects_the_stored_version_is_carried_out() {
    let (api, _) = Api::production().await;
    for (accepts, description) in [(None, "1"), (Some("\"0\""), "2"), (Some("*"), "3")] {
        let etag = api.read(PRODUCTION).await.etag();
        let accepts = match accepts {
            None => etag.clone(),
            Some("*") => "*".to_owned(),
            Some(other) => format!("{other}, {etag}"),
        };
        let change = api
            .manage(Method::PATCH, PRODUCTION)
            .json(json!({"description": description}));
        let changed = change.header("If-Match", &accepts).send().await;
        assert_eq!(
            (changed.status, &changed.json()["description"]),
            (200, &json!(description)),
            "{accepts}"
        );
        assert_ne!(changed.etag(), etag);
    }
    let etag = api.read(PRODUCTION).await.etag();
    let deletion = api
        .manage(Method::DELETE, PRODUCTION)
        .header("If-Match", &etag);
    assert_eq!(deletion.send().await.status, 204);
}

#[actix_web::test]
async fn an_if_match_that_cannot_be_read_is_refused() {
    let (api, _) = Api::production().await;
    for wrong in ["2", "", ",", "\"2", "yes", "2, 3", "\"2\" 3", "*, \"2\""] {
        let change = api
            .manage(Method::PATCH, PRODUCTION)
            .json(json!({"description": "lost"}));
        let answer = change.header("If-Match", wrong).send().await;
        let detail = answer.problem(400, "invalid_request");
        assert!(detail.contains("If-Match must be"), "{wrong}: {detail}");
    }
    assert_eq!(api.read(PRODUCTION).await.json()["description"], "");
}

#[actix_web::test]
async fn of_two_writers_that_read_the_same_one_is_told() {
    let (api, _) = Api::production().await;
    let etag = api.read(PRODUCTION).await.etag();
    let write = |text: &str| {
        let change = api
            .manage(Method::PATCH, PRODUCTION)
            .json(json!({"description": text}));
        change.header("If-Match", &etag).send()
    };
    let (one, other) = futures_util::future::join(write("one"), write("other")).await;
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
}
