//! `FlagRepository`, the environments: names, pages, changes, and what goes when one is deleted.

use flagstaff_domain::access::{AccessError, KeyKind};
use flagstaff_domain::flags::{
    ChangeEnvironment, CreateEnvironment, Environment, FlagError, FlagValue,
};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::Page;
use flagstaff_domain::write::Precondition;
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    an_environment_is_read_back_as_it_was_created,
    names_are_taken_without_regard_to_case,
    a_refused_creation_leaves_no_trace,
    environments_are_sorted_by_the_bytes_of_their_names,
    pages_go_on_after_a_name_and_say_whether_more_follow,
    an_unknown_environment_is_not_found,
    a_change_keeps_what_it_does_not_name,
    a_new_name_may_differ_in_case_alone_but_not_be_anothers,
    flags_and_keys_stay_with_a_renamed_environment,
    a_change_to_the_same_leaves_no_trace,
    only_the_expected_version_is_changed_or_deleted,
    a_deletion_takes_flags_and_keys_and_logs_them_in_one_group,
    ids_are_never_used_again,
    a_change_moves_on_the_revision_of_its_environment_alone,
);

fn rename(to: &str) -> ChangeEnvironment {
    ChangeEnvironment {
        name: Some(environment_name(to)),
        description: None,
    }
}

fn describe(text: &str) -> ChangeEnvironment {
    ChangeEnvironment {
        name: None,
        description: Some(description(text)),
    }
}

fn get(store: &Store, name: &str) -> Environment {
    store
        .flags
        .get_environment(&environment_name(name))
        .unwrap()
}

fn change(
    store: &Store,
    name: &str,
    change: &ChangeEnvironment,
) -> Result<flagstaff_domain::write::Written<Environment>, FlagError> {
    let name = environment_name(name);
    store
        .flags
        .change_environment(&name, change, &Precondition::Any, &later())
}

fn delete(store: &Store, name: &str) -> Result<Seq, FlagError> {
    let name = environment_name(name);
    store
        .flags
        .delete_environment(&name, &Precondition::Any, &later())
}

fn names(store: &Store, limit: usize, after: Option<&str>) -> (Vec<String>, bool) {
    let page = Page::new(limit, after.map(environment_name)).unwrap();
    let listing = store.flags.list_environments(&page).unwrap();
    let names = listing.items.iter().map(|one| one.name.to_string());
    (names.collect(), listing.more)
}

fn an_environment_is_read_back_as_it_was_created(store: &Store) {
    let command = CreateEnvironment {
        name: environment_name("Größe"),
        description: description("one\r\n\ttwo"),
    };
    let (written, changes) =
        store.logged(|| store.flags.create_environment(&command, &seeds(), &stamp()));
    let written = written.unwrap();
    let created = &written.record;
    assert_eq!(
        (&created.name, &created.description),
        (&command.name, &command.description)
    );
    assert_eq!(created.created_at, stamp().at);
    assert_eq!(
        (created.version, created.revision),
        (written.revision, written.revision)
    );
    assert_eq!(get(store, "Größe"), *created);
    assert_eq!(get(store, "GRÖßE"), *created);

    assert_eq!(
        told(&changes),
        [("environment.created", "Größe", Some("Größe"))]
    );
    assert_eq!(
        (changes[0].seq, changes[0].group),
        (written.revision, written.revision)
    );
    assert_eq!(changes[0].before, None);
    assert_eq!(
        record(&changes[0].after),
        json!({"id": created.id, "name": "Größe", "description": "one\r\n\ttwo",
            "created_at": "2026-11-20T10:00:00.123456Z", "version": created.version, "hash_key": created.hash_key})
    );
}

fn names_are_taken_without_regard_to_case(store: &Store) {
    for (first, second) in [
        ("Production", "pRODUCTION"),
        ("GRÖSSE", "grösse"),
        ("größe", "GRÖßE"),
        ("ДОМ", "дом"),
    ] {
        store.environment(first);
        let again = store
            .flags
            .create_environment(&new_environment(second), &seeds(), &later());
        assert!(
            matches!(&again, Err(FlagError::EnvironmentExists(name)) if name.as_str() == second),
            "{second}: {again:?}"
        );
    }
    // "ß" and "SS" are the same to a reader of German, and different letters to Unicode's lower case.
    assert_ne!(get(store, "grösse").id, get(store, "größe").id);
}

fn a_refused_creation_leaves_no_trace(store: &Store) {
    store.feature("dark_mode");
    let production = store.environment("production");
    let (_, changes) = store.logged(|| {
        store
            .flags
            .create_environment(&new_environment("PRODUCTION"), &seeds(), &later())
            .unwrap_err()
    });
    assert_eq!(changes, []);
    assert_eq!(
        names(store, 10, None),
        (vec!["production".to_owned()], false)
    );
    assert_eq!(get(store, "production"), production);
    // The number that the refused one would have had is the next one's.
    assert_eq!(
        store.environment("staging").version,
        Seq(production.version.0 + 1)
    );
}

fn environments_are_sorted_by_the_bytes_of_their_names(store: &Store) {
    for name in [
        "alpha", "日本", "Zeta", "Ärger", "_x", "beta", "10", "9", "a b",
    ] {
        store.environment(name);
    }
    assert_eq!(
        names(store, 100, None).0,
        [
            "10", "9", "Zeta", "_x", "a b", "alpha", "beta", "Ärger", "日本"
        ]
    );
}

fn pages_go_on_after_a_name_and_say_whether_more_follow(store: &Store) {
    for name in ["d", "b", "E", "c", "a"] {
        store.environment(name);
    }
    let page = |names: &[&str], more| (names.iter().map(|&name| name.to_owned()).collect(), more);
    assert_eq!(names(store, 2, None), page(&["E", "a"], true));
    assert_eq!(names(store, 2, Some("a")), page(&["b", "c"], true));
    assert_eq!(names(store, 2, Some("c")), page(&["d"], false));
    assert_eq!(names(store, 2, Some("b")), page(&["c", "d"], false));
    assert_eq!(
        names(store, 5, None),
        page(&["E", "a", "b", "c", "d"], false)
    );
    assert_eq!(names(store, 2, Some("d")), page(&[], false));
    // A place in the order needs no record: the last one of a page may have been deleted since.
    assert_eq!(names(store, 2, Some("aa")), page(&["b", "c"], true));
}

fn an_unknown_environment_is_not_found(store: &Store) {
    store.environment("production");
    let unknown = environment_name("Prod");
    let errors = [
        store.flags.get_environment(&unknown).unwrap_err(),
        change(store, "Prod", &describe("x")).unwrap_err(),
        delete(store, "Prod").unwrap_err(),
        store
            .flags
            .list_flags(&unknown, &Page::first())
            .unwrap_err(),
    ];
    for error in errors {
        assert!(
            matches!(&error, FlagError::EnvironmentNotFound(name) if *name == unknown),
            "{error:?}"
        );
    }
}

fn a_change_keeps_what_it_does_not_name(store: &Store) {
    let before = store.environment("staging");
    let (written, changes) = store.logged(|| change(store, "STAGING", &describe("For tests")));
    let written = written.unwrap();
    let expected = Environment {
        description: description("For tests"),
        revision: written.revision,
        version: written.revision,
        ..before.clone()
    };
    assert_eq!(written.record, expected);
    assert_eq!(get(store, "staging"), expected);

    assert_eq!(
        told(&changes),
        [("environment.changed", "staging", Some("staging"))]
    );
    assert_eq!(
        (changes[0].seq, changes[0].group),
        (written.revision, written.revision)
    );
    let (old, new) = (record(&changes[0].before), record(&changes[0].after));
    assert_eq!(
        (&old["description"], &old["version"]),
        (&json!(""), &json!(before.version))
    );
    assert_eq!(
        (&new["description"], &new["version"]),
        (&json!("For tests"), &json!(written.revision))
    );
}

fn a_new_name_may_differ_in_case_alone_but_not_be_anothers(store: &Store) {
    let staging = store.environment("staging");
    store.environment("Größe");
    let renamed = change(store, "staging", &rename("Staging")).unwrap().record;
    assert_eq!((renamed.id, renamed.name.as_str()), (staging.id, "Staging"));

    let (taken, changes) = store.logged(|| change(store, "staging", &rename("GRÖßE")));
    assert!(matches!(taken, Err(FlagError::EnvironmentExists(name)) if name.as_str() == "GRÖßE"));
    assert_eq!(changes, []);
    assert_eq!(get(store, "staging"), renamed);
}

fn flags_and_keys_stay_with_a_renamed_environment(store: &Store) {
    store.environment("staging");
    store.feature("dark_mode");
    let key = store.key("staging", KeyKind::Client, "a-client-key");
    let flag = store.flag("staging", "dark_mode").unwrap();
    change(store, "staging", &rename("preview")).unwrap();

    let same = store.flag("preview", "dark_mode").unwrap();
    assert_eq!((same.id, same.version), (flag.id, flag.version));
    assert_eq!(same.environment.as_str(), "preview");
    let same = store
        .keys
        .get_key(&environment_name("preview"), key.id)
        .unwrap();
    assert_eq!(
        (same.digest, same.environment.as_str()),
        (key.digest, "preview")
    );
    assert!(matches!(
        store.flag("staging", "dark_mode"),
        Err(FlagError::EnvironmentNotFound(_))
    ));
}

fn a_change_to_the_same_leaves_no_trace(store: &Store) {
    let before = store.environment("staging");
    store.environment("production");
    for same in [
        ChangeEnvironment::default(),
        rename("staging"),
        describe(""),
    ] {
        let (written, changes) = store.logged(|| change(store, "staging", &same).unwrap());
        assert_eq!(changes, [], "{same:?}");
        assert_eq!(
            (&written.record, written.revision),
            (&before, before.version)
        );
        assert_eq!(get(store, "staging"), before);
    }
}

fn only_the_expected_version_is_changed_or_deleted(store: &Store) {
    let name = environment_name("staging");
    let old = store.environment("staging").version;
    let current = change(store, "staging", &describe("x"))
        .unwrap()
        .record
        .version;
    let stale = Precondition::OneOf(vec![old, Seq(current.0 + 1)]);
    let (errors, changes) = store.logged(|| {
        let change = |change: &ChangeEnvironment| {
            store
                .flags
                .change_environment(&name, change, &stale, &later())
                .unwrap_err()
        };
        [
            change(&describe("y")),
            change(&describe("x")),
            store
                .flags
                .delete_environment(&name, &stale, &later())
                .unwrap_err(),
        ]
    });
    for error in errors {
        assert!(
            matches!(error, FlagError::VersionMismatch(mismatch) if mismatch.actual == current),
            "{error:?}"
        );
    }
    assert_eq!(changes, []);

    let expected = Precondition::OneOf(vec![old, current]);
    let written = store
        .flags
        .change_environment(&name, &describe("y"), &expected, &later());
    let expected = Precondition::OneOf(vec![written.unwrap().record.version]);
    store
        .flags
        .delete_environment(&name, &expected, &later())
        .unwrap();
}

fn a_deletion_takes_flags_and_keys_and_logs_them_in_one_group(store: &Store) {
    for name in ["staging", "production"] {
        store.environment(name);
    }
    for feature in ["limit", "Dark"] {
        store.feature(feature);
    }
    let limit = feature_name("limit");
    let (staging, any) = (environment_name("staging"), Precondition::Any);
    let set = set_value(FlagValue::Integer(7));
    store
        .flags
        .change_flag(&staging, &limit, &set, &any, &stamp())
        .unwrap();
    let client = store.key("staging", KeyKind::Client, "a-client-key");
    let server = store.key("staging", KeyKind::Server, "a-server-key");
    let kept = store.key("production", KeyKind::Client, "another-key");

    let (head, changes) = store.logged(|| delete(store, "staging").unwrap());
    let at = Some("staging");
    assert_eq!(
        told(&changes),
        [
            ("key.deleted", "web", at),
            ("key.deleted", "web", at),
            ("environment.deleted", "staging", at)
        ]
    );
    assert_eq!(changes[2].seq, head);
    for change in &changes {
        assert_eq!((change.group, &change.after), (changes[0].seq, &None));
        assert_eq!((change.at, change.actor.as_str()), (later().at, "user:kim"));
    }
    assert_eq!(record(&changes[0].before)["digest"], json!(client.digest));
    assert_eq!(record(&changes[1].before)["digest"], json!(server.digest));
    let lost = record(&changes[2].before);
    let lost: Vec<_> = lost["flags"]
        .as_array()
        .unwrap()
        .iter()
        .map(|flag| (&flag["feature"], &flag["value"]))
        .collect();
    assert_eq!(
        lost,
        [(&json!("Dark"), &json!(null)), (&json!("limit"), &json!(7))]
    );

    assert!(matches!(
        store.flag("staging", "limit"),
        Err(FlagError::EnvironmentNotFound(_))
    ));
    let keys = store.keys.list_keys(&staging, &Page::first());
    assert!(matches!(keys, Err(AccessError::EnvironmentNotFound(_))));
    assert_eq!(names(store, 10, None).0, ["production"]);
    assert!(store.flag("production", "limit").is_ok());
    assert!(
        store
            .keys
            .get_key(&environment_name("production"), kept.id)
            .is_ok()
    );

    // A new environment of the old name begins from the features' defaults, without a key.
    store.environment("staging");
    assert_eq!(
        store.flag("staging", "limit").unwrap().value,
        FlagValue::Null
    );
    assert_eq!(
        store
            .keys
            .list_keys(&staging, &Page::first())
            .unwrap()
            .items,
        []
    );
}

fn ids_are_never_used_again(store: &Store) {
    store.feature("dark_mode");
    let old = store.environment("staging");
    let old_flag = store.flag("staging", "dark_mode").unwrap();
    let old_key = store.key("staging", KeyKind::Client, "a-client-key");
    delete(store, "staging").unwrap();
    let new = store.environment("staging");
    assert!(new.id > old.id);
    assert!(store.flag("staging", "dark_mode").unwrap().id > old_flag.id);
    assert!(store.key("staging", KeyKind::Client, "a-client-key").id > old_key.id);
}

fn a_change_moves_on_the_revision_of_its_environment_alone(store: &Store) {
    store.environment("staging");
    let other = store.environment("production");
    let revision = change(store, "staging", &describe("x")).unwrap().revision;
    assert_eq!(get(store, "staging").revision, revision);
    assert_eq!(get(store, "production"), other);
}
