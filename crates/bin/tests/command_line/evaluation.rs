//! `flagstaff eval`: what somebody gets, from the database or from one of Flagsmith's contexts.

use serde_json::{Value, json};

use crate::program::{Installation, members};

fn context() -> Value {
    json!({
        "environment": {"key": "env", "name": "production"},
        "identity": {"identifier": "user-7", "traits": {"plan": "pro"}},
        "segments": {"16": {
            "key": "16", "name": "pro",
            "rules": [{"type": "ALL", "conditions": [{"property": "plan", "operator": "EQUAL", "value": "pro"}]}],
            "overrides": [{"key": "2", "name": "theme", "enabled": true, "value": 40.0, "metadata": {"id": 9}}],
        }},
        "features": {"theme": {"key": "1", "name": "theme", "enabled": false, "value": null}},
    })
}

#[test]
fn a_context_of_flagsmiths_needs_no_database_and_no_configuration() {
    let here = Installation::empty();
    here.write("broken.toml", "[nonsense");
    here.write("context.json", &context().to_string());
    let expected = json!({
        "flags": {"theme": {
            "name": "theme", "enabled": true, "value": 40.0, "reason": "TARGETING_MATCH; segment=pro",
            "variant": null, "metadata": {"id": 9},
        }},
        "segments": [{"name": "pro"}],
    });
    let variables = [
        ("FLAGSTAFF__SERVER__BIND", "nonsense"),
        ("FLAGSTAFF_NONSENSE", "1"),
    ];
    let from_file = ["eval", "--flagsmith-context", "context.json"];
    let ran = here.run_with(&from_file, &variables, "");
    assert!(ran.stdout().contains("40.0"), "{ran:?}");
    assert_eq!(ran.json(), expected);
    let from_input = ["eval", "--flagsmith-context", "-"];
    let ran = here.run_with(&from_input, &variables, &context().to_string());
    assert_eq!(ran.json(), expected);
    let files = std::fs::read_dir(here.path(".")).unwrap();
    assert_eq!(files.count(), 2);
}

#[test]
fn a_context_that_is_wrong_is_refused_by_its_place() {
    let here = Installation::empty();
    let run = |text: &str| here.run_with(&["eval", "--flagsmith-context", "-"], &[], text);
    let mut odd = context();
    odd["segments"]["16"]["rules"][0]["type"] = json!("SOME");
    for (text, place) in [
        (odd.to_string(), "segments.16.rules[0].type: "),
        ("{\"features\": {}}".to_owned(), "environment"),
        ("{\"environment\": {".to_owned(), "EOF"),
        ("[]".to_owned(), "object"),
        (String::new(), "EOF"),
    ] {
        let message = run(&text).fails(2);
        assert!(message.contains(place), "{message}");
        assert!(message.contains("standard input"), "{message}");
    }
    let message = here
        .run(&["eval", "--flagsmith-context", "nowhere.json"])
        .fails(2);
    assert!(message.contains("nowhere.json"), "{message}");
}

#[test]
fn what_somebody_gets_is_told_as_a_tree_and_as_json() {
    let here = Installation::shop();
    let told = here
        .run(&[
            "eval",
            "production",
            "--identifier",
            "user-7",
            "--trait",
            "plan=pro",
        ])
        .succeeds();
    let expected = "\
dark_mode: off (DEFAULT)
  There is no override that could apply: it is what the environment has.
  ✓ the environment's own: off

limit: on, 5 (DEFAULT)
  There is no override that could apply: it is what the environment has.
  ✓ the environment's own: on, 5
";
    assert_eq!(told, expected);
    let one = here.json(&["eval", "production", "--feature", "LIMIT"]);
    assert_eq!(members(&one), ["identifier", "traits", "flags"]);
    assert_eq!(one["flags"][0]["feature"], "limit");
    assert_eq!(one["flags"].as_array().map(Vec::len), Some(1));
}

#[test]
fn the_tree_shows_which_conditions_held_and_what_they_saw() {
    let here = Installation::shop();
    let rules = json!([{"type": "ANY", "conditions": [
        {"property": "plan", "operator": "IN", "value": "pro,team"},
        {"property": "dark_mode", "operator": "FLAG"},
    ]}]);
    here.write("rules.json", &rules.to_string());
    here.run(&["segment", "create", "paying", "--rules", "rules.json"])
        .succeeds();
    here.run(&[
        "override",
        "set",
        "production",
        "limit",
        "--segment",
        "paying",
        "--off",
        "--value",
        "50",
    ])
    .succeeds();
    let tree = |plan: &str| {
        let plan = format!("plan={plan}");
        let one = [
            "eval",
            "production",
            "--feature",
            "limit",
            "--identifier",
            "user-7",
            "--trait",
        ];
        here.run(&[&one[..], &[plan.as_str()]].concat()).succeeds()
    };
    assert_eq!(
        tree("free"),
        "\
limit: on, 5 (DEFAULT)
  The one override does not apply: it is what the environment has.
  ✗ segment paying (priority 0): off, 50
    ✗ any of
      ✗ plan IN pro,team: found \"free\"
      ✗ dark_mode FLAG: found \"off\"
  ✓ the environment's own: on, 5
"
    );
    assert_eq!(
        tree("pro"),
        "\
limit: off, 50 (TARGETING_MATCH; segment=paying)
  It is in the segment \"paying\", whose override is the only one that applies.
  ✓ segment paying (priority 0): off, 50
    ✓ any of
      ✓ plan IN pro,team: found \"pro\"
      ✗ dark_mode FLAG: found \"off\"
  ✓ the environment's own: on, 5, which a stronger one beats
"
    );
}

#[test]
fn what_cannot_be_evaluated_is_an_error() {
    let here = Installation::shop();
    here.run(&["eval"]).fails(2);
    here.run(&["eval", "production", "--trait", "plan=pro"])
        .fails(2);
    here.run(&["eval", "production", "--identifier", "a", "--trait", "plan"])
        .fails(2);
    here.run(&["eval", "production", "--flagsmith-context", "-"])
        .fails(2);
    assert!(
        here.run(&["eval", "elsewhere"])
            .fails(3)
            .contains("elsewhere")
    );
    let unknown = here.run(&["eval", "production", "--feature", "nothing"]);
    assert!(unknown.fails(3).contains("nothing"));
}
