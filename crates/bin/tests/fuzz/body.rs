//! Bodies: JSON that an operation takes or not, damaged or not, under content types and codings that are right or not.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::Value;

use crate::json::json;
use crate::operations::Operations;

/// A body, and what its headers say of it.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    pub(crate) kind: Option<&'static str>,
    pub(crate) coding: Option<&'static str>,
}

/// A body for an operation that takes what the schema says.
pub(crate) fn body(operations: &Operations, schema: &Value) -> BoxedStrategy<Body> {
    let text = json(operations, schema);
    let bytes = prop_oneof![
        14 => text.clone().prop_map(String::into_bytes),
        2 => text.prop_flat_map(damaged),
        1 => vec(any::<u8>(), 0..64),
    ];
    let kind = prop_oneof![
        20 => Just(Some("application/json")),
        1 => Just(None),
        1 => select(vec![
            "application/json; charset=utf-8", "application/merge-patch+json", "text/plain", "APPLICATION/JSON", "json",
            "multipart/form-data; boundary=x", "application/json;;;", "application/x-www-form-urlencoded",
        ]).prop_map(Some),
    ];
    let coding = prop_oneof![
        16 => Just(None),
        4 => (select(vec!["gzip", "deflate", "br", "identity"]), any::<Option<Index>>()).prop_map(Some),
        1 => (select(vec!["zstd", "gzip, gzip", "x", ""]), Just(None)).prop_map(Some),
    ];
    (bytes, kind, coding)
        .prop_map(|(bytes, kind, coding)| {
            let Some((name, damage)) = coding else {
                return Body {
                    bytes,
                    kind,
                    coding: None,
                };
            };
            let mut bytes = coded(name, &bytes);
            if let Some(at) = damage {
                bytes.truncate(at.index(bytes.len() + 1));
            }
            Body {
                bytes,
                kind,
                coding: Some(name),
            }
        })
        .boxed()
}

/// Much of nothing, for those who do not read it.
pub(crate) fn blank() -> impl Strategy<Value = Body> {
    (1_000..1_000_000_usize).prop_map(|length| Body {
        bytes: vec![b' '; length],
        kind: None,
        coding: None,
    })
}

/// What unpacks to more than a body may have.
pub(crate) fn bomb() -> impl Strategy<Value = Body> {
    select(vec!["gzip", "deflate", "br"]).prop_map(|name| Body {
        bytes: coded(name, &vec![b' '; 3 * 1024 * 1024]),
        kind: Some("application/json"),
        coding: Some(name),
    })
}

fn coded(name: &str, bytes: &[u8]) -> Vec<u8> {
    let level = Compression::fast();
    match name {
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "deflate" => {
            let mut encoder = ZlibEncoder::new(Vec::new(), level);
            encoder.write_all(bytes).unwrap();
            encoder.finish().unwrap()
        }
        "br" => {
            let mut coded = Vec::new();
            let parameters = brotli::enc::BrotliEncoderParams {
                quality: 1,
                ..Default::default()
            };
            brotli::BrotliCompress(&mut &bytes[..], &mut coded, &parameters).unwrap();
            coded
        }
        _ => bytes.to_vec(),
    }
}

/// A text with some bytes changed, added or left out.
fn damaged(text: String) -> impl Strategy<Value = Vec<u8>> {
    (vec((any::<Index>(), 0..3_u8, any::<u8>()), 1..4)).prop_map(move |changes| {
        let mut bytes = text.clone().into_bytes();
        for (at, how, byte) in changes {
            let at = at.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        bytes
    })
}
