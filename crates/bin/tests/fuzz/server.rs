//! The server that the requests go to, with its database and its log: what it must still be after all of them.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::sync::Mutex;

use serde_json::{Value, json};

use crate::program::Installation;
use crate::support::{self, PASSWORD, address_of, call};

pub(crate) use crate::support::BASIC;

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

/// A running server.
pub(crate) struct Tried {
    pub(crate) address: SocketAddr,
    server: support::Server,
    here: Installation,
    /// How much of the log was looked at.
    seen: Mutex<u64>,
}

impl Tried {
    /// Starts with records for requests to find.
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
        let here = Installation::holding(&json!({
            "version": 1,
            "flags": { "environments": environments, "features": names(FEATURES) },
            "access": { "keys": keys.chain([kept]).collect::<Vec<_>>() },
        }));
        let variables = [
            ("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD),
            // Whoever sends so many wrong credentials would be limited, and never get in again.
            ("FLAGSTAFF__SIGN_IN__FAILURES_PER_ACCOUNT", "1000000"),
            ("FLAGSTAFF__SIGN_IN__FAILURES_PER_ADDRESS", "1000000"),
            ("FLAGSTAFF__COUPONS__MISSES_PER_ADDRESS", "1000000"),
        ];
        let log = File::create(here.path(LOG)).unwrap();
        let arguments = ["serve", "--json"];
        let mut server = support::Server::start_telling(&here, &arguments, &variables, log);
        Self {
            address: address_of(&server.report()),
            server,
            here,
            seen: Mutex::default(),
        }
    }

    /// The description of the API.
    pub(crate) fn description(&self) -> Value {
        serde_json::from_str(&self.get("/openapi.json")).unwrap()
    }

    /// Checks that flags are served and that nothing went wrong so far.
    pub(crate) fn is_sound(&self) {
        // Each line is looked at once.
        let mut seen = self.seen.lock().unwrap();
        let mut file = File::open(self.here.path(LOG)).unwrap();
        file.seek(SeekFrom::Start(*seen)).unwrap();
        let mut log = Vec::new();
        file.read_to_end(&mut log).unwrap();
        let whole = log.iter().rposition(|byte| *byte == b'\n');
        let whole = whole.map_or(0, |end| end + 1);
        *seen += u64::try_from(whole).unwrap();
        drop(seen);
        for line in std::str::from_utf8(&log[..whole]).unwrap().lines() {
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
        let flags: Value = serde_json::from_str(&self.get("/api/v1/flags/")).unwrap();
        assert!(flags.is_array(), "{flags}");
        // 200 also while a busy machine makes the database's look late.
        self.get("/health/ready");
    }

    /// Ends the server as an operator does, and checks that what it leaves behind is sound and can be moved elsewhere.
    pub(crate) fn ends_soundly(self) {
        self.is_sound();
        self.here.run(&["check"]).succeeds();
        assert_eq!(self.server.stop(self.address), Some(0));
        self.here.run(&["check"]).succeeds();
        self.here.run(&["export", "state.json"]).succeeds();
        let here = self.here.read("state.json");
        let copy = Installation::migrated();
        copy.write("state.json", &here);
        copy.run(&["import", "state.json"]).succeeds();
        copy.run(&["export", "copy.json"]).succeeds();
        let there = copy.read("copy.json");
        for (here, there) in here.lines().zip(there.lines()) {
            assert_eq!(here, there);
        }
        assert_eq!(here.len(), there.len());
    }

    /// What is served at a path, with the key.
    fn get(&self, path: &str) -> String {
        let header = ("X-Environment-Key", KEY);
        let (status, body) = call(self.address, "GET", path, header, "").unwrap();
        assert_eq!(status, 200, "{body}");
        body
    }
}
