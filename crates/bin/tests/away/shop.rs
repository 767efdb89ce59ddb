//! A server whose database can be taken away, and what has to hold while it is.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::{Installation, column};
use crate::server::{Answer, BASIC, DEADLINE, PASSWORD, Server, address_of, ask};

const FEATURES: &str = "/api/admin/features";
const LOG: &str = "server.log";

/// A running server with the demonstration. Its disk fails as [`Shop::disk`] says.
pub(crate) struct Shop {
    pub(crate) server: Server,
    pub(crate) here: Installation,
    pub(crate) address: SocketAddr,
    key: String,
}

impl Shop {
    pub(crate) fn open() -> Self {
        let here = Installation::empty();
        let library = here.path("disk.so");
        let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/away/disk.c");
        let built = Command::new(compiler)
            .args(["-shared", "-fPIC", "-o"])
            .args([library.as_os_str(), source.as_ref(), "-ldl".as_ref()])
            .status();
        assert!(built.unwrap().success());
        let mut server = serve(&here);
        let report = server.report();
        let shop = Self {
            address: address_of(&report),
            key: report["environments"][0]["key"]
                .as_str()
                .unwrap()
                .to_owned(),
            server,
            here,
        };
        // The time of a sign-in is written some time after it, which no test is to meet; a change queues behind it.
        assert_eq!(shop.create("before").status, 201);
        shop
    }

    /// Kills the server and starts another on its database.
    pub(crate) fn restart(&mut self) {
        self.server.kill();
        self.server = serve(&self.here);
        self.address = address_of(&self.server.report());
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.here.path("data/flagstaff.db")
    }

    /// From now on this call fails with this number; `None` mends the disk.
    pub(crate) fn disk(&self, failing: Option<(&str, rustix::io::Errno)>) {
        let said = failing.map_or(String::new(), |(call, error)| {
            format!("{call} {}", error.raw_os_error())
        });
        // Under its name only when it is whole: the server reads it at any moment.
        self.here.write("disk.next", &said);
        fs::rename(self.here.path("disk.next"), self.here.path("disk")).unwrap();
    }

    pub(crate) fn create(&self, name: &str) -> Answer {
        let body = format!(r#"{{"name": "{name}"}}"#);
        ask(
            self.address,
            "POST",
            FEATURES,
            ("Authorization", BASIC),
            &body,
        )
        .unwrap()
    }

    /// A change is refused, in time, and may be tried again.
    pub(crate) fn refuses(&self, name: &str) {
        let asked = Instant::now();
        let answer = self.create(name);
        assert!(asked.elapsed() < Duration::from_secs(2), "{answer:?}");
        assert!(answer.status == 503, "{answer:?}");
        assert!(answer.body.contains("nothing was changed"), "{answer:?}");
        assert_eq!(answer.header("Retry-After"), Some("1"), "{answer:?}");
        assert_eq!(
            answer.header("Content-Type"),
            Some("application/problem+json")
        );
    }

    /// Flags are read, whatever happens.
    pub(crate) fn serves(&self) {
        let key = ("X-Environment-Key", self.key.as_str());
        let answer = ask(self.address, "GET", "/api/v1/flags/", key, "").unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    pub(crate) fn readiness(&self) -> Value {
        let answer = ask(self.address, "GET", "/health/ready", ("Accept", "*/*"), "").unwrap();
        assert_eq!(answer.status, 200, "flags can be served: {answer:?}");
        serde_json::from_str(&answer.body).unwrap()
    }

    /// Waits until readiness and the metrics tell of this outage, and looks whether flags are read meanwhile.
    pub(crate) fn reports(&self, detail: &str) {
        let deadline = Instant::now() + DEADLINE;
        while self.readiness()["writes"]["detail"] != detail {
            self.serves();
            assert!(Instant::now() < deadline, "{}", self.readiness());
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(self.readiness()["status"], "degraded");
        self.measures("flagstaff_storage_writable 0");
    }

    fn measures(&self, line: &str) {
        let metrics = ask(
            self.address,
            "GET",
            "/metrics",
            ("Authorization", BASIC),
            "",
        )
        .unwrap();
        assert!(metrics.body.lines().any(|one| one == line), "{line}");
    }

    /// A change is stored and served at once, and nothing is wrong any more.
    pub(crate) fn works_again(&self) {
        let answer = self.create("after");
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(self.readiness()["status"], "ready");
        self.measures("flagstaff_storage_writable 1");
        self.serves();
    }

    /// The names of the features that are stored.
    pub(crate) fn stored(&self) -> Vec<String> {
        let list = ask(self.address, "GET", FEATURES, ("Authorization", BASIC), "").unwrap();
        let list = serde_json::from_str(&list.body).unwrap();
        let names = column(&list, "name").into_iter();
        names
            .map(|name| name.as_str().unwrap().to_owned())
            .collect()
    }

    /// The outage was told to the log once when it began, with its cause, and once when it ended.
    pub(crate) fn logged_once(&self, cause: &str) {
        let log = self.here.read(LOG);
        let told = |what: &str| log.lines().filter(|line| line.contains(what)).count();
        assert_eq!(
            told(&format!("changes cannot be stored: {cause}")),
            1,
            "{log}"
        );
        assert_eq!(told("changes cannot be stored"), 1, "{log}");
        assert_eq!(told("changes can be stored again"), 1, "{log}");
    }
}

fn serve(here: &Installation) -> Server {
    let (library, control) = (here.path("disk.so"), here.path("disk"));
    let variables = [
        ("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD),
        ("FLAGSTAFF__LOG__FILE", LOG),
        ("LD_PRELOAD", library.to_str().unwrap()),
        ("FAILING_DISK", control.to_str().unwrap()),
    ];
    Server::start_with(here, &["serve", "--demo", "--json"], &variables)
}
