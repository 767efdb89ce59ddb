//! `SnapshotSource`: what has to be served anew since a position of the log, and that it is of one moment.

use std::sync::Arc;
use std::thread;

use flagstaff_domain::access::{KeyChanges, KeyKind};
use flagstaff_domain::flags::{
    ChangeEnvironment, ChangeFeature, FlagValue, Snapshot, SnapshotUpdate,
};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::write::Precondition;

use crate::samples::*;
use crate::store::Store;

contracts!(
    an_empty_store_serves_nothing_at_position_0,
    a_snapshot_is_its_environments_flags_with_their_features,
    nothing_new_is_an_empty_update,
    a_flags_change_affects_one_environment,
    a_features_change_affects_every_environment,
    an_environments_change_affects_that_one,
    a_deleted_environment_is_removed,
    keys_and_accounts_move_on_the_head_alone,
    an_update_since_any_position_leads_to_the_same,
    head_and_flags_are_of_one_moment,
    a_log_that_is_shorter_than_what_was_read_is_read_whole,
    another_log_in_the_place_of_the_first_is_read_whole,
    another_log_is_noticed_also_by_whoever_missed_the_last_answer,
);

fn load(store: &Store, since: Seq) -> SnapshotUpdate {
    store.snapshots.load(Some(since)).unwrap()
}

fn names(update: &SnapshotUpdate) -> Vec<&str> {
    let mut names: Vec<_> = update
        .snapshots
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    names.sort_unstable();
    names
}

fn set(store: &Store, environment: &str, feature: &str, value: i64) -> Seq {
    let (environment, feature) = (environment_name(environment), feature_name(feature));
    let change = set_value(FlagValue::Integer(value));
    let written = store.flags.change_flag(
        &environment,
        &feature,
        &change,
        &Precondition::Any,
        &later(),
    );
    written.unwrap().revision
}

fn delete(store: &Store, environment: &str) -> Seq {
    let name = environment_name(environment);
    store
        .flags
        .delete_environment(&name, &Precondition::Any, &later())
        .unwrap()
}

fn fill(store: &Store) {
    for name in ["production", "staging", "preview"] {
        store.environment(name);
    }
    for name in ["limit", "Dark", "Ä", "_x"] {
        store.feature(name);
    }
}

fn an_empty_store_serves_nothing_at_position_0(store: &Store) {
    for since in [None, Some(Seq(0))] {
        let nothing = SnapshotUpdate {
            whole: since.is_none(),
            ..SnapshotUpdate::default()
        };
        assert_eq!(store.snapshots.load(since).unwrap(), nothing);
    }
}

fn a_snapshot_is_its_environments_flags_with_their_features(store: &Store) {
    fill(store);
    let revision = set(store, "staging", "limit", 7);
    let update = store.snapshots.load(None).unwrap();
    assert_eq!(update.head, revision);
    assert_eq!(names(&update), ["preview", "production", "staging"]);
    assert_eq!(update.removed, []);
    for snapshot in &update.snapshots {
        let environment = store.flags.get_environment(&snapshot.name).unwrap();
        assert_eq!(
            (snapshot.environment, snapshot.revision, &snapshot.hash_key),
            (environment.id, environment.revision, &environment.hash_key)
        );
        let features: Vec<_> = snapshot
            .flags
            .iter()
            .map(|flag| flag.feature.name.as_str())
            .collect();
        assert_eq!(features, ["Dark", "_x", "limit", "Ä"]);
        for served in &snapshot.flags {
            let flag = store
                .flag(snapshot.name.as_str(), served.feature.name.as_str())
                .unwrap();
            assert_eq!(
                (served.id, served.enabled, &served.value, &served.seed),
                (flag.id, flag.enabled, &flag.value, &flag.seed)
            );
            assert_eq!(
                *served.feature,
                store.flags.get_feature(&flag.feature).unwrap()
            );
        }
    }
    let find = |name: &str| {
        update
            .snapshots
            .iter()
            .find(|one| one.name.as_str() == name)
            .unwrap()
    };
    let (staging, preview) = (find("staging"), find("preview"));
    assert_eq!(
        (staging.revision, staging.updated_at),
        (revision, later().at)
    );
    assert_eq!(staging.flags[2].value, FlagValue::Integer(7));
    assert_eq!(preview.updated_at, stamp().at);
    assert!(preview.revision < revision);
    // Features are held once, however many environments there are.
    assert!(Arc::ptr_eq(
        &staging.flags[0].feature,
        &preview.flags[0].feature
    ));
}

fn nothing_new_is_an_empty_update(store: &Store) {
    fill(store);
    let head = store.head();
    let nothing = SnapshotUpdate {
        head,
        ..SnapshotUpdate::default()
    };
    assert_eq!(load(store, head), nothing);
    // Neither a write that changes nothing nor a refused one is news.
    let (feature, any) = (feature_name("limit"), Precondition::Any);
    store
        .flags
        .change_feature(&feature, &ChangeFeature::default(), &any, &later())
        .unwrap();
    store
        .flags
        .create_feature(&new_feature("LIMIT"), &seeds(), &later())
        .unwrap_err();
    assert_eq!(load(store, head), nothing);
}

fn a_flags_change_affects_one_environment(store: &Store) {
    fill(store);
    let since = store.head();
    set(store, "staging", "limit", 6);
    let revision = set(store, "staging", "limit", 7);
    let update = load(store, since);
    assert_eq!(
        (update.head, names(&update), update.removed.len()),
        (revision, vec!["staging"], 0)
    );
    let staging = &update.snapshots[0];
    assert_eq!((staging.revision, staging.flags.len()), (revision, 4));
    assert_eq!(staging.flags[2].value, FlagValue::Integer(7));
}

fn a_features_change_affects_every_environment(store: &Store) {
    fill(store);
    let all = ["preview", "production", "staging"];
    let (limit, any) = (feature_name("limit"), Precondition::Any);
    let tagged = ChangeFeature {
        tags: Some(tags(&["ops"])),
        ..ChangeFeature::default()
    };
    let changes: [(&dyn Fn() -> Seq, usize); 3] = [
        (&|| store.feature("new").version, 5),
        (
            &|| {
                store
                    .flags
                    .change_feature(&limit, &tagged, &any, &later())
                    .unwrap()
                    .revision
            },
            5,
        ),
        (
            &|| store.flags.delete_feature(&limit, &any, &later()).unwrap(),
            4,
        ),
    ];
    for (change, flags) in changes {
        let since = store.head();
        let revision = change();
        let update = load(store, since);
        assert_eq!((update.head, names(&update)), (revision, all.to_vec()));
        for snapshot in &update.snapshots {
            assert_eq!((snapshot.revision, snapshot.flags.len()), (revision, flags));
        }
    }
}

fn an_environments_change_affects_that_one(store: &Store) {
    fill(store);
    let since = store.head();
    let created = store.environment("new");
    let update = load(store, since);
    assert_eq!(
        (update.head, names(&update)),
        (created.version, vec!["new"])
    );
    assert_eq!(update.snapshots[0].flags.len(), 4);

    let since = store.head();
    let change = ChangeEnvironment {
        name: Some(environment_name("newer")),
        description: None,
    };
    let name = environment_name("new");
    let revision = store
        .flags
        .change_environment(&name, &change, &Precondition::Any, &later())
        .unwrap()
        .revision;
    let update = load(store, since);
    assert_eq!((names(&update), update.removed.len()), (vec!["newer"], 0));
    let snapshot = &update.snapshots[0];
    assert_eq!(
        (snapshot.environment, snapshot.revision, snapshot.updated_at),
        (created.id, revision, later().at)
    );
}

fn a_deleted_environment_is_removed(store: &Store) {
    fill(store);
    let staging = store.environment("gone").id;
    let since = store.head();
    set(store, "gone", "limit", 1);
    let head = delete(store, "gone");
    let update = load(store, since);
    let expected = SnapshotUpdate {
        head,
        snapshots: vec![],
        removed: vec![staging],
        whole: false,
    };
    assert_eq!(update, expected);

    // One that came and went is nobody's; one that took its name is another, also while a feature changes.
    let brief = store.environment("gone").id;
    delete(store, "gone");
    store.feature("new");
    let again = store.environment("gone").id;
    let update = load(store, since);
    assert_eq!(names(&update), ["gone", "preview", "production", "staging"]);
    assert!(update.snapshots.iter().any(|one| one.environment == again));
    assert!(update.removed.contains(&staging));
    assert!(!update.removed.contains(&again));
    assert!(update.snapshots.iter().all(|one| one.environment != brief));
}

fn keys_and_accounts_move_on_the_head_alone(store: &Store) {
    fill(store);
    let since = store.head();
    store.key("staging", KeyKind::Client, "a-client-key");
    store
        .accounts
        .create_first_account(&new_account("jay"), &stamp())
        .unwrap();
    let expected = SnapshotUpdate {
        head: Seq(since.0 + 2),
        ..SnapshotUpdate::default()
    };
    assert_eq!(load(store, since), expected);
}

/// As after a failover to a copy that had fallen behind.
fn a_log_that_is_shorter_than_what_was_read_is_read_whole(store: &Store) {
    fill(store);
    let since = store.head();
    store
        .backstage
        .execute("UPDATE log_head SET seq = seq - 1")
        .unwrap();
    let update = load(store, since);
    assert!(update.whole);
    assert_eq!(update.head, Seq(since.0 - 1));
    assert_eq!(names(&update), ["preview", "production", "staging"]);
    let keys = store.grants.load(Some(since)).unwrap().keys;
    assert!(matches!(keys, KeyChanges::All(_)), "{keys:?}");
}

/// As where that copy has meanwhile taken more changes than it lacked.
fn another_log_in_the_place_of_the_first_is_read_whole(store: &Store) {
    fill(store);
    let since = load(store, Seq(0)).head;
    store.grants.load(Some(Seq(0))).unwrap();
    become_another_log_at(store, since);
    set(store, "staging", "limit", 1);
    assert!(load(store, since).whole);
    let keys = store.grants.load(Some(since)).unwrap().keys;
    assert!(matches!(keys, KeyChanges::All(_)), "{keys:?}");
    // From there on it is the log that is followed.
    let since = store.head();
    set(store, "staging", "limit", 2);
    assert!(!load(store, since).whole);
}

/// As where the failover came while the news were on their way: whoever asks again has not heard of them.
fn another_log_is_noticed_also_by_whoever_missed_the_last_answer(store: &Store) {
    fill(store);
    let since = store.snapshots.load(None).unwrap().head;
    set(store, "staging", "limit", 1);
    assert!(!load(store, since).whole);
    become_another_log_at(store, since);
    assert!(load(store, since).whole);
}

fn become_another_log_at(store: &Store, seq: Seq) {
    let past_the_trigger = ["", " ON changes"].map(|on| {
        let drop = format!("DROP TRIGGER changes_are_not_updated{on}");
        store.backstage.execute(&drop)
    });
    assert!(past_the_trigger.iter().any(Result::is_ok));
    let other = format!("UPDATE changes SET at = at + 1 WHERE seq = {}", seq.0);
    store.backstage.execute(&other).unwrap();
}

/// Replays every update on what was served before it: the publisher's view of a changing store.
fn an_update_since_any_position_leads_to_the_same(store: &Store) {
    let mut served: Vec<(Seq, Vec<Snapshot>)> = vec![(Seq(0), vec![])];
    let mut remember = || {
        let update = store.snapshots.load(None).unwrap();
        served.push((update.head, update.snapshots));
    };
    fill(store);
    remember();
    set(store, "staging", "limit", 1);
    remember();
    delete(store, "preview");
    store.key("staging", KeyKind::Client, "a-client-key");
    remember();
    store.environment("preview");
    remember();
    store.feature("last");
    set(store, "production", "last", 2);
    remember();

    let sorted = |mut snapshots: Vec<Snapshot>| {
        snapshots.sort_by_key(|one| one.environment);
        snapshots
    };
    let now = sorted(store.snapshots.load(None).unwrap().snapshots);
    for (since, mut held) in served {
        let update = load(store, since);
        held.retain(|one| !update.removed.contains(&one.environment));
        for snapshot in update.snapshots {
            held.retain(|one| one.environment != snapshot.environment);
            held.push(snapshot);
        }
        assert_eq!(sorted(held), now, "since {since}");
    }
}

fn head_and_flags_are_of_one_moment(store: &Store) {
    store.environment("production");
    store.feature("limit");
    let before = store.head();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for turn in 1..=100 {
                set(store, "production", "limit", turn);
            }
        });
        let mut since = before;
        loop {
            let last = writer.is_finished();
            let update = load(store, since);
            for snapshot in &update.snapshots {
                assert_eq!(snapshot.revision, update.head);
                assert_eq!(
                    snapshot.flags[0].value,
                    FlagValue::Integer(update.head.0 - before.0)
                );
            }
            since = update.head;
            if last {
                break;
            }
        }
        assert_eq!(since.0, before.0 + 100);
    });
}
