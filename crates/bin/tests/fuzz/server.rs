//! The server that the requests go to, with its database and its log: what it must still be after all of them.

use std::fs::{self, File};
use std::io::{BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Deserializer, Value, json};

use crate::program::Installation;

/// The administrator's password, and HTTP Basic's form of `admin` and it.
const PASSWORD: &str = "correct horse battery";
pub(crate) const BASIC: &str = "Basic YWRtaW46Y29ycmVjdCBob3JzZSBiYXR0ZXJ5";
/// A key to an environment whose name no request has.
pub(crate) const KEY: &str = "0123456789ABCDEF0123456789ABCDEF";
/// The environments and features that requests name.
pub(crate) const ENVIRONMENTS: &[&str] = &["production", "staging", "größe 日本", "x' OR 1=1--"];
pub(crate) const FEATURES: &[&str] = &[
    "dark_mode",
    "limit",
    "a.b-c",
    "with space",
    "%41",
    "<script>",
    "a;b?c#d",
    "ünïcödé",
];
const LOG: &str = "log";

/// A running server; it is killed when the test ends.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    child: Child,
    here: Installation,
}

impl Server {
    /// Starts on a free port, with records for requests to find.
    pub(crate) fn start() -> Self {
        let names = |names: &[&str]| -> Vec<Value> {
            names.iter().map(|name| json!({ "name": name })).collect()
        };
        let mut environments = names(ENVIRONMENTS);
        environments.push(json!({ "name": "kept" }));
        let keys = (0..20).map(|number| {
            let environment = ENVIRONMENTS[number % ENVIRONMENTS.len()];
            json!({ "name": number.to_string(), "environment": environment, "kind": "client" })
        });
        let kept = json!({ "name": "kept", "environment": "kept", "kind": "client", "key": KEY });
        let keys: Vec<_> = keys.chain([kept]).collect();
        let here = Installation::holding(&json!({
            "version": 1,
            "flags": { "environments": environments, "features": names(FEATURES) },
            "access": { "keys": keys },
        }));
        let mut child = here
            .program()
            .args(["serve", "--json"])
            .env("FLAGSTAFF__SERVER__BIND", "127.0.0.1:0")
            .env("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD)
            // Whoever sends so many wrong credentials would be limited, and never get in again.
            .env("FLAGSTAFF__SIGN_IN__FAILURES_PER_ACCOUNT", "1000000")
            .env("FLAGSTAFF__SIGN_IN__FAILURES_PER_ADDRESS", "1000000")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(here.path(LOG)).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let report: Value = Deserializer::from_reader(stdout)
            .into_iter()
            .next()
            .unwrap()
            .unwrap();
        let url = report["url"].as_str().unwrap();
        Self {
            address: url.strip_prefix("http://").unwrap().parse().unwrap(),
            child,
            here,
        }
    }

    /// The description of the API.
    pub(crate) fn description(&self) -> Value {
        serde_json::from_str(&self.get("/openapi.json")).unwrap()
    }

    /// Checks that flags are served and that nothing went wrong so far.
    pub(crate) fn is_sound(&self) {
        let flags: Value = serde_json::from_str(&self.get("/api/v1/flags/")).unwrap();
        assert!(flags.is_array(), "{flags}");
        let ready: Value = serde_json::from_str(&self.get("/health/ready")).unwrap();
        assert_eq!(ready["status"], "ready", "{ready}");
        let log = fs::read_to_string(self.here.path(LOG)).unwrap();
        for line in log.lines() {
            assert!(!line.contains("panicked"), "{line}");
            let meant = !line.contains(" ERROR ")
                || line.contains("status=503")
                || line.contains(" actix_http");
            assert!(meant, "{line}");
            assert!(!line.chars().any(char::is_control), "{line:?}");
            for secret in [KEY, PASSWORD, &BASIC[6..]] {
                assert!(!line.contains(secret), "{line}");
            }
        }
    }

    /// Ends the server as an operator does, and checks that what it leaves behind is sound and can be moved elsewhere.
    pub(crate) fn ends_soundly(mut self) {
        self.is_sound();
        self.here.run(&["check"]).succeeds();
        let id = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status().unwrap();
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        self.here.run(&["check"]).succeeds();
        self.here.run(&["export", "state.json"]).succeeds();
        let state: Value = serde_json::from_str(&self.here.read("state.json")).unwrap();
        let copy = Installation::holding(&state);
        copy.run(&["export", "state.json"]).succeeds();
        assert_eq!(copy.read("state.json"), self.here.read("state.json"));
    }

    /// What is served at a path, with the key.
    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let patience = Some(Duration::from_secs(60));
        stream.set_read_timeout(patience).unwrap();
        let head =
            format!("Host: flags.example\r\nX-Environment-Key: {KEY}\r\nConnection: close\r\n");
        write!(stream, "GET {path} HTTP/1.1\r\n{head}\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
