//! What is printed for people and for scripts: the change log, tables, and readers that go away.

use std::process::Stdio;

use serde_json::json;

use crate::program::{Installation, column, members};

#[test]
fn the_log_tells_who_did_what_and_is_read_in_pages() {
    let here = Installation::shop();
    here.run(&["flag", "set", "production", "limit", "--value", "6"])
        .succeeds();
    here.run(&["feature", "delete", "dark_mode"]).succeeds();
    let changes = here.json(&["changes"]);
    assert_eq!(
        members(&changes[0]),
        [
            "seq",
            "group",
            "at",
            "actor",
            "context",
            "kind",
            "subject",
            "environment",
            "before",
            "after"
        ]
    );
    let newest = &changes[1];
    assert_eq!(newest["actor"], "command-line");
    assert_eq!(newest["kind"], "flag.changed");
    assert_eq!(
        (&newest["before"]["value"], &newest["after"]["value"]),
        (&json!(5), &json!(6))
    );

    let head = here.head();
    let seqs = |arguments: &[&str]| -> Vec<i64> {
        let list = here.json(&[&["changes"], arguments].concat());
        column(&list, "seq")
            .iter()
            .filter_map(|seq| seq.as_i64())
            .collect()
    };
    assert_eq!(seqs(&["--limit", "2"]), [head, head - 1]);
    assert_eq!(
        seqs(&["--limit", "1", "--before", &head.to_string()]),
        [head - 1]
    );
    assert_eq!(seqs(&["--limit", "2", "--after", "0"]), [1, 2]);
    assert_eq!(
        seqs(&["--subject", "limit", "--actor", "command-line"]),
        [head - 1]
    );
    assert_eq!(
        seqs(&["--environment", "production", "--actor", "command-line"]),
        [head - 1]
    );
    assert!(seqs(&["--context", "access"]).is_empty());

    let text = here.run(&["changes", "--limit", "2"]);
    assert!(text.stdout().contains("value: 5 → 6"), "{text:?}");
    assert!(
        text.stderr().contains(&format!("--before {}", head - 1)),
        "{text:?}"
    );
}

#[test]
fn lists_for_people_have_a_heading_and_a_line_for_each_record() {
    let here = Installation::shop();
    for (arguments, names) in [
        (&["environment", "list"][..], ["production", "staging"]),
        (&["feature", "list"], ["dark_mode", "limit"]),
        (&["flag", "list", "staging"], ["dark_mode", "limit"]),
    ] {
        let printed = here.run(arguments).succeeds();
        let starts: Vec<_> = printed
            .lines()
            .skip(1)
            .filter_map(|line| line.split_whitespace().next())
            .collect();
        assert_eq!(starts, names, "{printed}");
    }
    let empty = Installation::migrated();
    for arguments in [&["environment", "list"][..], &["feature", "list"]] {
        let printed = empty.run(arguments).succeeds();
        assert!(printed.contains("create NAME"), "{printed}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let here = Installation::shop();
    let mut child = here
        .program()
        .args(["changes", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
