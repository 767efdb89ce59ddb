//! That each kind of loss is seen: a harness that cannot fail proves nothing.

use serde_json::json;

use super::*;

fn changes(list: Value) -> Vec<Change> {
    serde_json::from_value(list).unwrap()
}

/// The log of a feature called `one` at change 1 and its deletion at change 2.
fn log() -> Vec<Change> {
    let record = json!({"id": 1, "name": "one", "version": 1});
    let change = |seq: i64, kind: &str, before: Value, after: Value| {
        json!({"seq": seq, "group": seq, "at": "", "actor": "user:admin", "context": "flags", "kind": kind,
               "subject": "one", "environment": null, "before": before, "after": after})
    };
    changes(json!([
        change(1, "feature.created", Value::Null, record.clone()),
        change(2, "feature.deleted", record, Value::Null),
    ]))
}

fn write(mark: &str, ended: Ended) -> Write {
    Write {
        mark: mark.to_owned(),
        method: "POST",
        path: String::new(),
        body: String::new(),
        ended,
    }
}

fn acknowledged(revision: i64, record: Value) -> Ended {
    Ended::Acknowledged(Stored { revision, record })
}

/// What is found when these were sent: how much is lost, what else is wrong, what is there unacknowledged.
fn found(sent: &[Write; 2], log: &[Change]) -> (usize, usize, usize) {
    let mut audit = Audit::default();
    audit.compare(sent, log);
    (
        audit.lost.len(),
        audit.wrong.len(),
        audit.stored_unacknowledged,
    )
}

fn created() -> Write {
    write(
        "one",
        acknowledged(
            1,
            json!({"id": 1, "name": "one", "version": 1, "warnings": []}),
        ),
    )
}

fn deleted() -> Write {
    write("delete feature one", acknowledged(2, Value::Null))
}

#[test]
fn what_was_acknowledged_and_is_there_is_right() {
    assert_eq!(found(&[created(), deleted()], &log()), (0, 0, 0));
}

#[test]
fn what_was_acknowledged_and_is_not_there_is_lost() {
    assert_eq!(found(&[created(), deleted()], &log()[..1]), (1, 0, 0));
    assert_eq!(found(&[created(), deleted()], &[]), (2, 0, 0));
}

#[test]
fn what_was_answered_otherwise_than_stored_is_lost() {
    let other_revision = write("delete feature one", acknowledged(3, Value::Null));
    assert_eq!(found(&[created(), other_revision], &log()), (1, 0, 0));
    let other_record = write("one", acknowledged(1, json!({"id": 2})));
    assert_eq!(found(&[other_record, deleted()], &log()), (1, 0, 0));
}

#[test]
fn what_was_not_answered_may_be_there_or_not() {
    let unanswered = || write("delete feature one", Ended::Unanswered);
    assert_eq!(found(&[created(), unanswered()], &log()), (0, 0, 1));
    assert_eq!(found(&[created(), unanswered()], &log()[..1]), (0, 0, 0));
}

#[test]
fn what_was_refused_or_never_sent_or_stored_twice_is_wrong() {
    let refused = write("delete feature one", Ended::Refused(404));
    assert_eq!(found(&[created(), refused], &log()), (0, 1, 0));
    let other = write("two", Ended::Unanswered);
    assert_eq!(found(&[created(), other], &log()), (0, 1, 0));
    let mut twice = log();
    let [seq, group] = [3, 3];
    twice.push(Change {
        seq,
        group,
        ..twice[1].clone()
    });
    assert_eq!(found(&[created(), deleted()], &twice), (0, 1, 0));
}

#[test]
fn half_a_unit_of_work_is_wrong() {
    let mut half = log();
    half[1].kind = "key.changed".to_owned();
    half[1].group = 1;
    assert_eq!(found(&[created(), deleted()], &half), (2, 1, 0));
}

#[test]
fn a_log_that_was_rewritten_or_has_a_gap_is_wrong() {
    let wrong = |seen: &[Change], log: &[Change]| {
        let mut audit = Audit::default();
        audit.go_on(seen, log);
        audit.wrong.len()
    };
    assert_eq!(wrong(&log()[..1], &log()), 0);
    assert_eq!(wrong(&log(), &log()[..1]), 1);
    assert_eq!(wrong(&[], &log()[1..]), 1);
    let mut rewritten = log();
    rewritten[0].at = "later".to_owned();
    assert_eq!(wrong(&log(), &rewritten), 1);
}

#[test]
fn a_revision_that_went_back_is_wrong() {
    let found = |seen_before: i64, revision: i64| {
        let mut seen = Seen {
            log: log(),
            ..Seen::default()
        };
        seen.read(("production".to_owned(), seen_before));
        let record = json!({"revision": revision});
        seen.records
            .insert(Subject::Environment("production".to_owned()), record);
        let mut audit = Audit::default();
        audit.revisions(&mut seen);
        audit.wrong.len()
    };
    assert_eq!(found(1, 2), 0);
    assert_eq!(found(2, 1), 1);
    assert_eq!(found(1, 3), 1);
}
