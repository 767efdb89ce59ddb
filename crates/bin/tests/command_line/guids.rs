//! The GUID register by command: what is shown of a record, and when.

use serde_json::{Value, json};

use crate::program::{Installation, column, members};

const GUID: &str = "9094E4C980C74043A4B586B420E69DDF";
const DIGEST: &str = "sha256:464f05c08c4fdb6ffc5014cecddfef911aa3c70c0fefb64b7e0645964f24a44f";

fn production() -> Installation {
    let here = Installation::holding(&json!({
        "version": 1,
        "flags": { "environments": [{ "name": "production" }] },
    }));
    here.write("guid.txt", &format!("{GUID}\n"));
    here
}

fn create(here: &Installation, more: &[&str]) -> Value {
    let create = [
        "guid",
        "create",
        "--user",
        "Jay Patel",
        "--guid-file",
        "guid.txt",
    ];
    here.json(&[&create[..], more].concat())
}

#[test]
fn a_record_is_made_shown_changed_and_deleted_by_its_guid() {
    let here = production();
    let made = create(
        &here,
        &["--expire", "4102444800", "--description", "a test"],
    );
    assert_eq!(
        members(&made),
        [
            "guid",
            "digest",
            "expire",
            "user",
            "description",
            "created_at"
        ]
    );
    assert_eq!(
        (&made["guid"], &made["digest"], &made["expire"]),
        (&json!(GUID), &json!(DIGEST), &json!("4102444800"))
    );
    assert_eq!(here.json(&["guid", "show", "guid.txt"]), made);
    let piped = here.run_with(&["guid", "show", "-", "--json"], &[], GUID);
    assert_eq!(piped.json(), made);
    let changed = here.json(&[
        "guid",
        "set",
        "guid.txt",
        "--expire",
        "2100-01-02T00:00:00.9Z",
        "--environment",
        "production",
        "--no-description",
    ]);
    assert_eq!(
        (&changed["expire"], &changed["environment"]),
        (&json!("4102531200"), &json!("production"))
    );
    assert_eq!(changed.get("description"), None);
    here.run(&["guid", "delete", "guid.txt"]).succeeds();
    here.run(&["guid", "show", "guid.txt"]).fails(3);
    let changes = here.json(&["changes", "--subject", DIGEST]);
    assert_eq!(
        column(&changes, "kind"),
        ["guid.deleted", "guid.changed", "guid.created"]
    );
}

#[test]
fn a_generated_guid_is_shown_once_and_found_by_its_digest() {
    let here = production();
    let made = here.json(&["guid", "create", "--user", "Jay Patel"]);
    let guid = made["guid"].as_str().unwrap();
    let digest = made["digest"].as_str().unwrap();
    let upper = |byte: u8| byte.is_ascii_digit() || (b'A'..=b'F').contains(&byte);
    assert!(guid.len() == 32 && guid.bytes().all(upper), "{guid}");
    let shown = here.json(&["guid", "show", digest]);
    assert_eq!(
        (&shown["digest"], shown.get("guid")),
        (&json!(digest), None)
    );
    let again = here.run(&["guid", "create", "--user", "Kim"]);
    assert!(again.succeeds().contains("not shown again"));
    assert_eq!(
        column(&here.json(&["guid", "list"]), "user"),
        ["Jay Patel", "Kim"]
    );
    let kims = here.json(&["guid", "list", "--user", "Kim"]);
    assert_eq!(column(&kims, "user"), ["Kim"]);
    for arguments in [
        &["guid", "list"][..],
        &["changes", "--json"],
        &["export"],
        &["guid", "show", digest],
    ] {
        assert!(!here.run(arguments).succeeds().contains(guid));
    }
    here.run(&["guid", "delete", digest]).succeeds();
}

#[test]
fn what_is_wrong_is_said_without_the_guid() {
    let here = production();
    create(&here, &[]);
    here.write("lower.txt", &GUID.to_lowercase());
    for (arguments, code) in [
        (&["guid", "show", GUID][..], 2),
        (&["guid", "show", "lower.txt"], 2),
        (&["guid", "show", "nothing.txt"], 2),
        (&["guid", "show", "sha256:12"], 2),
        (
            &["guid", "create", "--user", "Kim", "--guid-file", "guid.txt"],
            4,
        ),
        (
            &[
                "guid",
                "create",
                "--user",
                "Kim",
                "--environment",
                "nowhere",
            ],
            3,
        ),
    ] {
        let said = here.run(arguments).fails(code);
        assert!(!said.contains(GUID), "{said}");
        assert!(!said.contains(&GUID.to_lowercase()), "{said}");
    }
    for wrong in ["-1", "253402300800", "tomorrow", "1969-12-31T23:59:59Z"] {
        let expire = format!("--expire={wrong}");
        let run = here.run(&["guid", "set", "guid.txt", &expire]);
        assert!(
            run.fails(2).contains("Unix time in whole seconds"),
            "{wrong}"
        );
    }
}

#[test]
fn a_purge_removes_what_expired_long_ago() {
    let here = production();
    create(&here, &["--expire", "0"]);
    here.run(&["guid", "show", "guid.txt"]).fails(3);
    assert_eq!(here.json(&["guid", "purge"]), json!({"purged": 1}));
    let said = here.run(&["guid", "purge"]).succeeds();
    assert_eq!(said, "purged 0 records\n");
    let last = here.json(&["changes", "--limit", "1"]);
    assert_eq!(
        (&last[0]["kind"], &last[0]["actor"], &last[0]["subject"]),
        (
            &json!("guid.deleted"),
            &json!("command-line"),
            &json!(DIGEST)
        )
    );
}

#[test]
fn state_files_leave_the_register_alone() {
    let here = production();
    create(&here, &["--environment", "production"]);
    here.json(&["key", "create", "production", "web", "--kind", "client"]);
    let exported = here.json(&["export"]);
    assert_eq!(exported["access"]["keys"].as_array().map(Vec::len), Some(1));
    here.write("state.json", &exported.to_string());
    let without = json!({"version": 1, "access": {"keys": []}});
    here.write("without.json", &without.to_string());
    here.run(&["import", "--prune", "without.json"]).succeeds();
    here.run(&["import", "state.json"]).succeeds();
    assert_eq!(
        here.json(&["guid", "show", "guid.txt"])["environment"],
        "production"
    );
    let keys = here.json(&["key", "list", "production"]);
    assert_eq!(column(&keys, "name"), ["Jay Patel", "web"]);
}
