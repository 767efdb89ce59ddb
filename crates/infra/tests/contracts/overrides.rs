//! `TargetingRepository`, the overrides: their records, their order, and what goes with them.

use flagstaff_domain::flags::targeting::{
    ChangeOverride, CreateOverride, NewOverride, Override, Percentage, Priority, Split, Target,
    TargetName,
};
use flagstaff_domain::flags::{ChangeFeature, CreateFeature, FlagError, FlagValue};
use flagstaff_domain::ids::OverrideId;
use flagstaff_domain::page::Page;
use flagstaff_domain::write::{Precondition, Written};
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    an_override_is_kept_whole_and_logged,
    an_override_for_an_identity_has_neither_priority_nor_rollout,
    a_target_has_one_override_of_a_flag,
    what_an_override_names_must_be_there,
    a_new_override_is_the_weakest_unless_told,
    whoever_stands_in_the_way_moves_back_in_the_same_group,
    a_change_keeps_what_it_does_not_name_and_the_seeds,
    only_the_expected_version_of_an_override_is_changed,
    overrides_are_listed_by_strength_page_by_page,
    what_is_deleted_takes_its_overrides_along_and_logs_them,
    a_variant_that_an_override_gives_is_kept,
);

fn production(store: &Store, segments: &[&str]) {
    store.environment("production");
    let feature = CreateFeature {
        initial_value: FlagValue::Integer(7),
        variants: serde_json::from_str(r#"[{"key":"blue","value":1},{"key":"green","value":2}]"#)
            .unwrap(),
        ..new_feature("limit")
    };
    store
        .flags
        .create_feature(&feature, &seeds(), &stamp())
        .unwrap();
    for name in segments {
        store.segment(name, &having("plan", "EQUAL", "pro"));
    }
}

fn change(
    store: &Store,
    id: OverrideId,
    change: &ChangeOverride,
) -> Result<Written<Override>, FlagError> {
    let (production, limit) = (environment_name("production"), feature_name("limit"));
    let any = Precondition::Any;
    store
        .targeting
        .change_override(&production, &limit, id, change, &any, &later())
}

fn get(store: &Store, id: OverrideId) -> Result<Override, FlagError> {
    let (production, limit) = (environment_name("production"), feature_name("limit"));
    store.targeting.get_override(&production, &limit, id)
}

fn at(target: TargetName, priority: u32) -> CreateOverride {
    let command = new_override(target);
    CreateOverride {
        new: NewOverride {
            priority: Some(Priority::try_from(priority).unwrap()),
            ..command.new
        },
        ..command
    }
}

fn an_override_is_kept_whole_and_logged(store: &Store) {
    production(store, &["paying"]);
    let command = new_override(to_segment("PAYING"));
    let command = CreateOverride {
        new: NewOverride {
            variants: serde_json::from_str(r#"[{"variant":"blue","weight":30}]"#).unwrap(),
            rollout: Some(Percentage::new(12.5).unwrap()),
            ..command.new
        },
        ..command
    };
    let (one, changes) = store.logged(|| store.override_of("LIMIT", &command).unwrap());
    assert_eq!(one.value, FlagValue::Integer(7), "the flag's own");
    assert_eq!((one.updated_at, one.version), (stamp().at, changes[0].seq));
    assert_eq!(get(store, one.id).unwrap(), one);
    let found = store.targeting.find_override(
        &environment_name("Production"),
        &feature_name("limit"),
        &to_segment("Paying"),
    );
    assert_eq!(found.unwrap(), Some(one.clone()));
    assert_eq!(
        told(&changes),
        [("override.created", "limit", Some("production"))]
    );
    let target = one.target.segment().unwrap();
    assert_eq!(
        record(&changes[0].after),
        json!({"id": one.id, "feature": "limit", "environment": "production", "segment": "paying", "priority": 0,
            "rollout": 12.5, "rollout_seed": target.rollout_seed, "enabled": true, "value": 7,
            "variants": [{"variant": "blue", "weight": 30}], "seed": one.seed, "hash": "md5",
            "updated_at": one.updated_at, "version": one.version})
    );
    let (environment, limit) = (environment_name("production"), feature_name("limit"));
    assert_eq!(
        store.flags.get_environment(&environment).unwrap().revision,
        one.version
    );

    let any = Precondition::Any;
    let (_, changes) = store.logged(|| {
        let deleted = store
            .targeting
            .delete_override(&environment, &limit, one.id, &any, &later());
        deleted.unwrap()
    });
    assert_eq!(
        told(&changes),
        [("override.deleted", "limit", Some("production"))]
    );
    assert!(matches!(
        get(store, one.id),
        Err(FlagError::OverrideNotFound { .. })
    ));
}

fn an_override_for_an_identity_has_neither_priority_nor_rollout(store: &Store) {
    production(store, &[]);
    let long = "ü".repeat(2_000);
    for identifier in ["user-1", "USER-1", " ", &long] {
        let one = store
            .override_of("limit", &new_override(to_identity(identifier)))
            .unwrap();
        assert_eq!(get(store, one.id).unwrap(), one);
        assert!(matches!(one.target, Target::Identity(_)));
    }
    let wrong = |change: fn(&mut NewOverride)| {
        let mut command = new_override(to_identity("user-2"));
        change(&mut command.new);
        match store.override_of("limit", &command) {
            Err(FlagError::Invalid { field, .. }) => field,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        wrong(|new| new.priority = Some(Priority::default())),
        "priority"
    );
    assert_eq!(
        wrong(|new| new.rollout = Some(Percentage::WHOLE)),
        "rollout"
    );
    let half = |new: &mut NewOverride| {
        new.variants = serde_json::from_str(r#"[{"variant":"blue","weight":50}]"#).unwrap();
    };
    assert_eq!(wrong(half), "variants");
}

fn a_target_has_one_override_of_a_flag(store: &Store) {
    production(store, &["paying"]);
    store.environment("staging");
    for target in [to_segment("paying"), to_identity("user-1")] {
        let command = new_override(target);
        store.override_of("limit", &command).unwrap();
        let again = store.override_of("limit", &command);
        assert!(
            matches!(again, Err(FlagError::OverrideExists { .. })),
            "{again:?}"
        );
        let (staging, limit) = (environment_name("staging"), feature_name("limit"));
        store
            .targeting
            .create_override(&staging, &limit, &command, &stamp())
            .unwrap();
    }
}

fn what_an_override_names_must_be_there(store: &Store) {
    production(store, &["paying"]);
    let refused = store.override_of("limit", &new_override(to_segment("nobody")));
    assert!(
        matches!(
            &refused,
            Err(FlagError::Invalid {
                field: "segment",
                ..
            })
        ),
        "{refused:?}"
    );
    let mut command = new_override(to_segment("paying"));
    command.new.variants = serde_json::from_str(r#"[{"variant":"red","weight":1}]"#).unwrap();
    let refused = store.override_of("limit", &command);
    assert!(
        matches!(
            &refused,
            Err(FlagError::Invalid {
                field: "variants",
                ..
            })
        ),
        "{refused:?}"
    );
    let missing = store.override_of("nothing", &new_override(to_segment("paying")));
    assert!(matches!(missing, Err(FlagError::FeatureNotFound(_))));
    let other = store.feature("other").name;
    let one = store.of_segment("limit", "paying");
    let elsewhere = store
        .targeting
        .get_override(&environment_name("production"), &other, one.id);
    assert!(matches!(elsewhere, Err(FlagError::OverrideNotFound { .. })));
}

fn a_new_override_is_the_weakest_unless_told(store: &Store) {
    production(store, &["a", "b", "c"]);
    store.override_of("limit", &at(to_segment("a"), 5)).unwrap();
    store.of_segment("limit", "b");
    store.override_of("limit", &at(to_segment("c"), 2)).unwrap();
    let expected = [("c", 2), ("a", 5), ("b", 6)];
    assert_eq!(
        store.overrides("limit"),
        expected.map(|(name, priority)| (name.to_owned(), Some(priority)))
    );
}

fn whoever_stands_in_the_way_moves_back_in_the_same_group(store: &Store) {
    production(store, &["a", "b", "c", "d"]);
    let ids = ["a", "b", "c"].map(|name| store.of_segment("limit", name).id);
    let first = ChangeOverride {
        priority: Some(Priority::default()),
        ..ChangeOverride::default()
    };
    let (written, changes) = store.logged(|| change(store, ids[2], &first).unwrap());
    let order = |names: [&str; 3]| {
        let told = names.iter().zip(0..);
        let told = told.map(|(name, priority)| ((*name).to_owned(), Some(priority)));
        told.collect::<Vec<_>>()
    };
    assert_eq!(store.overrides("limit"), order(["c", "a", "b"]));
    assert_eq!(told(&changes).len(), 3);
    assert!(changes.iter().all(|one| one.group == changes[0].seq));
    assert_eq!(written.revision, changes[2].seq);
    let moved = get(store, ids[0]).unwrap();
    assert!(moved.version > position_before(&changes));

    store.override_of("limit", &at(to_segment("d"), 1)).unwrap();
    let told: Vec<_> = store.overrides("limit");
    let names: Vec<_> = told.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["c", "d", "a", "b"]);
}

/// The position before these changes.
fn position_before(changes: &[flagstaff_domain::changes::Change]) -> flagstaff_domain::ids::Seq {
    flagstaff_domain::ids::Seq(changes[0].seq.0 - 1)
}

fn a_change_keeps_what_it_does_not_name_and_the_seeds(store: &Store) {
    production(store, &["paying"]);
    let before = store.of_segment("limit", "paying");
    let half = ChangeOverride {
        rollout: Some(Some(Percentage::new(50.0).unwrap())),
        ..ChangeOverride::default()
    };
    let split: Split = serde_json::from_str(r#"[{"variant":"green","weight":100}]"#).unwrap();
    let all = ChangeOverride {
        enabled: Some(false),
        value: Some(FlagValue::Null),
        variants: Some(split),
        priority: Some(Priority::try_from(9).unwrap()),
        rollout: Some(None),
    };
    let mut expected = before;
    for wanted in [half, all] {
        let (written, changes) = store.logged(|| change(store, expected.id, &wanted).unwrap());
        let known = store.flags.get_feature(&feature_name("limit")).unwrap();
        expected = Override {
            updated_at: later().at,
            version: written.revision,
            ..wanted.apply(&expected, &known.variants).unwrap()
        };
        assert_eq!(written.record, expected);
        assert_eq!(get(store, expected.id).unwrap(), expected);
        assert_eq!(
            told(&changes),
            [("override.changed", "limit", Some("production"))]
        );
        let (same, changes) = store.logged(|| change(store, expected.id, &wanted).unwrap());
        assert_eq!((same, changes), (written, vec![]));
    }
}

fn only_the_expected_version_of_an_override_is_changed(store: &Store) {
    production(store, &["paying"]);
    let old = store.of_segment("limit", "paying");
    let off = ChangeOverride {
        enabled: Some(false),
        ..ChangeOverride::default()
    };
    change(store, old.id, &off).unwrap();
    let (production, limit) = (environment_name("production"), feature_name("limit"));
    let expected = Precondition::OneOf(vec![old.version]);
    let targeting = &store.targeting;
    let refused = [
        targeting
            .change_override(&production, &limit, old.id, &off, &expected, &later())
            .err(),
        targeting
            .delete_override(&production, &limit, old.id, &expected, &later())
            .err(),
    ];
    for error in refused {
        assert!(
            matches!(error, Some(FlagError::VersionMismatch(_))),
            "{error:?}"
        );
    }
}

fn overrides_are_listed_by_strength_page_by_page(store: &Store) {
    production(store, &["a", "b"]);
    let ids = [
        to_identity("z"),
        to_segment("b"),
        to_identity("a"),
        to_segment("a"),
    ]
    .map(|target| {
        let one = store.override_of("limit", &new_override(target));
        one.unwrap().id
    });
    let (production, limit) = (environment_name("production"), feature_name("limit"));
    let page = |limit_to, after| {
        let page = Page::new(limit_to, after).unwrap();
        let listing = store.targeting.list_overrides(&production, &limit, &page);
        let listing = listing.unwrap();
        let listed: Vec<_> = listing.items.iter().map(|one| one.id).collect();
        (listed, listing.more)
    };
    let order = [ids[1], ids[3], ids[0], ids[2]];
    assert_eq!(page(4, None), (order.to_vec(), false));
    assert_eq!(page(1, None), (vec![order[0]], true));
    assert_eq!(page(2, Some(order[0])), (order[1..3].to_vec(), true));
    assert_eq!(page(2, Some(order[1])), (order[2..].to_vec(), false));
    assert_eq!(page(2, Some(order[2])), (order[3..].to_vec(), false));
}

fn what_is_deleted_takes_its_overrides_along_and_logs_them(store: &Store) {
    production(store, &["paying"]);
    store.feature("other");
    let any = Precondition::Any;
    let mut kept = Vec::new();
    for feature in ["limit", "other"] {
        kept.push(store.of_segment(feature, "paying").id);
    }
    let limit = feature_name("limit");
    let (_, changes) = store.logged(|| store.flags.delete_feature(&limit, &any, &later()).unwrap());
    assert_eq!(
        record(&changes[0].before)["overrides"][0]["id"],
        json!(kept[0])
    );
    let production = environment_name("production");
    let (_, changes) = store.logged(|| {
        let deleted = store.flags.delete_environment(&production, &any, &later());
        deleted.unwrap()
    });
    let before = record(&changes[0].before);
    assert_eq!(before["overrides"][0]["id"], json!(kept[1]));
    assert_eq!(before["overrides"].as_array().map(Vec::len), Some(1));
    assert_eq!(store.backstage.execute("DELETE FROM segments"), Ok(()));
}

fn a_variant_that_an_override_gives_is_kept(store: &Store) {
    production(store, &["paying"]);
    let mut command = new_override(to_segment("paying"));
    command.new.variants = serde_json::from_str(r#"[{"variant":"blue","weight":1}]"#).unwrap();
    store.override_of("limit", &command).unwrap();
    store.segment("greens", &having("limit", "FLAG", "green"));
    let limit = feature_name("limit");
    for (left, said) in [
        (
            "green",
            r#"the override for the segment "paying" in "production""#,
        ),
        ("blue", r#"the segment "greens""#),
    ] {
        let variants = format!(r#"[{{"key":"{left}","value":1}}]"#);
        let change = ChangeFeature {
            variants: Some(serde_json::from_str(&variants).unwrap()),
            ..ChangeFeature::default()
        };
        let any = Precondition::Any;
        let refused = store.flags.change_feature(&limit, &change, &any, &later());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains(said), "{refused}");
    }
}
