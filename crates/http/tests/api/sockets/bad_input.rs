//! Requests that are not valid, as bytes on a connection: refused with the place that is wrong and nothing of the
//! server's insides, and the connection goes on.

use serde_json::Value;

use super::{basic, production};
use crate::support::{Connection, Reply};

/// Words of the server's sources, its libraries and its machine.
const INSIDES: [&str; 12] = [
    "struct",
    "enum ",
    "::",
    ".rs",
    "u32",
    "i64",
    "serde",
    "actix",
    "diesel",
    "sqlite",
    "panicked",
    "target type",
];

/// Sends a request of the administrator whose body is these bytes.
fn send(connection: &mut Connection, method: &str, path: &str, body: &[u8]) -> Reply {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: flags.example\r\n{}Content-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        basic(),
        body.len()
    );
    connection.write([head.as_bytes(), body].concat()).unwrap();
    connection.read(method).unwrap().unwrap()
}

/// Checks that this is a problem of that status and code that shows no insides, and returns it.
#[track_caller]
pub(super) fn problem(reply: &Reply, status: u16, code: &str) -> Value {
    let problem = reply.json();
    assert_eq!(
        (reply.status, problem["code"].as_str()),
        (status, Some(code)),
        "{problem}"
    );
    assert_eq!(
        reply.header("Content-Type"),
        Some("application/problem+json")
    );
    for word in INSIDES {
        assert!(!reply.text().contains(word), "{word} is in {problem}");
    }
    problem
}

/// Checks that a request is refused because of this field, and returns what is wrong with it.
#[track_caller]
fn field(reply: &Reply, field: &str) -> String {
    let problem = problem(reply, 400, "invalid_request");
    assert_eq!(problem["errors"][0]["field"], field, "{problem}");
    problem["errors"][0]["message"].as_str().unwrap().to_owned()
}

#[test]
fn an_unknown_field_is_named() {
    let (_server, mut connection) = production();
    for (method, path, body) in [
        ("POST", "/api/admin/features", r#"{"name":"b","role":1}"#),
        ("PATCH", "/api/admin/features/dark_mode", r#"{"role":1}"#),
        (
            "POST",
            "/api/admin/environments",
            r#"{"name":"b","role":1}"#,
        ),
        (
            "PATCH",
            "/api/admin/environments/production",
            r#"{"role":1}"#,
        ),
        (
            "PATCH",
            "/api/admin/environments/production/flags/dark_mode",
            r#"{"role":1}"#,
        ),
        (
            "POST",
            "/api/admin/environments/production/keys",
            r#"{"name":"b","kind":"client","role":1}"#,
        ),
        (
            "POST",
            "/api/admin/environments/production/keys/1/rotate",
            r#"{"grace_seconds":1,"role":1}"#,
        ),
    ] {
        let reply = send(&mut connection, method, path, body.as_bytes());
        assert!(field(&reply, "role").contains("unknown field"), "{path}");
    }
    let reply = connection.ask("GET", "/api/admin/features?role=1", &basic());
    assert!(field(&reply, "role").contains("unknown field"));
}

#[test]
fn a_wrong_type_is_named_with_what_would_be_right() {
    let (_server, mut connection) = production();
    for (path, body, name, right) in [
        (
            "/api/admin/features",
            r#"{"name":5}"#,
            "name",
            "expected a string",
        ),
        (
            "/api/admin/features",
            r#"{"name":"b","default_enabled":"yes"}"#,
            "default_enabled",
            "expected a boolean",
        ),
        (
            "/api/admin/features",
            r#"{"name":"b","tags":{}}"#,
            "tags",
            "expected an array",
        ),
        (
            "/api/admin/features",
            r#"{"name":"b","tags":["a",1]}"#,
            "tags[1]",
            "expected a string",
        ),
        (
            "/api/admin/features",
            r#"{"name":"b","initial_value":1e309}"#,
            "initial_value",
            "must be a finite number",
        ),
        (
            "/api/admin/features",
            r#"{"name":"b","initial_value":9223372036854775808}"#,
            "initial_value",
            "must be an integer from -9223372036854775808",
        ),
        (
            "/api/admin/environments/production/keys",
            r#"{"name":"b","kind":"root"}"#,
            "kind",
            "must be \"client\" or \"server\"",
        ),
        (
            "/api/admin/environments/production/keys/1/rotate",
            r#"{"grace_seconds":-1}"#,
            "grace_seconds",
            "expected a whole number from 0 to 4294967295",
        ),
        (
            "/api/admin/environments/production/keys/1/rotate",
            r#"{"grace_seconds":1.5}"#,
            "grace_seconds",
            "expected a whole number from 0 to 4294967295",
        ),
    ] {
        let message = field(&send(&mut connection, "POST", path, body.as_bytes()), name);
        assert!(message.contains(right), "{body}: {message}");
    }
    for (target, name, right) in [
        (
            "/api/admin/features?limit=many",
            "limit",
            "must be a whole number",
        ),
        ("/api/admin/features?limit=0", "limit", "must be 1 to 1000"),
        (
            "/api/admin/changes?after=99999999999999999999",
            "after",
            "must be a smaller number",
        ),
        (
            "/api/admin/environments/production/keys?after=a",
            "after",
            "must be a key's id",
        ),
        (
            "/api/admin/changes?context=money",
            "context",
            "must be one of flags, access",
        ),
    ] {
        let message = field(&connection.ask("GET", target, &basic()), name);
        assert!(message.contains(right), "{target}: {message}");
    }
    let target = "/api/admin/environments/production?force=yes";
    let message = field(&connection.ask("DELETE", target, &basic()), "force");
    assert!(message.contains("must be true or false"), "{message}");
}

#[test]
fn a_body_that_is_no_object_is_told_what_it_must_be() {
    let (_server, mut connection) = production();
    for body in ["", "5", "null", "\"a\"", "[]", "[\"b\"]", "\u{feff}{}"] {
        let reply = send(
            &mut connection,
            "POST",
            "/api/admin/features",
            body.as_bytes(),
        );
        let problem = problem(&reply, 400, "invalid_request");
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.contains("must be a JSON object"), "{body}: {detail}");
    }
}

#[test]
fn deep_nesting_is_refused_where_it_stands() {
    let (_server, mut connection) = production();
    let deep = "[".repeat(100_000) + &"]".repeat(100_000);
    let body = format!(r#"{{"name":"b","initial_value":{deep}}}"#);
    let reply = send(
        &mut connection,
        "POST",
        "/api/admin/features",
        body.as_bytes(),
    );
    field(&reply, "initial_value");
    let body = format!(r#"{{"value":{}"#, r#"{"a":"#.repeat(100_000));
    let path = "/api/admin/environments/production/flags/dark_mode";
    field(
        &send(&mut connection, "PATCH", path, body.as_bytes()),
        "value",
    );
}

#[test]
fn what_is_no_text_is_refused_where_it_stands() {
    let (_server, mut connection) = production();
    let features = "/api/admin/features";
    for (body, name) in [
        (&b"{\"name\":\"a\xff\"}"[..], "name"),
        (b"{\"name\":\"\xed\xa0\x80\"}", "name"),
        (b"{\"name\":\"\\ud800\"}", "name"),
        (b"{\"name\":\"a\\u0000\"}", "name"),
        (b"{\"name\":\"a\x00\"}", "name"),
        (
            b"{\"name\":\"b\",\"description\":\"\\u0000\"}",
            "description",
        ),
        (b"{\"name\":\"b\",\"tags\":[\"a\",\"\\u0000\"]}", "tags[1]"),
        (
            b"{\"name\":\"b\",\"initial_value\":\"\\u0000\"}",
            "initial_value",
        ),
    ] {
        field(&send(&mut connection, "POST", features, body), name);
    }
    for body in [
        &b"\x00"[..],
        b"{\x00}",
        b"{\"\xff\":1}",
        b"\xff\xfe{\x00}\x00",
    ] {
        let reply = send(&mut connection, "POST", features, body);
        problem(&reply, 400, "invalid_request");
    }
    for (target, name) in [
        ("/api/admin/changes?subject=%00", "subject"),
        ("/api/admin/changes?subject=a&actor=%FF", "actor"),
        ("/api/admin/features?after=%ED%A0%80", "after"),
    ] {
        let message = field(&connection.ask("GET", target, &basic()), name);
        assert!(message.contains("UTF-8 without NUL"), "{target}: {message}");
    }
    for target in [
        "/api/admin/features/a%00",
        "/api/admin/features/%FF",
        "/api/admin/environments/%ED%A0%80/flags",
        "/api/admin/environments/production/keys/one",
        "/api/admin/environments/production/keys/99999999999999999999",
    ] {
        problem(&connection.ask("GET", target, &basic()), 404, "not_found");
    }
}

#[test]
fn a_name_that_is_not_utf_8_is_not_taken_for_another() {
    let (_server, mut connection) = production();
    let body = "{\"name\":\"\u{fffd}\"}".as_bytes();
    let created = send(&mut connection, "POST", "/api/admin/features", body);
    assert_eq!(created.status, 201);
    let target = "/api/admin/features/%EF%BF%BD";
    assert_eq!(connection.ask("GET", target, &basic()).status, 200);
    let reply = connection.ask("DELETE", "/api/admin/features/%FF", &basic());
    problem(&reply, 404, "not_found");
    assert_eq!(connection.ask("GET", target, &basic()).status, 200);
}
