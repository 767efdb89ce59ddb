//! What is no evaluation is refused in the protocol's own shape.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;

use actix_web::http::Method;
use serde_json::json;

use super::BULK;
use crate::support::{Answer, Api};

/// Checks that this is an error of OFREP's, and returns what it says.
#[track_caller]
fn general(answer: &Answer, status: u16) -> String {
    assert_eq!(answer.status, status, "{}", answer.text());
    assert_eq!(answer.header("Content-Type"), Some("application/json"));
    assert!(answer.header("X-Request-Id").is_some());
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    answer.json()["errorDetails"].as_str().unwrap().to_owned()
}

#[actix_web::test]
async fn other_methods_are_told_which_there_are() {
    let (api, key) = Api::of_every_kind().await;
    for path in [
        BULK,
        "/ofrep/v1/evaluate/flags/",
        "/ofrep/v1/evaluate/flags/on",
    ] {
        for method in [Method::GET, Method::PUT, Method::DELETE, Method::PATCH] {
            let answer = api.ask(method, path).key(&key).send().await;
            general(&answer, 405);
            assert_eq!(answer.header("Allow"), Some("POST, OPTIONS"));
        }
        let head = api.ask(Method::HEAD, path).key(&key).send().await;
        assert_eq!(
            (head.status, head.header("Allow")),
            (405, Some("POST, OPTIONS"))
        );
    }
}

#[actix_web::test]
async fn other_paths_below_the_protocols_root_are_not_found() {
    let (api, key) = Api::production().await;
    for path in [
        "/ofrep",
        "/ofrep/",
        "/ofrep/v1/configuration",
        "/ofrep/v2/evaluate/flags",
        "/ofrep/v1/evaluate",
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = api.ask(method, path).key(&key).send().await;
            general(&answer, 404);
            assert_eq!(answer.json()["errorCode"], "GENERAL");
        }
    }
    api.get("/ofreport").await.problem(404, "not_found");
}

#[actix_web::test]
async fn a_key_in_the_query_and_a_long_head_are_refused_here_too() {
    let (api, key) = Api::production().await;
    let answer = api
        .evaluate(&format!("{BULK}?api_key={key}"))
        .key(&key)
        .send()
        .await;
    assert!(general(&answer, 401).contains("query"));
    let answer = api
        .evaluate(BULK)
        .key(&key)
        .header("X-Long", "x".repeat(17_000));
    general(&answer.send().await, 431);
}

#[actix_web::test]
async fn a_body_is_bounded_and_may_be_compressed() {
    let (api, key) = Api::of_every_kind().await;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder
        .write_all(br#"{"context":{"targetingKey":"a"}}"#)
        .unwrap();
    let small = encoder.finish().unwrap();
    let ask = || api.ask(Method::POST, BULK).key(&key);
    let answer = ask()
        .header("Content-Encoding", "gzip")
        .text(small)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = ask()
        .header("Content-Encoding", "gzip")
        .text("not gzip")
        .send()
        .await;
    assert_eq!(
        (answer.status, &answer.json()["errorCode"]),
        (400, &json!("PARSE_ERROR"))
    );
    let answer = ask()
        .header("Content-Encoding", "zstd")
        .text("{}")
        .send()
        .await;
    general(&answer, 415);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&vec![b' '; 2 << 20]).unwrap();
    let bomb = encoder.finish().unwrap();
    general(
        &ask()
            .header("Content-Encoding", "gzip")
            .text(bomb)
            .send()
            .await,
        413,
    );
    general(&ask().text(vec![b' '; (1 << 20) + 1]).send().await, 413);
    let whatever = ask()
        .body(r#"{"context":{"targetingKey":"a"}}"#)
        .send()
        .await;
    assert_eq!(
        whatever.status, 200,
        "the body is JSON, whatever it is called"
    );
}

#[actix_web::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let settings = flagstaff_http::HttpSettings {
        patience: std::time::Duration::from_millis(50),
        ..crate::support::settings()
    };
    let api = Api::with(settings).await;
    let key = api.environment("production").await;
    let ask = api
        .ask(Method::POST, BULK)
        .key(&key)
        .endless("{\"context\":");
    general(&ask.send().await, 408);
}
