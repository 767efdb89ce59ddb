//! A running server from outside: what it prints, what it serves of what commands change, and what survives its end.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "command_line/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use std::collections::HashSet;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};

use program::{Installation, column};
use serde_json::{Value, json};
use server::{BASIC, DEADLINE, PASSWORD, Server, address, address_of, ask, call};

/// The flags that a key opens.
fn flags(server: SocketAddr, key: &str) -> Value {
    let header = ("X-Environment-Key", key);
    let (status, body) = call(server, "GET", "/api/v1/flags/", header, "").unwrap();
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[test]
fn the_demonstration_prints_a_line_to_paste_for_every_environment() {
    let here = Installation::empty();
    let mut server = Server::start(&here, &["serve", "--demo"]);
    let text = server.text();
    assert!(text.contains("(shown this once)"), "{text}");
    assert!(text.contains("/docs/\n"), "{text}");
    let lines: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("curl "))
        .collect();
    assert_eq!(lines.len(), 3, "{text}");
    for line in lines {
        // curl -H 'X-Environment-Key: KEY' http://ADDRESS/api/v1/flags/
        let parts: Vec<_> = line
            .split([' ', '\''])
            .filter(|part| !part.is_empty())
            .collect();
        let ["curl", "-H", "X-Environment-Key:", key, url] = parts[..] else {
            panic!("{line}");
        };
        let url = url.strip_suffix("/api/v1/flags/").unwrap();
        let flags = flags(address(url), key);
        assert!(flags.as_array().unwrap().len() >= 12, "{flags}");
    }
}

#[test]
fn the_first_steps_that_an_empty_catalogue_is_told_work() {
    let here = Installation::empty();
    let mut server = Server::start(&here, &[]);
    let text = server.text();
    let program = env!("CARGO_BIN_EXE_flagstaff");
    let steps: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with(program))
        .collect();
    assert_eq!(steps.len(), 3, "{text}");
    for step in steps {
        let status = here
            .command("sh")
            .args(["-c", step])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "{step}");
    }
    let keys = here.json(&["key", "list", "production"]);
    let url = text
        .split_whitespace()
        .find(|word| word.starts_with("http://"));
    let (server, key) = (address(url.unwrap()), keys[0]["key"].as_str().unwrap());
    let deadline = Instant::now() + DEADLINE;
    loop {
        let header = ("X-Environment-Key", key);
        let (status, body) = call(server, "GET", "/api/v1/flags/", header, "").unwrap();
        if status == 200 {
            assert!(
                body.contains("\"dark_mode\"") && body.contains("\"enabled\":true"),
                "{body}"
            );
            break;
        }
        assert!(Instant::now() < deadline, "{status}: {body}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_change_by_command_is_served_by_a_running_server() {
    let here = Installation::empty();
    let mut server = Server::start(&here, &["serve", "--demo", "--json"]);
    let report = server.report();
    let server = address_of(&report);
    let environments = report["environments"].as_array().unwrap();
    let production = environments.iter().find(|one| one["name"] == "production");
    let key = production.unwrap()["key"].as_str().unwrap();
    let enabled = || {
        let flags = flags(server, key);
        let flags = flags.as_array().unwrap();
        let flag = flags
            .iter()
            .find(|flag| flag["feature"]["name"] == "dark_mode");
        flag.unwrap()["enabled"] == true
    };
    assert!(!enabled());
    here.run(&["flag", "set", "production", "dark_mode", "--on"])
        .succeeds();
    let deadline = Instant::now() + DEADLINE;
    while !enabled() {
        assert!(Instant::now() < deadline, "the change was never served");
        thread::sleep(Duration::from_millis(20));
    }
    // A key that is revoked by command is refused, too.
    let keys = here.json(&["key", "list", "production"]);
    let web = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["key"] == key);
    let id = web.unwrap()["id"].to_string();
    here.run(&["key", "delete", "production", &id]).succeeds();
    loop {
        let header = ("X-Environment-Key", key);
        let (status, _) = call(server, "GET", "/api/v1/flags/", header, "").unwrap();
        if status == 401 {
            break;
        }
        assert!(Instant::now() < deadline, "the revoked key still opens");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_password_is_made_up_once_and_the_demonstration_loaded_into_an_empty_database_alone() {
    let here = Installation::empty();
    let mut first = Server::start(&here, &["serve", "--demo", "--json"]);
    let report = first.report();
    assert_eq!(report["administrator"]["username"], "admin");
    assert!(report["administrator"]["password"].is_string());
    assert_eq!(
        column(&report["server_keys"], "environment"),
        ["production"]
    );
    assert_eq!(first.stop(address_of(&report)), Some(0));
    let head = here.head();

    let mut second = Server::start(&here, &["serve", "--demo"]);
    let text = second.text();
    assert!(text.contains("the demonstration was not loaded"), "{text}");
    assert!(!text.contains("password"), "{text}");
    assert_eq!(here.head(), head);
}

#[test]
fn a_configured_password_is_not_printed_and_works() {
    let here = Installation::empty();
    let variables = [("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD)];
    let mut server = Server::start_with(&here, &["serve", "--json"], &variables);
    let report = server.report();
    assert_eq!(report["administrator"]["password"], Value::Null);
    let server = address_of(&report);
    let answer = call(
        server,
        "GET",
        "/api/admin/features",
        ("Authorization", BASIC),
        "",
    );
    assert_eq!(answer, Some((200, "[]".to_owned())));
}

#[test]
fn what_is_taken_from_a_user_is_refused_at_once_by_every_server() {
    let here = Installation::empty();
    let variables = [("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD)];
    let servers = [(); 2].map(|()| Server::start_with(&here, &["serve", "--json"], &variables));
    let servers = servers.map(|mut server| {
        let address = address_of(&server.report());
        (server, address)
    });
    let token = here.json(&["token", "create", "admin", "deploy"]);
    let bearer = format!("Bearer {}", token["token"].as_str().unwrap());
    let statuses = |credentials: &str| {
        servers.each_ref().map(|(_, address)| {
            let header = ("Authorization", credentials);
            let answer = call(*address, "GET", "/api/admin/users/me", header, "");
            answer.unwrap().0
        })
    };
    for credentials in [BASIC, &bearer] {
        assert_eq!(statuses(credentials), [200; 2]);
    }
    let new = "another horse battery";
    here.run_with(&["user", "set-password", "admin"], &[], new)
        .succeeds();
    for credentials in [BASIC, &bearer] {
        assert_eq!(statuses(credentials), [401; 2]);
    }
    // admin:another horse battery
    assert_eq!(
        statuses("Basic YWRtaW46YW5vdGhlciBob3JzZSBiYXR0ZXJ5"),
        [200; 2]
    );
}

#[test]
fn a_start_that_fails_does_not_lose_the_password() {
    let here = Installation::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let bind = taken.local_addr().unwrap().to_string();
    let variables = [("FLAGSTAFF__SERVER__BIND", bind.as_str())];
    let ran = here.run_with(&["serve"], &variables, "");
    assert!(ran.stdout().contains("(shown this once)"), "{ran:?}");
    let last = ran.stderr().lines().last().unwrap_or_default();
    assert!(
        last.starts_with(&format!("error: cannot serve on {bind}: ")),
        "{ran:?}"
    );
}

#[test]
fn a_start_that_fails_earlier_has_created_no_administrator() {
    let here = Installation::shop();
    let (name, damaged) = ("a-name-to-be-damaged", "a\u{1}name-to-be-damaged");
    let arguments = ["key", "create", "production", name, "--kind", "client"];
    here.run(&arguments).succeeds();
    // No key's name has a control character: what is served can be read then, what is printed cannot.
    replace(&here, name, damaged);
    let ran = here.run(&["serve", "--demo"]);
    assert_eq!(ran.stdout(), "");
    ran.fails(1);

    replace(&here, damaged, name);
    let mut server = Server::start(&here, &["serve"]);
    let text = server.text();
    assert!(text.contains("(shown this once)"), "{text}");
}

/// Replaces a text in the database's file by one of the same length.
fn replace(here: &Installation, old: &str, new: &str) {
    let path = here.path("data/flagstaff.db");
    let mut bytes = std::fs::read(&path).unwrap();
    let places: Vec<_> = (0..=bytes.len() - old.len())
        .filter(|at| bytes[*at..].starts_with(old.as_bytes()))
        .collect();
    assert!(!places.is_empty(), "{old:?} is not in the file");
    for at in places {
        bytes[at..at + new.len()].copy_from_slice(new.as_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
}

#[test]
fn keys_are_printed_for_those_who_ask_and_not_into_a_journal() {
    let here = Installation::empty();
    let mut first = Server::start(&here, &["serve", "--demo", "--json"]);
    let report = first.report();
    let keys = column(&report["environments"], "key");
    let keys: Vec<_> = keys.into_iter().map(|key| key.as_str().unwrap()).collect();
    assert_eq!(keys.len(), 3);
    assert_eq!(first.stop(address_of(&report)), Some(0));

    let mut second = Server::start(&here, &["serve"]);
    let text = second.text();
    assert!(text.contains(" key list ENVIRONMENT` shows"), "{text}");
    let mut third = Server::start(&here, &["serve", "--json"]);
    let report = third.report();
    assert_eq!(
        report["environments"],
        json!([{ "name": "development" }, { "name": "production" }, { "name": "staging" }])
    );
    for key in keys {
        assert!(!text.contains(key), "{text}");
        assert!(!report.to_string().contains(key), "{report}");
    }
}

#[test]
fn every_acknowledged_write_survives_sigkill() {
    let here = Installation::empty();
    let variables = [("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD)];
    let acknowledged = Mutex::new(HashSet::new());
    for round in 1..=3 {
        let mut server = Server::start_with(&here, &["serve", "--json"], &variables);
        let address = address_of(&server.report());
        thread::scope(|scope| {
            for writer in 0..4 {
                let acknowledged = &acknowledged;
                scope.spawn(move || {
                    for number in 0.. {
                        let name = format!("feature_{round}_{writer}_{number}");
                        let body = format!("{{\"name\":\"{name}\"}}");
                        let header = ("Authorization", BASIC);
                        match call(address, "POST", "/api/admin/features", header, &body) {
                            Some((201, _)) => acknowledged.lock().unwrap().insert(name),
                            Some((status, body)) => panic!("{status}: {body}"),
                            None => break,
                        };
                    }
                });
            }
            let deadline = Instant::now() + DEADLINE;
            while acknowledged.lock().unwrap().len() < 25 * round {
                assert!(Instant::now() < deadline, "nothing is written");
                thread::sleep(Duration::from_millis(1));
            }
            server.kill();
        });
        let list = here.json(&["feature", "list"]);
        let stored: HashSet<_> = column(&list, "name")
            .into_iter()
            .filter_map(Value::as_str)
            .collect();
        for name in acknowledged.lock().unwrap().iter() {
            assert!(
                stored.contains(name.as_str()),
                "{name} was acknowledged and is gone"
            );
        }
        here.run(&["check"]).succeeds();
    }
}

#[test]
fn a_backup_of_a_running_server_is_sound() {
    let here = Installation::empty();
    let mut server = Server::start(&here, &["serve", "--demo", "--json"]);
    server.report();
    here.run(&["backup", "copy.db"]).succeeds();
    let copy = [("FLAGSTAFF__DATABASE__URL", "sqlite://copy.db")];
    here.run_with(&["check"], &copy, "").succeeds();
    let features = here.json(&["feature", "list"]);
    let copied = here
        .run_with(&["feature", "list", "--json"], &copy, "")
        .json();
    assert_eq!(copied, features);
}

#[test]
fn a_server_purges_the_guid_register_and_serves_what_commands_do_to_it() {
    let here = Installation::migrated();
    let create = |more: &[&str]| {
        let create = ["guid", "create", "--user", "Jay Patel"];
        here.json(&[&create[..], more].concat())
    };
    let expired = create(&["--expire", "0"]);
    let made = create(&[]);
    let mut server = Server::start(&here, &["serve", "--json"]);
    let at = address_of(&server.report());
    let path = format!("/guid/{}", made["guid"].as_str().unwrap());
    let status = || call(at, "GET", &path, ("Accept", "*/*"), "").map(|(status, _)| status);
    assert_eq!(status(), Some(200));

    let deadline = Instant::now() + DEADLINE;
    let purged = loop {
        let purged = here.json(&["changes", "--actor", "job:purge"]);
        if purged != json!([]) || Instant::now() > deadline {
            break purged;
        }
        thread::sleep(Duration::from_millis(50));
    };
    assert_eq!(column(&purged, "subject"), [&expired["digest"]]);

    let digest = made["digest"].as_str().unwrap();
    here.run(&["guid", "delete", digest]).succeeds();
    let deadline = Instant::now() + DEADLINE;
    while status() != Some(404) && Instant::now() < deadline {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(status(), Some(404));
}

#[test]
fn the_report_of_retrievals_tells_instances_apart() {
    let here = Installation::empty();
    let instance = |variables: &[(&str, &str)]| {
        let mut server = Server::start_with(&here, &["serve", "--json"], variables);
        let address = address_of(&server.report());
        let path = "/api/v1/environments/retrievals/";
        let answer = ask(address, "GET", path, ("Accept", "*/*"), "").unwrap();
        assert_eq!(answer.body, "[]");
        assert!(answer.header("X-Flagstaff-Since").is_some(), "{answer:?}");
        answer.header("X-Flagstaff-Instance").unwrap().to_owned()
    };
    assert_eq!(
        instance(&[("FLAGSTAFF__SERVER__INSTANCE", "web-1")]),
        "web-1"
    );
    let made_up = [instance(&[]), instance(&[])];
    assert!(made_up.iter().all(|name| name.len() == 8), "{made_up:?}");
    assert_ne!(made_up[0], made_up[1]);
}
