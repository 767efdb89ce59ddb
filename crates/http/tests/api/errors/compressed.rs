//! Compressed bodies: taken where they are what they say, and never inflated beyond what a body may have.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::Write;

use actix_web::http::Method;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::bodies::{FEATURES, MIB, padded};
use crate::support::{Answer, Api};

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

async fn post_coded(api: &Api, coding: &str, body: Vec<u8>) -> Answer {
    let request = api.manage(Method::POST, FEATURES).text(body);
    request.header("Content-Encoding", coding).send().await
}

#[actix_web::test]
async fn a_compressed_body_has_up_to_1_mib_when_it_is_inflated() {
    let api = Api::empty().await;
    let fits = gzip(padded(MIB).as_bytes());
    assert!(fits.len() < 10_000);
    assert_eq!(post_coded(&api, "gzip", fits).await.status, 201);
    for bytes in [MIB + 1, 64 * MIB] {
        let bomb = gzip(padded(bytes).as_bytes());
        assert!(bomb.len() < 100_000);
        post_coded(&api, "gzip", bomb)
            .await
            .problem(413, "payload_too_large");
    }
    let mut bomb = Vec::new();
    let parameters = brotli::enc::BrotliEncoderParams::default();
    brotli::BrotliCompress(&mut padded(8 * MIB).as_bytes(), &mut bomb, &parameters).unwrap();
    post_coded(&api, "br", bomb)
        .await
        .problem(413, "payload_too_large");
    assert_eq!(api.read(FEATURES).await.names(), ["padded"]);
}

#[actix_web::test]
async fn a_compressed_body_that_is_none_is_refused() {
    let api = Api::empty().await;
    let right = gzip(br#"{"name":"a"}"#);
    let cut = right[..right.len() - 9].to_vec();
    for (coding, body) in [
        ("gzip", b"{\"name\":\"a\"}".to_vec()),
        ("gzip", cut),
        ("br", right.clone()),
    ] {
        let answer = post_coded(&api, coding, body).await;
        answer.problem(400, "invalid_request");
    }
    let unknown = post_coded(&api, "zstd", right).await;
    unknown.problem(415, "unsupported_media_type");
    assert_eq!(api.read(FEATURES).await.text(), "[]");
}
