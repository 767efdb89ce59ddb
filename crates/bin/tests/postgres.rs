//! The program on PostgreSQL: its commands, and two servers on one database. `just test-postgres` brings the server.
#![cfg(feature = "postgres")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "postgres/moving.rs"]
mod moving;
#[path = "command_line/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::net::SocketAddr;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use program::Installation;
use serde_json::json;
use server::{DEADLINE, Server, address_of, call};

/// A database of its own, and a directory whose configuration names it.
struct Here {
    installation: Installation,
    name: String,
}

/// Where the server listens.
fn directory() -> String {
    let directory = std::env::var("FLAGSTAFF_TEST_POSTGRES");
    directory.unwrap_or_else(|_| panic!("these tests need a server: run `just test-postgres`"))
}

/// Runs one of PostgreSQL's own programs.
fn tool(program: &str, database: &str) {
    let status = Command::new(program)
        .args(["-h", &directory(), "-U", "flagstaff", database])
        .status();
    assert!(status.unwrap().success(), "{program}");
}

impl Here {
    fn empty() -> Self {
        static MADE: AtomicUsize = AtomicUsize::new(0);
        let number = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("program_{}_{number}", std::process::id());
        tool("createdb", &name);
        let installation = Installation::empty();
        std::fs::create_dir(installation.path("config")).unwrap();
        let here = Self { installation, name };
        let url = here.url();
        let configuration = format!("[database]\nurl = \"{url}\"\n");
        here.installation.write("config/local.toml", &configuration);
        here
    }

    /// The password is not asked for, and must not be shown.
    fn url(&self) -> String {
        let (name, directory) = (&self.name, directory());
        format!("postgres://flagstaff:hush@/{name}?host={directory}")
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let (directory, name) = (directory(), &self.name);
        let _ = Command::new("dropdb")
            .args(["-h", &directory, "-U", "flagstaff", "--force", name])
            .status();
    }
}

#[test]
fn commands_work_as_on_sqlite_and_show_no_password() {
    let database = Here::empty();
    let here = &database.installation;
    let shown = format!("postgres://flagstaff@/{}", database.name);
    let mut said = here.run(&["migrate", "--check"]).fails(5);
    assert!(said.contains(&shown), "{said}");
    said += &here.run(&["feature", "list"]).fails(6);
    said += &here.run(&["check"]).fails(5);
    said += &here.run(&["migrate"]).succeeds();
    assert_eq!(here.json(&["migrate"])["applied"], json!([]));
    here.write(
        "given.json",
        &json!({
            "version": 1,
            "flags": {
                "environments": [{ "name": "production" }],
                "features": [{ "name": "limit", "initial_value": 5, "default_enabled": true }],
            },
        })
        .to_string(),
    );
    said += &here.run(&["import", "given.json"]).succeeds();
    here.run(&["flag", "set", "production", "limit", "--value", "6"])
        .succeeds();
    assert_eq!(
        here.json(&["flag", "show", "production", "limit"])["value"],
        6
    );
    here.run(&["feature", "create", "limit"]).fails(4);
    here.run(&["export", "whole.json"]).succeeds();
    here.run(&["import", "whole.json", "--prune"]).succeeds();
    assert_eq!(here.json(&["check"])["ok"], true);
    let refused = here.run(&["backup", "copy.db"]).fails(2);
    assert!(refused.contains("pg_dump"), "{refused}");
    let configuration = here.json(&["config"]);
    assert_eq!(configuration["settings"]["database"]["url"], shown);
    said += &here.run(&["config"]).succeeds();
    said += &configuration.to_string();
    assert!(!said.contains("hush"), "{said}");
}

#[test]
fn the_url_may_come_from_a_file() {
    let (database, other) = (Here::empty(), Here::empty());
    let here = &database.installation;
    here.write("url", &format!("{}\n", other.url()));
    let variables = [("FLAGSTAFF__DATABASE__URL__FILE", "url")];
    let said = here.run_with(&["migrate"], &variables, "").succeeds();
    assert!(said.contains(&other.name), "{said}");
    here.run(&["migrate", "--check"]).fails(5);
}

fn reads(server: SocketAddr, key: &str, enabled: bool) -> bool {
    let header = ("X-Environment-Key", key);
    let (status, body) = call(server, "GET", "/api/v1/flags/", header, "").unwrap();
    assert_eq!(status, 200, "{body}");
    body.contains(&format!("\"enabled\":{enabled}"))
}

#[test]
fn what_a_command_changes_is_served_by_every_instance() {
    let database = Here::empty();
    let here = &database.installation;
    let mut servers = [
        Server::start(here, &["serve", "--json"]),
        Server::start(here, &["serve", "--json"]),
    ];
    let addresses = servers.each_mut().map(|one| address_of(&one.report()));
    here.run(&["environment", "create", "production"])
        .succeeds();
    here.run(&["feature", "create", "dark_mode"]).succeeds();
    let key = here.json(&["key", "create", "production", "web", "--kind", "client"]);
    let key = key["key"].as_str().unwrap();
    let deadline = Instant::now() + DEADLINE;
    let until = |done: &dyn Fn(SocketAddr) -> bool| {
        while !addresses.iter().all(|one| done(*one)) {
            assert!(Instant::now() < deadline, "an instance never followed");
            thread::sleep(Duration::from_millis(20));
        }
    };
    let header = ("X-Environment-Key", key);
    until(&|one| call(one, "GET", "/api/v1/flags/", header, "").unwrap().0 == 200);
    for (switch, enabled) in [("--on", true), ("--off", false)] {
        here.run(&["flag", "set", "production", "dark_mode", switch])
            .succeeds();
        until(&|one| reads(one, key, enabled));
    }
    for (server, address) in servers.into_iter().zip(addresses) {
        assert_eq!(server.stop(address), Some(0));
    }
}
