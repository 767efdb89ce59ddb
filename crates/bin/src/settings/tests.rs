//! What holds for the configuration as a whole: precedence, refusals and what they say.
//! The rules for single values are tested beside them, in `values.rs`; where secrets come from and that nobody sees them,
//! in `tests/secrets.rs`.

mod secrets;

use std::path::Path;

use serde_json::json;
use tempfile::TempDir;

use super::keys::SECRETS;
use super::*;

/// Loads with these files in the configuration directory and these variables.
fn load(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Settings, SettingsError> {
    let directory = TempDir::new().unwrap();
    load_in(directory.path(), files, variables)
}

fn load_in(
    directory: &Path,
    files: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> Result<Settings, SettingsError> {
    for (name, text) in files {
        std::fs::write(directory.join(name), text).unwrap();
    }
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).into()))
        .collect();
    Settings::load(&LoadOptions::new(Some(directory.into()), environment))
}

/// What is said when loading fails.
fn refusal(files: &[(&str, &str)], variables: &[(&str, &str)]) -> String {
    let error = load(files, variables).expect_err("this must be refused");
    let text = error.to_string();
    assert_eq!(text.lines().count(), 1, "one line: {text}");
    text
}

#[test]
fn without_any_configuration_the_documented_defaults_are_in_force() {
    let settings = load(&[], &[]).unwrap();
    assert_eq!(
        settings.describe(),
        json!({
            "server": {"bind": "127.0.0.1:8080", "workers": 0, "connections": 16384, "grace_seconds": 1, "instance": null, "allowed_origins": "*"},
            "database": {"url": "sqlite://data/flagstaff.db", "readers": 4, "queue": 256, "notify": true},
            "log": {"level": "info", "format": "text", "file": null, "access": false},
            "admin": {"username": "admin", "password": null},
            "sign_in": {"failures_per_account": 10, "failures_per_address": 100, "session_idle_seconds": 3600,
                "session_max_seconds": 86400, "secure_cookie": false},
            "evaluation": {"limit_per_second": 0},
            "metrics": {"token": null, "public": false},
            "preview": {"contexts": 1000, "without_traits": []},
            "traits": {"identities": 100_000, "keep_days": 90, "from_clients": true},
            "usage": {"keep_days": 30},
            "rates": {"base_url": "https://data.fixer.io/api", "access_key": null, "ingest_at": null, "days": 10, "retries": 10,
                "timeout_seconds": 10, "public": true},
            "coupons": {"public": true, "misses_per_address": 100},
        })
    );
    assert_eq!(settings.sources().profile, "development");
    assert!(settings.sources().files.is_empty());
    assert!(settings.sources().variables.is_empty());
}

#[test]
fn a_later_layer_wins_over_an_earlier_one() {
    let files = [
        (
            "default.toml",
            "[database]\nreaders = 5\nqueue = 5\n[sign_in]\nfailures_per_account = 5\nfailures_per_address = 5",
        ),
        (
            "staging.toml",
            "[database]\nqueue = 6\n[sign_in]\nfailures_per_account = 6\nfailures_per_address = 6",
        ),
        (
            "local.toml",
            "[sign_in]\nfailures_per_account = 7\nfailures_per_address = 7",
        ),
        ("unused.toml", "this is not even TOML"),
    ];
    let variables = [
        ("FLAGSTAFF_PROFILE", "staging"),
        ("FLAGSTAFF__SIGN_IN__FAILURES_PER_ADDRESS", "8"),
    ];
    let directory = TempDir::new().unwrap();
    let settings = load_in(directory.path(), &files, &variables).unwrap();
    assert_eq!(settings.database.readers, 5);
    assert_eq!(settings.database.queue, 6);
    assert_eq!(settings.sign_in.failures_per_account, 7);
    assert_eq!(settings.sign_in.failures_per_address, 8);
    let expected = ["default.toml", "staging.toml", "local.toml"];
    assert_eq!(
        *settings.sources(),
        Sources {
            profile: "staging".to_owned(),
            files: expected.map(|name| directory.path().join(name)).into(),
            variables: vec!["FLAGSTAFF__SIGN_IN__FAILURES_PER_ADDRESS".to_owned()],
        }
    );
}

#[test]
fn a_list_in_a_later_layer_replaces_the_earlier_one_whole() {
    let longer = "[server]\nallowed_origins = [\"https://a.example\", \"https://b.example\"]";
    let shorter = "[server]\nallowed_origins = [\"https://c.example\"]";
    let settings = load(&[("default.toml", longer), ("local.toml", shorter)], &[]).unwrap();
    assert_eq!(
        settings.server.allowed_origins,
        AllowedOrigins::Only(vec!["https://c.example".to_owned()])
    );
}

#[test]
fn the_profiles_that_are_shipped_load() {
    let shipped = |name: &str| {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config");
        std::fs::read_to_string(directory.join(name)).unwrap()
    };
    for profile in ["development", "production"] {
        let file = format!("{profile}.toml");
        load(
            &[
                ("default.toml", &shipped("default.toml")),
                (&file, &shipped(&file)),
            ],
            &[("FLAGSTAFF_PROFILE", profile)],
        )
        .unwrap();
    }
}

#[test]
fn a_shipped_profile_that_is_named_needs_no_file() {
    let production = [("FLAGSTAFF_PROFILE", "production")];
    let settings = load(&[], &production).unwrap();
    assert_eq!(settings.server.bind.to_string(), "0.0.0.0:8080");
    assert_eq!(settings.describe()["log"]["format"], "json");
    assert_eq!(settings.sources().profile, "production");
    assert!(settings.sources().files.is_empty());
    let settings = load(&[], &[("FLAGSTAFF_PROFILE", "development")]).unwrap();
    assert_eq!(settings.describe()["log"]["level"], "info,flagstaff=debug");
}

#[test]
fn a_file_wins_over_the_profile_that_is_compiled_in() {
    let production = [("FLAGSTAFF_PROFILE", "production")];
    for name in ["default.toml", "production.toml", "local.toml"] {
        let files = [(name, "[server]\nbind = \"127.0.0.1:9000\"")];
        let settings = load(&files, &production).unwrap();
        assert_eq!(settings.server.bind.to_string(), "127.0.0.1:9000", "{name}");
        assert_eq!(settings.describe()["log"]["format"], "json", "{name}");
    }
}

#[test]
fn another_profile_that_is_named_and_has_no_file_is_refused() {
    let text = refusal(&[], &[("FLAGSTAFF_PROFILE", "staging")]);
    assert!(text.contains("\"staging\""), "{text}");
    assert!(
        text.contains("development and production need none"),
        "{text}"
    );
    assert!(text.contains("staging.toml"), "{text}");
    assert!(load(&[], &[("FLAGSTAFF_PROFILE", "")]).is_ok());
}

#[test]
fn a_profile_is_a_name_and_not_a_path() {
    let text = refusal(&[], &[("FLAGSTAFF_PROFILE", "../secrets")]);
    assert!(text.contains("\"../secrets\""), "{text}");
}

#[test]
fn a_named_configuration_directory_that_is_not_there_is_refused() {
    let options = LoadOptions::new(Some("/nowhere/at/all".into()), Default::default());
    let text = Settings::load(&options).unwrap_err().to_string();
    assert!(text.contains("/nowhere/at/all"), "{text}");
}

#[test]
fn an_unknown_variable_is_refused_and_named() {
    assert_eq!(
        refusal(&[], &[("FLAGSTAFF__SERVER__WROKERS", "2")]),
        "FLAGSTAFF__SERVER__WROKERS: unknown key server.wrokers; known keys of server: bind, workers, connections, grace_seconds, instance, allowed_origins"
    );
    assert_eq!(
        refusal(&[], &[("FLAGSTAFF__SRV__BIND", "2")]),
        "FLAGSTAFF__SRV__BIND: unknown key srv.bind; known sections: server, database, log, admin, sign_in, evaluation, metrics, preview, traits, usage, rates, coupons"
    );
    for name in [
        "FLAGSTAFF__SERVER",
        "FLAGSTAFF__",
        "FLAGSTAFF__SERVER__BIND__PORT",
        "FLAGSTAFF__SERVER__BIND__FILE",
        "FLAGSTAFF__SERVER.BIND",
        "FLAGSTAFF__SOURCES",
    ] {
        let text = refusal(&[], &[(name, "1")]);
        assert!(text.starts_with(&format!("{name}: unknown key ")), "{text}");
    }
}

#[test]
fn an_unknown_key_in_a_file_is_refused_with_its_path_and_its_file() {
    let text = refusal(&[("local.toml", "[server]\nwrokers = 2")], &[]);
    assert!(
        text.ends_with(
            "local.toml: unknown key server.wrokers; known keys of server: bind, workers, connections, grace_seconds, instance, allowed_origins"
        ),
        "{text}"
    );
    for (toml, key) in [
        ("[srv]\nbind = 1", "srv.bind"),
        ("[srv]", "srv"),
        ("bind = 1", "bind"),
        ("\"server.bind\" = 1", "server.bind"),
        ("[server.tls]\ncert = 1", "server.tls"),
        ("\"a\\nb\" = 1", "a\\nb"),
    ] {
        let text = refusal(&[("local.toml", toml)], &[]);
        assert!(text.contains(&format!("unknown key {key};")), "{text}");
    }
}

#[test]
fn a_variable_with_single_underscores_is_refused_rather_than_ignored() {
    assert_eq!(
        refusal(&[], &[("FLAGSTAFF_SERVER_BIND", "0.0.0.0:80")]),
        "FLAGSTAFF_SERVER_BIND has no effect; two underscores separate the parts: FLAGSTAFF__SERVER__BIND"
    );
    // What Kubernetes sets for a service of that name is not ours.
    load(&[], &[("FLAGSTAFF_PORT", "tcp://10.0.0.1:80")]).unwrap();
}

#[test]
fn two_variables_for_one_key_are_refused() {
    let variables = [
        ("FLAGSTAFF__SERVER__WORKERS", "1"),
        ("flagstaff__server__workers", "2"),
    ];
    let text = refusal(&[], &variables);
    assert!(text.contains(variables[0].0), "{text}");
    assert!(text.contains(variables[1].0), "{text}");
}

#[test]
fn a_wrong_value_names_its_key_its_origin_and_what_would_be_right() {
    assert_eq!(
        refusal(&[], &[("FLAGSTAFF__SERVER__BIND", "foo")]),
        "FLAGSTAFF__SERVER__BIND: server.bind: \"foo\" is not an address with a port; \
         expected something like 127.0.0.1:8080"
    );
    for (toml, end) in [
        (
            "[server]\nbind = \"foo\"",
            "local.toml: server.bind: \"foo\" is not an address with a port; \
             expected something like 127.0.0.1:8080",
        ),
        (
            "[database]\nreaders = 65",
            "local.toml: database.readers: 65 is not a whole number from 1 to 64",
        ),
        (
            "[database]\nreaders = 4.5",
            "local.toml: database.readers: 4.5 is not a whole number from 1 to 64",
        ),
        (
            "[database]\nreaders = true",
            "local.toml: database.readers: true is not a whole number from 1 to 64",
        ),
        (
            "[database.queue]\nx = 1",
            "local.toml: database.queue: a table is not a whole number from 1 to 100000",
        ),
        (
            "[log]\naccess = 1",
            "local.toml: log.access: 1 is neither true nor false",
        ),
        (
            "[log]\nformat = \"yaml\"",
            "local.toml: log.format: \"yaml\" is not a log format; expected text or json",
        ),
        (
            "[sign_in]\nfailures_per_account = 0",
            "local.toml: sign_in.failures_per_account: 0 is not a whole number from 1 to 4294967295",
        ),
        (
            "server = 5",
            "local.toml: server is a section; expected a table [server]",
        ),
    ] {
        let text = refusal(&[("local.toml", toml)], &[]);
        assert!(text.ends_with(end), "{text}");
    }
}

#[test]
fn a_value_that_a_later_layer_replaces_is_not_judged() {
    let files = [("local.toml", "[server]\nbind = \"foo\"")];
    load(&files, &[("FLAGSTAFF__SERVER__BIND", "[::1]:80")]).unwrap();
}

#[test]
fn numbers_and_switches_in_variables_are_typed() {
    let settings = load(
        &[],
        &[
            ("FLAGSTAFF__DATABASE__READERS", "64"),
            ("FLAGSTAFF__LOG__ACCESS", "true"),
            ("FLAGSTAFF__LOG__FILE", "server.log"),
            ("FLAGSTAFF__SERVER__ALLOWED_ORIGINS", "https://a.example"),
        ],
    )
    .unwrap();
    assert_eq!(settings.database.readers, 64);
    assert!(settings.log.access);
    assert_eq!(settings.log.file.as_deref(), Some(Path::new("server.log")));
}

#[test]
fn a_file_that_is_not_toml_is_refused_with_the_place() {
    let text = refusal(&[("local.toml", "[server]\nbind = ")], &[]);
    assert!(text.contains("local.toml: line 2, column "), "{text}");
}

#[cfg(unix)]
#[test]
fn a_variable_that_is_not_unicode_is_refused_and_named() {
    use std::os::unix::ffi::OsStrExt;
    let value = std::ffi::OsStr::from_bytes(b"\xff").to_owned();
    let environment = [("FLAGSTAFF__ADMIN__PASSWORD".to_owned(), value)];
    let error = Settings::load(&LoadOptions::new(None, environment.into())).unwrap_err();
    assert_eq!(
        error.to_string(),
        "FLAGSTAFF__ADMIN__PASSWORD: the value is not valid UTF-8"
    );
}

#[test]
fn the_default_file_names_every_key_and_explains_it() {
    let described = load(&[], &[]).unwrap().describe();
    let text = include_str!("../../../../config/default.toml");
    let (mut section, mut before, mut keys) = ("", "", Vec::new());
    for line in text.lines() {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            assert!(before.starts_with("# "), "{section}.{key} has no comment");
            assert_eq!(
                before.contains("SECRET"),
                SECRETS.contains(&(section, key)),
                "{section}.{key}"
            );
            keys.push(format!("{section}.{key}"));
        }
        before = line;
    }
    let expected: Vec<String> = described
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(section, keys)| {
            let keys = keys.as_object().unwrap().keys();
            keys.map(move |key| format!("{section}.{key}"))
        })
        .collect();
    assert_eq!(keys, expected);
}
