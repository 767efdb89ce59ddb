//! All flags.

use serde_json::{Value, json};

use super::{BULK, kinds};
use crate::support::{Api, members};

#[actix_web::test]
async fn all_flags_are_those_that_are_asked_for_one_by_one() {
    let (api, key) = Api::of_every_kind().await;
    for path in [BULK, "/ofrep/v1/evaluate/flags/"] {
        let answer = api.evaluate(path).key(&key).send().await;
        assert_eq!(answer.status, 200);
        let all = answer.json();
        assert_eq!(members(&all), ["flags", "metadata"]);
        assert_eq!(all["metadata"], json!({"environment": "production"}));
        let mut single = Vec::new();
        for (name, _, _) in kinds() {
            single.push(api.flag(name).key(&key).send().await.json());
        }
        assert_eq!(all["flags"], Value::Array(single));
    }
}

#[actix_web::test]
async fn an_environment_without_features_has_an_empty_list() {
    let (api, key) = Api::production().await;
    let answer = api.evaluate(BULK).key(&key).send().await.json();
    assert_eq!(answer["flags"], json!([]));
}

#[actix_web::test]
async fn what_has_not_changed_is_not_sent_again() {
    let (api, key) = Api::of_every_kind().await;
    let tag = api.evaluate(BULK).key(&key).send().await.etag();
    for tags in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}")] {
        let again = api.evaluate(BULK).key(&key).header("If-None-Match", &tags);
        let again = again.send().await;
        assert_eq!((again.status, again.text()), (304, ""), "{tags}");
        assert_eq!(again.etag(), tag);
        assert!(again.header("X-Flagstaff-Revision").is_some());
    }
    let another = api
        .evaluate(BULK)
        .key(&key)
        .header("If-None-Match", "\"other\"");
    assert_eq!(another.send().await.status, 200);
}

#[actix_web::test]
async fn the_tag_changes_with_what_is_answered_and_with_nothing_else() {
    let (api, key) = Api::of_every_kind().await;
    let tag = async || api.evaluate(BULK).key(&key).send().await.etag();
    let first = tag().await;
    api.key("production", "server").await;
    api.environment("staging").await;
    assert_eq!(tag().await, first, "nothing of this was changed");
    api.set("text", json!("another")).await;
    let second = tag().await;
    assert_ne!(second, first);
    api.set("disabled", json!("another value that nobody sees"))
        .await;
    assert_eq!(tag().await, second, "a flag that is off tells no value");
    api.feature("one_more").await;
    assert_ne!(tag().await, second);
    api.set("text", kinds()[8].1.clone()).await;
    assert_ne!(tag().await, first);
}

#[actix_web::test]
async fn what_a_notification_brought_is_checked_and_changes_nothing() {
    let (api, key) = Api::of_every_kind().await;
    let plain = api.evaluate(BULK).key(&key).send().await.text().to_owned();
    for query in [
        "flagConfigEtag=550e8400-e29b",
        "flagConfigLastModified=1771622898",
        "flagConfigLastModified=2026-02-20T21:28:18Z&flagConfigEtag=%22a%22",
        "unknown=1",
    ] {
        let answer = api
            .evaluate(&format!("{BULK}?{query}"))
            .key(&key)
            .send()
            .await;
        assert_eq!(
            (answer.status, answer.text()),
            (200, plain.as_str()),
            "{query}"
        );
    }
    for query in [
        "flagConfigLastModified=yesterday",
        "flagConfigLastModified=-1",
    ] {
        let answer = api
            .evaluate(&format!("{BULK}?{query}"))
            .key(&key)
            .send()
            .await;
        assert_eq!(
            (answer.status, &answer.json()["errorCode"]),
            (400, &json!("PARSE_ERROR"))
        );
    }
}

#[actix_web::test]
async fn evaluations_count_as_retrievals_and_refusals_do_not() {
    let (api, key) = Api::of_every_kind().await;
    let tag = api.evaluate(BULK).key(&key).send().await.etag();
    api.evaluate(BULK)
        .key(&key)
        .header("If-None-Match", &tag)
        .send()
        .await;
    api.flag("on").key(&key).send().await;
    api.flag("nothing").key(&key).send().await;
    api.flag("on").key("wrong").send().await;
    let report = api.get("/api/v1/environments/retrievals/").await.json();
    assert_eq!(report[0]["retrievals"], 3);
}
