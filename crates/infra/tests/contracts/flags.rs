//! `FlagRepository`, the flags: reading and switching them, and what the repository says when its store is away.

use std::thread;

use flagstaff_domain::flags::{
    ChangeEnvironment, ChangeFeature, ChangeFlag, Environment, FeatureFilter, Flag, FlagError,
    FlagValue,
};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::Page;
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::write::{Precondition, Written};
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    an_unknown_environment_is_told_from_an_unknown_feature,
    a_change_keeps_what_it_does_not_name,
    a_change_appears_in_one_environment_alone,
    a_change_to_the_same_leaves_no_trace,
    only_the_expected_version_is_changed,
    pages_of_flags_go_on_after_a_features_name,
    two_writers_never_lose_each_others_change,
    a_store_out_of_reach_is_never_called_not_found,
);

fn change(
    store: &Store,
    environment: &str,
    change: &ChangeFlag,
) -> Result<Written<Flag>, FlagError> {
    let environment = environment_name(environment);
    let feature = feature_name("limit");
    store
        .flags
        .change_flag(&environment, &feature, change, &Precondition::Any, &later())
}

fn get_environment(store: &Store, name: &str) -> Environment {
    store
        .flags
        .get_environment(&environment_name(name))
        .unwrap()
}

fn an_unknown_environment_is_told_from_an_unknown_feature(store: &Store) {
    store.environment("production");
    store.feature("limit");
    let errors = |environment: &str, feature: &str| {
        let (environment, feature) = (environment_name(environment), feature_name(feature));
        let (change, any) = (set_enabled(true), Precondition::Any);
        [
            store.flags.get_flag(&environment, &feature).unwrap_err(),
            store
                .flags
                .change_flag(&environment, &feature, &change, &any, &stamp())
                .unwrap_err(),
        ]
    };
    for error in errors("nowhere", "limit")
        .into_iter()
        .chain(errors("nowhere", "nothing"))
    {
        assert!(
            matches!(&error, FlagError::EnvironmentNotFound(name) if name.as_str() == "nowhere"),
            "{error:?}"
        );
    }
    for error in errors("production", "nothing") {
        assert!(
            matches!(&error, FlagError::FeatureNotFound(name) if name.as_str() == "nothing"),
            "{error:?}"
        );
    }
}

fn a_change_keeps_what_it_does_not_name(store: &Store) {
    store.environment("production");
    store.feature("limit");
    let mut before = store.flag("production", "limit").unwrap();
    let both = ChangeFlag {
        enabled: Some(false),
        value: Some(FlagValue::Null),
        ..ChangeFlag::default()
    };
    for command in [set_enabled(true), set_value(FlagValue::Integer(3)), both] {
        let (written, changes) = store.logged(|| change(store, "PRODUCTION", &command).unwrap());
        let expected = Flag {
            updated_at: later().at,
            version: written.revision,
            ..command.apply(&before)
        };
        assert_eq!(written.record, expected);
        assert_eq!(store.flag("Production", "LIMIT").unwrap(), expected);

        assert_eq!(
            told(&changes),
            [("flag.changed", "limit", Some("production"))]
        );
        assert_eq!(
            (changes[0].seq, changes[0].group),
            (written.revision, written.revision)
        );
        assert_eq!(
            (changes[0].at, changes[0].actor.as_str()),
            (later().at, "user:kim")
        );
        for (logged, flag) in [
            (&changes[0].before, &before),
            (&changes[0].after, &expected),
        ] {
            assert_eq!(
                record(logged),
                json!({"id": flag.id, "feature": "limit", "environment": "production", "enabled": flag.enabled,
                    "value": flag.value, "updated_at": flag.updated_at, "version": flag.version, "variants": [], "killed": false,
                    "seed": flag.seed, "hash": "md5"})
            );
        }
        before = expected;
    }
}

fn a_change_appears_in_one_environment_alone(store: &Store) {
    for name in ["production", "staging"] {
        store.environment(name);
    }
    let feature = store.feature("limit");
    store.feature("other");
    let untouched = [
        store.flag("staging", "limit").unwrap(),
        store.flag("production", "other").unwrap(),
    ];
    let staging = get_environment(store, "staging");
    let revision = change(store, "production", &set_enabled(true))
        .unwrap()
        .revision;

    assert!(store.flag("production", "limit").unwrap().enabled);
    assert_eq!(
        [
            store.flag("staging", "limit").unwrap(),
            store.flag("production", "other").unwrap()
        ],
        untouched
    );
    assert_eq!(get_environment(store, "production").revision, revision);
    assert!(get_environment(store, "production").version < revision);
    assert_eq!(get_environment(store, "staging"), staging);
    assert_eq!(store.flags.get_feature(&feature.name).unwrap(), feature);
}

fn a_change_to_the_same_leaves_no_trace(store: &Store) {
    store.environment("production");
    store.feature("limit");
    let before = change(store, "production", &set_value(FlagValue::Float(1.0))).unwrap();
    for same in [
        ChangeFlag::default(),
        set_enabled(false),
        set_value(FlagValue::Float(1.0)),
    ] {
        let (written, changes) = store.logged(|| change(store, "production", &same).unwrap());
        assert_eq!(changes, []);
        assert_eq!(written, before);
        assert_eq!(store.flag("production", "limit").unwrap(), before.record);
    }
    assert_eq!(
        get_environment(store, "production").revision,
        before.revision
    );
    // 1 and 1.0 are different values.
    let (_, changes) =
        store.logged(|| change(store, "production", &set_value(FlagValue::Integer(1))));
    assert_eq!(changes.len(), 1);
}

fn only_the_expected_version_is_changed(store: &Store) {
    store.environment("production");
    store.feature("limit");
    let old = store.flag("production", "limit").unwrap().version;
    let current = change(store, "production", &set_enabled(true))
        .unwrap()
        .revision;
    let (environment, feature) = (environment_name("production"), feature_name("limit"));
    let attempt = |change: &ChangeFlag, versions: &[Seq]| {
        let expected = Precondition::OneOf(versions.to_vec());
        store
            .flags
            .change_flag(&environment, &feature, change, &expected, &later())
    };
    for (command, versions) in [
        (set_enabled(false), vec![old]),
        (set_enabled(true), vec![old]),
        (set_enabled(false), vec![]),
    ] {
        let (refused, changes) = store.logged(|| attempt(&command, &versions).unwrap_err());
        assert!(
            matches!(refused, FlagError::VersionMismatch(mismatch) if mismatch.actual == current),
            "{refused:?}"
        );
        assert_eq!(changes, []);
    }
    assert!(store.flag("production", "limit").unwrap().enabled);
    assert!(
        !attempt(&set_enabled(false), &[old, current])
            .unwrap()
            .record
            .enabled
    );
}

fn pages_of_flags_go_on_after_a_features_name(store: &Store) {
    for name in ["production", "staging"] {
        store.environment(name);
    }
    for name in ["c", "a", "Ä", "B"] {
        store.feature(name);
    }
    let page = |limit, after: Option<&str>| {
        let page = Page::new(limit, after.map(feature_name)).unwrap();
        let listing = store
            .flags
            .list_flags(&environment_name("PRODUCTION"), &page)
            .unwrap();
        assert!(
            listing
                .items
                .iter()
                .all(|flag| flag.environment.as_str() == "production")
        );
        let names: Vec<_> = listing
            .items
            .iter()
            .map(|flag| flag.feature.to_string())
            .collect();
        (names.join(" "), listing.more)
    };
    assert_eq!(page(3, None), ("B a c".to_owned(), true));
    assert_eq!(page(3, Some("c")), ("Ä".to_owned(), false));
    assert_eq!(page(4, None), ("B a c Ä".to_owned(), false));
    assert_eq!(page(2, Some("C")), ("a c".to_owned(), true));
}

fn two_writers_never_lose_each_others_change(store: &Store) {
    store.environment("production");
    store.feature("limit");
    thread::scope(|scope| {
        scope.spawn(|| {
            for turn in 0..20 {
                change(store, "production", &set_enabled(turn % 2 == 0)).unwrap();
            }
        });
        for turn in 0..20 {
            change(store, "production", &set_value(FlagValue::Integer(turn))).unwrap();
        }
    });
    let flag = store.flag("production", "limit").unwrap();
    assert_eq!((flag.enabled, flag.value), (false, FlagValue::Integer(19)));
}

fn a_store_out_of_reach_is_never_called_not_found(store: &Store) {
    let away = store.backstage.out_of_reach();
    let (environment, feature, any) = (
        environment_name("production"),
        feature_name("limit"),
        Precondition::Any,
    );
    let flags = &away.flags;
    let reads: [&(dyn Fn() -> Option<FlagError> + Sync); 6] = [
        &|| flags.list_environments(&Page::first()).err(),
        &|| flags.get_environment(&environment).err(),
        &|| {
            flags
                .list_features(&Page::first(), FeatureFilter::default())
                .err()
        },
        &|| flags.get_feature(&feature).err(),
        &|| flags.list_flags(&environment, &Page::first()).err(),
        &|| flags.get_flag(&environment, &feature).err(),
    ];
    let writes: [&(dyn Fn() -> Option<FlagError> + Sync); 7] = [
        &|| {
            flags
                .create_environment(&new_environment("x"), &seeds(), &stamp())
                .err()
        },
        &|| {
            flags
                .change_environment(&environment, &ChangeEnvironment::default(), &any, &stamp())
                .err()
        },
        &|| flags.delete_environment(&environment, &any, &stamp()).err(),
        &|| {
            flags
                .create_feature(&new_feature("x"), &seeds(), &stamp())
                .err()
        },
        &|| {
            flags
                .change_feature(&feature, &ChangeFeature::default(), &any, &stamp())
                .err()
        },
        &|| flags.delete_feature(&feature, &any, &stamp()).err(),
        &|| {
            flags
                .change_flag(&environment, &feature, &set_enabled(true), &any, &stamp())
                .err()
        },
    ];
    let errors: Vec<_> = thread::scope(|scope| {
        let calls: Vec<_> = reads
            .iter()
            .chain(&writes)
            .map(|&call| scope.spawn(call))
            .collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    for (at, error) in errors.iter().enumerate() {
        assert!(
            matches!(
                error,
                Some(FlagError::Storage(StorageError::Unavailable(_)))
            ),
            "call {at}: {error:?}"
        );
    }
}
