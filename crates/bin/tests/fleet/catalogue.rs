//! What the tests serve: one environment with a few flags, a key that opens it, and how they are asked and changed.

use std::io;

use serde_json::{Value, json};

use crate::client::Client;
use crate::server::{Answer, BASIC};

/// How many flags there are.
pub(crate) const FLAGS: usize = 8;

const ENVIRONMENT: &str = "/api/admin/environments/production";

/// The name of a flag.
pub(crate) fn name(flag: usize) -> String {
    format!("flag_{flag}")
}

/// The number of the flag of this name.
pub(crate) fn number(name: &str) -> Option<usize> {
    name.strip_prefix("flag_")?.parse().ok()
}

/// Makes it on an empty installation; returns the key.
pub(crate) fn create(client: &mut Client) -> String {
    let mut post = |path: &str, body: Value| {
        let answer = manage(client, "POST", path, &body.to_string()).unwrap();
        assert_eq!(answer.status, 201, "{answer:?}");
    };
    post("/api/admin/environments", json!({ "name": "production" }));
    for flag in 0..FLAGS {
        let feature = json!({ "name": name(flag), "initial_value": 0 });
        post("/api/admin/features", feature);
    }
    create_key(client, &json!({ "name": "web", "kind": "client" })).1
}

/// Makes a key; returns its path and its text.
pub(crate) fn create_key(client: &mut Client, key: &Value) -> (String, String) {
    let keys = format!("{ENVIRONMENT}/keys");
    let answer = manage(client, "POST", &keys, &key.to_string()).unwrap();
    assert_eq!(answer.status, 201, "{answer:?}");
    let record: Value = serde_json::from_str(&answer.body).unwrap();
    let text = record["key"].as_str().unwrap().to_owned();
    (format!("{keys}/{}", record["id"]), text)
}

/// Asks as the administrator.
pub(crate) fn manage(
    client: &mut Client,
    method: &str,
    path: &str,
    body: &str,
) -> io::Result<Answer> {
    client.ask(method, path, ("Authorization", BASIC), body)
}

/// Asks for a flag to have this value.
pub(crate) fn set(client: &mut Client, flag: usize, value: i64) -> io::Result<Answer> {
    let path = format!("{ENVIRONMENT}/flags/{}", name(flag));
    let body = json!({ "enabled": value % 2 == 1, "value": value });
    manage(client, "PATCH", &path, &body.to_string())
}

/// Asks for the list.
pub(crate) fn list(client: &mut Client, key: &str) -> io::Result<Answer> {
    let key = ("X-Environment-Key", key);
    client.ask("GET", "/api/v1/flags/", key, "")
}

/// The last change that an answer shows, or that it made.
pub(crate) fn revision(answer: &Answer) -> i64 {
    let revision = answer.header("X-Flagstaff-Revision");
    let revision = revision.unwrap_or_else(|| panic!("{answer:?}"));
    revision.parse().unwrap()
}

/// The value of one flag in a list, which is on where its value is odd.
pub(crate) fn value(list: &Answer, flag: usize) -> i64 {
    let flags: Vec<Value> = serde_json::from_str(&list.body).unwrap();
    assert_eq!(flags.len(), FLAGS, "{list:?}");
    let name = name(flag);
    let mut found = flags.iter().filter(|flag| flag["feature"]["name"] == *name);
    let found = found.next().unwrap();
    let value = found["feature_state_value"].as_i64().unwrap();
    assert_eq!(found["enabled"], value % 2 == 1, "{list:?}");
    value
}
