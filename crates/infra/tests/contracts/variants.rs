//! `FlagRepository`, the variants of features and the splits of flags: their order, their ids, who may go, and what identities
//! are hashed with.

use flagstaff_domain::flags::targeting::{Percentage, Share, Split, Variant, Variants};
use flagstaff_domain::flags::{
    ChangeEnvironment, ChangeFeature, ChangeFlag, CreateFeature, Feature, FeatureFilter,
    FeatureKind, Flag, FlagError, FlagValue, Seeds,
};
use flagstaff_domain::ids::VariantId;
use flagstaff_domain::page::Page;
use flagstaff_domain::text::VariantKey;
use flagstaff_domain::write::{Precondition, Written};
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    variants_are_read_back_in_the_order_of_their_ids,
    a_variant_that_stays_keeps_its_id_and_a_new_one_comes_last,
    a_variant_with_a_share_stays,
    a_kind_that_does_not_fit_the_variants_is_refused,
    a_split_is_kept_in_the_order_of_the_variants,
    a_split_among_unknown_variants_is_refused,
    a_kill_switch_changes_nothing_else,
    a_served_flag_is_split_by_its_seed_and_off_where_it_is_killed,
    hash_keys_and_seeds_are_those_that_were_given_and_stay,
    a_list_shows_the_features_with_the_marks_that_are_asked_for,
);

fn key(text: &str) -> VariantKey {
    VariantKey::parse(text).unwrap()
}

/// Variants of these keys, each with its key's length for a value.
fn variants(keys: &[&str]) -> Variants {
    let variants = keys.iter().map(|text| Variant {
        id: VariantId::default(),
        key: key(text),
        value: FlagValue::Integer(i64::try_from(text.len()).unwrap()),
    });
    variants.collect::<Vec<_>>().try_into().unwrap()
}

fn shares(shares: &[(&str, f64)]) -> Vec<Share> {
    let shares = shares.iter().map(|(variant, weight)| Share {
        variant: key(variant),
        weight: Percentage::new(*weight).unwrap(),
    });
    shares.collect()
}

fn split(wanted: &[(&str, f64)]) -> ChangeFlag {
    ChangeFlag {
        variants: Some(Split::try_from(shares(wanted)).unwrap()),
        ..ChangeFlag::default()
    }
}

/// Two environments, and a feature with the variants a and bb.
fn fill(store: &Store) -> Feature {
    store.environment("production");
    store.environment("staging");
    let command = CreateFeature {
        variants: variants(&["a", "bb"]),
        ..new_feature("theme")
    };
    let written = store.flags.create_feature(&command, &seeds(), &stamp());
    written.unwrap().record
}

fn change(store: &Store, change: &ChangeFeature) -> Result<Written<Feature>, FlagError> {
    let name = feature_name("theme");
    store
        .flags
        .change_feature(&name, change, &Precondition::Any, &later())
}

fn set(store: &Store, environment: &str, change: &ChangeFlag) -> Result<Written<Flag>, FlagError> {
    let (environment, feature) = (environment_name(environment), feature_name("theme"));
    store
        .flags
        .change_flag(&environment, &feature, change, &Precondition::Any, &later())
}

fn wanting(keys: &[&str]) -> ChangeFeature {
    ChangeFeature {
        variants: Some(variants(keys)),
        ..ChangeFeature::default()
    }
}

fn keys(feature: &Feature) -> Vec<&str> {
    feature
        .variants
        .iter()
        .map(|one| one.key.as_str())
        .collect()
}

fn get(store: &Store) -> Feature {
    store.flags.get_feature(&feature_name("theme")).unwrap()
}

fn variants_are_read_back_in_the_order_of_their_ids(store: &Store) {
    let (created, changes) = store.logged(|| fill(store));
    assert_eq!(created.kind, FeatureKind::Multivariate);
    assert_eq!(keys(&created), ["a", "bb"]);
    assert!(created.variants[0].id < created.variants[1].id);
    let other = CreateFeature {
        variants: variants(&["a"]),
        ..new_feature("other")
    };
    store
        .flags
        .create_feature(&other, &seeds(), &stamp())
        .unwrap();
    assert_eq!(get(store), created);
    let listed = store
        .flags
        .list_features(&Page::first(), FeatureFilter::default());
    assert_eq!(listed.unwrap().items[1], created);
    let loaded = store.state.load().unwrap();
    assert_eq!(loaded.features[1], created);
    assert_eq!(
        record(&changes.last().unwrap().after)["variants"],
        json!([{"id": created.variants[0].id, "key": "a", "value": 1},
            {"id": created.variants[1].id, "key": "bb", "value": 2}])
    );
}

fn a_variant_that_stays_keeps_its_id_and_a_new_one_comes_last(store: &Store) {
    let before = fill(store);
    let (after, changes) = store.logged(|| change(store, &wanting(&["new", "bb", "a"])).unwrap());
    assert_eq!(told(&changes), [("feature.changed", "theme", None)]);
    assert_eq!(keys(&after.record), ["a", "bb", "new"]);
    assert_eq!(after.record.variants[..2], before.variants[..]);
    assert_eq!(get(store), after.record);

    // One that comes back is a new one.
    let without = change(store, &wanting(&["a", "bb"])).unwrap().record;
    assert_eq!(without.variants, before.variants);
    let again = change(store, &wanting(&["a", "bb", "new"])).unwrap().record;
    assert!(again.variants[2].id > after.record.variants[2].id);

    let mut other_value: Vec<Variant> = before.variants.clone();
    other_value[0].value = FlagValue::Float(0.5);
    let command = ChangeFeature {
        variants: Some(other_value.try_into().unwrap()),
        ..ChangeFeature::default()
    };
    let valued = change(store, &command).unwrap().record;
    assert_eq!(valued.variants[0].id, before.variants[0].id);
    assert_eq!(valued.variants[0].value, FlagValue::Float(0.5));
    assert_eq!(get(store), valued);
    let (_, changes) = store.logged(|| change(store, &command).unwrap());
    assert_eq!(changes, []);
}

fn a_variant_with_a_share_stays(store: &Store) {
    let before = fill(store);
    for environment in ["staging", "production"] {
        set(store, environment, &split(&[("bb", 10.0)])).unwrap();
    }
    let (refused, changes) = store.logged(|| change(store, &wanting(&["a"])).unwrap_err());
    assert_eq!(
        refused.to_string(),
        "the variant \"bb\" of \"theme\" is given or asked for by the flag in \"production\", the flag in \"staging\"; \
         take it out there first"
    );
    assert_eq!(changes, []);
    assert_eq!(get(store), before);
    for environment in ["staging", "production"] {
        set(store, environment, &split(&[("bb", 0.0), ("a", 1.0)])).unwrap();
    }
    assert_eq!(
        keys(&change(store, &wanting(&["a"])).unwrap().record),
        ["a"]
    );
}

fn a_kind_that_does_not_fit_the_variants_is_refused(store: &Store) {
    fill(store);
    let standard = |keys: Option<&[&str]>| ChangeFeature {
        kind: Some(FeatureKind::Standard),
        variants: keys.map(variants),
        ..ChangeFeature::default()
    };
    for refused in [standard(None), standard(Some(&["a"]))] {
        let error = change(store, &refused).unwrap_err();
        assert!(
            matches!(error, FlagError::Invalid { field: "type", .. }),
            "{error:?}"
        );
    }
    let plain = change(store, &standard(Some(&[]))).unwrap().record;
    assert_eq!(
        (plain.kind, plain.variants),
        (FeatureKind::Standard, vec![])
    );
    let again = change(store, &wanting(&["c"])).unwrap().record;
    assert_eq!(again.kind, FeatureKind::Multivariate);
}

fn a_split_is_kept_in_the_order_of_the_variants(store: &Store) {
    fill(store);
    let before = store.flag("production", "theme").unwrap();
    let command = split(&[("bb", 12.5), ("a", 30.0)]);
    let (written, changes) = store.logged(|| set(store, "production", &command).unwrap());
    let expected = Flag {
        variants: shares(&[("a", 30.0), ("bb", 12.5)]),
        updated_at: later().at,
        version: written.revision,
        ..before
    };
    assert_eq!(written.record, expected);
    assert_eq!(store.flag("production", "theme").unwrap(), expected);
    assert_eq!(store.flag("staging", "theme").unwrap().variants, []);
    assert_eq!(
        (
            record(&changes[0].before)["variants"].clone(),
            record(&changes[0].after)["variants"].clone()
        ),
        (
            json!([]),
            json!([{"variant": "a", "weight": 30}, {"variant": "bb", "weight": 12.5}])
        )
    );
    for same in [
        command,
        split(&[("a", 30.0), ("bb", 12.5)]),
        set_enabled(false),
    ] {
        let (_, changes) = store.logged(|| set(store, "production", &same).unwrap());
        assert_eq!(changes, []);
    }
}

fn a_split_among_unknown_variants_is_refused(store: &Store) {
    fill(store);
    let (error, changes) =
        store.logged(|| set(store, "production", &split(&[("a", 1.0), ("c", 0.0)])).unwrap_err());
    assert_eq!(
        error.to_string(),
        "variants must hold variants of the feature, and \"c\" is none; it has \"a\", \"bb\""
    );
    assert_eq!(changes, []);
    assert_eq!(store.flag("production", "theme").unwrap().variants, []);
}

fn a_kill_switch_changes_nothing_else(store: &Store) {
    fill(store);
    set(store, "production", &split(&[("a", 50.0)])).unwrap();
    let on = set(store, "production", &set_enabled(true)).unwrap().record;
    let kill = |killed| ChangeFlag {
        killed: Some(killed),
        ..ChangeFlag::default()
    };
    let killed = set(store, "production", &kill(true)).unwrap();
    let expected = Flag {
        killed: true,
        version: killed.revision,
        ..on.clone()
    };
    assert_eq!(killed.record, expected);
    let revived = set(store, "production", &kill(false)).unwrap();
    let version = revived.revision;
    assert_eq!(revived.record, Flag { version, ..on });
}

fn a_served_flag_is_split_by_its_seed_and_off_where_it_is_killed(store: &Store) {
    fill(store);
    for environment in ["production", "staging"] {
        set(store, environment, &set_enabled(true)).unwrap();
        set(store, environment, &split(&[("bb", 20.0)])).unwrap();
    }
    let kill = ChangeFlag {
        killed: Some(true),
        ..ChangeFlag::default()
    };
    set(store, "staging", &kill).unwrap();
    for snapshot in store.snapshots.load(None).unwrap().snapshots {
        let environment = store.flags.get_environment(&snapshot.name).unwrap();
        let flag = store.flag(snapshot.name.as_str(), "theme").unwrap();
        let served = &snapshot.flags[0];
        assert_eq!(snapshot.hash_key, environment.hash_key);
        assert_eq!(
            (&served.seed, served.hash, &served.variants, served.killed),
            (&flag.seed, flag.hash, &flag.variants, flag.killed)
        );
        assert_eq!(served.enabled, snapshot.name.as_str() == "production");
    }
}

fn hash_keys_and_seeds_are_those_that_were_given_and_stay(store: &Store) {
    fill(store);
    let seeds: Seeds = seeds();
    let state = store.state.load().unwrap();
    for environment in &state.environments {
        let name = environment.name.as_str();
        assert_eq!(environment.hash_key, seeds.hash_key(name));
        let flag = store.flag(name, "theme").unwrap();
        assert_eq!(flag.seed, seeds.flag(name, "theme"));
        let renamed = ChangeEnvironment {
            name: Some(environment_name(&format!("{name}-2"))),
            description: Some(description("renamed")),
        };
        store
            .flags
            .change_environment(&environment.name, &renamed, &Precondition::Any, &later())
            .unwrap();
        let flag_now = store.flag(&format!("{name}-2"), "theme").unwrap();
        assert_eq!(flag_now.seed, flag.seed);
    }
    let after = store.state.load().unwrap().environments;
    for (before, after) in state.environments.iter().zip(after) {
        assert_eq!((before.id, &before.hash_key), (after.id, &after.hash_key));
    }
}

fn a_list_shows_the_features_with_the_marks_that_are_asked_for(store: &Store) {
    for (name, archived, stale) in [
        ("a", false, false),
        ("b", true, false),
        ("c", false, true),
        ("d", true, true),
    ] {
        let command = CreateFeature {
            archived,
            stale,
            ..new_feature(name)
        };
        store
            .flags
            .create_feature(&command, &seeds(), &stamp())
            .unwrap();
    }
    for (archived, stale, expected) in [
        (None, None, "abcd"),
        (Some(false), None, "ac"),
        (Some(true), None, "bd"),
        (None, Some(true), "cd"),
        (Some(true), Some(false), "b"),
    ] {
        let filter = FeatureFilter { archived, stale };
        let page = Page::new(1, None).unwrap();
        let mut found = String::new();
        let mut next = Some(page);
        while let Some(page) = next {
            let listing = store.flags.list_features(&page, filter).unwrap();
            let last = listing.items.last().map(|one| one.name.clone());
            found.extend(listing.items.iter().map(|one| one.name.as_str()));
            next = last
                .filter(|_| listing.more)
                .map(|after| Page::new(1, Some(after)).unwrap());
        }
        assert_eq!(found, expected);
    }
}
