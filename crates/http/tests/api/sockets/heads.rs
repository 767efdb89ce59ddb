//! Heads that must not be read, or not be believed: too large, framed twice, with paths that pretend to be others.

use super::{KEY, basic, production};

#[test]
fn a_head_has_at_most_96_headers() {
    let (server, _) = production();
    let headers = |count: usize| KEY.to_owned() + &"X-More: 1\r\n".repeat(count);
    // Host and the key are two of them.
    let most = server.connect().ask("GET", "/api/v1/flags/", &headers(94));
    assert_eq!(most.status, 200);
    let one_more = server.connect().ask("GET", "/api/v1/flags/", &headers(95));
    assert!(matches!(one_more.status, 400 | 431), "{}", one_more.status);
}

#[test]
fn a_head_has_at_most_16_kib() {
    let (server, mut connection) = production();
    let headers = |bytes: usize| format!("{KEY}X-Long: {}\r\n", "x".repeat(bytes));
    let most = connection.ask("GET", "/api/v1/flags/", &headers(16_000));
    assert_eq!(most.status, 200);
    let more = connection.ask("GET", "/api/v1/flags/", &headers(17_000));
    assert_eq!(
        (more.status, more.json()["code"].as_str()),
        (431, Some("headers_too_large"))
    );
    let target = format!("/api/v1/flags/?feature={}", "x".repeat(17_000));
    assert_eq!(connection.ask("GET", &target, KEY).status, 431);
    // The library itself stops reading; the client may see that before the answer.
    let mut much = server.connect();
    let _ = much.write(format!(
        "GET / HTTP/1.1\r\nHost: flags.example\r\n{}\r\n",
        headers(140_000)
    ));
    if let Ok(Some(reply)) = much.read("GET") {
        assert_eq!(reply.status, 431);
    }
    // A large body behind a small head is no large head.
    let body = format!("{{\"name\":\"{}\"}}", "x".repeat(20_000));
    let reply = connection.send("POST", "/api/admin/features", &basic(), &body);
    assert_eq!(
        (reply.status, reply.json()["code"].as_str()),
        (400, Some("invalid_request"))
    );
}

#[test]
fn a_body_that_is_framed_twice_closes_the_connection() {
    let (server, _) = production();
    for framing in [
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 5, 5\r\n",
        "Host: another.example\r\n",
    ] {
        let mut connection = server.connect();
        let request = format!(
            "POST /api/v1/flags/ HTTP/1.1\r\nHost: flags.example\r\n{framing}\r\n0\r\n\r\nGET /health/live HTTP/1.1\r\n\
             Host: flags.example\r\n\r\n"
        );
        connection.write(request).unwrap();
        let reply = connection.read("POST").unwrap().unwrap();
        assert_eq!(reply.status, 400, "{framing:?}");
        assert!(
            connection.read("GET").ok().flatten().is_none(),
            "{framing:?}"
        );
    }
}

#[test]
fn a_request_needs_one_host() {
    let (server, _) = production();
    let mut connection = server.connect();
    connection
        .write("GET /health/live HTTP/1.1\r\n\r\n")
        .unwrap();
    assert_eq!(connection.read("GET").unwrap().unwrap().status, 400);
    assert!(connection.read("GET").ok().flatten().is_none());
}

#[test]
fn a_request_for_another_protocol_is_refused_or_answered_at_once() {
    let (server, _) = production();
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket\r\n";
    let features = "/api/admin/features";
    let body = r#"{"name":"another"}"#;
    let refused = server
        .connect()
        .send("POST", features, &(basic() + websocket), body);
    assert_eq!(
        (refused.status, refused.header("Connection")),
        (400, Some("close"))
    );
    let other = "Connection: Upgrade\r\nUpgrade: h2c\r\n";
    let answered = server
        .connect()
        .ask("GET", "/api/v1/flags/", &(KEY.to_owned() + other));
    assert_eq!(
        (answered.status, answered.header("Connection")),
        (200, Some("close"))
    );
}
