//! Secrets in the configuration: text whatever they look like, from a variable or from a file, and shown to nobody.

use secrecy::ExposeSecret;
use tempfile::TempDir;

use super::super::LoadOptions;
use super::super::keys::SECRETS;
use super::{load, refusal};

#[test]
fn a_secret_that_looks_like_a_number_stays_text() {
    for secret in [
        "123456789012",
        "12E345678901",
        "000000000012",
        "0x1234567890",
    ] {
        let settings = load(&[], &[("FLAGSTAFF__ADMIN__PASSWORD", secret)]).unwrap();
        assert_eq!(settings.admin.password.unwrap().reveal(), secret);
        let token = format!("{secret}{secret}");
        let toml = format!("[metrics]\ntoken = \"{token}\"");
        let settings = load(&[("local.toml", &toml)], &[]).unwrap();
        assert_eq!(settings.metrics.token.unwrap().expose_secret(), token);
    }
}

#[test]
fn a_secret_is_never_echoed() {
    for (files, variables) in [
        (
            vec![("local.toml", "[admin]\npassword = 424242424242")],
            vec![],
        ),
        (
            vec![("local.toml", "[admin]\npassword = [\"424242424242\"]")],
            vec![],
        ),
        (vec![("local.toml", "[admin]\npassword = \"424242")], vec![]),
        (
            vec![("local.toml", "[metrics]\ntoken = 424242 424242")],
            vec![],
        ),
        (vec![], vec![("FLAGSTAFF__ADMIN__PASSWORD", "424242")]),
        (
            vec![],
            vec![("FLAGSTAFF__METRICS__TOKEN", "424242 424242 424242")],
        ),
        (
            vec![],
            vec![("FLAGSTAFF__DATABASE__URL", "postgres://u:424242@host")],
        ),
    ] {
        let error = load(&files, &variables).unwrap_err();
        for text in [error.to_string(), format!("{error:?}")] {
            assert!(!text.contains("424242"), "{text}");
        }
    }
}

#[test]
fn a_secret_that_is_set_is_shown_as_hidden() {
    for (section, key) in SECRETS {
        let variable = format!("FLAGSTAFF__{section}__{key}").to_uppercase();
        let settings = load(
            &[],
            &[(
                &variable,
                "correct horse battery".replace(' ', "-").as_str(),
            )],
        );
        let settings = settings.unwrap();
        assert_eq!(settings.describe()[section][key], "(hidden)");
        let debug = format!("{settings:?}{}", settings.describe());
        assert!(!debug.contains("horse"), "{debug}");
        assert_eq!(settings.sources().variables, [variable]);
    }
}

#[test]
fn the_options_show_no_value_of_the_environment() {
    let environment = [("FLAGSTAFF__ADMIN__PASSWORD".to_owned(), "hush".into())];
    let shown = format!("{:?}", LoadOptions::new(None, environment.into()));
    assert!(shown.contains("FLAGSTAFF__ADMIN__PASSWORD"), "{shown}");
    assert!(!shown.contains("hush"), "{shown}");
}

#[test]
fn a_secret_may_come_from_a_file_without_its_trailing_newline() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("secret");
    let name = "FLAGSTAFF__ADMIN__PASSWORD__FILE";
    for (content, expected) in [
        ("correct horse", "correct horse"),
        ("correct horse\n", "correct horse"),
        ("correct horse\r\n", "correct horse"),
        ("correct horse\n\n", "correct horse\n"),
        (" correct horse ", " correct horse "),
    ] {
        std::fs::write(&path, content).unwrap();
        let settings = load(&[], &[(name, path.to_str().unwrap())]).unwrap();
        assert_eq!(settings.admin.password.as_ref().unwrap().reveal(), expected);
        assert_eq!(settings.sources().variables, [name]);
    }
}

#[test]
fn an_unreadable_secret_file_is_refused_with_its_variable_and_path() {
    let text = refusal(
        &[],
        &[("FLAGSTAFF__METRICS__TOKEN__FILE", "/nowhere/token")],
    );
    assert!(text.contains("FLAGSTAFF__METRICS__TOKEN__FILE"), "{text}");
    assert!(text.contains("/nowhere/token"), "{text}");
}

#[test]
fn an_empty_secret_file_is_refused() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "\n").unwrap();
    let text = refusal(
        &[],
        &[("FLAGSTAFF__ADMIN__PASSWORD__FILE", path.to_str().unwrap())],
    );
    assert!(text.contains("FLAGSTAFF__ADMIN__PASSWORD__FILE"), "{text}");
    assert!(text.contains("is empty"), "{text}");
}

#[test]
fn a_secret_and_its_file_together_are_refused_and_both_named() {
    let variables = [
        ("FLAGSTAFF__ADMIN__PASSWORD", "correct horse"),
        ("FLAGSTAFF__ADMIN__PASSWORD__FILE", "/nowhere/password"),
    ];
    assert_eq!(
        refusal(&[], &variables),
        "FLAGSTAFF__ADMIN__PASSWORD and FLAGSTAFF__ADMIN__PASSWORD__FILE both set admin.password; set one of them"
    );
}

#[test]
fn an_empty_secret_is_an_unset_one() {
    let files = [("local.toml", "[admin]\npassword = \"correct horse\"")];
    let settings = load(&files, &[("FLAGSTAFF__ADMIN__PASSWORD", "")]).unwrap();
    assert!(settings.admin.password.is_none());
    let settings = load(&files, &[("FLAGSTAFF__ADMIN__PASSWORD__FILE", "")]).unwrap();
    assert!(settings.admin.password.is_some());
}

#[test]
fn an_empty_value_leaves_the_other_form_of_a_secret_in_force() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("secret");
    std::fs::write(&path, "correct horse").unwrap();
    let variables = [
        ("FLAGSTAFF__ADMIN__PASSWORD", ""),
        ("FLAGSTAFF__ADMIN__PASSWORD__FILE", path.to_str().unwrap()),
    ];
    assert!(load(&[], &variables).unwrap().admin.password.is_some());
}
