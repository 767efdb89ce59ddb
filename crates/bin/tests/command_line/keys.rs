//! Keys by command: what is shown of them, and when.

use serde_json::{Value, json};

use crate::program::{Installation, column, members};

fn production() -> Installation {
    Installation::holding(&json!({
        "version": 1,
        "flags": { "environments": [{ "name": "production" }, { "name": "staging" }] },
    }))
}

fn create(here: &Installation, name: &str, kind: &str) -> Value {
    here.json(&["key", "create", "production", name, "--kind", kind])
}

#[test]
fn a_client_key_is_made_listed_and_shown_with_its_text() {
    let here = production();
    let made = create(&here, "web", "client");
    assert_eq!(
        members(&made),
        ["id", "name", "kind", "key", "created_at", "expires_at"]
    );
    let text = made["key"].as_str().unwrap();
    assert!(text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_eq!(here.json(&["key", "list", "production"]), json!([made]));
    let id = made["id"].to_string();
    assert_eq!(here.json(&["key", "show", "production", &id]), made);
}

#[test]
fn a_server_key_is_shown_once() {
    let here = production();
    let made = create(&here, "backend", "server");
    let text = made["key"].as_str().unwrap();
    assert!(text.starts_with("ser.") && text.len() == 68);
    let list = here.json(&["key", "list", "production"]);
    assert_eq!(list[0]["key"], Value::Null);
    let again = here.run(&["key", "create", "production", "other", "--kind", "server"]);
    assert!(again.succeeds().contains("not shown again"));
    for arguments in [
        &["key", "list", "production"][..],
        &["changes", "--json"],
        &["export"],
    ] {
        assert!(!here.run(arguments).succeeds().contains(text));
    }
}

#[test]
fn a_key_of_ones_own_comes_from_a_file_or_standard_input() {
    let here = production();
    here.write("key.txt", "the-key-they-have\n");
    let arguments = [
        "key",
        "create",
        "production",
        "web",
        "--kind",
        "client",
        "--json",
        "--key-file",
    ];
    let from_file = here.run(&[&arguments[..], &["key.txt"]].concat()).json();
    assert_eq!(from_file["key"], "the-key-they-have");
    let piped = here
        .run_with(
            &[&arguments[..], &["-"]].concat(),
            &[],
            "another-key-they-have",
        )
        .json();
    assert_eq!(piped["key"], "another-key-they-have");

    let said = here.run(&[&arguments[..], &["key.txt"]].concat()).fails(4);
    assert!(!said.contains("the-key-they-have"), "{said}");
    for wrong in ["short", "has a space", ""] {
        let said = here
            .run_with(&[&arguments[..], &["-"]].concat(), &[], wrong)
            .fails(2);
        assert!(
            said.contains("--key-file: the key must be 8 to 128"),
            "{said}"
        );
    }
    here.run(&[&arguments[..], &["missing.txt"]].concat())
        .fails(2);
}

#[test]
fn an_expiry_is_an_rfc_3339_instant() {
    let here = production();
    let arguments = [
        "key",
        "create",
        "production",
        "web",
        "--kind",
        "client",
        "--expires-at",
    ];
    let made = here.json(&[&arguments[..], &["2040-01-01T02:00:00+02:00"]].concat());
    assert_eq!(made["expires_at"], "2040-01-01T00:00:00.000000Z");
    here.run(&[&arguments[..], &["tomorrow"]].concat()).fails(2);
}

#[test]
fn a_rotated_key_goes_on_for_its_grace() {
    let here = production();
    let old = create(&here, "web", "client");
    let id = old["id"].to_string();
    let new = here.json(&["key", "rotate", "production", &id, "--grace", "3600"]);
    assert_eq!(
        (&new["name"], &new["kind"]),
        (&json!("web"), &json!("client"))
    );
    assert_ne!(new["key"], old["key"]);
    assert_eq!(new["expires_at"], Value::Null);
    let list = here.json(&["key", "list", "production"]);
    assert_eq!(column(&list, "id"), [&old["id"], &new["id"]]);
    assert!(list[0]["expires_at"].is_string());
    let printed = here
        .run(&["key", "rotate", "production", &id, "--grace", "0"])
        .succeeds();
    assert!(
        printed.contains(&format!("key {id} is refused from ")),
        "{printed}"
    );
}

#[test]
fn a_deleted_key_is_gone_and_an_unknown_one_is_not_found() {
    let here = production();
    let id = create(&here, "web", "client")["id"].to_string();
    here.run(&["key", "delete", "staging", &id]).fails(3);
    here.run(&["key", "show", "staging", &id]).fails(3);
    here.run(&["key", "delete", "production", &id]).succeeds();
    assert_eq!(here.json(&["key", "list", "production"]), json!([]));
    here.run(&["key", "delete", "production", &id]).fails(3);
    here.run(&["key", "show", "production", &id]).fails(3);
    here.run(&["key", "rotate", "production", &id, "--grace", "1"])
        .fails(3);
    here.run(&["key", "show", "production", "x"]).fails(2);
    here.run(&["key", "create", "production", "web"]).fails(2);
    here.run(&["key", "create", "production", "web", "--kind", "other"])
        .fails(2);
}

#[test]
fn a_key_gets_another_name_and_expiry_and_keeps_its_text() {
    let here = production();
    let made = create(&here, "web", "client");
    let id = made["id"].to_string();
    let set = |more: &[&str]| here.json(&[&["key", "set", "production", &id][..], more].concat());
    let renamed = set(&["--name", "old web", "--expires-at", "2030-01-01T00:00:00Z"]);
    assert_eq!(renamed["name"], "old web");
    assert_eq!(renamed["expires_at"], "2030-01-01T00:00:00.000000Z");
    assert_eq!(renamed["key"], made["key"]);
    assert_eq!(set(&["--never-expires"])["expires_at"], Value::Null);
    assert_eq!(
        here.json(&["key", "show", "production", &id])["name"],
        "old web"
    );
    here.run(&["key", "set", "production", &id]).fails(2);
    here.run(&["key", "set", "production", "99", "--name", "x"])
        .fails(3);
}
