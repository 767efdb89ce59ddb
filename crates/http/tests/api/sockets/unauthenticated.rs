//! Requests that try to get in without credentials: by a path in disguise, by TRACE, with what is no key.

use super::bad_input::problem;
use super::{KEY, basic, production};

#[test]
fn a_path_in_disguise_reaches_no_management() {
    let (server, mut connection) = production();
    for target in [
        "//api/admin/features/dark_mode",
        "/./api/admin/features/dark_mode",
        "/api//admin/features/dark_mode",
        "/api/./admin/features/dark_mode",
        "/api/admin//features/dark_mode",
        "/api/admin/./features/dark_mode",
        "/api/admin/features/./dark_mode",
        "/api/v1/../admin/features/dark_mode",
        "/docs/../api/admin/features/dark_mode",
        "/docs/..%2fapi%2fadmin%2ffeatures%2fdark_mode",
        "/api%2Fadmin%2Ffeatures%2Fdark_mode",
        "/api/admin%2ffeatures/dark_mode",
        "/api/admin/%2e/features/dark_mode",
        "/%61pi/%61dmin/%66eatures/dark_mode",
        "/%2561pi/admin/features/dark_mode",
        "/API/ADMIN/FEATURES/dark_mode",
        "/Api/Admin/Features/dark_mode",
        "/api/admin/features/dark_mode/",
        "/api/admin/features/dark_mode;a=b",
        "/api/admin/features/dark_mode%00",
        "/api/admin;/features/dark_mode",
        "\\api\\admin\\features\\dark_mode",
        "/api/v1/flags/../../admin/features/dark_mode",
        "http://flags.example/api/admin/features/dark_mode",
        "http://flags.example//api/admin/features/dark_mode",
        "api/admin/features/dark_mode",
        "/\u{ff0f}api/admin/features/dark_mode",
    ] {
        for method in ["GET", "HEAD", "DELETE"] {
            // A target that is none closes the connection.
            let mut connection = server.connect();
            let request = format!("{method} {target} HTTP/1.1\r\nHost: flags.example\r\n\r\n");
            connection.write(request).unwrap();
            if let Some(reply) = connection.read(method).unwrap() {
                assert!(
                    matches!(reply.status, 400 | 401 | 404 | 405),
                    "{method} {target}: {}",
                    reply.status
                );
            }
        }
    }
    let features = connection.ask("GET", "/api/admin/features", &basic());
    assert_eq!(features.json()[0]["name"], "dark_mode");
}

#[test]
fn trace_is_refused_and_echoes_nothing() {
    let (_server, mut connection) = production();
    for target in [
        "/",
        "/api/v1/flags/",
        "/api/admin/features",
        "/docs/",
        "/openapi.json",
        "/metrics",
        "/nothing",
    ] {
        let reply = connection.ask("TRACE", target, &format!("{KEY}{}", basic()));
        problem(&reply, 405, "method_not_allowed");
        assert!(reply.header("Allow").is_some());
        for secret in ["0123456789ABCDEF", "Basic"] {
            assert!(!reply.text().contains(secret), "{target}");
        }
    }
}

#[test]
fn a_key_that_is_none_is_401() {
    let (_server, mut connection) = production();
    let key = KEY.trim_end();
    for headers in [
        String::new(),
        "X-Environment-Key:\r\n".to_owned(),
        "X-Environment-Key:  \r\n".to_owned(),
        KEY.repeat(2),
        format!("{KEY}X-Environment-Key:\r\n"),
        format!("{key}, {}\r\n", &key[key.find(' ').unwrap() + 1..]),
        format!("{key}0\r\n"),
        format!("X-Environment-Key: {}\r\n", "A".repeat(128)),
        format!("X-Environment-Key: {}\r\n", "A".repeat(129)),
        format!("X-Environment-Key: {}\r\n", "A".repeat(10_000)),
        "X-Environment-Key: {\"$ne\":null}\r\n".to_owned(),
        "X-Environment-Key: schlüssel\r\n".to_owned(),
        format!("{key}\u{a0}\r\n"),
        key.to_lowercase()
            .replace("x-environment-key", "X-Environment-Key")
            + "\r\n",
        key.replace("X-Environment-Key:", "Authorization: Bearer") + "\r\n",
        key.replace("X-Environment-Key:", "Cookie: X-Environment-Key=") + "\r\n",
    ] {
        for target in [
            "/api/v1/flags/",
            "/api/v1/flags",
            "/api/v1/flags/?feature=dark_mode",
        ] {
            let reply = connection.ask("GET", target, &headers);
            problem(&reply, 401, "unauthenticated");
            assert!(reply.header("WWW-Authenticate").is_some());
            assert!(!reply.text().contains("dark_mode"), "{}", reply.text());
        }
    }
    let text = &key[key.find(' ').unwrap() + 1..];
    for name in [
        "environment_key",
        "X-Environment-Key",
        "api_key",
        "%6bey",
        "token",
    ] {
        for headers in ["", KEY] {
            let target = format!("/api/v1/flags/?feature=dark_mode&{name}={text}");
            let reply = connection.ask("GET", &target, headers);
            problem(&reply, 401, "unauthenticated");
            assert!(!reply.text().contains(text), "{}", reply.text());
        }
    }
    assert_eq!(connection.ask("GET", "/api/v1/flags/", KEY).status, 200);
}
