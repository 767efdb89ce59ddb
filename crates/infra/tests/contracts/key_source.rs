//! `KeySource`: which environments' keys have to be held anew since a position of the log.

use std::collections::BTreeMap;
use std::thread;

use flagstaff_domain::access::{KeyDigest, KeyKind, KeyUpdate, NewKey};
use flagstaff_domain::flags::ChangeEnvironment;
use flagstaff_domain::ids::{EnvironmentId, Seq};
use flagstaff_domain::write::Precondition;

use crate::samples::*;
use crate::store::Store;

contracts!(
    an_empty_store_has_no_keys_at_position_0,
    a_first_load_brings_every_key,
    only_environments_whose_keys_changed_come_again,
    a_deleted_environment_comes_without_keys,
    changes_to_anything_else_move_on_the_head_alone,
    head_and_keys_are_of_one_moment,
);

fn load(store: &Store, since: Option<Seq>) -> KeyUpdate {
    store.grants.load(since).unwrap()
}

/// The digests by environment.
fn digests(update: &KeyUpdate) -> BTreeMap<EnvironmentId, Vec<KeyDigest>> {
    let environments = update.environments.iter();
    let digests = environments.map(|one| {
        assert!(
            one.grants
                .iter()
                .all(|grant| grant.environment == one.environment)
        );
        (
            one.environment,
            one.grants.iter().map(|grant| grant.digest).collect(),
        )
    });
    let digests: BTreeMap<_, _> = digests.collect();
    assert_eq!(
        digests.len(),
        update.environments.len(),
        "an environment comes once"
    );
    digests
}

fn an_empty_store_has_no_keys_at_position_0(store: &Store) {
    for since in [None, Some(Seq(0))] {
        assert_eq!(load(store, since), KeyUpdate::default());
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
    let digests = digests(&update);
    assert_eq!(digests[&production].len(), 2);
    assert_eq!(digests[&staging], [client.digest]);
    let grants: Vec<_> = update
        .environments
        .iter()
        .flat_map(|one| &one.grants)
        .collect();
    let find = |digest| grants.iter().find(|grant| grant.digest == digest).unwrap();
    assert_eq!(
        (find(expired.digest).kind, find(expired.digest).expires_at),
        (KeyKind::Client, Some(expiry))
    );
    assert_eq!(
        (find(server.digest).kind, find(server.digest).expires_at),
        (KeyKind::Server, None)
    );
}

fn only_environments_whose_keys_changed_come_again(store: &Store) {
    let production = store.environment("production").id;
    store.environment("staging");
    let name = environment_name("production");
    store.key("staging", KeyKind::Client, "a-staging-key");
    let first = store.key("production", KeyKind::Client, "a-client-key");
    let since = store.head();
    assert_eq!(
        load(store, Some(since)),
        KeyUpdate {
            head: since,
            environments: vec![]
        }
    );

    let text = key_text("another-key");
    let until = instant("2030-01-01T00:00:00Z");
    store
        .keys
        .rotate_key(
            &name,
            first.id,
            &text,
            until,
            &flagstaff_domain::write::Precondition::Any,
            &stamp(),
        )
        .unwrap();
    let update = load(store, Some(since));
    assert_eq!(update.head, store.head());
    assert_eq!(
        digests(&update),
        BTreeMap::from([(production, vec![first.digest, text.digest()])])
    );
    assert_eq!(update.environments[0].grants[0].expires_at, Some(until));

    let since = store.head();
    store
        .keys
        .delete_key(&name, first.id, &Precondition::Any, &stamp())
        .unwrap();
    let update = load(store, Some(since));
    assert_eq!(
        digests(&update),
        BTreeMap::from([(production, vec![text.digest()])])
    );
}

fn a_deleted_environment_comes_without_keys(store: &Store) {
    let production = store.environment("production").id;
    let bare = store.environment("bare").id;
    store.key("production", KeyKind::Client, "a-client-key");
    let since = store.head();
    for name in ["production", "bare"] {
        store
            .flags
            .delete_environment(&environment_name(name), &Precondition::Any, &stamp())
            .unwrap();
    }
    // Its name and its key's text may be taken again; its id stays without keys.
    let again = store.environment("production").id;
    let key = store.key("production", KeyKind::Client, "a-client-key");
    let update = digests(&load(store, Some(since)));
    assert_eq!(update[&production], []);
    assert_eq!(update[&again], [key.digest]);
    assert!(update.get(&bare).is_none_or(Vec::is_empty));
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
    assert_eq!(
        (update.head, update.environments),
        (Seq(since.0 + 3), vec![])
    );
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
            let keys: usize = update.environments.iter().map(|one| one.grants.len()).sum();
            assert_eq!(update.head.0 - before.0, i64::try_from(keys).unwrap());
            if last {
                break;
            }
        }
    });
}
