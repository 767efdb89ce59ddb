//! A crowd: ten thousand connections that do nothing, or hardly anything, beside an application that reads its flags.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../src/open_files.rs"]
mod open_files;
#[path = "command_line/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use program::Installation;
use server::{Server, address_of, call};

/// As many as the system lets this process open, and no more than these; one in twenty is slow, the others idle.
const MOST: usize = 10_000;
/// A crowd is to be shed within this, also on a busy machine: slow ones after 10 seconds, idle ones after 5.
const SHED: Duration = Duration::from_secs(60);
const BEGINNING: &[u8] = b"GET /api/v1/flags/ HTTP/1.1\r\nHost: flags.example\r\nX-Slow: ";

/// How many connections this process may have; its limit is raised to what it may be raised to.
fn possible() -> usize {
    let files = open_files::raise().unwrap_or(usize::MAX);
    MOST.min(files.saturating_sub(200))
}

fn connect(server: SocketAddr, first: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(server).unwrap();
    stream.write_all(first).unwrap();
    stream.set_nonblocking(true).unwrap();
    stream
}

/// Whether the server has closed. Answers are passed over.
fn is_closed(mut stream: &TcpStream) -> bool {
    let mut bytes = [0; 4096];
    loop {
        match stream.read(&mut bytes) {
            Ok(0) => return true,
            Ok(_) => {}
            Err(error) => return error.kind() != ErrorKind::WouldBlock,
        }
    }
}

fn reads_flags(server: SocketAddr, key: &str) {
    let header = ("X-Environment-Key", key);
    let (status, body) = call(server, "GET", "/api/v1/flags/", header, "").unwrap();
    assert_eq!(status, 200, "{body}");
}

#[test]
fn a_crowd_is_shed_while_the_list_is_served() {
    let all = possible();
    let limit = all * 8 / 5;
    // More than a quarter of what may be open is a crowd; fewer may stay.
    let crowd = limit / 4;
    let here = Installation::empty();
    let variables = [("FLAGSTAFF__SERVER__CONNECTIONS", limit.to_string())];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let mut server = Server::start_with(&here, &["serve", "--demo", "--json"], &variables);
    let report = server.report();
    let address = address_of(&report);
    let key = report["environments"][0]["key"].as_str().unwrap();

    let alive = b"GET /health/live HTTP/1.1\r\nHost: flags.example\r\n\r\n";
    let mut idle: Vec<_> = (0..all / 20 * 19)
        .map(|at| connect(address, if at % 2 == 0 { alive } else { b"" }))
        .collect();
    let mut slow: Vec<_> = (0..all / 20).map(|_| connect(address, BEGINNING)).collect();
    reads_flags(address, key);

    let started = Instant::now();
    while idle.len() > crowd || !slow.is_empty() {
        let open = (idle.len(), slow.len());
        assert!(started.elapsed() < SHED, "{open:?} are still open");
        for mut stream in &slow {
            let _ = stream.write(b"x");
        }
        reads_flags(address, key);
        idle.retain(|stream| !is_closed(stream));
        slow.retain(|stream| !is_closed(stream));
        thread::sleep(Duration::from_millis(100));
    }

    // A client that is stuck in the middle of its request does not keep the server from stopping.
    let _stuck = connect(address, BEGINNING);
    let id = server.child.id().to_string();
    let asked = Instant::now();
    Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(server.child.wait().unwrap().success());
    assert!(asked.elapsed() < Duration::from_secs(10));
}
