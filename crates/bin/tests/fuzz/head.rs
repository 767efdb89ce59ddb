//! Heads of requests: methods, versions, and headers that let in, that should not, and that are none.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::server::{BASIC, KEY};

const METHODS: &[&str] = &[
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "get", "Post", "PROPFIND",
    "QUERY", "X", "M-SEARCH",
];

/// Headers that any request may have.
const HARMLESS: &[&str] = &[
    "If-Match: *",
    "If-Match: \"1\"",
    "If-Match: \"1\", \"2\", W/\"3\"",
    "If-Match: 1",
    "If-Match:",
    "If-None-Match: *",
    "If-None-Match: \"1\"",
    "If-None-Match: W/\"x",
    "Accept-Encoding: gzip",
    "Accept-Encoding: br;q=1.0, gzip;q=0.5, *;q=0",
    "Accept-Encoding: ,;q=,",
    "Accept: text/html",
    "Accept: ;;;",
    "X-HTTP-Method-Override: DELETE",
    "X-HTTP-Method: PATCH",
    "X-Forwarded-For: 127.0.0.1, 10.0.0.1",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-Proto: https",
    "X-Original-URL: /api/admin/features",
    "X-Rewrite-URL: /api/admin/features",
    "Forwarded: for=\"[::1]\";host=evil.example;proto=https",
    "Origin: https://shop.example",
    "Origin: null",
    "Access-Control-Request-Method: DELETE",
    "Access-Control-Request-Headers: authorization, x",
    "Range: bytes=0-0",
    "Cookie: session=1; X-Environment-Key=1",
    "X-Request-Id: 1",
    "Expect: 100-continue",
    "Connection: close",
    "Connection: keep-alive, X-Environment-Key, Authorization",
    "Content-Type: application/json",
    "Content-Language: \u{e9}",
    "Empty:",
];

/// Lines after which nobody can tell where the request ends, or that are no headers.
const BROKEN: &[&str] = &[
    "no colon",
    ": no name",
    "Space : before the colon",
    " folded: line",
    "Na\u{0}me: x",
    "Name: x\u{0}y",
    "Name: x\u{7f}y",
    "Name: x\ny",
    "Name: x\ry",
    "N\u{e4}me: x",
    "Name(): x",
    "X: y\r\n folded",
    "Host: other.example",
    "Content-Length: -1",
    "Content-Length: +5",
    "Content-Length: 5, 5",
    "Content-Length: 0x5",
    "Content-Length: 99999999999999999999",
    "Content-Length: 18446744073709551615",
    "Content-Length: 1e3",
    "Content-Length:",
    "Content-Length: 3",
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: gzip, chunked",
    "Transfer-Encoding: chunked, identity",
    "Transfer-Encoding: xchunked",
    "Transfer-Encoding: \u{b}chunked",
    "Transfer-Encoding : chunked",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA",
    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAAA",
    "Expect: 200-maybe",
];

/// A piece of a request, and whether its end is beyond doubt where the piece stands.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sound: bool,
}

impl Piece {
    pub(crate) fn sound(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            sound: true,
        }
    }

    pub(crate) fn broken(bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            bytes: bytes.into(),
            sound: false,
        }
    }
}

/// The operation's own method, or another.
pub(crate) fn method(own: &str) -> BoxedStrategy<Piece> {
    prop_oneof![
        40 => Just(Piece::sound(own)),
        8 => select(METHODS).prop_map(Piece::sound),
        1 => select(vec!["CONNECT", "", "G T", "GET\t", "G\u{0}T", "G\u{e9}T", "!#$%&'*+-.^_`|~"]).prop_map(Piece::broken),
    ]
    .boxed()
}

pub(crate) fn version() -> BoxedStrategy<Piece> {
    prop_oneof![
        60 => Just(Piece::sound("HTTP/1.1")),
        1 => select(vec!["HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "http/1.1", "HTTP/1.1 ", "HTTP/", ""])
            .prop_map(Piece::broken),
    ]
    .boxed()
}

/// Header lines, each with its end.
pub(crate) fn headers() -> BoxedStrategy<Piece> {
    let line = prop_oneof![
        40 => select(HARMLESS).prop_map(Piece::sound),
        1 => select(BROKEN).prop_map(Piece::broken),
    ];
    let many = prop_oneof![
        60 => Just(Vec::new()),
        1 => (1..200_usize).prop_map(|count| vec![Piece::broken("Many: x"); count]),
        1 => (10_u32..18).prop_map(|bits| vec![Piece::broken(format!("Long: {}", "x".repeat(1 << bits)))]),
    ];
    (authorization(), key(), vec(line, 0..4), many)
        .prop_map(|(authorization, key, lines, many)| {
            let host = "Host: flags.example".to_owned();
            let lines = [host]
                .into_iter()
                .chain(authorization)
                .chain(key)
                .map(Piece::sound)
                .chain(lines)
                .chain(many);
            let mut all = Piece::sound(Vec::new());
            for line in lines {
                all.bytes.extend(line.bytes);
                all.bytes.extend(b"\r\n");
                all.sound &= line.sound;
            }
            all
        })
        .boxed()
}

fn authorization() -> impl Strategy<Value = Vec<String>> {
    let one = |value: &str| vec![format!("Authorization: {value}")];
    let right = one(BASIC);
    let twice = vec![right[0].clone(), right[0].clone()];
    let scheme = one(&BASIC.replace("Basic", "bAsIc"));
    let spaced = one(&BASIC.replace(' ', "   "));
    let joined = one(&format!("{BASIC}, {BASIC}"));
    // Well-formed and wrong: each costs the server a hash, so they are few.
    let wrong = one("Basic YWRtaW46d3JvbmcgcGFzc3dvcmQgMQ==");
    let long = one(&format!("Basic {}", "QUFB".repeat(1_000)));
    let formless = [
        "",
        "Basic",
        "Basic ",
        "Basic *",
        "Basic YWRtaW4=",
        "Basic //8=",
        "Bearer",
        "Bearer x",
        "Digest username=\"admin\"",
        "Negotiate",
        "basic:admin",
        "admin:admin",
        "Basic \u{e9}",
        "Basic YWRtaW46",
        "null",
    ];
    let formless: Vec<_> = formless
        .into_iter()
        .map(one)
        .chain([twice, joined, long])
        .collect();
    prop_oneof![
        300 => Just(right),
        20 => select(vec![scheme, spaced]),
        80 => Just(Vec::new()),
        80 => select(formless),
        1 => Just(wrong),
    ]
}

fn key() -> impl Strategy<Value = Vec<String>> {
    let one = |value: &str| vec![format!("X-Environment-Key: {value}")];
    let right = one(KEY);
    let twice = vec![right[0].clone(), right[0].clone()];
    let wrong = [
        "",
        "x",
        "{}",
        "\u{e9}",
        "0123456789abcdef0123456789abcdef",
        "0123456789ABCDEF0123456789ABCDEF,",
        "ser.0",
    ];
    let long = one(&"A".repeat(5_000));
    let wrong: Vec<_> = wrong.into_iter().map(one).chain([twice, long]).collect();
    prop_oneof![
        3 => Just(right),
        6 => Just(Vec::new()),
        1 => select(wrong),
    ]
}
