//! The flag list's headers, for caches on the way: validators, revisions, codings.

use std::time::Duration;

use actix_web::http::Method;
use serde_json::json;

use crate::support::{Answer, Api, FLAGS};

async fn conditional(api: &Api, key: &str, tags: &str) -> Answer {
    let request = api.ask(Method::GET, FLAGS).key(key);
    request.header("If-None-Match", tags).send().await
}

async fn coded(api: &Api, key: &str, codings: &str) -> Answer {
    let request = api.ask(Method::GET, FLAGS).key(key);
    request.header("Accept-Encoding", codings).send().await
}

#[actix_web::test]
async fn the_headers_are_those_of_the_contract() {
    let (api, key) = Api::production().await;
    api.backend.clock.set("2026-11-20T10:00:00.000250Z");
    let feature = api.feature("a").await;
    let answer = api.flags(&key).await;
    let revision = feature["version"].to_string();
    assert_eq!(
        answer.header("X-Flagstaff-Revision"),
        Some(revision.as_str())
    );
    assert_eq!(
        answer.header("X-Flagsmith-Document-Updated-At"),
        Some("1795168800.000250")
    );
    assert_eq!(answer.header("Cache-Control"), Some("no-cache"));
    assert_eq!(
        answer.header("Vary"),
        Some("X-Environment-Key, Accept-Encoding")
    );
    assert_eq!(answer.header("Set-Cookie"), None);
    let etag = answer.etag();
    assert!(
        etag.starts_with('"') && etag.ends_with('"') && etag.len() > 2,
        "{etag} is no strong tag"
    );
}

#[actix_web::test]
async fn head_answers_with_the_headers_of_get() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    for codings in ["identity", "gzip", "br"] {
        let ask = |method| {
            api.ask(method, FLAGS)
                .key(&key)
                .header("Accept-Encoding", codings)
        };
        let (get, head) = (
            ask(Method::GET).send().await,
            ask(Method::HEAD).send().await,
        );
        assert_eq!(head.status, 200);
        for header in [
            "ETag",
            "X-Flagstaff-Revision",
            "Content-Type",
            "Content-Encoding",
            "Vary",
            "Cache-Control",
        ] {
            assert_eq!(
                head.header(header),
                get.header(header),
                "{header} for {codings}"
            );
        }
    }
}

#[actix_web::test]
async fn what_the_client_has_is_not_sent_again() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let first = api.flags(&key).await;
    let etag = first.etag();
    let (list, spaced) = (format!("\"x\",{etag}"), format!("\"x\" , {etag} , \"y\""));
    let weak = format!("W/{etag}");
    for tags in [&etag, &list, &spaced, &weak, "*"] {
        let answer = conditional(&api, &key, tags).await;
        assert_eq!((answer.status, answer.body.len()), (304, 0), "{tags}");
        for header in [
            "ETag",
            "X-Flagstaff-Revision",
            "X-Flagsmith-Document-Updated-At",
            "Cache-Control",
            "Vary",
        ] {
            assert_eq!(answer.header(header), first.header(header), "{header}");
        }
    }
    let two = api.ask(Method::GET, FLAGS).key(&key);
    let two = two
        .header("If-None-Match", "\"x\"")
        .header("If-None-Match", &etag);
    assert_eq!(two.send().await.status, 304, "two headers are one list");
    let head = api
        .ask(Method::HEAD, FLAGS)
        .key(&key)
        .header("If-None-Match", &etag);
    assert_eq!(head.send().await.status, 304);
}

#[actix_web::test]
async fn what_the_client_has_not_is_sent() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let etag = api.flags(&key).await.etag();
    let bare = etag.trim_matches('"');
    let other = format!("\"{}\"", bare.to_uppercase());
    for tags in ["\"x\"", "", bare, &other, "\"*\"", &etag[..10]] {
        let answer = conditional(&api, &key, tags).await;
        assert_eq!((answer.status, answer.names().len()), (200, 1), "{tags}");
    }
}

#[actix_web::test]
async fn a_change_makes_a_new_validator_and_a_new_revision() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let before = api.flags(&key).await;
    api.backend.clock.advance(Duration::from_millis(1_500));
    api.set("a", json!("new")).await;
    let after = conditional(&api, &key, &before.etag()).await;
    assert_eq!(after.status, 200);
    assert_ne!(after.etag(), before.etag());
    assert_eq!(after.json()[0]["feature_state_value"], "new");
    let revision = |one: &Answer| {
        one.header("X-Flagstaff-Revision")
            .and_then(|text| text.parse::<i64>().ok())
    };
    assert_eq!(revision(&after), revision(&before).map(|old| old + 1));
    assert_eq!(
        after.header("X-Flagsmith-Document-Updated-At"),
        Some("1795168801.500000")
    );
}

#[actix_web::test]
async fn a_change_elsewhere_leaves_validator_and_revision() {
    let (api, key) = Api::production().await;
    api.environment("staging").await;
    api.feature("a").await;
    let before = api.flags(&key).await;
    let path = "/api/admin/environments/staging/flags/a";
    let changed = api
        .manage(Method::PATCH, path)
        .json(json!({"enabled": true}))
        .send()
        .await;
    assert_eq!(changed.status, 200);
    api.key("production", "server").await;
    let after = api.flags(&key).await;
    assert_eq!(after.etag(), before.etag());
    assert_eq!(
        after.header("X-Flagstaff-Revision"),
        before.header("X-Flagstaff-Revision")
    );
}

#[actix_web::test]
async fn what_differs_has_another_validator() {
    let (api, client) = Api::production().await;
    let server = api.key("production", "server").await;
    for (name, server_key_only) in [("a", false), ("b", false), ("c", true)] {
        let feature = json!({"name": name, "server_key_only": server_key_only});
        api.create("/api/admin/features", feature).await;
    }
    let mut tags = Vec::new();
    for codings in ["identity", "gzip", "br"] {
        for key in [&client, &server] {
            tags.push(coded(&api, key, codings).await.etag());
        }
    }
    for feature in ["a", "b"] {
        let path = format!("{FLAGS}?feature={feature}");
        tags.push(api.ask(Method::GET, &path).key(&client).send().await.etag());
    }
    let all = tags.len();
    tags.sort();
    tags.dedup();
    assert_eq!(
        tags.len(),
        all,
        "audience, coding and feature each make a validator of their own"
    );
}

#[actix_web::test]
async fn a_validator_holds_for_its_own_coding_and_feature_alone() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let identity = api.flags(&key).await.etag();
    let gzip = api
        .ask(Method::GET, FLAGS)
        .key(&key)
        .header("Accept-Encoding", "gzip");
    let answer = gzip.header("If-None-Match", &identity).send().await;
    assert_eq!(answer.status, 200);

    let path = format!("{FLAGS}?feature=a");
    let one = api.ask(Method::GET, &path).key(&key).send().await;
    let again = |tag: &str| {
        api.ask(Method::GET, &path)
            .key(&key)
            .header("If-None-Match", tag)
    };
    assert_eq!(again(&one.etag()).send().await.status, 304);
    assert_eq!(again(&identity).send().await.status, 200);
    for header in [
        "X-Flagstaff-Revision",
        "X-Flagsmith-Document-Updated-At",
        "Cache-Control",
        "Vary",
    ] {
        assert_eq!(one.header(header), answer.header(header), "{header}");
    }
}

#[actix_web::test]
async fn compressed_bodies_decode_to_the_plain_one() {
    let (api, key) = Api::production().await;
    for at in 0..30 {
        api.feature(&format!("feature-{at}")).await;
    }
    let plain = api.flags(&key).await;
    assert_eq!(plain.header("Content-Encoding"), None);
    for (codings, coding) in [
        ("gzip", Some("gzip")),
        ("br", Some("br")),
        ("gzip, deflate, br", Some("br")),
        ("br;q=0.5, gzip", Some("gzip")),
        ("identity", None),
        ("deflate", None),
        ("", None),
    ] {
        let answer = coded(&api, &key, codings).await;
        assert_eq!(answer.header("Content-Encoding"), coding, "{codings}");
        assert_eq!(answer.decoded(), plain.body, "{codings}");
        assert_eq!(answer.header("Vary"), plain.header("Vary"));
        assert_eq!(coding.is_some(), answer.body.len() < plain.body.len());
    }
}

#[actix_web::test]
async fn a_compressed_body_stays_the_same_until_something_changes() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    let first = coded(&api, &key, "gzip").await;
    let second = coded(&api, &key, "gzip").await;
    assert_eq!(
        first.body.as_ptr(),
        second.body.as_ptr(),
        "compressed once, not for each request"
    );
    api.feature("b").await;
    let third = coded(&api, &key, "gzip").await;
    assert_eq!(third.decoded(), api.flags(&key).await.body);
    assert_ne!(third.etag(), first.etag());
}

#[actix_web::test]
async fn flags_are_served_from_memory() {
    let (api, key) = Api::production().await;
    api.feature("a").await;
    api.backend.damage();
    let answer = api.flags(&key).await;
    assert_eq!((answer.status, answer.names().len()), (200, 1));
    let gzip = coded(&api, &key, "gzip").await;
    assert_eq!(gzip.decoded(), answer.body);
}
