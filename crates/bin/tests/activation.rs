//! A supervisor holds the socket, as systemd does: a server is restarted under load, and nobody is refused.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "command_line/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use program::Installation;
use server::call;

/// Passes the socket on as descriptor 3, and tells the process that it is meant: the protocol of sd_listen_fds(3).
const PASS_ON: &str = r#"exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" serve"#;

fn start(here: &Installation, socket: &TcpListener) -> Child {
    let program = here.program();
    let mut shell = Command::new("sh");
    shell
        .args(["-c", PASS_ON])
        .arg(program.get_program())
        .current_dir(program.get_current_dir().unwrap())
        .envs(
            program
                .get_envs()
                .filter_map(|(name, value)| Some((name, value?))),
        )
        .env("FLAGSTAFF__SERVER__GRACE_SECONDS", "0")
        .env("FLAGSTAFF__ADMIN__PASSWORD", server::PASSWORD)
        .stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap())))
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    shell.spawn().unwrap()
}

/// Asks until it is told to stop; the number of answers.
fn ask(address: SocketAddr, stop: &AtomicBool) -> usize {
    let mut answered = 0;
    while !stop.load(Ordering::Relaxed) {
        let answer = call(address, "GET", "/health/live", ("Accept", "*/*"), "");
        assert_eq!(answer.map(|(status, _)| status), Some(200));
        answered += 1;
    }
    answered
}

#[test]
fn a_restart_refuses_nobody() {
    let here = Installation::empty();
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let mut child = start(&here, &socket);
        let clients: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| ask(address, &stop)))
            .collect();
        for _ in 0..3 {
            // It answers, so the signal meets its handler.
            ask_once(address);
            let id = child.id().to_string();
            Command::new("kill").args(["-TERM", &id]).status().unwrap();
            assert_eq!(child.wait().unwrap().code(), Some(0));
            child = start(&here, &socket);
        }
        ask_once(address);
        stop.store(true, Ordering::Relaxed);
        for client in clients {
            assert!(client.join().unwrap() > 0);
        }
        child.kill().unwrap();
        child.wait().unwrap();
    });
}

fn ask_once(address: SocketAddr) {
    let alive = call(address, "GET", "/health/live", ("Accept", "*/*"), "");
    assert_eq!(alive.map(|(status, _)| status), Some(200));
}
