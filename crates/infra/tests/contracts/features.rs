//! `FlagRepository`, the features: a flag in every environment, defaults, names, changes, deletion.

use flagstaff_domain::flags::targeting::Variants;
use flagstaff_domain::flags::{
    ChangeFeature, CreateFeature, Feature, FeatureFilter, FeatureKind, Flag, FlagError, FlagValue,
};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::Page;
use flagstaff_domain::write::{Precondition, Written};
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    a_feature_is_read_back_as_it_was_created,
    every_pair_has_a_flag_whichever_came_first,
    flags_begin_with_the_features_defaults_of_their_time,
    enabled_in_names_environments_without_regard_to_case,
    enabled_in_an_unknown_environment_leaves_no_trace,
    names_are_taken_without_regard_to_case,
    features_are_sorted_by_the_bytes_of_their_names_in_pages,
    an_unknown_feature_is_not_found,
    a_change_leaves_the_flags_and_what_it_does_not_name,
    a_new_name_may_differ_in_case_alone_but_not_be_anothers,
    a_change_to_the_same_leaves_no_trace,
    only_the_expected_version_is_changed_or_deleted,
    a_deletion_takes_the_flags_and_logs_their_state,
    ids_are_never_used_again,
    every_change_moves_on_the_revision_of_every_environment,
);

fn create(store: &Store, command: &CreateFeature) -> Result<Written<Feature>, FlagError> {
    store.flags.create_feature(command, &seeds(), &stamp())
}

fn change(
    store: &Store,
    name: &str,
    change: &ChangeFeature,
) -> Result<Written<Feature>, FlagError> {
    let name = feature_name(name);
    store
        .flags
        .change_feature(&name, change, &Precondition::Any, &later())
}

fn delete(store: &Store, name: &str) -> Result<Seq, FlagError> {
    let name = feature_name(name);
    store
        .flags
        .delete_feature(&name, &Precondition::Any, &later())
}

fn get(store: &Store, name: &str) -> Feature {
    store.flags.get_feature(&feature_name(name)).unwrap()
}

fn names(store: &Store, limit: usize, after: Option<&str>) -> (Vec<String>, bool) {
    let page = Page::new(limit, after.map(feature_name)).unwrap();
    let listing = store
        .flags
        .list_features(&page, FeatureFilter::default())
        .unwrap();
    (
        listing
            .items
            .iter()
            .map(|one| one.name.to_string())
            .collect(),
        listing.more,
    )
}

fn flags(store: &Store, environment: &str) -> Vec<Flag> {
    let environment = environment_name(environment);
    store
        .flags
        .list_flags(&environment, &Page::first())
        .unwrap()
        .items
}

fn rename(to: &str) -> ChangeFeature {
    ChangeFeature {
        name: Some(feature_name(to)),
        ..ChangeFeature::default()
    }
}

/// A feature that leaves nothing at its default.
fn limit() -> CreateFeature {
    CreateFeature {
        name: feature_name("Größe.limit"),
        description: description("How much\nat once"),
        kind: FeatureKind::Multivariate,
        initial_value: FlagValue::Integer(5),
        default_enabled: true,
        server_key_only: true,
        tags: tags(&["ops", "Ö \"quoted\"", "ops2"]),
        variants: Variants::default(),
        archived: true,
        stale: true,
        enabled_in: vec![],
    }
}

fn a_feature_is_read_back_as_it_was_created(store: &Store) {
    store.environment("production");
    store.environment("Alpha");
    let (written, changes) = store.logged(|| create(store, &limit()).unwrap());
    assert_eq!(
        written.record,
        limit().record(written.record.id, stamp().at, written.revision)
    );
    assert_eq!(get(store, "GRÖßE.LIMIT"), written.record);
    assert_eq!(names(store, 10, None).0, ["Größe.limit"]);

    // One change, not one for each environment; its flags are in it.
    assert_eq!(told(&changes), [("feature.created", "Größe.limit", None)]);
    assert_eq!(
        (changes[0].seq, changes[0].group),
        (written.revision, written.revision)
    );
    assert_eq!(changes[0].before, None);
    let flag = |environment: &str| {
        let flag = store.flag(environment, "Größe.limit").unwrap();
        json!({"id": flag.id, "feature": "Größe.limit", "environment": environment, "enabled": true, "value": 5,
            "updated_at": "2026-11-20T10:00:00.123456Z", "version": written.revision, "variants": [], "killed": false,
            "seed": flag.seed, "hash": "md5"})
    };
    assert_eq!(
        record(&changes[0].after),
        json!({"id": written.record.id, "name": "Größe.limit", "description": "How much\nat once",
            "type": "MULTIVARIATE", "initial_value": 5, "default_enabled": true, "server_key_only": true,
            "tags": ["ops", "Ö \"quoted\"", "ops2"], "created_at": "2026-11-20T10:00:00.123456Z",
            "version": written.revision, "variants": [], "archived": true, "stale": true, "flags": [flag("Alpha"), flag("production")]})
    );
}

fn every_pair_has_a_flag_whichever_came_first(store: &Store) {
    store.environment("one");
    store.feature("a");
    store.environment("two");
    store.feature("b");
    store.environment("three");
    let mut ids = Vec::new();
    for environment in ["one", "two", "three"] {
        let flags = flags(store, environment);
        let names: Vec<_> = flags.iter().map(|flag| flag.feature.as_str()).collect();
        assert_eq!(names, ["a", "b"], "{environment}");
        for flag in flags {
            assert_eq!(
                store.flag(environment, flag.feature.as_str()).unwrap(),
                flag
            );
            assert_eq!(flag.environment.as_str(), environment);
            ids.push(flag.id);
        }
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6);
}

fn flags_begin_with_the_features_defaults_of_their_time(store: &Store) {
    let one = store.environment("one");
    let created = create(store, &limit()).unwrap();
    let changed = ChangeFeature {
        initial_value: Some(FlagValue::Null),
        default_enabled: Some(false),
        ..ChangeFeature::default()
    };
    change(store, "Größe.limit", &changed).unwrap();
    let two = store
        .flags
        .create_environment(&new_environment("two"), &seeds(), &later())
        .unwrap();

    let flag = store.flag("one", "Größe.limit").unwrap();
    assert_eq!((flag.enabled, &flag.value), (true, &FlagValue::Integer(5)));
    assert_eq!(
        (flag.updated_at, flag.version),
        (stamp().at, created.revision)
    );
    assert_eq!(
        (flag.environment_id, flag.feature_id),
        (one.id, created.record.id)
    );
    let flag = store.flag("two", "Größe.limit").unwrap();
    assert_eq!((flag.enabled, &flag.value), (false, &FlagValue::Null));
    assert_eq!((flag.updated_at, flag.version), (later().at, two.revision));
}

fn enabled_in_names_environments_without_regard_to_case(store: &Store) {
    for name in ["Staging", "preview", "production"] {
        store.environment(name);
    }
    let some = CreateFeature {
        enabled_in: vec![
            environment_name("STAGING"),
            environment_name("preview"),
            environment_name("staging"),
        ],
        ..new_feature("some")
    };
    create(store, &some).unwrap();
    let everywhere = CreateFeature {
        default_enabled: true,
        enabled_in: vec![environment_name("preview")],
        ..new_feature("everywhere")
    };
    create(store, &everywhere).unwrap();
    let enabled = |environment: &str| {
        let flags = flags(store, environment);
        flags.iter().map(|flag| flag.enabled).collect::<Vec<_>>()
    };
    assert_eq!(enabled("Staging"), [true, true]);
    assert_eq!(enabled("preview"), [true, true]);
    assert_eq!(enabled("production"), [true, false]);
}

fn enabled_in_an_unknown_environment_leaves_no_trace(store: &Store) {
    let before = store.environment("staging");
    let command = CreateFeature {
        enabled_in: vec![environment_name("staging"), environment_name("stagin")],
        ..new_feature("dark_mode")
    };
    let (refused, changes) = store.logged(|| create(store, &command));
    assert!(
        matches!(&refused, Err(FlagError::EnabledInUnknown(name)) if name.as_str() == "stagin"),
        "{refused:?}"
    );
    assert_eq!(changes, []);
    assert_eq!(names(store, 10, None).0, [""; 0]);
    assert_eq!(flags(store, "staging"), []);
    assert_eq!(store.flags.get_environment(&before.name).unwrap(), before);
}

fn names_are_taken_without_regard_to_case(store: &Store) {
    store.environment("production");
    for (first, second) in [
        ("dark_mode", "DARK_MODE"),
        ("GRÖSSE", "grösse"),
        ("größe", "GRÖßE"),
    ] {
        store.feature(first);
        let (again, changes) = store.logged(|| create(store, &new_feature(second)));
        assert!(
            matches!(&again, Err(FlagError::FeatureExists(name)) if name.as_str() == second),
            "{second}: {again:?}"
        );
        assert_eq!(changes, []);
    }
    assert_eq!(flags(store, "production").len(), 3);
}

fn features_are_sorted_by_the_bytes_of_their_names_in_pages(store: &Store) {
    store.environment("production");
    for name in ["alpha", "日本", "Zeta", "Ärger", "_x", "10", "9"] {
        store.feature(name);
    }
    let sorted = ["10", "9", "Zeta", "_x", "alpha", "Ärger", "日本"].map(str::to_owned);
    assert_eq!(names(store, 7, None), (sorted.to_vec(), false));
    let of_flags = flags(store, "production");
    let of_flags: Vec<_> = of_flags.iter().map(|flag| flag.feature.as_str()).collect();
    assert_eq!(of_flags, sorted);

    let mut pages = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let (page, more) = names(store, 3, after.as_deref());
        after = page.last().cloned();
        pages.push(page);
        if !more {
            break;
        }
    }
    let expected: Vec<_> = sorted.chunks(3).map(<[String]>::to_vec).collect();
    assert_eq!(pages, expected);
}

fn an_unknown_feature_is_not_found(store: &Store) {
    store.environment("production");
    store.feature("dark_mode");
    let unknown = feature_name("dark");
    let errors = [
        store.flags.get_feature(&unknown).unwrap_err(),
        change(store, "dark", &rename("x")).unwrap_err(),
        delete(store, "dark").unwrap_err(),
        store.flag("production", "dark").unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(&error, FlagError::FeatureNotFound(name) if *name == unknown),
            "{error:?}"
        );
    }
}

fn a_change_leaves_the_flags_and_what_it_does_not_name(store: &Store) {
    store.environment("production");
    let created = create(store, &limit()).unwrap().record;
    let flag = store.flag("production", "Größe.limit").unwrap();
    let every_field = ChangeFeature {
        name: Some(feature_name("limit")),
        description: Some(description("")),
        kind: Some(FeatureKind::Standard),
        initial_value: Some(FlagValue::Float(1.0)),
        default_enabled: Some(false),
        server_key_only: Some(false),
        tags: Some(tags(&[])),
        variants: Some(Variants::default()),
        archived: Some(false),
        stale: Some(false),
    };
    let mut before = created.clone();
    for command in [
        ChangeFeature {
            tags: Some(tags(&["x"])),
            ..ChangeFeature::default()
        },
        every_field,
    ] {
        let (written, changes) =
            store.logged(|| change(store, before.name.as_str(), &command).unwrap());
        let expected = Feature {
            version: written.revision,
            ..command.apply(&before)
        };
        assert_eq!(written.record, expected);
        assert_eq!(get(store, expected.name.as_str()), expected);
        assert_eq!(
            told(&changes),
            [("feature.changed", expected.name.as_str(), None)]
        );
        assert_eq!(record(&changes[0].before)["tags"], json!(before.tags));
        assert_eq!(record(&changes[0].after)["tags"], json!(expected.tags));
        assert_eq!(record(&changes[0].before)["version"], json!(before.version));
        assert_eq!(
            record(&changes[0].after)["version"],
            json!(written.revision)
        );
        before = expected;
    }
    assert_eq!(
        store.flag("production", "limit").unwrap(),
        Flag {
            feature: feature_name("limit"),
            ..flag
        }
    );
}

fn a_new_name_may_differ_in_case_alone_but_not_be_anothers(store: &Store) {
    let feature = store.feature("dark_mode");
    store.feature("GRÖSSE");
    let renamed = change(store, "dark_mode", &rename("Dark_Mode"))
        .unwrap()
        .record;
    assert_eq!(
        (renamed.id, renamed.name.as_str()),
        (feature.id, "Dark_Mode")
    );
    let (taken, changes) = store.logged(|| change(store, "dark_mode", &rename("grösse")));
    assert!(matches!(taken, Err(FlagError::FeatureExists(name)) if name.as_str() == "grösse"));
    assert_eq!(changes, []);
    assert_eq!(get(store, "dark_mode"), renamed);
}

fn a_change_to_the_same_leaves_no_trace(store: &Store) {
    let environment = store.environment("production");
    let before = create(store, &limit()).unwrap();
    let same = ChangeFeature {
        name: Some(limit().name),
        initial_value: Some(limit().initial_value),
        tags: Some(limit().tags),
        ..ChangeFeature::default()
    };
    for same in [ChangeFeature::default(), same] {
        let (written, changes) = store.logged(|| change(store, "größe.LIMIT", &same).unwrap());
        assert_eq!(changes, []);
        assert_eq!(written, before);
        assert_eq!(get(store, "Größe.limit"), before.record);
    }
    let environment = store.flags.get_environment(&environment.name).unwrap();
    assert_eq!(environment.revision, before.revision);
}

fn only_the_expected_version_is_changed_or_deleted(store: &Store) {
    let name = feature_name("dark_mode");
    let old = store.feature("dark_mode").version;
    let current = change(store, "dark_mode", &rename("Dark_mode"))
        .unwrap()
        .revision;
    let stale = Precondition::OneOf(vec![old]);
    let (errors, changes) = store.logged(|| {
        let change = |to| {
            store
                .flags
                .change_feature(&name, &rename(to), &stale, &later())
                .unwrap_err()
        };
        let deletion = store
            .flags
            .delete_feature(&name, &stale, &later())
            .unwrap_err();
        [change("other"), change("Dark_mode"), deletion]
    });
    for error in errors {
        assert!(
            matches!(error, FlagError::VersionMismatch(mismatch) if mismatch.actual == current),
            "{error:?}"
        );
    }
    assert_eq!(changes, []);
    let expected = Precondition::OneOf(vec![current]);
    let written = store
        .flags
        .change_feature(&name, &rename("dark_mode"), &expected, &later());
    let expected = Precondition::OneOf(vec![written.unwrap().revision]);
    store
        .flags
        .delete_feature(&name, &expected, &later())
        .unwrap();
}

fn a_deletion_takes_the_flags_and_logs_their_state(store: &Store) {
    for name in ["staging", "Production"] {
        store.environment(name);
    }
    store.feature("kept");
    create(store, &limit()).unwrap();
    let set = set_enabled(false);
    let (staging, limit) = (environment_name("staging"), feature_name("Größe.limit"));
    store
        .flags
        .change_flag(&staging, &limit, &set, &Precondition::Any, &stamp())
        .unwrap();

    let (seq, changes) = store.logged(|| delete(store, "größe.limit").unwrap());
    assert_eq!(told(&changes), [("feature.deleted", "Größe.limit", None)]);
    assert_eq!(
        (changes[0].seq, changes[0].group, &changes[0].after),
        (seq, seq, &None)
    );
    let lost = record(&changes[0].before);
    let lost: Vec<_> = lost["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flag| (&flag["environment"], &flag["enabled"]))
        .collect();
    assert_eq!(
        lost,
        [
            (&json!("Production"), &json!(true)),
            (&json!("staging"), &json!(false))
        ]
    );

    assert!(matches!(
        store.flag("staging", "Größe.limit"),
        Err(FlagError::FeatureNotFound(_))
    ));
    assert_eq!(names(store, 10, None).0, ["kept"]);
    assert_eq!(flags(store, "staging").len(), 1);
}

fn ids_are_never_used_again(store: &Store) {
    store.environment("production");
    let old = store.feature("dark_mode");
    let old_flag = store.flag("production", "dark_mode").unwrap();
    delete(store, "dark_mode").unwrap();
    assert!(store.feature("dark_mode").id > old.id);
    assert!(store.flag("production", "dark_mode").unwrap().id > old_flag.id);
}

fn every_change_moves_on_the_revision_of_every_environment(store: &Store) {
    for name in ["staging", "production"] {
        store.environment(name);
    }
    let assert_revision = |revision: Seq| {
        let listing = store.flags.list_environments(&Page::first()).unwrap();
        assert!(
            listing
                .items
                .iter()
                .all(|one| one.revision == revision && one.version < revision)
        );
    };
    assert_revision(store.feature("dark_mode").version);
    assert_revision(
        change(store, "dark_mode", &rename("light_mode"))
            .unwrap()
            .revision,
    );
    assert_revision(delete(store, "light_mode").unwrap());
}
