//! What only a connection shows: bodies that must not be sent, encoded paths, requests that go on after a refusal.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bad_input;
mod heads;
mod patience;
mod unauthenticated;

use std::io::ErrorKind;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flagstaff_domain::access::KeyKind;

use crate::support::{ADMIN, Connection, PASSWORD, Reply, Server};

const KEY: &str = "X-Environment-Key: 0123456789ABCDEF0123456789ABCDEF\r\n";

/// The administrator's credentials.
fn basic() -> String {
    let credentials = STANDARD.encode(format!("{ADMIN}:{PASSWORD}"));
    format!("Authorization: Basic {credentials}\r\n")
}

/// A server with production, a key to it and one feature.
fn production() -> (Server, Connection) {
    let server = Server::start();
    fill(&server);
    let connection = server.connect();
    (server, connection)
}

/// Gives a server production, a key to it and one feature.
fn fill(server: &Server) {
    let mut connection = server.connect();
    for (path, body) in [
        ("/api/admin/environments", r#"{"name":"production"}"#),
        ("/api/admin/features", r#"{"name":"dark_mode"}"#),
    ] {
        assert_eq!(connection.send("POST", path, &basic(), body).status, 201);
    }
    let text = &KEY[KEY.find(' ').unwrap() + 1..KEY.len() - 2];
    server.backend.own_key("production", KeyKind::Client, text);
}

#[test]
fn head_sends_the_headers_and_no_body() {
    let (_server, mut connection) = production();
    for (path, headers) in [
        ("/api/v1/flags/", KEY.to_owned()),
        ("/api/v1/flags/", format!("{KEY}Accept-Encoding: gzip\r\n")),
        ("/api/v1/flags/?feature=dark_mode", KEY.to_owned()),
        ("/api/v1/flags/", String::new()),
        ("/api/v1/environments/retrievals/", String::new()),
        ("/api/admin/features", basic()),
        ("/health/live", String::new()),
        ("/openapi.json", String::new()),
    ] {
        let head = connection.ask("HEAD", path, &headers);
        let get = connection.ask("GET", path, &headers);
        assert_eq!(
            (head.status, get.status),
            (get.status, head.status),
            "{path}"
        );
        assert_eq!(
            head.header("Content-Length"),
            Some(get.body.len().to_string().as_str()),
            "{path}"
        );
        for header in ["Content-Type", "Content-Encoding", "ETag"] {
            assert_eq!(
                head.header(header),
                get.header(header),
                "{header} of {path}"
            );
        }
    }
}

#[test]
fn an_unchanged_list_is_answered_without_a_body() {
    let (_server, mut connection) = production();
    let first = connection.ask("GET", "/api/v1/flags/", KEY);
    assert_eq!(first.status, 200);
    let etag = first.header("ETag").unwrap();
    for _ in 0..3 {
        let again = connection.ask(
            "GET",
            "/api/v1/flags/",
            &format!("{KEY}If-None-Match: {etag}\r\n"),
        );
        assert_eq!((again.status, again.header("ETag")), (304, Some(etag)));
    }
    assert_eq!(
        connection.ask("GET", "/api/v1/flags/", KEY).body,
        first.body
    );
}

#[test]
fn names_are_percent_encoded_utf_8() {
    let (_server, mut connection) = production();
    let created = connection.send(
        "POST",
        "/api/admin/features",
        &basic(),
        r#"{"name":"größe 日本"}"#,
    );
    let location = created.header("Location").unwrap().to_owned();
    assert_eq!(
        location,
        "/api/admin/features/gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC"
    );
    let shown = connection.ask("GET", &location, &basic());
    assert_eq!(
        (shown.status, &shown.json()["name"]),
        (200, &"größe 日本".into())
    );
    let lower = connection.ask("GET", &location.to_lowercase(), &basic());
    assert_eq!(lower.body, shown.body);
    let served = connection.ask(
        "GET",
        "/api/v1/flags/?feature=gr%C3%B6%C3%9Fe%20%E6%97%A5%E6%9C%AC",
        KEY,
    );
    assert_eq!(served.json()["feature"]["name"], "größe 日本");
    let no_utf_8 = connection.ask("GET", "/api/admin/features/%FF%FE", &basic());
    assert_eq!(no_utf_8.status, 404);
}

#[test]
fn a_browser_asks_before_it_sends_a_key() {
    let (_server, mut connection) = production();
    let preflight = "Origin: https://shop.example\r\nAccess-Control-Request-Method: GET\r\n\
                     Access-Control-Request-Headers: x-environment-key\r\n";
    let answer = connection.ask("OPTIONS", "/api/v1/flags/", preflight);
    assert!((200..300).contains(&answer.status));
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(
        answer.header("Access-Control-Allow-Headers"),
        Some("x-environment-key")
    );
    let answer = connection.ask(
        "GET",
        "/api/v1/flags/",
        &format!("{KEY}Origin: https://shop.example\r\n"),
    );
    assert_eq!(
        (answer.status, answer.header("Access-Control-Allow-Origin")),
        (200, Some("*"))
    );
}

/// Asks once more on a connection whose last request left its body unread. Where the refusal said that the connection
/// closes, it is closed; otherwise the right answer comes. What must not come is a wrong answer, or none.
fn goes_on_as_it_said(connection: &mut Connection, refusal: &Reply) {
    let closes = refusal.header("Connection") == Some("close");
    let asked = connection.write("GET /health/live HTTP/1.1\r\nHost: flags.example\r\n\r\n");
    match asked.and_then(|()| connection.read("GET")) {
        Ok(None) => assert!(closes, "closed without a word"),
        Ok(Some(reply)) => assert_eq!(
            (reply.status, reply.text(), closes),
            (200, r#"{"status":"live"}"#, false)
        ),
        Err(error) => assert!(
            closes
                && matches!(
                    error.kind(),
                    ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
                ),
            "neither answered nor closed: {error}"
        ),
    }
}

#[test]
fn after_a_refusal_that_leaves_a_body_unread_the_connection_goes_on_as_it_said() {
    let (server, _) = production();
    for bytes in [12, 1_000_000] {
        let body = vec![b' '; bytes];
        let head = |extra: &str| {
            format!(
                "POST /api/admin/features HTTP/1.1\r\nHost: flags.example\r\n{extra}Content-Length: {bytes}\r\n\r\n"
            )
        };
        // The body right behind the head, as most clients send it.
        let mut at_once = server.connect();
        at_once
            .write([head("").as_bytes(), &body].concat())
            .unwrap();
        let refusal = at_once.read("POST").unwrap().unwrap();
        assert_eq!(
            (refusal.status, refusal.json()["status"].as_i64()),
            (401, Some(401))
        );
        goes_on_as_it_said(&mut at_once, &refusal);
        // The body after the answer, as a slow client does.
        let mut later = server.connect();
        later.write(head("")).unwrap();
        let refusal = later.read("POST").unwrap().unwrap();
        assert_eq!(refusal.status, 401);
        let _ = later.write(&body);
        goes_on_as_it_said(&mut later, &refusal);
        // No body at all, as a client does that asks first.
        let mut never = server.connect();
        never.write(head("Expect: 100-continue\r\n")).unwrap();
        let reply = never.read("POST").unwrap().unwrap();
        assert!(matches!(reply.status, 100 | 401), "{}", reply.status);
    }
    let alive = server.connect().ask("GET", "/health/live", "");
    assert_eq!(alive.status, 200);
}

#[test]
fn chunks_that_nobody_reads_do_not_hold_up_the_next_request() {
    let (server, _) = production();
    let chunk = [b"1000\r\n".to_vec(), vec![b' '; 0x1000], b"\r\n".to_vec()].concat();
    // Few fit into what is read ahead; many stay behind while the password is hashed.
    for chunks in [1, 20, 200] {
        let mut connection = server.connect();
        let head = "POST /api/admin/features HTTP/1.1\r\nHost: flags.example\r\n\
                    Authorization: Basic YWRtaW46d3Jvbmc=\r\nTransfer-Encoding: chunked\r\n\r\n";
        let body = [chunk.repeat(chunks), b"0\r\n\r\n".to_vec()].concat();
        connection.write([head.as_bytes(), &body].concat()).unwrap();
        assert_eq!(connection.read("POST").unwrap().unwrap().status, 401);
        let began = Instant::now();
        let reply = connection.ask("GET", "/health/live", "");
        assert_eq!(reply.status, 200);
        assert!(began.elapsed() < Duration::from_secs(10), "{chunks} chunks");
    }
}

#[test]
fn a_connection_goes_on_after_a_refusal_without_a_body() {
    let (_server, mut connection) = production();
    for _ in 0..5 {
        let refused = connection.ask("GET", "/api/v1/flags/", "");
        assert_eq!(refused.status, 401);
        let refused = connection.send("POST", "/api/admin/features", &basic(), r#"{"name":""}"#);
        assert_eq!(refused.status, 400);
        let answer = connection.ask("GET", "/api/v1/flags/", KEY);
        assert_eq!(
            (answer.status, answer.json().as_array().map(Vec::len)),
            (200, Some(1))
        );
    }
}

#[test]
fn a_key_that_no_header_can_hold_is_refused() {
    let (server, _) = production();
    for key in [
        b"X-Environment-Key: 0123456789\x00ABCDEF\r\n".to_vec(),
        [
            b"X-Environment-Key: ".to_vec(),
            vec![b'A'; 1_000_000],
            b"\r\n".to_vec(),
        ]
        .concat(),
        b"X-Environment-Key: {\"$ne\":null}\r\n".to_vec(),
        "X-Environment-Key: schlüssel\r\n".as_bytes().to_vec(),
    ] {
        let request = [
            b"GET /api/v1/flags/ HTTP/1.1\r\nHost: flags.example\r\n".to_vec(),
            key,
            b"\r\n".to_vec(),
        ]
        .concat();
        let mut connection = server.connect();
        let _ = connection.write(&request);
        // A server that refuses a head without reading all of it may close before the client has read why.
        if let Ok(Some(reply)) = connection.read("GET") {
            assert!(matches!(reply.status, 400 | 401 | 431), "{}", reply.status);
        }
    }
    assert_eq!(
        server.connect().ask("GET", "/api/v1/flags/", KEY).status,
        200
    );
}

#[test]
fn a_handler_that_panics_leaves_the_server_alive() {
    let (server, mut connection) = production();
    server.backend.retrievals.panic(true);
    for _ in 0..5 {
        let reply = connection.ask("GET", "/api/v1/flags/", KEY);
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (500, Some("internal"))
        );
        assert!(reply.header("X-Request-Id").is_some());
        connection = server.connect();
    }
    server.backend.retrievals.panic(false);
    assert_eq!(connection.ask("GET", "/api/v1/flags/", KEY).status, 200);
}

#[test]
fn a_body_over_1_mib_is_refused_while_it_is_sent() {
    let (server, _) = production();
    let mut connection = server.connect();
    let head = format!(
        "POST /api/admin/features HTTP/1.1\r\nHost: flags.example\r\n{}Content-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        basic()
    );
    connection.write(head).unwrap();
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    // The answer comes before the body ends, so it is read while the body is sent.
    let mut reading = connection.try_clone();
    let sending = thread::spawn(move || (0..64).all(|_| connection.write(&chunk).is_ok()));
    let reply = reading.read("POST").ok().flatten();
    sending.join().unwrap();
    if let Some(reply) = reply {
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (413, Some("payload_too_large"))
        );
    }
    let features = server.connect().ask("GET", "/api/admin/features", &basic());
    assert_eq!(features.json().as_array().map(Vec::len), Some(1));
}
