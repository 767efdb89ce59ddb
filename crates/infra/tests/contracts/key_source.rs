//! `KeySource`: which keys have to be held anew since a position of the log.

use std::collections::BTreeMap;
use std::thread;

use flagstaff_domain::access::{Grant, KeyChanges, KeyDigest, KeyKind, KeyText, KeyUpdate, NewKey};
use flagstaff_domain::flags::ChangeEnvironment;
use flagstaff_domain::ids::Seq;
use flagstaff_domain::write::Precondition;

use crate::samples::*;
use crate::store::Store;

contracts!(
    an_empty_store_has_no_keys_at_position_0,
    a_first_load_brings_every_key,
    only_keys_that_changed_come_again,
    the_keys_of_a_deleted_environment_open_nothing,
    changes_to_anything_else_move_on_the_head_alone,
    head_and_keys_are_of_one_moment,
);

fn load(store: &Store, since: Option<Seq>) -> KeyUpdate {
    store.grants.load(since).unwrap()
}

/// Every key by its digest.
fn all(update: &KeyUpdate) -> BTreeMap<String, Grant> {
    let KeyChanges::All(grants) = &update.keys else {
        panic!("{update:?} brings some keys alone");
    };
    grants
        .iter()
        .map(|grant| (grant.digest.to_string(), *grant))
        .collect()
}

/// What the keys that changed open now.
fn changed(update: &KeyUpdate) -> BTreeMap<String, Option<Grant>> {
    let KeyChanges::Only(changes) = &update.keys else {
        panic!("{update:?} brings all keys");
    };
    let by_digest: BTreeMap<_, _> = changes
        .iter()
        .map(|(digest, grant)| {
            assert!(grant.is_none_or(|grant| grant.digest == *digest));
            (digest.to_string(), *grant)
        })
        .collect();
    assert_eq!(by_digest.len(), changes.len(), "a key comes once");
    by_digest
}

fn an_empty_store_has_no_keys_at_position_0(store: &Store) {
    for (since, keys) in [
        (None, KeyChanges::All(vec![])),
        (Some(Seq(0)), KeyChanges::Only(vec![])),
    ] {
        let head = Seq(0);
        let renamed = since.is_none();
        let update = KeyUpdate {
            head,
            keys,
            renamed,
        };
        assert_eq!(load(store, since), update);
    }
}

fn a_first_load_brings_every_key(store: &Store) {
    let production = store.environment("production").id;
    let staging = store.environment("staging").id;
    let expiry = instant("1999-01-01T00:00:00.000001Z");
    let expired = NewKey {
        expires_at: Some(expiry),
        ..new_key("old", KeyKind::Client, "an-expired-key")
    };
    store
        .keys
        .create_key(&environment_name("production"), &expired, &stamp())
        .unwrap();
    let server = store.key("production", KeyKind::Server, "a-server-key");
    let client = store.key("staging", KeyKind::Client, "a-client-key");

    let update = load(store, None);
    assert_eq!(update.head, store.head());
    let grant = |digest: KeyDigest, environment, kind, expires_at| {
        let grant = Grant {
            digest,
            environment,
            kind,
            expires_at,
        };
        (digest.to_string(), grant)
    };
    let expected = BTreeMap::from([
        grant(expired.digest, production, KeyKind::Client, Some(expiry)),
        grant(server.digest, production, KeyKind::Server, None),
        grant(client.digest, staging, KeyKind::Client, None),
    ]);
    assert_eq!(all(&update), expected);
}

fn only_keys_that_changed_come_again(store: &Store) {
    store.environment("production");
    let name = environment_name("production");
    store.key("production", KeyKind::Client, "a-key-that-stays");
    let first = store.key("production", KeyKind::Client, "a-client-key");
    let since = store.head();
    assert_eq!(changed(&load(store, Some(since))), BTreeMap::new());

    let text = KeyText::of(KeyKind::Client, &[1; 32]);
    let until = instant("2030-01-01T00:00:00Z");
    store
        .keys
        .rotate_key(
            &name,
            first.id,
            &[1; 32],
            until,
            &Precondition::Any,
            &stamp(),
        )
        .unwrap();
    let update = load(store, Some(since));
    assert_eq!(update.head, store.head());
    let keys = changed(&update);
    assert_eq!(keys.len(), 2);
    let old = keys[&first.digest.to_string()].unwrap();
    let new = keys[&text.digest().to_string()].unwrap();
    assert_eq!((old.expires_at, new.expires_at), (Some(until), None));

    let since = store.head();
    store
        .keys
        .delete_key(&name, first.id, &Precondition::Any, &stamp())
        .unwrap();
    let deleted = BTreeMap::from([(first.digest.to_string(), None)]);
    assert_eq!(changed(&load(store, Some(since))), deleted);
}

fn the_keys_of_a_deleted_environment_open_nothing(store: &Store) {
    store.environment("production");
    store.environment("bare");
    let stays_away = store.key("production", KeyKind::Server, "a-server-key");
    store.key("production", KeyKind::Client, "a-client-key");
    let since = store.head();
    for name in ["production", "bare"] {
        store
            .flags
            .delete_environment(&environment_name(name), &Precondition::Any, &stamp())
            .unwrap();
    }
    // Its name and its key's text may be taken again.
    let again = store.environment("production").id;
    let key = store.key("production", KeyKind::Client, "a-client-key");
    let keys = changed(&load(store, Some(since)));
    assert_eq!(keys.len(), 2);
    assert_eq!(keys[&stays_away.digest.to_string()], None);
    let grant = keys[&key.digest.to_string()].unwrap();
    assert_eq!(grant.environment, again);
}

fn changes_to_anything_else_move_on_the_head_alone(store: &Store) {
    store.environment("production");
    store.key("production", KeyKind::Client, "a-client-key");
    let since = store.head();
    store.feature("dark_mode");
    let rename = ChangeEnvironment {
        name: Some(environment_name("live")),
        description: None,
    };
    let name = environment_name("production");
    store
        .flags
        .change_environment(&name, &rename, &Precondition::Any, &stamp())
        .unwrap();
    assert!(
        store
            .accounts
            .create_first_account(&new_account("jay"), &stamp())
            .unwrap()
    );
    let update = load(store, Some(since));
    assert_eq!((update.head, update.renamed), (Seq(since.0 + 3), true));
    assert_eq!(changed(&update), BTreeMap::new());
    assert!(!load(store, Some(update.head)).renamed);
}

fn head_and_keys_are_of_one_moment(store: &Store) {
    store.environment("production");
    let before = store.head();
    thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for turn in 0..100 {
                store.key("production", KeyKind::Client, &format!("key-number-{turn}"));
            }
        });
        loop {
            let last = writer.is_finished();
            let update = load(store, None);
            let keys = i64::try_from(all(&update).len()).unwrap();
            assert_eq!(update.head.0 - before.0, keys);
            if last {
                break;
            }
        }
    });
}
