//! Access tokens by command, for a user who is named.

use serde_json::{Value, json};

use crate::program::{Installation, column, members};

fn with_users() -> Installation {
    let here = Installation::migrated();
    for name in ["jay", "kim"] {
        let arguments = ["user", "add", name, "--role", "admin"];
        here.run_with(&arguments, &[], "correct horse battery staple")
            .succeeds();
    }
    here
}

#[test]
fn a_token_is_shown_once() {
    let here = with_users();
    let arguments = ["token", "create", "JAY", "deploy", "--expires-at"];
    let made = here.json(&[&arguments[..], &["2040-01-01T02:00:00+02:00"]].concat());
    assert_eq!(members(&made), ["id", "name", "token", "expires_at"]);
    assert_eq!(made["expires_at"], "2040-01-01T00:00:00.000000Z");
    let text = made["token"].as_str().unwrap();
    assert!(text.starts_with("fst_") && text.len() == 68, "{text}");
    let list = here.json(&["token", "list", "jay"]);
    assert_eq!(
        members(&list[0]),
        ["id", "name", "created_at", "expires_at", "last_used_at"]
    );
    for arguments in [
        ["token", "list", "jay"].as_slice(),
        &["changes", "--json"],
        &["export"],
    ] {
        assert!(!here.run(arguments).succeeds().contains(&text[4..]));
    }
    let printed = here.run(&["token", "create", "jay", "other"]).succeeds();
    assert!(printed.contains("fst_") && printed.contains("not shown again"));
    let changes = here.json(&["changes", "--limit", "2"]);
    assert_eq!(column(&changes, "subject"), ["jay/other", "jay/deploy"]);
    assert_eq!(column(&changes, "actor"), ["command-line"; 2]);
}

#[test]
fn a_token_is_deleted_with_its_owner_named() {
    let here = with_users();
    let id = here.json(&["token", "create", "jay", "deploy"])["id"].to_string();
    here.run(&["token", "delete", "kim", &id]).fails(3);
    here.run(&["token", "delete", "nobody", &id]).fails(3);
    here.run(&["token", "delete", "jay", "x"]).fails(2);
    here.run(&["token", "create", "jay", "a/b"]).fails(2);
    here.run(&["token", "create", "nobody", "a"]).fails(3);
    here.run(&["token", "delete", "jay", &id]).succeeds();
    here.run(&["token", "delete", "jay", &id]).fails(3);
    assert_eq!(here.json(&["token", "list", "jay"]), json!([]));
    let said = here.run(&["token", "list", "jay"]).succeeds();
    assert!(said.contains("jay has no tokens"), "{said}");
}

#[test]
fn a_disabled_user_gets_no_token_and_loses_those_there_are() {
    let here = with_users();
    here.run(&["token", "create", "jay", "deploy"]).succeeds();
    here.run(&["user", "disable", "jay"]).succeeds();
    assert_eq!(here.json(&["token", "list", "jay"]), Value::Array(vec![]));
    here.run(&["token", "create", "jay", "deploy"]).fails(4);
    let changes = here.json(&["changes", "--limit", "2"]);
    assert_eq!(
        column(&changes, "kind"),
        ["token.deleted", "account.changed"]
    );
}
