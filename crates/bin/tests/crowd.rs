//! A crowd: ten thousand connections that do nothing, or hardly anything, beside an application that reads its flags.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

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

const IDLE: usize = 9_500;
const SLOW: usize = 500;
/// More than these are a crowd: a quarter of `server.connections`. Fewer may stay.
const CROWD: usize = 16_384 / 4;
/// A crowd is to be shed within this, also on a busy machine: slow ones after 10 seconds, idle ones after 5.
const SHED: Duration = Duration::from_secs(60);
const BEGINNING: &[u8] = b"GET /api/v1/flags/ HTTP/1.1\r\nHost: flags.example\r\nX-Slow: ";

/// Lets this process open as many files as it may, because its connections are files.
fn raise_limit() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, raised).unwrap();
    maximum.map_or(usize::MAX, |files| usize::try_from(files).unwrap())
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
    let files = raise_limit();
    assert!(
        files > IDLE + SLOW + 200,
        "this test opens 10,000 connections, and the system allows {files} files (ulimit -Hn)"
    );
    let here = Installation::empty();
    let mut server = Server::start(&here, &["serve", "--demo", "--json"]);
    let report = server.report();
    let address = address_of(&report);
    let key = report["environments"][0]["key"].as_str().unwrap();

    let alive = b"GET /health/live HTTP/1.1\r\nHost: flags.example\r\n\r\n";
    let mut idle: Vec<_> = (0..IDLE)
        .map(|at| connect(address, if at % 2 == 0 { alive } else { b"" }))
        .collect();
    let mut slow: Vec<_> = (0..SLOW).map(|_| connect(address, BEGINNING)).collect();
    reads_flags(address, key);

    let started = Instant::now();
    while idle.len() > CROWD || !slow.is_empty() {
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
