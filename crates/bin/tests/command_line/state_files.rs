//! Import and export: plans, idempotence, and moving house.

use serde_json::{Value, json};

use crate::program::{Installation, column, members};

const DEMONSTRATION: &str = include_str!("../../../../config/demo.json");

fn demonstration() -> Value {
    serde_json::from_str(DEMONSTRATION).unwrap()
}

fn exported(here: &Installation) -> Value {
    here.run(&["export"]).json()
}

/// The counts of a plan for one kind of record.
fn counts(report: &Value, what: &str) -> [i64; 3] {
    ["create", "change", "delete"].map(|step| report["plan"][what][step].as_i64().unwrap())
}

#[test]
fn an_import_reports_its_plan_and_the_keys_that_it_made() {
    let here = Installation::migrated();
    here.write("demo.json", DEMONSTRATION);
    let report = here.json(&["import", "demo.json"]);
    assert_eq!(members(&report), ["dry_run", "plan", "generated_keys"]);
    let mut counted = vec![
        "environments",
        "features",
        "flags",
        "segments",
        "overrides",
        "keys",
    ];
    counted.extend(cfg!(feature = "coupons").then_some("coupons"));
    assert_eq!(members(&report["plan"]), counted);
    assert_eq!(counts(&report, "environments"), [3, 0, 0]);
    assert_eq!(counts(&report, "keys"), [4, 0, 0]);
    let features = demonstration()["flags"]["features"]
        .as_array()
        .unwrap()
        .len();
    assert_eq!(counts(&report, "features"), [features as i64, 0, 0]);
    let keys = &report["generated_keys"];
    assert_eq!(members(&keys[0]), ["environment", "name", "kind", "key"]);
    assert_eq!(
        column(keys, "kind"),
        ["client", "client", "client", "server"]
    );
}

#[test]
fn a_second_import_of_the_same_file_does_nothing() {
    let here = Installation::holding(&demonstration());
    let head = here.head();
    here.write("demo.json", DEMONSTRATION);
    let report = here.json(&["import", "demo.json"]);
    for what in members(&report["plan"]) {
        assert_eq!(counts(&report, what), [0, 0, 0], "{what}");
    }
    let printed = here.run(&["import", "demo.json", "--prune"]).succeeds();
    assert!(printed.starts_with("nothing to do"), "{printed}");
    assert_eq!(here.head(), head);
}

#[test]
fn a_dry_run_shows_the_plan_and_leaves_nothing() {
    let here = Installation::migrated();
    here.write("demo.json", DEMONSTRATION);
    let report = here.json(&["import", "demo.json", "--dry-run"]);
    assert_eq!(report["dry_run"], true);
    assert_eq!(counts(&report, "environments"), [3, 0, 0]);
    assert_eq!(report["generated_keys"], json!([]));
    assert_eq!(here.head(), 0);
    let printed = here.run(&["import", "demo.json", "--dry-run"]).succeeds();
    assert!(printed.contains("a dry run"), "{printed}");
}

#[test]
fn only_prune_deletes_what_the_file_leaves_out() {
    let here = Installation::holding(&demonstration());
    let less = json!({
        "version": 1,
        "flags": {
            "environments": [{ "name": "production" }],
            "features": [{ "name": "theme" }],
        },
        "access": { "keys": [] },
    });
    here.write("less.json", &less.to_string());
    let printed = here.run(&["import", "less.json"]).succeeds();
    assert!(printed.starts_with("nothing to do"), "{printed}");

    let report = here.json(&["import", "less.json", "--prune", "--force"]);
    let features = demonstration()["flags"]["features"]
        .as_array()
        .unwrap()
        .len() as i64;
    assert_eq!(counts(&report, "environments"), [0, 0, 2]);
    assert_eq!(counts(&report, "features"), [0, 0, features - 1]);
    assert_eq!(counts(&report, "keys"), [0, 0, 4]);
    let left = exported(&here);
    assert_eq!(
        column(&left["flags"]["environments"], "name"),
        ["production"]
    );
    assert_eq!(column(&left["flags"]["features"], "name"), ["theme"]);
    assert_eq!(left["access"]["keys"], json!([]));
}

#[test]
fn environments_are_pruned_only_by_force() {
    let here = Installation::holding(&demonstration());
    let less = json!({
        "version": 1,
        "flags": { "environments": [{ "name": "production" }], "features": [] },
    });
    here.write("less.json", &less.to_string());
    let head = here.head();
    let said = here.run(&["import", "less.json", "--prune"]).fails(4);
    assert!(
        said.contains(r#""development", "staging""#) && said.contains("--force"),
        "{said}"
    );
    let report = here.json(&["import", "less.json", "--prune", "--dry-run"]);
    assert_eq!(counts(&report, "environments"), [0, 0, 2]);
    assert_eq!(here.head(), head);
    here.run(&["import", "less.json", "--force"]).fails(2);

    let report = here.json(&["import", "less.json", "--prune", "--force"]);
    assert_eq!(counts(&report, "environments"), [0, 0, 2]);
}

#[test]
fn keys_move_along_with_a_renamed_environment() {
    let state = |environment: &str| {
        json!({
            "version": 1,
            "flags": { "environments": [{ "name": environment, "hash_key": "the-hash-key-they-have" }] },
            "access": { "keys": [
                { "environment": environment, "name": "web", "kind": "client", "key": "the-key-they-have" },
                { "environment": environment, "name": "api", "kind": "server", "key": "ser.the-key-they-have" },
            ] },
        })
    };
    let here = Installation::holding(&state("production"));
    let before = exported(&here);
    here.write("renamed.json", &state("live").to_string());
    here.run(&["import", "renamed.json"]).fails(2);
    let report = here.json(&["import", "renamed.json", "--prune", "--force"]);
    assert_eq!(counts(&report, "environments"), [1, 0, 1]);
    assert_eq!(counts(&report, "keys"), [2, 0, 2]);
    let after = exported(&here).to_string();
    assert_eq!(after, before.to_string().replace("production", "live"));
    let again = here.json(&["import", "renamed.json", "--prune"]);
    assert_eq!(counts(&again, "keys"), [0, 0, 0]);
}

#[test]
fn a_rotated_key_stays_retired_when_its_name_is_imported_again() {
    let state = json!({
        "version": 1,
        "flags": { "environments": [{ "name": "production" }] },
        "access": { "keys": [{ "environment": "production", "name": "api", "kind": "server" }] },
    });
    let here = Installation::holding(&state);
    let id = here.json(&["key", "list", "production"])[0]["id"].to_string();
    here.run(&["key", "rotate", "production", &id, "--grace", "3600"])
        .succeeds();
    let keys = here.json(&["key", "list", "production"]);
    let printed = here.run(&["import", "given.json"]).succeeds();
    assert!(printed.starts_with("nothing to do"), "{printed}");
    assert_eq!(here.json(&["key", "list", "production"]), keys);

    here.run(&["import", "given.json", "--prune"]).succeeds();
    let left = here.json(&["key", "list", "production"]);
    assert_eq!(left, json!([keys[1]]));
    assert_eq!(left[0]["expires_at"], Value::Null);
}

#[test]
fn an_export_makes_the_same_installation_elsewhere() {
    let here = Installation::holding(&demonstration());
    here.run(&["flag", "set", "production", "dark_mode", "--on"])
        .succeeds();
    here.run(&["export", "state.json"]).succeeds();
    let there = Installation::migrated();
    there.write("state.json", &here.read("state.json"));
    there.run(&["import", "state.json"]).succeeds();
    assert_eq!(there.run(&["export"]).succeeds(), here.read("state.json"));
    assert_eq!(exported(&there), exported(&here));
}

#[test]
fn an_exported_file_is_its_owners_alone_and_replaces_an_older_one() {
    let here = Installation::holding(&demonstration());
    here.write("state.json", "older");
    let report = here.json(&["export", "state.json"]);
    assert_eq!(
        (&report["file"], &report["environments"], &report["keys"]),
        (&json!("state.json"), &json!(3), &json!(4))
    );
    assert!(here.read("state.json").starts_with("{\n  \"version\": 1,"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(here.path("state.json"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    here.run(&["export", "missing/state.json"]).fails(1);
}

#[test]
fn a_file_can_come_from_standard_input() {
    let here = Installation::migrated();
    let report = here
        .run_with(&["import", "-", "--json"], &[], DEMONSTRATION)
        .json();
    assert_eq!(counts(&report, "environments"), [3, 0, 0]);
}

#[test]
fn a_mistake_in_the_file_is_named_with_its_place_and_nothing_is_stored() {
    let here = Installation::migrated();
    for (file, place) in [
        (
            json!({"version": 1, "flags": {"environments": [{"name": "a"}, {"name": "b/c"}]}}),
            "wrong.json: flags.environments[1].name: must not contain",
        ),
        (
            json!({"version": 1, "flags": {"features": [{"name": "a", "flag": {}}]}}),
            "wrong.json: flags.features[0].flag: unknown field",
        ),
        (
            json!({"version": 1, "flags": {"environments": [{"name": "a"}, {"name": "A"}]}}),
            "flags.environments[1].name: \"A\" stands in the file twice",
        ),
        (
            json!({"version": 1, "flags": {"environments": [{"name": "a"}],
                   "features": [{"name": "f", "flags": {"b": {}}}]}}),
            "flags.features[0].flags.b: \"b\" is no environment",
        ),
        (json!({"version": 2}), "wrong.json: version: must be 1"),
    ] {
        here.write("wrong.json", &file.to_string());
        let said = here.run(&["import", "wrong.json"]).fails(2);
        assert!(said.contains(place), "{said}");
    }
    here.run(&["import", "missing.json"]).fails(2);
    assert_eq!(here.head(), 0);
}
