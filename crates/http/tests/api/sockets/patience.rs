//! How long a client may take: with a head, with a body, with reading an answer; and how a server ends beside it.

use std::time::{Duration, Instant};

use flagstaff_http::{HttpSettings, Stop};

use super::{KEY, basic, fill};
use crate::support::{Connection, Server, settings};

/// How long a client may take here.
const PATIENCE: Duration = Duration::from_secs(2);
/// Within what it is closed then, also on a busy machine.
const SOON: Duration = Duration::from_secs(8);

/// A server with little patience, with production and a key to it.
fn impatient() -> Server {
    let server = Server::with(HttpSettings {
        patience: PATIENCE,
        ..settings()
    });
    fill(&server);
    server
}

/// Sends a byte now and then until the server closes; returns how long that took.
fn drip(connection: &mut Connection, byte: &[u8]) -> Duration {
    let started = Instant::now();
    while started.elapsed() < SOON {
        if connection.write(byte).is_err() || connection.is_closed() {
            return started.elapsed();
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    panic!("the connection is still open");
}

#[test]
fn a_head_that_does_not_arrive_closes_the_connection() {
    let server = impatient();
    for beginning in [
        "",
        "GET /api/v1/flags/ HTTP/1.1\r\nHost: flags.example\r\nX-",
    ] {
        let began = Instant::now();
        let mut connection = server.connect();
        connection.write(beginning).unwrap();
        connection.closes_within(SOON);
        assert!(began.elapsed() >= PATIENCE, "{beginning:?}");
    }
}

#[test]
fn a_head_that_drips_closes_the_connection() {
    let server = impatient();
    let mut connection = server.connect();
    connection
        .write("GET /api/v1/flags/ HTTP/1.1\r\nX-Drip: ")
        .unwrap();
    drip(&mut connection, b"x");
}

#[test]
fn a_head_that_does_not_arrive_closes_a_kept_connection_too() {
    let server = impatient();
    let whole = format!("GET /api/v1/flags/ HTTP/1.1\r\nHost: flags.example\r\n{KEY}\r\n");
    // By itself, and in the same bytes as the request before it.
    for (first, then) in [
        (whole.clone(), "GET /api/v1/flags/ HTTP/1.1\r\nX-Late: "),
        (
            format!("{whole}GET /api/v1/flags/ HTTP/1.1\r\nX-Late: "),
            "",
        ),
    ] {
        let began = Instant::now();
        let mut connection = server.connect();
        connection.write(&first).unwrap();
        assert_eq!(connection.read("GET").unwrap().unwrap().status, 200);
        connection.write(then).unwrap();
        connection.closes_within(SOON);
        assert!(began.elapsed() >= PATIENCE);
    }
    let mut connection = server.connect();
    assert_eq!(connection.ask("GET", "/api/v1/flags/", KEY).status, 200);
    connection
        .write("GET /api/v1/flags/ HTTP/1.1\r\nX-Drip: ")
        .unwrap();
    drip(&mut connection, b"x");
}

#[test]
fn a_connection_that_idles_between_requests_is_kept() {
    let server = impatient();
    let mut connection = server.connect();
    assert_eq!(connection.ask("GET", "/api/v1/flags/", KEY).status, 200);
    let mut wrote = server.connect();
    let features = "/api/admin/features";
    let created = wrote.send("POST", features, &basic(), r#"{"name":"another"}"#);
    assert_eq!(created.status, 201);
    std::thread::sleep(2 * PATIENCE);
    assert_eq!(connection.ask("GET", "/api/v1/flags/", KEY).status, 200);
    assert_eq!(wrote.ask("GET", "/api/v1/flags/", KEY).status, 200);
}

#[test]
fn a_body_that_does_not_arrive_is_408_and_closes_the_connection() {
    let server = impatient();
    let head = format!(
        "POST /api/admin/features HTTP/1.1\r\nHost: flags.example\r\n{}Content-Type: application/json\r\n",
        basic()
    );
    let mut length = server.connect();
    length
        .write(format!("{head}Content-Length: 100\r\n\r\n{{\"name\":"))
        .unwrap();
    let mut chunked = server.connect();
    chunked
        .write(format!(
            "{head}Transfer-Encoding: chunked\r\n\r\n8\r\n{{\"name\":\r\n"
        ))
        .unwrap();
    let mut kept = server.connect();
    assert_eq!(kept.ask("GET", "/api/v1/flags/", KEY).status, 200);
    kept.write(format!("{head}Content-Length: 100\r\n\r\n{{"))
        .unwrap();
    let mut silent = server.connect();
    silent
        .write(format!("{head}Transfer-Encoding: chunked\r\n\r\n"))
        .unwrap();
    for connection in [&mut length, &mut chunked, &mut kept, &mut silent] {
        let reply = connection.read("POST").unwrap().unwrap();
        assert_eq!(reply.header("Connection"), Some("close"));
        assert_eq!(
            (reply.status, reply.json()["code"].as_str()),
            (408, Some("request_timeout"))
        );
        connection.closes_within(SOON);
    }
}

#[test]
fn a_body_that_nobody_reads_drips_for_a_while_only() {
    let server = impatient();
    for framing in [
        "Content-Length: 100000\r\n\r\n",
        "Transfer-Encoding: chunked\r\n\r\nFFFF\r\n",
    ] {
        let mut connection = server.connect();
        connection
            .write(format!(
                "POST /api/v1/flags/ HTTP/1.1\r\nHost: flags.example\r\n{framing}"
            ))
            .unwrap();
        assert_eq!(connection.read("POST").unwrap().unwrap().status, 405);
        drip(&mut connection, b"x");
    }
}

#[test]
fn a_client_that_reads_nothing_is_closed() {
    let server = impatient();
    let mut connection = server.connect();
    // Answers of far more bytes than the system buffers in both directions; nothing is left to be sent.
    let requests = "GET /openapi.json HTTP/1.1\r\nHost: flags.example\r\n\r\n".repeat(400);
    connection.write(requests).unwrap();
    let closed = r#"flagstaff_connections_ended_total{reason="not_reading"} 1"#;
    let started = Instant::now();
    loop {
        let metrics = server.connect().ask("GET", "/metrics", &basic());
        if metrics.text().lines().any(|line| line == closed) {
            break;
        }
        assert!(started.elapsed() < 2 * SOON, "{}", metrics.text());
        std::thread::sleep(Duration::from_millis(200));
    }
    connection.closes_within(SOON);
}

#[test]
fn idle_connections_in_a_crowd_are_closed_early_and_the_list_stays_usable() {
    let server = Server::with(HttpSettings {
        connections: 64,
        ..settings()
    });
    let mut idle: Vec<_> = (0..40).map(|_| server.connect()).collect();
    for connection in &mut idle[..20] {
        assert_eq!(connection.ask("GET", "/health/live", "").status, 200);
    }
    assert_eq!(server.connect().ask("GET", "/health/live", "").status, 200);
    // A quarter of those that may be open is no crowd any more.
    let started = Instant::now();
    while idle.len() > 16 {
        assert!(started.elapsed() < 2 * SOON, "{} are open", idle.len());
        idle.retain_mut(|connection| !connection.is_closed());
    }
    assert_eq!(server.connect().ask("GET", "/health/live", "").status, 200);
}

#[test]
fn a_server_that_is_asked_to_stop_says_that_it_is_not_ready_and_closes() {
    let mut server = Server::with(HttpSettings {
        grace: Duration::from_secs(5),
        ..settings()
    });
    let mut connection = server.connect();
    assert_eq!(connection.ask("GET", "/health/ready", "").status, 200);
    server.stop(Stop::Terminated);
    let started = Instant::now();
    let reply = loop {
        let reply = server.connect().ask("GET", "/health/ready", "");
        if reply.status != 200 {
            break reply;
        }
        assert!(started.elapsed() < Duration::from_secs(4), "still ready");
    };
    assert_eq!(
        (reply.status, reply.json()["status"].as_str()),
        (503, Some("stopping"))
    );
    assert_eq!(reply.header("Connection"), Some("close"));
    connection.closes_within(SOON);
    server.join();
}

#[test]
fn a_stuck_client_does_not_keep_a_server_from_stopping() {
    let mut server = impatient();
    let mut stuck = server.connect();
    stuck
        .write(format!(
            "POST /api/admin/features HTTP/1.1\r\nHost: flags.example\r\n{}Content-Type: application/json\r\n\
             Content-Length: 100\r\n\r\n{{",
            basic()
        ))
        .unwrap();
    let mut half = server.connect();
    half.write("GET /api/v1/flags/ HTTP/1.1\r\n").unwrap();
    std::thread::sleep(Duration::from_millis(300));
    server.stop(Stop::Terminated);
    let started = Instant::now();
    server.join();
    assert!(
        started.elapsed() < Duration::from_secs(9),
        "{:?}",
        started.elapsed()
    );
}

#[test]
fn the_second_request_to_stop_cuts_off_what_is_in_flight() {
    let mut server = Server::with(HttpSettings {
        shutdown_seconds: 60,
        ..settings()
    });
    fill(&server);
    let mut stuck = server.connect();
    stuck
        .write(format!(
            "POST /api/admin/features HTTP/1.1\r\nHost: flags.example\r\n{}Content-Type: application/json\r\n\
             Content-Length: 100\r\n\r\n{{",
            basic()
        ))
        .unwrap();
    std::thread::sleep(Duration::from_millis(300));
    let started = Instant::now();
    server.stop(Stop::Interrupted);
    std::thread::sleep(Duration::from_millis(300));
    server.stop(Stop::Interrupted);
    server.join();
    // Else the body's own 10 seconds end it.
    assert!(started.elapsed() < Duration::from_secs(8));
}

#[test]
fn connections_live_on_until_the_grace_is_over() {
    let mut server = Server::with(HttpSettings {
        grace: Duration::from_secs(4),
        ..settings()
    });
    fill(&server);
    let mut kept = server.connect();
    assert_eq!(kept.ask("GET", "/api/v1/flags/", KEY).status, 200);
    let mut new = server.connect();
    server.stop(Stop::Terminated);
    std::thread::sleep(Duration::from_secs(1));
    for connection in [&mut kept, &mut new] {
        let reply = connection.ask("GET", "/api/v1/flags/", KEY);
        assert_eq!(
            (reply.status, reply.header("Connection")),
            (200, Some("close"))
        );
    }
    server.join();
}
