//! Runs the server as an operator does, on a free port, and calls it.
#![allow(
    dead_code,
    reason = "shared by test programs, each of which uses a part"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::program::Installation;

/// Long enough for the slowest machine: a test that waits this long has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);
pub(crate) const PASSWORD: &str = "correct horse battery";
/// HTTP Basic's form of `admin` and the password.
pub(crate) const BASIC: &str = "Basic YWRtaW46Y29ycmVjdCBob3JzZSBiYXR0ZXJ5";

/// A running server; it is killed when the test ends.
pub(crate) struct Server {
    pub(crate) child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn start(here: &Installation, arguments: &[&str]) -> Self {
        Self::start_with(here, arguments, &[])
    }

    /// Starts on a free port.
    pub(crate) fn start_with(
        here: &Installation,
        arguments: &[&str],
        variables: &[(&str, &str)],
    ) -> Self {
        Self::start_telling(here, arguments, variables, Stdio::null())
    }

    /// Starts on a free port, and tells the log where it is asked to.
    pub(crate) fn start_telling(
        here: &Installation,
        arguments: &[&str],
        variables: &[(&str, &str)],
        log: impl Into<Stdio>,
    ) -> Self {
        let mut child = here
            .program()
            .args(arguments)
            .env("FLAGSTAFF__SERVER__BIND", "127.0.0.1:0")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    /// What `--json` prints.
    pub(crate) fn report(&mut self) -> Value {
        self.try_report().unwrap()
    }

    /// What `--json` prints, or `None` where the program ended before.
    pub(crate) fn try_report(&mut self) -> Option<Value> {
        let mut values = serde_json::Deserializer::from_reader(&mut self.stdout).into_iter();
        values.next()?.ok()
    }

    /// What is printed for people, up to its last line.
    pub(crate) fn text(&mut self) -> String {
        let mut text = String::new();
        while !text.contains("--help") {
            assert_ne!(self.stdout.read_line(&mut text).unwrap(), 0, "{text}");
        }
        text
    }

    /// Ends it as an operator does, once it answers: before that, the signal would end it at once.
    pub(crate) fn stop(mut self, address: SocketAddr) -> Option<i32> {
        let alive = call(address, "GET", "/health/live", ("Accept", "*/*"), "");
        assert_eq!(alive.map(|(status, _)| status), Some(200));
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        self.child.wait().unwrap().code()
    }

    /// Ends it as a power cut does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in `http://127.0.0.1:41234`.
pub(crate) fn address(url: &str) -> SocketAddr {
    url.strip_prefix("http://").unwrap().parse().unwrap()
}

/// The address that `--json` reports.
pub(crate) fn address_of(report: &Value) -> SocketAddr {
    address(report["url"].as_str().unwrap())
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// An answer whose head is these lines; `None` where they are no head.
    pub(crate) fn new(head: &str, body: String) -> Option<Self> {
        Some(Self {
            status: head.split(' ').nth(1)?.parse().ok()?,
            head: head.to_owned(),
            body,
        })
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = fields.filter(|(one, _)| one.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value)
    }
}

/// One request on a connection of its own; the status and the body, or `None` when the connection broke.
pub(crate) fn call(
    server: SocketAddr,
    method: &str,
    path: &str,
    header: (&str, &str),
    body: &str,
) -> Option<(u16, String)> {
    ask(server, method, path, header, body).map(|answer| (answer.status, answer.body))
}

/// Like [`call`], with the headers of the answer.
pub(crate) fn ask(
    server: SocketAddr,
    method: &str,
    path: &str,
    header: (&str, &str),
    body: &str,
) -> Option<Answer> {
    let mut stream = TcpStream::connect(server).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).ok()?;
    let request = request(method, path, &[header, ("Connection", "close")], body);
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Answer::new(head, body.to_owned())
}

/// A request as it goes over the wire.
pub(crate) fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let fields = headers.iter();
    let fields: String = fields
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let length = body.len();
    format!(
        "{method} {path} HTTP/1.1\r\nHost: flagstaff\r\n{fields}Content-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}
