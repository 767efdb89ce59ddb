//! `KeyRepository`: keys with their texts or digests alone, their rotation, and that the log never holds a text.

use flagstaff_domain::access::{AccessError, ChangeKey, EnvironmentKey, KeyKind, KeyText, NewKey};
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::{KeyId, Seq};
use flagstaff_domain::page::Page;
use flagstaff_domain::write::{Precondition, Written};
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    a_key_is_read_back_as_it_was_created,
    keys_are_listed_by_id_also_expired_ones_in_pages,
    a_key_belongs_to_its_environment_alone,
    an_unknown_environment_is_told_from_an_unknown_key,
    a_text_is_a_key_once_in_all_environments,
    a_changed_key_keeps_its_text_and_no_change_leaves_no_trace,
    a_rotated_key_expires_and_its_heir_does_not,
    of_two_expiries_a_rotation_leaves_the_earlier,
    a_rotation_to_a_text_that_is_taken_leaves_no_trace,
    only_the_expected_version_is_deleted,
    a_deleted_key_is_gone_and_its_id_is_never_used_again,
    keys_do_not_touch_what_their_environment_serves,
    no_text_of_a_key_is_ever_in_the_log,
);

fn at(text: &str) -> Timestamp {
    instant(text)
}

fn create(
    store: &Store,
    environment: &str,
    key: &NewKey,
) -> Result<Written<EnvironmentKey>, AccessError> {
    store
        .keys
        .create_key(&environment_name(environment), key, &stamp())
}

fn get(store: &Store, environment: &str, key: KeyId) -> Result<EnvironmentKey, AccessError> {
    store.keys.get_key(&environment_name(environment), key)
}

fn rotate(
    store: &Store,
    old: KeyId,
    drawn: [u8; 32],
    until: &str,
) -> Result<Written<EnvironmentKey>, AccessError> {
    let environment = environment_name("production");
    store.keys.rotate_key(
        &environment,
        old,
        &drawn,
        at(until),
        &Precondition::Any,
        &later(),
    )
}

fn delete(store: &Store, environment: &str, key: KeyId) -> Result<Seq, AccessError> {
    let environment = environment_name(environment);
    store
        .keys
        .delete_key(&environment, key, &Precondition::Any, &later())
}

fn expiring(kind: KeyKind, text: &str, expires_at: &str) -> NewKey {
    NewKey {
        expires_at: Some(at(expires_at)),
        ..new_key("web", kind, text)
    }
}

fn a_key_is_read_back_as_it_was_created(store: &Store) {
    let environment = store.environment("Größe");
    let client = expiring(
        KeyKind::Client,
        "~a-client-key!",
        "2030-01-01T00:00:00.000001Z",
    );
    let server = new_key("Ключ \"1\"", KeyKind::Server, "a-server-key");
    for (key, text) in [(client, Some(key_text("~a-client-key!"))), (server, None)] {
        let (written, changes) = store.logged(|| create(store, "GRÖßE", &key).unwrap());
        let expected = EnvironmentKey {
            id: written.record.id,
            environment_id: environment.id,
            environment: environment.name.clone(),
            name: key.name.clone(),
            kind: key.kind,
            digest: key.digest,
            text,
            created_at: stamp().at,
            expires_at: key.expires_at,
            is_guid: false,
            version: written.revision,
        };
        assert_eq!(written.record, expected);
        assert_eq!(get(store, "größe", expected.id).unwrap(), expected);

        assert_eq!(
            told(&changes),
            [("key.created", key.name.as_str(), Some("Größe"))]
        );
        assert_eq!(
            (changes[0].seq, changes[0].group),
            (written.revision, written.revision)
        );
        assert_eq!((changes[0].at, &changes[0].before), (stamp().at, &None));
        assert_eq!(
            record(&changes[0].after),
            json!({"id": expected.id, "name": key.name, "kind": key.kind, "digest": key.digest,
                "created_at": stamp().at, "expires_at": key.expires_at, "version": written.revision})
        );
    }
}

fn keys_are_listed_by_id_also_expired_ones_in_pages(store: &Store) {
    store.environment("production");
    store.environment("staging");
    let mut ids = Vec::new();
    for text in ["key-number-3", "key-number-1", "key-number-2"] {
        let expired = expiring(KeyKind::Client, text, "1999-01-01T00:00:00Z");
        ids.push(create(store, "production", &expired).unwrap().record.id);
        store.key("staging", KeyKind::Client, &format!("staging-{text}"));
    }
    let page = |limit, after| {
        let page = Page::new(limit, after).unwrap();
        let listing = store
            .keys
            .list_keys(&environment_name("Production"), &page)
            .unwrap();
        (
            listing.items.iter().map(|key| key.id).collect::<Vec<_>>(),
            listing.more,
        )
    };
    assert_eq!(page(10, None), (ids.clone(), false));
    assert_eq!(page(2, None), (ids[..2].to_vec(), true));
    assert_eq!(page(2, Some(ids[1])), (ids[2..].to_vec(), false));
    assert_eq!(page(3, None), (ids.clone(), false));
    assert_eq!(page(1, Some(ids[2])), (vec![], false));
}

fn a_key_belongs_to_its_environment_alone(store: &Store) {
    store.environment("production");
    store.environment("staging");
    let id = store.key("staging", KeyKind::Client, "a-staging-key").id;
    let (errors, changes) = store.logged(|| {
        [
            get(store, "production", id).unwrap_err(),
            rotate(store, id, [1; 32], "2030-01-01T00:00:00Z").unwrap_err(),
            delete(store, "production", id).unwrap_err(),
        ]
    });
    for error in errors {
        assert!(
            matches!(error, AccessError::KeyNotFound(unknown) if unknown == id),
            "{error:?}"
        );
    }
    assert_eq!(changes, []);
    assert!(get(store, "staging", id).is_ok());
}

fn an_unknown_environment_is_told_from_an_unknown_key(store: &Store) {
    let nowhere = environment_name("production");
    let key = new_key("web", KeyKind::Client, "a-client-key");
    let errors = [
        store.keys.list_keys(&nowhere, &Page::first()).unwrap_err(),
        get(store, "production", KeyId(1)).unwrap_err(),
        create(store, "production", &key).unwrap_err(),
        rotate(store, KeyId(1), [1; 32], "2030-01-01T00:00:00Z").unwrap_err(),
        delete(store, "production", KeyId(1)).unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(&error, AccessError::EnvironmentNotFound(name) if *name == nowhere),
            "{error:?}"
        );
    }
    store.environment("production");
    let error = get(store, "production", KeyId(1)).unwrap_err();
    assert!(
        matches!(error, AccessError::KeyNotFound(KeyId(1))),
        "{error:?}"
    );
}

fn a_text_is_a_key_once_in_all_environments(store: &Store) {
    store.environment("production");
    store.environment("staging");
    let id = store.key("production", KeyKind::Client, "a-client-key").id;
    for (environment, kind) in [
        ("production", KeyKind::Client),
        ("staging", KeyKind::Client),
        ("staging", KeyKind::Server),
    ] {
        let key = new_key("other", kind, "a-client-key");
        let (again, changes) = store.logged(|| create(store, environment, &key));
        assert!(matches!(again, Err(AccessError::KeyExists)), "{again:?}");
        assert_eq!(changes, []);
    }
    // Another name is no other key, and another case is.
    store.key("production", KeyKind::Client, "A-client-key");
    delete(store, "production", id).unwrap();
    store.key("staging", KeyKind::Client, "a-client-key");
}

fn a_rotated_key_expires_and_its_heir_does_not(store: &Store) {
    store.environment("production");
    for (kind, kept) in [(KeyKind::Client, true), (KeyKind::Server, false)] {
        let old = store.key("production", kind, &format!("old-{}", kind.as_str()));
        let heir = KeyText::of(kind, &[1; 32]);
        let (written, changes) =
            store.logged(|| rotate(store, old.id, [1; 32], "2026-11-20T12:00:00Z").unwrap());
        let new = &written.record;
        assert_eq!(
            (&new.name, new.kind, new.expires_at),
            (&old.name, kind, None)
        );
        assert_eq!((new.digest, new.created_at), (heir.digest(), later().at));
        assert_eq!(new.text, kept.then_some(heir));
        assert_eq!(
            (new.version, get(store, "production", new.id).unwrap()),
            (written.revision, new.clone())
        );

        let at = Some("production");
        assert_eq!(
            told(&changes),
            [("key.changed", "web", at), ("key.created", "web", at)]
        );
        assert!(changes.iter().all(|change| change.group == changes[0].seq));
        assert_eq!(changes[1].seq, written.revision);
        assert_eq!(record(&changes[0].before)["expires_at"], json!(null));
        assert_eq!(
            record(&changes[0].after)["expires_at"],
            json!("2026-11-20T12:00:00.000000Z")
        );
        let expired = EnvironmentKey {
            expires_at: Some(instant("2026-11-20T12:00:00Z")),
            is_guid: false,
            version: changes[0].seq,
            ..old
        };
        assert_eq!(get(store, "production", expired.id).unwrap(), expired);
    }
}

fn of_two_expiries_a_rotation_leaves_the_earlier(store: &Store) {
    store.environment("production");
    let old = expiring(KeyKind::Client, "expires-late", "2031-01-01T00:00:00Z");
    let id = create(store, "production", &old).unwrap().record.id;
    rotate(store, id, [1; 32], "2030-01-01T00:00:00Z").unwrap();
    let old = get(store, "production", id).unwrap();
    assert_eq!(old.expires_at, Some(at("2030-01-01T00:00:00Z")));

    let (_, changes) = store.logged(|| rotate(store, id, [2; 32], "2030-06-01T00:00:00Z").unwrap());
    assert_eq!(get(store, "production", id).unwrap(), old);
    assert_eq!(told(&changes), [("key.created", "web", Some("production"))]);
    assert_eq!(changes[0].group, changes[0].seq);
}

fn a_rotation_to_a_text_that_is_taken_leaves_no_trace(store: &Store) {
    store.environment("production");
    store.environment("staging");
    let text = |drawn| KeyText::of(KeyKind::Client, &drawn);
    store.key("staging", KeyKind::Client, text([1; 32]).reveal());
    let old = store.key("production", KeyKind::Client, text([2; 32]).reveal());
    for drawn in [[1; 32], [2; 32]] {
        let (refused, changes) =
            store.logged(|| rotate(store, old.id, drawn, "2030-01-01T00:00:00Z"));
        assert!(
            matches!(refused, Err(AccessError::KeyExists)),
            "{refused:?}"
        );
        assert_eq!(changes, []);
        assert_eq!(get(store, "production", old.id).unwrap(), old);
    }
}

fn only_the_expected_version_is_deleted(store: &Store) {
    store.environment("production");
    let old = store.key("production", KeyKind::Client, "a-client-key");
    rotate(store, old.id, [1; 32], "2030-01-01T00:00:00Z").unwrap();
    let current = get(store, "production", old.id).unwrap().version;
    let production = environment_name("production");
    let attempt = |version| {
        let expected = Precondition::OneOf(vec![version]);
        store
            .keys
            .delete_key(&production, old.id, &expected, &later())
    };
    let (refused, changes) = store.logged(|| attempt(old.version));
    assert!(
        matches!(refused, Err(AccessError::VersionMismatch(mismatch)) if mismatch.actual == current)
    );
    assert_eq!(changes, []);
    attempt(current).unwrap();
}

fn a_deleted_key_is_gone_and_its_id_is_never_used_again(store: &Store) {
    store.environment("production");
    let key = store.key("production", KeyKind::Client, "a-client-key");
    let (seq, changes) = store.logged(|| delete(store, "production", key.id).unwrap());
    assert_eq!(told(&changes), [("key.deleted", "web", Some("production"))]);
    assert_eq!(
        (changes[0].seq, changes[0].group, &changes[0].after),
        (seq, seq, &None)
    );
    assert_eq!(record(&changes[0].before)["digest"], json!(key.digest));

    let again = delete(store, "production", key.id);
    assert!(
        matches!(again, Err(AccessError::KeyNotFound(id)) if id == key.id),
        "{again:?}"
    );
    assert!(store.key("production", KeyKind::Client, "a-client-key").id > key.id);
}

fn keys_do_not_touch_what_their_environment_serves(store: &Store) {
    let before = store.environment("production");
    let key = store.key("production", KeyKind::Client, "a-client-key");
    rotate(store, key.id, [1; 32], "2030-01-01T00:00:00Z").unwrap();
    delete(store, "production", key.id).unwrap();
    assert_eq!(store.flags.get_environment(&before.name).unwrap(), before);
}

fn no_text_of_a_key_is_ever_in_the_log(store: &Store) {
    store.environment("production");
    let kinds = [KeyKind::Client, KeyKind::Server];
    let texts = kinds.map(|kind| [1, 2].map(|byte| KeyText::of(kind, &[byte; 32])));
    for (kind, [first, _]) in kinds.iter().zip(&texts) {
        let key = store.key("production", *kind, first.reveal());
        rotate(store, key.id, [2; 32], "2030-01-01T00:00:00Z").unwrap();
        delete(store, "production", key.id).unwrap();
    }
    let [client, server] = &texts;
    assert!(store.backstage.holds(client[1].reveal()));
    let production = environment_name("production");
    store
        .flags
        .delete_environment(&production, &Precondition::Any, &later())
        .unwrap();

    let rows = store.backstage.log_rows();
    assert_eq!(rows.len(), 12);
    for text in client.iter().chain(server) {
        let shown = text.reveal();
        assert!(rows.iter().all(|row| !row.contains(shown)), "{shown}");
        let digest = text.digest().to_string();
        assert!(rows.iter().any(|row| row.contains(&digest)), "{shown}");
    }
    // Of a server key, nothing but the digest is kept anywhere.
    assert!(
        server
            .iter()
            .all(|text| !store.backstage.holds(text.reveal()))
    );
}

fn a_changed_key_keeps_its_text_and_no_change_leaves_no_trace(store: &Store) {
    store.environment("production");
    let name = environment_name("production");
    let key = expiring(KeyKind::Client, "a-client-key", "2030-01-01T00:00:00Z");
    let made = store.keys.create_key(&name, &key, &later()).unwrap().record;
    let change = ChangeKey {
        name: None,
        expires_at: Some(None),
    };
    let apply = |accepted: &Precondition| {
        store
            .keys
            .change_key(&name, made.id, &change, accepted, &later())
    };
    let stale = apply(&Precondition::OneOf(vec![Seq(1)]));
    assert!(matches!(stale, Err(AccessError::VersionMismatch(_))));
    let (changed, changes) = store.logged(|| apply(&Precondition::Any).unwrap());
    assert_eq!(changes.len(), 1);
    assert_eq!(
        changed.record,
        EnvironmentKey {
            expires_at: None,
            is_guid: false,
            version: changed.revision,
            ..made.clone()
        }
    );
    let (same, changes) = store.logged(|| apply(&Precondition::Any).unwrap());
    assert_eq!((same, changes.len()), (changed, 0));
}
