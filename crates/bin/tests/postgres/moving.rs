//! A database with records of every kind moves from SQLite to PostgreSQL and back: every answer stays what it was, and
//! what is written afterwards is numbered alike on both.

use std::net::SocketAddr;
use std::time::UNIX_EPOCH;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use serde_json::{Value, json};

use crate::Here;
use crate::program::Installation;
use crate::server::{BASIC, PASSWORD, Server, address_of, ask};

/// HTTP Basic's form of `viewer`, an account that only reads, and the administrator's password.
const VIEWER: &str = "Basic dmlld2VyOmNvcnJlY3QgaG9yc2UgYmF0dGVyeQ==";
/// What tells of the process rather than of what is stored.
const OF_THE_PROCESS: [&str; 2] = ["/metrics", "/health/ready"];
/// The headers that tell of what is stored.
const HEADERS: [&str; 6] = [
    "ETag",
    "Link",
    "Location",
    "X-Flagstaff-Revision",
    "X-Flagsmith-Document-Updated-At",
    "WWW-Authenticate",
];

fn serve(here: &Installation, url: &str) -> (Server, SocketAddr) {
    here.write("url", url);
    let variables = [
        ("FLAGSTAFF__DATABASE__URL__FILE", "url"),
        ("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD),
    ];
    let mut server = Server::start_with(here, &["serve", "--json"], &variables);
    let address = address_of(&server.report());
    (server, address)
}

/// The status, the headers that tell of what is stored, and the body.
fn get(server: SocketAddr, path: &str, header: (&str, &str)) -> Value {
    let answer = ask(server, "GET", path, header, "").unwrap();
    let headers = HEADERS.map(|name| answer.header(name).map(str::to_owned));
    let body = serde_json::from_str(&answer.body).unwrap_or(json!(answer.body));
    json!({ "path": path, "status": answer.status, "headers": headers, "body": body })
}

/// A change by the administrator, who is answered with a record.
fn write(server: SocketAddr, method: &str, path: &str, body: &Value) -> Value {
    let path = match path.starts_with("/guid") {
        true => path.to_owned(),
        false => format!("/api/admin{path}"),
    };
    let body = match body {
        Value::Null => String::new(),
        body => body.to_string(),
    };
    let answer = ask(server, method, &path, ("Authorization", BASIC), &body).unwrap();
    assert!((200..300).contains(&answer.status), "{path}: {answer:?}");
    let revision = answer.header("X-Flagstaff-Revision").map(str::to_owned);
    let record: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    json!({ "revision": revision, "record": record })
}

fn encoded(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// Makes records of every kind, renames, changes and deletes some. Returns the texts of all keys and GUIDs.
fn fill(server: SocketAddr) -> Vec<String> {
    let made = |path: &str, body: Value| write(server, "POST", path, &body)["record"].clone();
    for name in ["staging", "production", "büro 2", "gone"] {
        made(
            "/environments",
            json!({ "name": name, "description": format!("It is {name}") }),
        );
    }
    let mut keys = Vec::new();
    for (environment, kind, expires_at) in [
        ("production", "client", json!(null)),
        ("production", "server", json!("2199-01-01T00:00:00.000001Z")),
        ("production", "client", json!("2026-01-01T00:00:00Z")),
        ("staging", "server", json!(null)),
        ("gone", "client", json!(null)),
        ("production", "client", json!(null)),
    ] {
        let name = format!("key {}", keys.len());
        let path = format!("/environments/{environment}/keys");
        let key = made(
            &path,
            json!({ "name": name, "kind": kind, "expires_at": expires_at }),
        );
        keys.push(key["key"].as_str().unwrap().to_owned());
        if keys.len() == 1 {
            let path = format!("{path}/{}/rotate", key["id"]);
            let new = made(&path, json!({ "grace_seconds": 100_000_000 }));
            keys.push(new["key"].as_str().unwrap().to_owned());
        }
        if keys.len() == 7 {
            write(
                server,
                "DELETE",
                &format!("{path}/{}", key["id"]),
                &json!(null),
            );
        }
    }
    for (name, value) in [
        ("null", json!(null)),
        ("boolean", json!(true)),
        ("text", json!("two\nlines, ünïcödé 🏁 \"quoted\" \\ \u{1}")),
        ("integer", json!(i64::MIN)),
        ("float", json!(1.0e-7)),
        ("whole_float", json!(1.0)),
        ("object", json!({ "b": [1, 1.0, null], "a": "x" })),
        ("list", json!([])),
        ("ähnlich 🏁", json!("?")),
        ("secret", json!("for servers")),
        ("gone", json!(0)),
    ] {
        let feature = json!({
            "name": name, "initial_value": value, "tags": ["ui", "büro"], "enabled_in": ["staging"],
            "server_key_only": name == "secret", "default_enabled": name == "integer",
        });
        made("/features", feature);
    }
    made(
        "/segments",
        json!({"name": "größer", "rules": [{"type": "ALL", "conditions": [
            {"property": "plan", "operator": "IN", "value": ["pro", "büro"]}]}]}),
    );
    made(
        "/environments/production/flags/text/overrides",
        json!({"segment": "größer", "enabled": true, "value": 1.0, "rollout": 12.5}),
    );
    for (path, change) in [
        (
            "/features/boolean",
            json!({ "name": "renamed", "description": "Once a boolean" }),
        ),
        ("/environments/b%C3%BCro%202", json!({ "name": "Büro" })),
        (
            "/environments/production/flags/text",
            json!({ "enabled": true, "value": "" }),
        ),
        (
            "/environments/production/flags/integer",
            json!({ "value": i64::MAX }),
        ),
        (
            "/environments/staging/flags/object",
            json!({ "value": { "z": 1, "y": [] } }),
        ),
    ] {
        write(server, "PATCH", path, &change);
    }
    // What expired long ago is purged sooner or later.
    let expired = (UNIX_EPOCH.elapsed().unwrap().as_secs() - 3_600).to_string();
    for (guid, environment, expire) in [
        (
            "0123456789ABCDEF0123456789ABCDE0",
            json!("production"),
            "4102444800",
        ),
        (
            "0123456789ABCDEF0123456789ABCDE1",
            json!(null),
            "4102444801",
        ),
        (
            "0123456789ABCDEF0123456789ABCDE2",
            json!("staging"),
            "4102444802",
        ),
        (
            "0123456789ABCDEF0123456789ABCDE3",
            json!("staging"),
            expired.as_str(),
        ),
    ] {
        let path = format!("/guid/{guid}");
        let body =
            json!({ "user": "Zoë Patel", "environment": environment, "expire": "4102444803" });
        write(server, "POST", &path, &body);
        let change = json!({ "expire": expire, "description": "changed" });
        write(server, "PATCH", &path, &change);
        keys.push(guid.to_owned());
    }
    for path in [
        "/features/gone",
        "/environments/gone?force=true",
        "/guid/0123456789ABCDEF0123456789ABCDE2",
    ] {
        write(server, "DELETE", path, &json!(null));
    }
    keys
}

/// Gives the administrator's password to an account that only reads.
fn add_viewer(here: &Installation) {
    let path = here.path("data/flagstaff.db");
    let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
    connection
        .batch_execute(
            "INSERT INTO accounts (username, username_folded, role, password_hash, disabled, created_at, version)
                 SELECT 'Viewer', 'viewer', 'viewer', password_hash, disabled, created_at + 1, version FROM accounts",
        )
        .unwrap();
}

/// The paths that can be read, with every name and id in place of what stands for them.
fn paths(server: SocketAddr, keys: &[String]) -> Vec<String> {
    let admin = ("Authorization", BASIC);
    let listed = |path: &str, member: &str| -> Vec<String> {
        let list = get(server, path, admin)["body"].clone();
        let all = list
            .as_array()
            .unwrap()
            .iter()
            .map(|one| match &one[member] {
                Value::String(name) => encoded(name),
                other => other.to_string(),
            });
        all.collect()
    };
    let (environments, features, segments) = (
        listed("/api/admin/environments", "name"),
        listed("/api/admin/features", "name"),
        listed("/api/admin/segments", "name"),
    );
    let description = get(server, "/openapi.json", admin)["body"].clone();
    let described = description["paths"].as_object().unwrap().iter();
    let readable = described.filter(|(_, operations)| operations.get("get").is_some());
    let mut paths = Vec::new();
    for (path, _) in readable {
        let mut filled = vec![path.clone()];
        for (name, values) in [
            ("{environment}", environments.as_slice()),
            ("{feature}", &features),
            ("{segment}", &segments),
            ("{guid}", keys),
            ("{date}", &["2026-11-20".to_owned()]),
        ] {
            let (named, others): (Vec<_>, Vec<_>) =
                filled.into_iter().partition(|path| path.contains(name));
            let of = |path: &String| -> Vec<String> {
                values
                    .iter()
                    .map(|value| path.replace(name, value))
                    .collect()
            };
            filled = named
                .iter()
                .flat_map(of)
                .chain(others)
                .collect::<Vec<String>>();
        }
        for path in filled {
            match path.split_once("/{id}") {
                Some((list, _)) => {
                    paths.extend(listed(list, "id").iter().map(|id| format!("{list}/{id}")));
                }
                None => paths.push(path),
            }
        }
    }
    paths.extend(
        [
            "/api/admin/changes?limit=1000",
            "/api/admin/changes?after=3&limit=5",
            "/api/admin/changes?before=20&limit=7&context=flags",
            "/api/admin/changes?subject=gone",
            "/api/admin/changes?environment=production&actor=admin",
            "/api/admin/features?limit=3&after=list",
        ]
        .map(str::to_owned),
    );
    assert!(!paths.iter().any(|path| path.contains('{')), "{paths:?}");
    paths
}

/// Takes out when something was used: what each process remembers for itself, and the sign-ins that ask for the answers.
fn forget_use(body: &mut Value) {
    match body {
        Value::Array(list) => list.iter_mut().for_each(forget_use),
        Value::Object(record) => {
            for member in ["last_retrieved_at", "last_used_at", "last_login_at"] {
                record.remove(member);
            }
            if record.contains_key("features") {
                record.remove("to"); // a report of use ends with the moment
            }
        }
        _ => {}
    }
}

/// Every answer of a server that can be compared with that of another.
fn answers(server: SocketAddr, keys: &[String]) -> Vec<Value> {
    let mut answers = Vec::new();
    for path in paths(server, keys) {
        if path.starts_with("/api/v1/flags") {
            for key in keys {
                answers.push(get(server, &path, ("X-Environment-Key", key)));
                let one = format!("{path}?feature=text");
                answers.push(get(server, &one, ("X-Environment-Key", key)));
            }
            continue;
        }
        for account in [BASIC, VIEWER] {
            let mut answer = get(server, &path, ("Authorization", account));
            if OF_THE_PROCESS.contains(&path.as_str()) {
                answer["body"] = json!(null);
            }
            forget_use(&mut answer["body"]);
            answers.push(answer);
        }
    }
    answers
}

/// Fails with the first answer that is another.
fn same(before: &[Value], after: &[Value]) {
    for (before, after) in before.iter().zip(after) {
        assert_eq!(before, after);
    }
    assert_eq!(before.len(), after.len());
}

/// What is answered to changes: ids, versions and revisions go on where they were.
fn go_on(server: SocketAddr) -> Vec<Value> {
    let mut answers = vec![
        write(server, "POST", "/environments", &json!({ "name": "next" })),
        write(server, "POST", "/features", &json!({ "name": "next" })),
        write(
            server,
            "PATCH",
            "/features/renamed",
            &json!({ "tags": ["new"] }),
        ),
        write(
            server,
            "POST",
            "/environments/next/keys",
            &json!({ "name": "next", "kind": "server" }),
        ),
        write(
            server,
            "PATCH",
            "/environments/next/flags/next",
            &json!({ "enabled": true }),
        ),
        write(server, "DELETE", "/features/next", &json!(null)),
        write(
            server,
            "POST",
            "/features",
            &json!({ "name": "after that" }),
        ),
    ];
    for answer in &mut answers {
        for of_the_moment in ["created_at", "updated_at", "key"] {
            if let Some(record) = answer["record"].as_object_mut() {
                record.remove(of_the_moment);
            }
        }
    }
    answers
}

#[test]
fn every_answer_is_the_same_after_a_move_to_postgresql_and_back() {
    let (database, old) = (Here::empty(), Installation::empty());
    let there = &database.installation;
    let sqlite = "sqlite://data/flagstaff.db";
    let (server, address) = serve(&old, sqlite);
    let keys = fill(address);
    add_viewer(&old);
    let before = answers(address, &keys);
    assert!(before.len() > 140, "{}", before.len());
    let found = |status: u16| before.iter().filter(|one| one["status"] == status).count();
    assert!(found(200) > 110 && found(401) > 3, "{before:?}");
    assert_eq!(server.stop(address), Some(0));

    there.write("new_url", &format!("{}\n", database.url()));
    let file = format!("sqlite://{}", old.path("data/flagstaff.db").display());
    let moved = there.run(&["migrate-database", &file, "@new_url", "--json"]);
    assert!(!format!("{moved:?}").contains("hush"), "{moved:?}");
    assert_eq!(moved.json()["tables"]["accounts"], 2);
    assert_eq!(there.json(&["check"])["ok"], true);
    there.run(&["migrate-database", &file, "@new_url"]).fails(4);
    there
        .run(&["migrate-database", "@new_url", "sqlite://back.db"])
        .succeeds();

    let (on_sqlite, one) = serve(&old, sqlite);
    let (on_postgres, other) = serve(there, &database.url());
    let (again, third) = serve(there, "sqlite://back.db");
    for address in [one, other, third] {
        same(&before, &answers(address, &keys));
    }
    let next = go_on(one);
    same(&next, &go_on(other));
    same(&next, &go_on(third));
    for (server, address) in [(on_sqlite, one), (on_postgres, other), (again, third)] {
        assert_eq!(server.stop(address), Some(0));
    }
}

#[test]
fn a_state_file_means_the_same_on_both() {
    let (database, old) = (Here::empty(), Installation::empty());
    let there = &database.installation;
    let (server, address) = serve(&old, "sqlite://data/flagstaff.db");
    fill(address);
    assert_eq!(server.stop(address), Some(0));
    there.run(&["migrate"]).succeeds();
    old.run(&["export", "state.json"]).succeeds();
    there.write("state.json", &old.read("state.json"));
    there.run(&["import", "state.json"]).succeeds();
    there.run(&["export", "again.json"]).succeeds();
    assert_eq!(there.read("again.json"), old.read("state.json"));
    let back = Installation::migrated();
    back.write("state.json", &there.read("again.json"));
    back.run(&["import", "state.json"]).succeeds();
    back.run(&["export", "again.json"]).succeeds();
    assert_eq!(back.read("again.json"), old.read("state.json"));
    for here in [&old, there, &back] {
        let said = here.run(&["import", "state.json", "--prune"]).succeeds();
        assert!(said.contains("nothing to do"), "{said}");
    }
}
