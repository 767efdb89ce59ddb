//! `TargetingRepository`, the segments: their records, what rules may name, and what keeps them.

use flagstaff_domain::flags::FlagError;
use flagstaff_domain::flags::targeting::{ChangeSegment, Segment};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::Page;
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::write::{Precondition, Written};
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    a_segment_is_kept_whole_and_logged,
    a_segments_name_is_taken_once_whatever_its_case,
    a_change_keeps_the_rest_and_affects_every_environment,
    only_the_expected_version_of_a_segment_is_changed,
    a_segment_in_use_is_kept_and_its_users_are_named,
    conditions_follow_a_feature_through_its_renaming,
    conditions_name_features_and_variants_that_there_are,
    a_feature_that_a_segment_asks_for_is_kept,
    features_never_depend_on_one_another_in_a_circle,
    pages_of_segments_go_on_after_a_name,
    no_segment_is_missing_in_a_store_out_of_reach,
);

fn change(
    store: &Store,
    name: &str,
    change: &ChangeSegment,
) -> Result<Written<Segment>, FlagError> {
    let any = Precondition::Any;
    store
        .targeting
        .change_segment(&segment_name(name), change, &any, &later())
}

fn rules(json: &str) -> ChangeSegment {
    ChangeSegment {
        rules: Some(serde_json::from_str(json).unwrap()),
        ..ChangeSegment::default()
    }
}

fn get(store: &Store, name: &str) -> Segment {
    store.targeting.get_segment(&segment_name(name)).unwrap()
}

fn revision(store: &Store, environment: &str) -> Seq {
    let name = environment_name(environment);
    store.flags.get_environment(&name).unwrap().revision
}

fn a_segment_is_kept_whole_and_logged(store: &Store) {
    let pro = having("plan", "EQUAL", "pro");
    let (segment, changes) = store.logged(|| store.segment("Paying", &pro));
    assert_eq!(told(&changes), [("segment.created", "Paying", None)]);
    assert_eq!(changes[0].before, None);
    let rules: serde_json::Value = serde_json::from_str(&pro).unwrap();
    assert_eq!(
        record(&changes[0].after),
        json!({"id": segment.id, "name": "Paying", "description": "", "rules": rules, "seed": segment.seed,
            "created_at": segment.created_at, "version": segment.version})
    );
    assert_eq!(get(store, "PAYING"), segment);

    let any = Precondition::Any;
    let name = segment_name("paying");
    let (deleted, changes) = store.logged(|| {
        let deleted = store.targeting.delete_segment(&name, &any, &later());
        deleted.unwrap()
    });
    assert_eq!(told(&changes), [("segment.deleted", "Paying", None)]);
    assert_eq!((changes[0].seq, &changes[0].after), (deleted, &None));
    let gone = store.targeting.get_segment(&name).unwrap_err();
    assert_eq!(gone.to_string(), "there is no segment \"paying\"");
}

fn a_segments_name_is_taken_once_whatever_its_case(store: &Store) {
    for name in ["größe", "other"] {
        store.segment(name, "[]");
    }
    let command = new_segment("GRÖSSE", "[]");
    store.targeting.create_segment(&command, &stamp()).unwrap();
    let again = new_segment("Größe", "[]");
    let taken = store.targeting.create_segment(&again, &stamp());
    assert!(
        matches!(taken, Err(FlagError::SegmentExists(_))),
        "{taken:?}"
    );
    let renamed = ChangeSegment {
        name: Some(segment_name("Größe")),
        ..ChangeSegment::default()
    };
    let taken = change(store, "other", &renamed);
    assert!(
        matches!(taken, Err(FlagError::SegmentExists(_))),
        "{taken:?}"
    );
    let own = change(store, "größe", &renamed).unwrap();
    assert_eq!(own.record.name.as_str(), "Größe");
}

fn a_change_keeps_the_rest_and_affects_every_environment(store: &Store) {
    for name in ["production", "staging"] {
        store.environment(name);
    }
    let before = store.segment("beta", &having("plan", "EQUAL", "pro"));
    let described = ChangeSegment {
        description: Some(description("Who tries what is new")),
        ..ChangeSegment::default()
    };
    let (written, changes) = store.logged(|| change(store, "BETA", &described).unwrap());
    let expected = Segment {
        description: description("Who tries what is new"),
        version: written.revision,
        ..before
    };
    assert_eq!(written.record, expected);
    assert_eq!(get(store, "beta"), expected);
    assert_eq!(told(&changes), [("segment.changed", "beta", None)]);
    for name in ["production", "staging"] {
        assert_eq!(revision(store, name), written.revision);
    }
    let (same, changes) = store.logged(|| change(store, "beta", &described).unwrap());
    assert_eq!((same, changes), (written, vec![]));
}

fn only_the_expected_version_of_a_segment_is_changed(store: &Store) {
    let old = store.segment("beta", "[]").version;
    change(store, "beta", &rules(&having("a", "IS_SET", ""))).unwrap();
    let name = segment_name("beta");
    let expected = Precondition::OneOf(vec![old]);
    let refused = [
        store
            .targeting
            .change_segment(&name, &rules("[]"), &expected, &later())
            .err(),
        store
            .targeting
            .delete_segment(&name, &expected, &later())
            .err(),
    ];
    for error in refused {
        assert!(
            matches!(error, Some(FlagError::VersionMismatch(_))),
            "{error:?}"
        );
    }
}

fn a_segment_in_use_is_kept_and_its_users_are_named(store: &Store) {
    store.environment("production");
    for name in ["limit", "dark_mode"] {
        store.feature(name);
    }
    store.segment("beta", "[]");
    let any = Precondition::Any;
    for feature in ["limit", "dark_mode"] {
        store.of_segment(feature, "beta");
    }
    let name = segment_name("beta");
    let (refused, changes) = store.logged(|| {
        let refused = store.targeting.delete_segment(&name, &any, &later());
        refused.unwrap_err().to_string()
    });
    assert_eq!(changes, []);
    for user in [
        r#""limit" in "production""#,
        r#""dark_mode" in "production""#,
    ] {
        assert!(refused.contains(user), "{refused}");
    }
    for feature in ["limit", "dark_mode"] {
        let feature = feature_name(feature);
        store
            .flags
            .delete_feature(&feature, &any, &later())
            .unwrap();
    }
    assert!(
        store
            .targeting
            .delete_segment(&name, &any, &later())
            .is_ok()
    );
}

fn conditions_follow_a_feature_through_its_renaming(store: &Store) {
    store.feature("Checkout");
    let segment = store.segment("beta", &having("CHECKOUT", "FLAG", ""));
    let asked = |segment: &Segment| segment.rules[0].conditions[0].property.clone();
    assert_eq!(asked(&segment), "Checkout");
    let renamed = flagstaff_domain::flags::ChangeFeature {
        name: Some(feature_name("new_checkout")),
        ..flagstaff_domain::flags::ChangeFeature::default()
    };
    let any = Precondition::Any;
    store
        .flags
        .change_feature(&feature_name("checkout"), &renamed, &any, &later())
        .unwrap();
    assert_eq!(asked(&get(store, "beta")), "new_checkout");
    let listed = store.targeting.list_segments(&Page::first()).unwrap();
    assert_eq!(asked(&listed.items[0]), "new_checkout");
}

fn conditions_name_features_and_variants_that_there_are(store: &Store) {
    store.feature("checkout");
    for (property, value, place) in [
        ("nothing", "", "rules[0].conditions[0].property"),
        ("a/b", "", "rules[0].conditions[0].property"),
        ("checkout", "blue", "rules[0].conditions[0].value"),
    ] {
        let command = new_segment("beta", &having(property, "FLAG", value));
        let refused = store.targeting.create_segment(&command, &stamp());
        match refused {
            Err(FlagError::Misplaced(mistake)) => assert_eq!(mistake.place, place),
            other => panic!("{other:?}"),
        }
    }
    store.segment("beta", &having("checkout", "FLAG", "control"));
}

fn a_feature_that_a_segment_asks_for_is_kept(store: &Store) {
    store.feature("checkout");
    store.segment("beta", &having("checkout", "FLAG", ""));
    let any = Precondition::Any;
    let delete = || {
        let feature = feature_name("checkout");
        store.flags.delete_feature(&feature, &any, &later())
    };
    let refused = delete().unwrap_err().to_string();
    assert!(refused.contains(r#"the segment "beta""#), "{refused}");
    change(store, "beta", &rules("[]")).unwrap();
    assert!(delete().is_ok());
}

fn features_never_depend_on_one_another_in_a_circle(store: &Store) {
    store.environment("production");
    for name in ["a", "b"] {
        store.feature(name);
    }
    store.segment("asks_a", &having("a", "FLAG", ""));
    store.segment("asks_b", &having("b", "FLAG", ""));
    store.of_segment("a", "asks_b");
    let own = store.override_of("a", &new_override(to_segment("asks_a")));
    assert!(matches!(own, Err(FlagError::Tangled(_))), "{own:?}");
    let (refused, changes) =
        store.logged(|| store.override_of("b", &new_override(to_segment("asks_a"))));
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains(r#""a" has an override for the segment "asks_b""#),
        "{refused}"
    );
    assert_eq!(changes, []);
    assert_eq!(store.overrides("b"), []);

    store.segment("later", "[]");
    store.of_segment("b", "later");
    let (refused, changes) = store.logged(|| {
        let asks = rules(&having("a", "FLAG", ""));
        change(store, "later", &asks)
    });
    assert!(matches!(refused, Err(FlagError::Tangled(_))), "{refused:?}");
    assert_eq!((changes, get(store, "later").rules), (vec![], vec![]));
}

fn pages_of_segments_go_on_after_a_name(store: &Store) {
    for name in ["c", "a", "Ä", "B"] {
        store.segment(name, "[]");
    }
    let page = |limit, after: Option<&str>| {
        let page = Page::new(limit, after.map(segment_name)).unwrap();
        let listing = store.targeting.list_segments(&page).unwrap();
        let names: Vec<_> = listing.items.iter().map(|one| one.name.as_str()).collect();
        (names.join(" "), listing.more)
    };
    assert_eq!(page(3, None), ("B a c".to_owned(), true));
    assert_eq!(page(3, Some("c")), ("Ä".to_owned(), false));
}

fn no_segment_is_missing_in_a_store_out_of_reach(store: &Store) {
    let away = store.backstage.out_of_reach();
    let name = segment_name("beta");
    for error in [
        away.targeting.get_segment(&name).err(),
        away.targeting.list_segments(&Page::first()).err(),
        away.targeting
            .create_segment(&new_segment("beta", "[]"), &stamp())
            .err(),
    ] {
        assert!(
            matches!(
                error,
                Some(FlagError::Storage(StorageError::Unavailable(_)))
            ),
            "{error:?}"
        );
    }
}
