//! That each missing sync is seen: a rule that always holds proves nothing.

use super::*;

fn call(began: usize, name: &str, arguments: &str) -> Call {
    Call {
        name: name.to_owned(),
        arguments: arguments.to_owned(),
        result: Some(0),
        began,
        ended: began,
    }
}

/// A server that creates its database, stores one write and answers it.
fn right() -> Vec<Call> {
    let calls = [
        ("mkdir", r#""data", 0777"#),
        ("fsync", "3</home>"),
        (
            "open",
            r#"AT_FDCWD</home>, "data/x.db", O_RDWR|O_CREAT, 0600"#,
        ),
        (
            "open",
            r#"AT_FDCWD</home>, "/home/data/x.db-wal", O_RDWR|O_CREAT, 0600"#,
        ),
        ("fsync", "5</home/data>"),
        (
            "pwrite64",
            r#"4</home/data/x.db-wal>, "..mark-1..", 24, 32"#,
        ),
        ("pwrite64", r#"4</home/data/x.db-wal>, "commit", 24, 56"#),
        ("fdatasync", "4</home/data/x.db-wal>"),
        (
            "sendto",
            r#"9<socket:[7]>, "HTTP/1.1 200 OK\r\n\r\nmark-1", 30, MSG_NOSIGNAL, NULL, 0"#,
        ),
    ];
    let numbered = calls.iter().enumerate();
    numbered
        .map(|(at, (name, arguments))| call(at, name, arguments))
        .collect()
}

fn found(calls: &[Call], alone: bool) -> usize {
    violations(calls, Path::new("/home"), &["mark-1".to_owned()], alone).len()
}

/// The same without one of its calls.
fn without(at: usize) -> Vec<Call> {
    let mut calls = right();
    calls.remove(at);
    calls
}

#[test]
fn a_sync_between_writing_and_answering_is_right() {
    assert_eq!(found(&right(), true), 0);
    assert_eq!(found(&right(), false), 0);
}

#[test]
fn an_answer_without_a_sync_is_seen() {
    for missing in [1, 4, 5, 7, 8] {
        assert_eq!(found(&without(missing), false), 1, "{missing}");
    }
}

#[test]
fn a_sync_that_failed_or_came_too_early_or_too_late_is_none() {
    let mut failed = right();
    failed[7].result = Some(-1);
    assert_eq!(found(&failed, false), 1);
    let mut late = right();
    late[7].ended = 9;
    assert_eq!(found(&late, false), 1);
    let mut early = right();
    early.swap(5, 7);
    (early[5].began, early[5].ended) = (5, 5);
    (early[7].began, early[7].ended) = (7, 7);
    assert_eq!(found(&early, false), 1);
}

#[test]
fn what_a_lone_client_leaves_unsynced_is_seen() {
    let mut more = right();
    let mut answer = more.remove(8);
    more.push(call(
        8,
        "pwrite64",
        r#"4</home/data/x.db-wal>, "more", 24, 80"#,
    ));
    answer.began = 9;
    more.push(answer);
    assert_eq!(found(&more, true), 1);
    assert_eq!(found(&more, false), 0);
}
