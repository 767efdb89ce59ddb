//! The configuration as commands show and refuse it, and the help.

use serde_json::json;

use crate::program::{Installation, members};

const SECRETS: [(&str, &str); 2] = [
    ("FLAGSTAFF__ADMIN__PASSWORD", "hush-hush-hush-hush"),
    ("FLAGSTAFF__METRICS__TOKEN", "token-that-nobody-sees"),
];

#[test]
fn config_shows_what_is_in_force_and_where_it_came_from() {
    let here = Installation::empty();
    std::fs::create_dir(here.path("settings")).unwrap();
    here.write("settings/local.toml", "[log]\nlevel = \"debug\"\n");
    let variables = [("FLAGSTAFF__SERVER__BIND", "127.0.0.1:9000")];
    let arguments = ["--config-dir", "settings", "config"];
    let shown = here
        .run_with(&[&arguments[..], &["--json"]].concat(), &variables, "")
        .json();
    assert_eq!(members(&shown), ["settings", "sources"]);
    assert_eq!(shown["settings"]["server"]["bind"], "127.0.0.1:9000");
    assert_eq!(shown["settings"]["log"]["level"], "debug");
    assert_eq!(
        shown["sources"],
        json!({
            "profile": "development",
            "files": ["settings/local.toml"],
            "variables": ["FLAGSTAFF__SERVER__BIND"],
        })
    );
    let text = here.run_with(&arguments, &variables, "").succeeds();
    for line in [
        "# files: settings/local.toml",
        "# variables: FLAGSTAFF__SERVER__BIND",
        "[server]",
        "bind = \"127.0.0.1:9000\"",
    ] {
        assert!(text.lines().any(|one| one == line), "{line}: {text}");
    }
}

#[test]
fn the_program_alone_has_the_profile_production() {
    let here = Installation::empty();
    let named = |name| here.run_with(&["config", "--json"], &[("FLAGSTAFF_PROFILE", name)], "");
    let shown = named("production").json();
    assert_eq!(shown["settings"]["server"]["bind"], "0.0.0.0:8080");
    assert_eq!(shown["sources"]["files"], json!([]));
    let said = named("prodution").fails(2);
    assert!(said.contains("config/prodution.toml"), "{said}");
}

#[test]
fn config_shows_no_secret() {
    let here = Installation::empty();
    for arguments in [&["config"][..], &["config", "--json"]] {
        let printed = here.run_with(arguments, &SECRETS, "").succeeds();
        assert!(printed.contains("(hidden)"), "{printed}");
        for (_, secret) in SECRETS {
            assert!(!printed.contains(secret), "{printed}");
        }
    }
}

#[test]
fn a_wrong_configuration_is_exit_code_2_for_every_command() {
    let here = Installation::migrated();
    let wrong = [("FLAGSTAFF__SERVER__PORT", "80")];
    for arguments in [
        &["config"][..],
        &["check"],
        &["feature", "list"],
        &["serve"],
        &[],
    ] {
        let said = here.run_with(arguments, &wrong, "").fails(2);
        assert!(
            said.contains("FLAGSTAFF__SERVER__PORT: unknown key"),
            "{said}"
        );
    }
    here.run(&["--config-dir", "nowhere", "config"]).fails(2);
}

#[test]
fn the_help_shows_examples_and_exit_codes() {
    let here = Installation::empty();
    let help = here.run(&["--help"]).succeeds();
    assert!(
        help.contains("Examples:") && help.contains("Exit codes:"),
        "{help}"
    );
    for arguments in [
        &["serve", "--help"][..],
        &["feature", "create", "--help"],
        &["help", "import"],
        &["key", "rotate", "-h"],
    ] {
        let help = here.run(arguments).succeeds();
        assert!(help.contains("Examples:\n  flagstaff "), "{help}");
    }
    let version = here.run(&["--version"]).succeeds();
    assert_eq!(
        version,
        format!("flagstaff {}\n", env!("CARGO_PKG_VERSION"))
    );
}
