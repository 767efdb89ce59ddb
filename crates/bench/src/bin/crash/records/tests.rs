//! That records which do not fit the log are seen.

use super::*;

/// The log of an environment, a feature and a change of its flag.
fn log() -> Vec<Change> {
    let feature = json!({"id": 1, "name": "one", "default_enabled": false, "initial_value": null, "version": 1});
    let environment = json!({"id": 1, "name": "live", "created_at": "then", "version": 2});
    let flag = |value: Value, version: i64| {
        json!({"id": 7, "feature": "one", "environment": "live", "enabled": false, "value": value,
               "updated_at": "then", "version": version})
    };
    let change = |seq: i64, kind: &str, subject: &str, before: Value, after: Value| {
        json!({"seq": seq, "group": seq, "at": "then", "actor": "user:admin", "context": "flags", "kind": kind,
               "subject": subject, "environment": "live", "before": before, "after": after})
    };
    let log = json!([
        change(1, "feature.created", "one", Value::Null, feature),
        change(2, "environment.created", "live", Value::Null, environment),
        change(
            3,
            "flag.changed",
            "one",
            flag(Value::Null, 2),
            flag(json!("blue"), 3)
        ),
    ]);
    serde_json::from_value(log).unwrap()
}

fn blue() -> Subject {
    Subject::Flag("live".to_owned(), "one".to_owned())
}

#[test]
fn a_log_tells_the_records() {
    let (records, wrong) = told_by(&log());
    assert_eq!(wrong, Vec::<String>::new());
    assert_eq!(records.len(), 3);
    assert_eq!(records[&blue()]["value"], "blue");
    assert_eq!(differences(&records, &records), Vec::<String>::new());
}

#[test]
fn a_change_that_does_not_go_on_from_those_before_it_is_wrong() {
    let log = log();
    let (_, wrong) = told_by(&[log[0].clone(), log[2].clone()]);
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    let mut later = log;
    later[2].seq = 4;
    assert_eq!(told_by(&later).1.len(), 1);
}

#[test]
fn records_that_are_missing_or_differ_or_were_never_made_are_wrong() {
    let (told, _) = told_by(&log());
    let mut listed = told.clone();
    listed.remove(&blue());
    assert_eq!(differences(&told, &listed).len(), 1);
    assert_eq!(differences(&listed, &told).len(), 1);
    listed.insert(blue(), json!({"value": "red"}));
    assert_eq!(differences(&told, &listed).len(), 1);
}
