//! `GuidRepository`: the register's records, who may let them open environments, and their end.

use flagstaff_domain::access::{
    AccessError, ChangeGuid, Expire, Granting, GuidRecord, KeyChanges, KeyDigest, KeyKind, NewGuid,
    NewKey,
};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::page::Page;
use flagstaff_domain::text::GuidUser;
use flagstaff_domain::write::{Precondition, Stamp, Written};

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    a_record_is_found_as_it_was_made,
    what_cannot_be_reached_is_an_error,
    a_guid_is_there_once_unless_it_has_expired,
    a_key_of_an_environment_is_no_record,
    a_change_leaves_what_it_does_not_name,
    an_expired_record_can_be_given_a_new_end_and_nothing_else,
    a_version_that_is_not_accepted_changes_nothing,
    only_whoever_may_grant_touches_a_record_that_opens_an_environment,
    a_record_that_opens_an_environment_is_a_key_of_it,
    an_environment_takes_its_guids_along,
    a_deleted_record_is_gone_and_its_guid_is_free,
    a_purge_takes_the_oldest_first_and_says_so,
    records_are_listed_page_by_page,
    no_guid_is_stored_anywhere,
);

const GUID: &str = "9094E4C980C74043A4B586B420E69DDF";
/// After [`stamp`] and [`later`].
const END: &str = "2026-12-01T00:00:00Z";

fn create(store: &Store, new: &NewGuid) -> Written<GuidRecord> {
    let created = store.guids.create_guid(new, Granting::Allowed, &stamp());
    created.unwrap()
}

fn change(store: &Store, change: &ChangeGuid) -> Result<Written<GuidRecord>, AccessError> {
    let any = Precondition::Any;
    store
        .guids
        .change_guid(&digest(), change, Granting::Allowed, &any, &later())
}

fn delete(store: &Store, granting: Granting) -> Result<(), AccessError> {
    let any = Precondition::Any;
    let deleted = store.guids.delete_guid(&digest(), granting, &any, &later());
    deleted.map(drop)
}

fn digest() -> KeyDigest {
    KeyDigest::of(GUID.as_bytes())
}

fn find(store: &Store) -> Option<GuidRecord> {
    store.guids.find_guid(&digest()).unwrap().0
}

fn expire(text: &str) -> Expire {
    Expire::of(instant(text)).unwrap()
}

fn until(text: &str) -> ChangeGuid {
    ChangeGuid {
        expire: Some(expire(text)),
        ..ChangeGuid::default()
    }
}

fn opening(environment: &str) -> NewGuid {
    NewGuid {
        environment: Some(environment_name(environment)),
        ..new_guid(GUID, END)
    }
}

fn a_record_is_found_as_it_was_made(store: &Store) {
    let production = store.environment("production");
    assert_eq!(find(store), None);
    let new = NewGuid {
        description: Some(description("for tests")),
        ..opening("PRODUCTION")
    };
    let (written, changes) = store.logged(|| create(store, &new));
    let expected = GuidRecord {
        id: written.record.id,
        digest: digest(),
        user: new.user,
        environment: Some((production.id, production.name)),
        description: new.description,
        created_at: stamp().at,
        expire: expire(END),
        version: written.revision,
    };
    assert_eq!(written.record, expected);
    let (found, head) = store.guids.find_guid(&digest()).unwrap();
    assert_eq!((found, head), (Some(expected), written.revision));
    let subject = digest().to_string();
    assert_eq!(
        told(&changes),
        [("guid.created", subject.as_str(), Some("production"))]
    );
    assert_eq!(record(&changes[0].after)["user"], "Jay Patel");
}

fn what_cannot_be_reached_is_an_error(store: &Store) {
    let away = store.backstage.out_of_reach();
    assert!(away.guids.find_guid(&digest()).is_err());
    assert!(matches!(
        away.guids
            .create_guid(&new_guid(GUID, END), Granting::Allowed, &stamp()),
        Err(AccessError::Storage(_))
    ));
}

fn a_guid_is_there_once_unless_it_has_expired(store: &Store) {
    let first = create(store, &new_guid(GUID, "2026-11-20T10:30:00Z"));
    let again = NewGuid {
        user: GuidUser::parse("Kim").unwrap(),
        ..new_guid(GUID, END)
    };
    let too_early = store.guids.create_guid(&again, Granting::Refused, &stamp());
    assert!(matches!(too_early, Err(AccessError::GuidExists)));

    let (second, changes) = store.logged(|| {
        store
            .guids
            .create_guid(&again, Granting::Refused, &later())
            .unwrap()
    });
    assert_ne!(second.record.id, first.record.id, "it is a new record");
    assert_eq!(second.record.created_at, later().at);
    assert_eq!(find(store), Some(second.record));
    let kinds: Vec<_> = changes.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["guid.deleted", "guid.created"]);
    assert_eq!(changes[0].group, changes[1].group);
}

fn a_key_of_an_environment_is_no_record(store: &Store) {
    store.environment("production");
    let key = store.key("production", KeyKind::Client, GUID);
    assert_eq!(find(store), None);
    assert!(matches!(
        change(store, &until(END)),
        Err(AccessError::GuidNotFound)
    ));
    assert!(matches!(
        delete(store, Granting::Allowed),
        Err(AccessError::GuidNotFound)
    ));
    let taken = store
        .guids
        .create_guid(&new_guid(GUID, END), Granting::Allowed, &later());
    assert!(matches!(taken, Err(AccessError::GuidExists)));
    let name = environment_name("production");
    assert_eq!(store.keys.get_key(&name, key.id).unwrap(), key);
    // A record that opens no environment is no key of any.
    let record = create(store, &new_guid("another", END)).record;
    assert!(matches!(
        store.keys.get_key(&name, record.id),
        Err(AccessError::KeyNotFound(_))
    ));
}

fn a_change_leaves_what_it_does_not_name(store: &Store) {
    store.environment("production");
    let before = create(
        store,
        &NewGuid {
            description: Some(description("for tests")),
            ..opening("production")
        },
    )
    .record;
    let (untouched, changes) = store.logged(|| change(store, &ChangeGuid::default()).unwrap());
    assert_eq!((untouched.record, changes), (before.clone(), vec![]));

    let new_end = change(store, &until("2027-01-01T00:00:00Z")).unwrap();
    let expected = GuidRecord {
        expire: expire("2027-01-01T00:00:00Z"),
        version: new_end.revision,
        ..before.clone()
    };
    assert_eq!(new_end.record, expected);

    let bare = ChangeGuid {
        user: Some(GuidUser::parse("Kim").unwrap()),
        environment: Some(None),
        description: Some(None),
        ..ChangeGuid::default()
    };
    let (changed, changes) = store.logged(|| change(store, &bare).unwrap());
    let after = changed.record;
    assert_eq!((&after.environment, &after.description), (&None, &None));
    assert_eq!(
        (after.user.as_str(), after.expire),
        ("Kim", expected.expire)
    );
    assert_eq!(find(store), Some(after));
    let subject = digest().to_string();
    assert_eq!(
        told(&changes),
        [("guid.changed", subject.as_str(), Some("production"))],
        "the environment that it no longer opens"
    );

    let unknown = ChangeGuid {
        environment: Some(Some(environment_name("nowhere"))),
        ..ChangeGuid::default()
    };
    assert!(matches!(
        change(store, &unknown),
        Err(AccessError::GrantsUnknown(_))
    ));
}

fn an_expired_record_can_be_given_a_new_end_and_nothing_else(store: &Store) {
    create(store, &new_guid(GUID, "2026-11-20T10:30:00Z"));
    let rename = ChangeGuid {
        user: Some(GuidUser::parse("Kim").unwrap()),
        ..ChangeGuid::default()
    };
    assert!(matches!(
        change(store, &rename),
        Err(AccessError::GuidNotFound)
    ));
    assert!(matches!(
        delete(store, Granting::Allowed),
        Err(AccessError::GuidNotFound)
    ));
    let revived = change(store, &until(END)).unwrap().record;
    assert_eq!(revived.expire, expire(END));
    assert!(change(store, &rename).is_ok());
}

fn a_version_that_is_not_accepted_changes_nothing(store: &Store) {
    let record = create(store, &new_guid(GUID, END)).record;
    let other = Precondition::OneOf(vec![flagstaff_domain::ids::Seq(record.version.0 + 1)]);
    let guids = &store.guids;
    let changed = guids.change_guid(
        &digest(),
        &until("2027-01-01T00:00:00Z"),
        Granting::Allowed,
        &other,
        &later(),
    );
    assert!(matches!(changed, Err(AccessError::VersionMismatch(_))));
    let deleted = guids.delete_guid(&digest(), Granting::Allowed, &other, &later());
    assert!(matches!(deleted, Err(AccessError::VersionMismatch(_))));
    assert_eq!(find(store), Some(record));
}

fn only_whoever_may_grant_touches_a_record_that_opens_an_environment(store: &Store) {
    store.environment("production");
    let refused = |result: Result<Written<GuidRecord>, AccessError>| {
        assert!(matches!(result, Err(AccessError::GrantingRefused)));
    };
    let guids = &store.guids;
    let any = Precondition::Any;
    let modest = |change: &ChangeGuid| {
        guids.change_guid(&digest(), change, Granting::Refused, &any, &later())
    };
    refused(guids.create_guid(&opening("production"), Granting::Refused, &stamp()));
    assert!(
        guids
            .create_guid(&new_guid(GUID, END), Granting::Refused, &stamp())
            .is_ok()
    );
    let granting = ChangeGuid {
        environment: Some(Some(environment_name("production"))),
        ..ChangeGuid::default()
    };
    refused(modest(&granting));
    assert!(change(store, &granting).is_ok());
    let (_, changes) = store.logged(|| {
        refused(modest(&until("2027-01-01T00:00:00Z")));
        refused(modest(&ChangeGuid {
            environment: Some(None),
            ..ChangeGuid::default()
        }));
        assert!(matches!(
            delete(store, Granting::Refused),
            Err(AccessError::GrantingRefused)
        ));
    });
    assert_eq!(changes, []);
    assert!(delete(store, Granting::Allowed).is_ok());
}

fn a_record_that_opens_an_environment_is_a_key_of_it(store: &Store) {
    let production = store.environment("production");
    let since = store.head();
    create(store, &new_guid("one without", END));
    let granting = create(store, &opening("production")).record;
    let update = store.grants.load(Some(since)).unwrap();
    let KeyChanges::Only(changes) = update.keys else {
        panic!("all keys came");
    };
    let opened: Vec<_> = changes.iter().filter_map(|(_, grant)| *grant).collect();
    assert_eq!((changes.len(), opened.len()), (2, 1));
    assert_eq!(opened[0].digest, digest());
    assert_eq!(opened[0].environment, production.id);
    assert_eq!(opened[0].expires_at, Some(instant(END)));
    let KeyChanges::All(grants) = store.grants.load(None).unwrap().keys else {
        panic!("some keys came");
    };
    assert_eq!(grants, opened);

    let name = environment_name("production");
    let keys = store.keys.list_keys(&name, &Page::first()).unwrap().items;
    assert_eq!(keys.len(), 1);
    assert_eq!(
        (keys[0].name.as_str(), keys[0].is_guid),
        ("Jay Patel", true)
    );
    assert_eq!((keys[0].id, &keys[0].text), (granting.id, &None));
    assert_eq!(store.state.load().unwrap().keys, []);
    let any = Precondition::Any;
    let rename = flagstaff_domain::access::ChangeKey {
        name: None,
        expires_at: Some(None),
    };
    assert!(matches!(
        store
            .keys
            .change_key(&name, granting.id, &rename, &any, &later()),
        Err(AccessError::KeyIsGuid(_))
    ));
    assert!(matches!(
        store
            .keys
            .rotate_key(&name, granting.id, &[1; 32], later().at, &any, &later()),
        Err(AccessError::KeyIsGuid(_))
    ));
    let (_, changes) = store.logged(|| {
        store
            .keys
            .delete_key(&name, granting.id, &any, &later())
            .unwrap()
    });
    assert_eq!(changes[0].kind.as_str(), "guid.deleted");
    assert_eq!(find(store), None);
}

fn an_environment_takes_its_guids_along(store: &Store) {
    store.environment("production");
    create(store, &opening("production"));
    create(store, &new_guid("one without", END));
    let (_, changes) = store.logged(|| {
        let name = environment_name("production");
        store
            .flags
            .delete_environment(&name, &Precondition::Any, &later())
            .unwrap()
    });
    let subject = digest().to_string();
    assert_eq!(
        told(&changes),
        [
            ("guid.deleted", subject.as_str(), Some("production")),
            ("environment.deleted", "production", Some("production")),
        ]
    );
    assert_eq!(find(store), None);
    let left = store.guids.list_guids(None, &Page::first()).unwrap();
    assert_eq!(left.items.len(), 1);
}

fn a_deleted_record_is_gone_and_its_guid_is_free(store: &Store) {
    create(store, &new_guid(GUID, END));
    let (_, changes) = store.logged(|| delete(store, Granting::Refused).unwrap());
    assert_eq!(changes[0].kind.as_str(), "guid.deleted");
    assert!(changes[0].before.is_some() && changes[0].after.is_none());
    assert_eq!(find(store), None);
    assert!(matches!(
        delete(store, Granting::Refused),
        Err(AccessError::GuidNotFound)
    ));
    create(store, &new_guid(GUID, END));
    assert!(find(store).is_some());
}

fn a_purge_takes_the_oldest_first_and_says_so(store: &Store) {
    store.environment("production");
    let own = NewGuid {
        environment: Some(environment_name("production")),
        ..new_guid("oldest", "2020-01-01T00:00:00Z")
    };
    for new in [
        new_guid("on the second", "2020-03-01T00:00:00Z"),
        own,
        new_guid("too young", "2020-03-01T00:00:01Z"),
        new_guid("older", "2020-02-01T00:00:00Z"),
    ] {
        create(store, &new);
    }
    let expired = NewKey {
        expires_at: Some(instant("2019-01-01T00:00:00Z")),
        ..new_key("a key of an environment", KeyKind::Client, "an-expired-key")
    };
    let name = environment_name("production");
    let key = store.keys.create_key(&name, &expired, &stamp()).unwrap();
    let job = Stamp {
        actor: Actor::Job("purge"),
        at: later().at,
    };
    let by: Timestamp = instant("2020-03-01T00:00:00Z");
    let (purged, changes) =
        store.logged(|| [2, 2, 2].map(|limit| store.guids.purge_guids(by, limit, &job).unwrap()));
    assert_eq!(purged, [2, 1, 0]);
    let subjects: Vec<_> = changes.iter().map(|one| one.subject.clone()).collect();
    let expected =
        ["oldest", "older", "on the second"].map(|text| KeyDigest::of(text.as_bytes()).to_string());
    assert_eq!(subjects, expected);
    assert!(
        changes
            .iter()
            .all(|one| one.actor == "job:purge" && one.kind.as_str() == "guid.deleted")
    );
    assert_eq!(changes[0].environment.as_deref(), Some("production"));
    assert!(store.keys.get_key(&name, key.record.id).is_ok());
}

fn records_are_listed_page_by_page(store: &Store) {
    store.environment("production");
    store.key("production", KeyKind::Client, "a-client-key");
    for number in 0..5 {
        let mut new = new_guid(&format!("guid {number}"), END);
        if number % 2 == 1 {
            new.user = GuidUser::parse("Kim").unwrap();
        }
        create(store, &new);
    }
    let page = |user, limit, after| {
        let page = Page::new(limit, after).unwrap();
        store.guids.list_guids(user, &page).unwrap()
    };
    let first = page(None, 3, None);
    assert_eq!((first.items.len(), first.more), (3, true));
    let rest = page(None, 3, first.items.last().map(|one| one.id));
    assert_eq!((rest.items.len(), rest.more), (2, false));
    let kims = page(Some("Kim"), 10, None);
    assert_eq!((kims.items.len(), kims.more), (2, false));
}

fn no_guid_is_stored_anywhere(store: &Store) {
    store.environment("production");
    create(store, &opening("production"));
    change(store, &until("2027-01-01T00:00:00Z")).unwrap();
    delete(store, Granting::Allowed).unwrap();
    assert!(store.backstage.holds(&digest().to_string()));
    assert!(!store.backstage.holds(GUID));
    assert!(
        store
            .backstage
            .log_rows()
            .iter()
            .all(|row| !row.contains(GUID))
    );
}
