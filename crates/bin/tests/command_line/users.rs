//! Users by command, which also helps when nobody can sign in any more.

use serde_json::{Value, json};

use crate::program::{Installation, column, members};

const PASSWORD: &str = "correct horse battery staple";

fn add(here: &Installation, name: &str, role: &str) -> Value {
    let arguments = ["user", "add", name, "--role", role, "--json"];
    here.run_with(&arguments, &[], PASSWORD).json()
}

#[test]
fn users_are_added_listed_and_deleted() {
    let here = Installation::migrated();
    let jay = add(&here, "Jay", "admin");
    assert_eq!(
        members(&jay),
        [
            "id",
            "username",
            "role",
            "disabled",
            "created_at",
            "last_login_at"
        ]
    );
    assert_eq!(jay["role"], "admin");
    let kim = here.run_with(&["user", "add", "kim", "--json"], &[], PASSWORD);
    let kim = kim.json();
    assert_eq!(kim["role"], "viewer", "unless told");
    assert_eq!(here.json(&["user", "list"]), json!([jay, kim]));
    let table = here.run(&["user", "list"]).succeeds();
    assert!(
        table.contains("LAST SIGN-IN") && table.contains("never"),
        "{table}"
    );
    here.run(&["user", "delete", "KIM"]).succeeds();
    assert_eq!(here.json(&["user", "list"]), json!([jay]));
    here.run(&["user", "delete", "kim"]).fails(3);
    let changes = here.json(&["changes", "--context", "access"]);
    let kinds = ["account.deleted", "account.created", "account.created"];
    assert_eq!(column(&changes, "kind"), kinds);
    assert_eq!(column(&changes, "actor"), ["command-line"; 3]);
    assert!(!changes.to_string().contains("argon2"), "{changes}");
}

#[test]
fn a_password_comes_from_a_file_or_standard_input_and_is_not_repeated() {
    let here = Installation::migrated();
    here.write("password.txt", &format!("{PASSWORD}\n"));
    let from_file = ["user", "add", "jay", "--role", "admin", "--password-file"];
    here.run(&[&from_file[..], &["password.txt"]].concat())
        .succeeds();
    for (arguments, input) in [
        (["user", "set-password", "jay"].as_slice(), PASSWORD),
        (
            &["user", "set-password", "jay", "--password-file", "-"],
            PASSWORD,
        ),
    ] {
        here.run_with(arguments, &[], input).succeeds();
    }
    for wrong in ["", "elevenchars", &"x".repeat(129)] {
        let ran = here.run_with(&["user", "set-password", "jay"], &[], wrong);
        let said = ran.fails(2);
        assert!(said.contains("must have 12 to 128 characters"), "{said}");
        assert!(wrong.is_empty() || !said.contains(wrong), "{said}");
    }
    here.run(&[&from_file[..], &["missing.txt"]].concat())
        .fails(2);
    let changes = here.json(&["changes", "--subject", "jay"]);
    assert_eq!(column(&changes, "kind").len(), 3, "{changes}");
    assert!(!changes.to_string().contains(PASSWORD));
    let how = here.run(&["changes", "--limit", "1"]).succeeds();
    assert!(how.contains("credentials_changed_at: "), "{how}");
}

#[test]
fn roles_and_disabling_are_changed_by_name() {
    let here = Installation::migrated();
    add(&here, "admin", "admin");
    add(&here, "jay", "viewer");
    let changed = here.json(&["user", "set-role", "JAY", "editor"]);
    assert_eq!(changed["role"], "editor");
    assert_eq!(here.json(&["user", "disable", "jay"])["disabled"], true);
    let table = here.run(&["user", "list"]).succeeds();
    assert!(table.contains("disabled"), "{table}");
    assert_eq!(here.json(&["user", "enable", "jay"])["disabled"], false);
    for unknown in [
        ["user", "disable", "nobody"].as_slice(),
        &["user", "set-role", "nobody", "admin"],
        &["user", "set-password", "nobody"],
    ] {
        let said = here.run_with(unknown, &[], PASSWORD).fails(3);
        assert!(said.contains("there is no user \"nobody\""), "{said}");
    }
    for wrong in [
        ["user", "set-role", "jay", "owner"].as_slice(),
        &["user", "set-role", "jay"],
        &["user", "add", "a:b"],
    ] {
        here.run_with(wrong, &[], PASSWORD).fails(2);
    }
    here.run_with(&["user", "add", "JAY"], &[], PASSWORD)
        .fails(4);
}

#[test]
fn the_last_enabled_administrator_stays_by_command_too() {
    let here = Installation::migrated();
    add(&here, "admin", "admin");
    for last in [
        ["user", "set-role", "admin", "viewer"].as_slice(),
        &["user", "disable", "admin"],
        &["user", "delete", "admin"],
    ] {
        let said = here.run(last).fails(4);
        assert!(said.contains("last enabled administrator"), "{said}");
    }
    add(&here, "jay", "admin");
    here.run(&["user", "delete", "admin"]).succeeds();
}
