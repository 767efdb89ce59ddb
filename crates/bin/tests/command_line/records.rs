//! Environments, features and flags by command.

use serde_json::json;

use crate::program::{Installation, column, members};

#[test]
fn an_environment_is_created_shown_set_and_deleted() {
    let here = Installation::shop();
    let created = here.json(&["environment", "create", "test", "--description", "Ours"]);
    assert_eq!(
        members(&created),
        [
            "id",
            "name",
            "description",
            "created_at",
            "revision",
            "version"
        ]
    );
    assert_eq!(here.json(&["environment", "show", "TEST"]), created);
    let set = here.json(&["environment", "set", "test", "--name", "Trial"]);
    assert_eq!(
        (&set["name"], &set["description"]),
        (&json!("Trial"), &json!("Ours"))
    );
    let deleted = here.json(&["env", "delete", "Trial", "--force"]);
    assert_eq!(deleted, json!({ "revision": here.head() }));
    let list = here.json(&["environment", "list"]);
    assert_eq!(column(&list, "name"), ["production", "staging"]);
}

#[test]
fn a_feature_is_created_shown_set_and_deleted() {
    let here = Installation::shop();
    let created = here.json(&[
        "feature",
        "create",
        "theme",
        "--description",
        "Colours",
        "--value",
        r#"{"main": "blue"}"#,
        "--default-enabled",
        "true",
        "--server-key-only",
        "true",
        "--tag",
        "ui",
        "--tag",
        "experiment",
        "--type",
        "multivariate",
    ]);
    assert_eq!(
        members(&created),
        [
            "id",
            "name",
            "description",
            "type",
            "initial_value",
            "default_enabled",
            "server_key_only",
            "tags",
            "variants",
            "archived",
            "stale",
            "created_at",
            "version"
        ]
    );
    assert_eq!(created["type"], "MULTIVARIATE");
    assert_eq!(created["initial_value"], json!({ "main": "blue" }));
    assert_eq!(here.json(&["feature", "show", "theme"]), created);

    let set = here.json(&["feature", "set", "theme", "--no-tags", "--text", "plain"]);
    assert_eq!(
        (&set["tags"], &set["initial_value"]),
        (&json!([]), &json!("plain"))
    );
    assert_eq!(set["description"], "Colours");
    let flag = here.json(&["flag", "show", "staging", "theme"]);
    assert_eq!(
        flag["value"],
        json!({ "main": "blue" }),
        "flags stay as they are"
    );

    here.run(&["feature", "delete", "theme"]).succeeds();
    here.run(&["feature", "show", "theme"]).fails(3);
    let list = here.json(&["feature", "list"]);
    assert_eq!(column(&list, "name"), ["dark_mode", "limit"]);
}

#[test]
fn a_feature_starts_enabled_where_it_is_told_to() {
    let here = Installation::shop();
    here.run(&["feature", "create", "sale", "--enabled-in", "staging"])
        .succeeds();
    assert_eq!(
        here.json(&["flag", "show", "staging", "sale"])["enabled"],
        true
    );
    assert_eq!(
        here.json(&["flag", "show", "production", "sale"])["enabled"],
        false
    );
    let said = here
        .run(&["feature", "create", "gone", "--enabled-in", "nowhere"])
        .fails(3);
    assert!(said.contains("--enabled-in names \"nowhere\""), "{said}");
    here.run(&["feature", "show", "gone"]).fails(3);
}

#[test]
fn a_flag_is_switched_and_given_values_of_every_type() {
    let here = Installation::shop();
    let on = here.json(&["flag", "set", "production", "dark_mode", "--on"]);
    assert_eq!(
        members(&on),
        [
            "feature",
            "environment",
            "enabled",
            "value",
            "variants",
            "killed",
            "updated_at",
            "version"
        ]
    );
    assert_eq!(on["enabled"], true);
    let off = here.json(&[
        "flag",
        "set",
        "production",
        "dark_mode",
        "--enabled",
        "false",
    ]);
    assert_eq!(off["enabled"], false);
    for value in [
        "null",
        "true",
        "-5",
        "1.0",
        "\"text\"",
        "[1,\"a\"]",
        "{\"a\":null}",
    ] {
        let printed = here
            .run(&[
                "flag", "set", "staging", "limit", "--json", "--value", value,
            ])
            .succeeds();
        assert!(
            printed.contains(&format!("\"value\": {value},")),
            "{printed}"
        );
    }
    let text = here.json(&[
        "flag", "set", "staging", "limit", "--text", "--off", "--off",
    ]);
    assert_eq!(
        (&text["value"], &text["enabled"]),
        (&json!("--off"), &json!(false))
    );
    let other = here.json(&["flag", "show", "production", "limit"]);
    assert_eq!(
        (&other["value"], &other["enabled"]),
        (&json!(5), &json!(true))
    );
    let list = here.json(&["flag", "list", "staging"]);
    assert_eq!(column(&list, "feature"), ["dark_mode", "limit"]);
}

#[test]
fn what_is_not_there_is_exit_code_3() {
    let here = Installation::shop();
    for arguments in [
        &["environment", "show", "nowhere"][..],
        &["environment", "set", "nowhere", "--name", "x"],
        &["environment", "delete", "nowhere", "--force"],
        &["environment", "delete", "nowhere"],
        &["feature", "show", "nothing"],
        &["feature", "set", "nothing", "--name", "x"],
        &["feature", "delete", "nothing"],
        &["flag", "list", "nowhere"],
        &["flag", "show", "production", "nothing"],
        &["flag", "set", "nowhere", "dark_mode", "--on"],
        &["key", "list", "nowhere"],
    ] {
        let said = here.run(arguments).fails(3);
        assert!(said.starts_with("error: there is no "), "{said}");
    }
}

#[test]
fn a_conflict_is_exit_code_4() {
    let here = Installation::shop();
    here.run(&["environment", "create", "Production"]).fails(4);
    here.run(&["environment", "set", "staging", "--name", "production"])
        .fails(4);
    here.run(&["feature", "create", "DARK_MODE"]).fails(4);
    here.run(&["feature", "set", "limit", "--name", "dark_mode"])
        .fails(4);
    let head = here.head();
    for arguments in [
        &[
            "environment",
            "set",
            "staging",
            "--name",
            "x",
            "--if-version",
            "0",
        ][..],
        &[
            "feature",
            "set",
            "limit",
            "--name",
            "x",
            "--if-version",
            "0",
        ],
        &["feature", "delete", "limit", "--if-version", "0"],
        &[
            "flag",
            "set",
            "staging",
            "limit",
            "--off",
            "--if-version",
            "0",
        ],
    ] {
        let said = here.run(arguments).fails(4);
        assert!(said.contains("read it again"), "{said}");
    }
    assert_eq!(here.head(), head);
    let version = here.json(&["flag", "show", "staging", "limit"])["version"].to_string();
    here.run(&[
        "flag",
        "set",
        "staging",
        "limit",
        "--off",
        "--if-version",
        &version,
    ])
    .succeeds();
}

#[test]
fn an_environment_is_deleted_by_force_alone() {
    let here = Installation::shop();
    let said = here.run(&["environment", "delete", "production"]).fails(4);
    assert!(said.contains("--force"), "{said}");
    assert!(said.contains("/api/v1/environments/retrievals/"), "{said}");
    here.run(&["environment", "show", "production"]).succeeds();
}

#[test]
fn wrong_usage_is_exit_code_2() {
    let here = Installation::shop();
    for arguments in [
        &["flags"][..],
        &["environment", "create", "a/b"],
        &["environment", "set", "staging"],
        &["feature", "create", " x"],
        &["feature", "create", "x", "--tag", "a", "--tag", "a"],
        &["feature", "create", "x", "--value", "1", "--text", "1"],
        &["feature", "create", "x", "--type", "other"],
        &["feature", "set", "limit"],
        &["feature", "set", "limit", "--tag", "a", "--no-tags"],
        &["flag", "set", "staging", "limit"],
        &["flag", "set", "staging", "limit", "--on", "--off"],
        &[
            "flag",
            "set",
            "staging",
            "limit",
            "--on",
            "--enabled",
            "true",
        ],
        &["flag", "set", "staging", "limit", "--value", "nul"],
        &[
            "flag",
            "set",
            "staging",
            "limit",
            "--value",
            "9223372036854775808",
        ],
        &["changes", "--limit", "0"],
        &["changes", "--limit", "1001"],
        &["changes", "--before", "1", "--after", "1"],
        &["changes", "--context", "other"],
    ] {
        here.run(arguments).fails(2);
    }
}

#[test]
fn a_mistyped_string_is_told_of_the_option_for_strings() {
    let said = Installation::shop()
        .run(&["flag", "set", "staging", "limit", "--value", "hello"])
        .fails(2);
    assert!(
        said.contains("must be JSON") && said.contains("use --text"),
        "{said}"
    );
}

#[test]
fn a_name_that_some_clients_cannot_ask_for_is_warned_of() {
    let here = Installation::shop();
    let ran = here.run(&["feature", "create", "dark mode"]);
    assert!(ran.stderr().starts_with("warning: the name has"), "{ran:?}");
    let created = here.json(&["feature", "create", "light mode"]);
    assert_eq!(created["warnings"].as_array().map(Vec::len), Some(1));
}

#[test]
fn a_flag_is_split_among_the_variants_of_its_feature_and_killed() {
    let here = Installation::shop();
    let created = here.json(&[
        "feature",
        "create",
        "theme",
        "--text",
        "plain",
        "--variant-text",
        "blue=ocean=deep",
        "--variant",
        "green=[1.0]",
    ]);
    assert_eq!(created["type"], "MULTIVARIATE");
    assert_eq!(
        created["variants"],
        json!([{ "key": "green", "value": [1.0] }, { "key": "blue", "value": "ocean=deep" }])
    );
    let flag = ["flag", "set", "production", "theme"];
    let set = |arguments: &[&str]| here.json(&[&flag, arguments].concat());
    let split = set(&["--variant", "blue=12.5", "--variant", "green=30%"]);
    assert_eq!(
        split["variants"],
        json!([{ "variant": "green", "weight": 30 }, { "variant": "blue", "weight": 12.5 }])
    );
    let killed = set(&["--kill", "--on"]);
    assert_eq!(
        (&killed["killed"], &killed["enabled"]),
        (&json!(true), &json!(true))
    );
    let shown = here
        .run(&["flag", "show", "production", "theme"])
        .succeeds();
    assert!(
        shown.contains("killed") && shown.contains("green 30 %, blue 12.5 %"),
        "{shown}"
    );
    let overridden = |shown: &str| shown.lines().any(|line| line.starts_with("overrides"));
    assert!(overridden(&shown) && shown.contains("none"), "{shown}");
    here.run(&[
        "override",
        "set",
        "production",
        "theme",
        "--identity",
        "user-1",
        "--on",
    ])
    .succeeds();
    let shown = here
        .run(&["flag", "show", "production", "theme"])
        .succeeds();
    assert!(
        shown.contains("1, shown by `flagstaff override list production theme`"),
        "{shown}"
    );
    assert_eq!(set(&["--revive"])["killed"], false);

    let fails = |arguments: &[&str], code| here.run(&[&flag, arguments].concat()).fails(code);
    let over = fails(&["--variant", "blue=60", "--variant", "green=60"], 2);
    assert!(
        over.contains("--variant must have weights of at most 100"),
        "{over}"
    );
    let unknown = fails(&["--variant", "red=1"], 2);
    assert!(
        unknown.contains("--variant must hold variants"),
        "{unknown}"
    );
    for wrong in ["blue", "blue=x", "blue=101", "a/b=1"] {
        fails(&["--variant", wrong], 2);
    }
    let in_use = ["feature", "set", "theme", "--no-variants"];
    let refused = here.run(&in_use).fails(4);
    assert!(refused.contains("\"production\""), "{refused}");
    assert_eq!(set(&["--no-split"])["variants"], json!([]));
    assert_eq!(here.json(&in_use)["variants"], json!([]));
}

#[test]
fn features_are_marked_and_listed_by_their_marks() {
    let here = Installation::shop();
    let set = here.json(&["feature", "set", "limit", "--archived", "true"]);
    assert_eq!(
        (&set["archived"], &set["stale"]),
        (&json!(true), &json!(false))
    );
    for (arguments, expected) in [
        (["--archived", "true"], vec!["limit"]),
        (["--archived", "false"], vec!["dark_mode"]),
        (["--stale", "false"], vec!["dark_mode", "limit"]),
        (["--stale", "true"], vec![]),
    ] {
        let list = here.json(&[&["feature", "list"], &arguments[..]].concat());
        assert_eq!(column(&list, "name"), expected);
    }
}
