//! Evaluation compared with Flagsmith's own engine in Rust, on random contexts.
//!
//! Where the two differ on purpose (docs/adr/0008), contexts are made so that it does not show, or the difference is
//! named in [`known_difference`]. `FLAGSTAFF_SEED` repeats a run, `FLAGSTAFF_CONTEXTS` says
//! how many; the gate asks for 100,000.

#![expect(
    clippy::unwrap_used,
    reason = "a test that fails by panicking has done its work"
)]

use std::collections::BTreeMap;

use flagsmith_flag_engine::engine::get_evaluation_result;
use flagsmith_flag_engine::engine_eval::EngineEvaluationContext;
use flagsmith_flag_engine::utils::hashing::get_hashed_percentage_for_object_ids;
use flagstaff_domain::flags::FlagValue;
use flagstaff_domain::flags::evaluation::{
    Definition, FeatureDefinition, Identity, Program, SegmentDefinition, Subject, TraitValue,
    VariantDefinition,
};
use flagstaff_domain::flags::targeting::Rule;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};
use serde_json::{Number, Value, json};

const FEATURES: [&str; 4] = ["dark_mode", "limit", "banner", "checkout"];
/// The distance between two buckets.
const STEP: f64 = 100.0 / 9998.0;

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn a_random_context_gets_what_flagsmiths_engine_gives_it() {
    let contexts = setting("FLAGSTAFF_CONTEXTS").unwrap_or(2_000);
    let seed = setting("FLAGSTAFF_SEED").unwrap_or_else(|| fastrand::u64(..));
    println!("{contexts} contexts, FLAGSTAFF_SEED={seed}");
    let mut runner = TestRunner::new(Config {
        cases: u32::try_from(contexts).unwrap(),
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 4_000,
        ..Config::default()
    });
    let matched = std::cell::Cell::new(0_usize);
    let result = runner.run(&(definition(), identity()), |(definition, identity)| {
        let theirs = theirs(&definition, identity.as_ref());
        let ours = ours(&definition, identity.as_ref());
        matched.set(matched.get() + ours["segments"].as_array().map_or(0, Vec::len));
        if !known_difference(&definition, identity.as_ref()) {
            prop_assert_eq!(ours, theirs);
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("FLAGSTAFF_SEED={seed}: {failure}"));
    let matched = matched.get() as u64;
    assert!(
        matched > contexts / 4,
        "{matched} segments matched: too few to tell"
    );
}

/// Flagsmith's engine in Rust does not hash again where the bucket would be 100.
fn known_difference(definition: &Definition, identity: Option<&Identity>) -> bool {
    let Some(identity) = identity else {
        return false;
    };
    let overrides = definition.segments.iter().flat_map(|one| &one.overrides);
    let features = definition.features.iter().chain(overrides);
    let keys = features
        .map(|one| &one.key)
        .chain(definition.segments.iter().map(|one| &one.key));
    let texts = identity.traits.values().map(|value| match value {
        TraitValue::Text(text) => text.clone(),
        other => serde_json::to_string(other).unwrap(),
    });
    let mut ids: Vec<String> = texts.collect();
    ids.extend([
        identity.key.clone(),
        identity.identifier.clone(),
        definition.name.clone(),
        "true".to_owned(),
        "false".to_owned(),
        "on".to_owned(),
    ]);
    keys.into_iter().any(|key| {
        let mut buckets = ids
            .iter()
            .map(|id| get_hashed_percentage_for_object_ids(vec![key, id], 1));
        buckets.any(|bucket| bucket >= 100.0)
    })
}

fn ours(definition: &Definition, identity: Option<&Identity>) -> Value {
    let program = Program::compile(definition.clone());
    let evaluation = program.evaluate(Subject {
        identity,
        ..Subject::default()
    });
    let segments: Vec<&str> = evaluation.segments().map(|one| one.name.as_str()).collect();
    let flags: BTreeMap<&str, Value> = evaluation
        .answers()
        .map(|answer| {
            let flag = json!({
                "enabled": answer.enabled(),
                "value": answer.value(),
                "variant": answer.variant(),
                "reason": answer.reason().to_string(),
            });
            (answer.feature.name.as_str(), flag)
        })
        .collect();
    json!({"segments": segments, "flags": flags})
}

fn theirs(definition: &Definition, identity: Option<&Identity>) -> Value {
    let feature = |one: &FeatureDefinition| {
        let variants = one.variants.iter().map(|variant| {
            json!({"key": variant.key, "value": variant.value, "weight": variant.weight, "priority": variant.priority})
        });
        json!({
            "key": one.key, "name": one.name, "enabled": one.enabled, "value": one.value,
            "priority": one.priority, "variants": variants.collect::<Vec<_>>(),
        })
    };
    let features = definition.features.iter();
    let features: BTreeMap<&str, Value> = features
        .map(|one| (one.name.as_str(), feature(one)))
        .collect();
    let mut segments = serde_json::Map::new();
    for (at, one) in definition.segments.iter().enumerate() {
        let overrides: Vec<Value> = one.overrides.iter().map(feature).collect();
        let segment =
            json!({"key": one.key, "name": one.name, "rules": one.rules, "overrides": overrides});
        segments.insert(at.to_string(), segment);
    }
    let context = json!({
        "environment": {"key": definition.key, "name": definition.name},
        "identity": identity.map(|one| json!({"identifier": one.identifier, "key": one.key, "traits": one.traits})),
        "features": features,
        "segments": segments,
    });
    let context: EngineEvaluationContext = serde_json::from_value(context).unwrap();
    let result = serde_json::to_value(get_evaluation_result(&context)).unwrap();
    let segments = result["segments"].as_array().unwrap().iter();
    let flags = result["flags"].as_object().unwrap().iter().map(|(name, flag)| {
        // It tells features without any override apart.
        let reason = flag["reason"].as_str().unwrap().replace("STATIC", "DEFAULT");
        let flag = json!({
            "enabled": flag["enabled"], "value": flag["value"], "variant": flag["variant"], "reason": reason,
        });
        (name.clone(), flag)
    });
    json!({
        "segments": segments.map(|one| one["name"].clone()).collect::<Vec<_>>(),
        "flags": flags.collect::<BTreeMap<_, _>>(),
    })
}

fn text(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::select(texts).prop_map(str::to_owned)
}

const TEXTS: &[&str] = &[
    "pro",
    "free",
    "profit",
    "",
    "true",
    "False",
    "TRUE",
    "1",
    "0",
    "01",
    "1.0",
    "10",
    "9",
    "-3",
    "1.5",
    "nan",
    "1.2.3",
    "1.10.0",
    "2.0.0-rc.1",
    "1.2",
    "on",
    "ü",
    "a,b",
    "user-1",
];

fn trait_value() -> impl Strategy<Value = TraitValue> {
    prop_oneof![
        4 => text(TEXTS).prop_map(TraitValue::Text),
        2 => (-3_i64..12).prop_map(TraitValue::Integer),
        // Whole floats are written differently.
        1 => (-3_i32..12).prop_map(|whole| TraitValue::Float(f64::from(whole) + 0.5)),
        1 => any::<bool>().prop_map(TraitValue::Bool),
    ]
}

fn identity() -> impl Strategy<Value = Option<Identity>> {
    let names =
        prop::sample::select(&["plan", "age", "version", "beta"][..]).prop_map(str::to_owned);
    let traits = prop::collection::btree_map(names, trait_value(), 0..5);
    // Without a key of its own, PERCENTAGE_SPLIT differs.
    let some = (0_u16..500, traits)
        .prop_map(|(number, traits)| Identity::new("env", format!("user-{number}"), traits));
    prop::option::weighted(0.9, some)
}

fn condition() -> impl Strategy<Value = Value> {
    let property = || {
        text(&[
            "plan",
            "plan",
            "age",
            "age",
            "version",
            "version",
            "beta",
            "missing",
            "$.identity.identifier",
            "$.identity.key",
            "$.environment.name",
            "$.identity.traits.plan",
            "$.identity",
            "$.nowhere.at.all",
            "$.flags.dark_mode.enabled",
            "$.flags.limit.value",
            "$.flags.banner.variant",
            "$.flags['checkout'].enabled",
            "$.flags.unknown.enabled",
        ])
    };
    let with = |operators: &'static [&'static str], value: BoxedStrategy<Value>| {
        let parts = (text(operators), property(), value);
        parts.prop_map(|(operator, property, value)| {
            json!({"operator": operator, "property": property, "value": value})
        })
    };
    let texts = |texts| text(texts).prop_map(Value::from).boxed();
    let comparisons: &[&str] = &[
        "EQUAL",
        "EQUAL",
        "NOT_EQUAL",
        "GREATER_THAN",
        "GREATER_THAN_INCLUSIVE",
        "LESS_THAN",
        "LESS_THAN_INCLUSIVE",
    ];
    prop_oneof![
        4 => with(comparisons, texts(TEXTS)),
        1 => with(comparisons, texts(&["1.2.3:semver", "1.9.0:semver", "2.0.0:semver", "x:semver", "1.2:semver"])),
        2 => with(&["CONTAINS", "NOT_CONTAINS"], texts(TEXTS)),
        // It looks for a match anywhere.
        1 => with(&["REGEX"], texts(&["^p", "^pro$", "^[0-9]+$", "^(true|false)$", "^[", "^.*1$", "^$"])),
        2 => with(&["IN"], texts(&["pro,free", "pro, free", "1,2,3", "[\"pro\",\"a,b\"]", "[pro", "true", "", "on,1.5"])),
        1 => with(&["IN"], prop::collection::vec(text(TEXTS), 0..4).prop_map(Value::from).boxed()),
        1 => with(&["MODULO"], texts(&["2|0", "2|1", "3|0.5", "0|0", "2", "a|b", "2|0|0", "-2|1"])),
        1 => with(&["IS_SET", "IS_NOT_SET"], Just(json!("")).boxed()),
        2 => (prop::option::of(property()), share()).prop_map(|(property, share)| json!({
            "operator": "PERCENTAGE_SPLIT", "property": property.unwrap_or_default(), "value": share.to_string(),
        })),
    ]
}

/// A share whose end lies between two buckets: ranges are closed there and half-open here, and its buckets are floats of
/// 32 bits.
fn share() -> impl Strategy<Value = f64> {
    (0_u16..9_998).prop_map(|buckets| (f64::from(buckets) + 0.5) * STEP)
}

/// Reasons tell a weight as it is written; theirs leave out the point of a whole number.
fn number(value: f64) -> Number {
    #[expect(clippy::cast_possible_truncation, reason = "it is whole")]
    let whole = value as i64;
    if value.fract() == 0.0 {
        Number::from(whole)
    } else {
        Number::from_f64(value).unwrap()
    }
}

fn rule() -> impl Strategy<Value = Rule> {
    let kind = || text(&["ALL", "ALL", "ANY", "NONE"]);
    let leaf = (kind(), prop::collection::vec(condition(), 0..4));
    let leaf = leaf.prop_map(|(kind, conditions)| json!({"type": kind, "conditions": conditions}));
    leaf.prop_recursive(2, 8, 3, move |inner| {
        let parts = (kind(), prop::collection::vec(condition(), 0..2), prop::collection::vec(inner, 0..3));
        parts.prop_map(|(kind, conditions, rules)| json!({"type": kind, "conditions": conditions, "rules": rules}))
    })
    .prop_map(|rule| serde_json::from_value(rule).unwrap())
}

fn variants() -> impl Strategy<Value = Vec<VariantDefinition>> {
    let parts = (
        prop::option::weighted(0.8, text(&["red", "blue", "on"])),
        0_u16..4_000,
        0_i32..4,
    );
    prop::collection::vec(parts, 0..4).prop_map(|parts| {
        let variant = |(at, (key, buckets, priority)): (usize, (Option<String>, u16, i32))| {
            // Equal priorities keep their order here and there; the half step comes first in that order.
            let half = if at == 0 { 0.5 } else { 0.0 };
            VariantDefinition {
                key,
                value: FlagValue::Integer(i64::try_from(at).unwrap()),
                weight: number((f64::from(buckets) + half) * STEP),
                priority: f64::from(if at == 0 { -1 } else { priority }),
            }
        };
        parts.into_iter().enumerate().map(variant).collect()
    })
}

fn state(name: &'static str) -> impl Strategy<Value = FeatureDefinition> {
    let value = prop_oneof![
        Just(FlagValue::Null),
        Just(FlagValue::Bool(true)),
        (0_i64..9).prop_map(FlagValue::Integer),
        Just(FlagValue::Float(1.5)),
        text(TEXTS).prop_map(FlagValue::String),
    ];
    let priority = prop::option::of((0_u8..3).prop_map(f64::from));
    (0_u8..200, any::<bool>(), value, variants(), priority).prop_map(
        move |(key, enabled, value, variants, priority)| FeatureDefinition {
            key: key.to_string(),
            name: name.to_owned(),
            enabled,
            value,
            variants,
            priority,
            ..FeatureDefinition::default()
        },
    )
}

fn segment() -> impl Strategy<Value = SegmentDefinition> {
    let override_of_one = prop::sample::select(&FEATURES[..]).prop_flat_map(state);
    let parts = (
        0_u8..200,
        prop::collection::vec(rule(), 0..3),
        prop::collection::vec(override_of_one, 0..3),
    );
    parts.prop_map(|(key, rules, overrides)| SegmentDefinition {
        key: key.to_string(),
        name: format!("segment-{key}"),
        rules,
        overrides,
        ..SegmentDefinition::default()
    })
}

fn definition() -> impl Strategy<Value = Definition> {
    let features = FEATURES.map(state);
    (features, prop::collection::vec(segment(), 0..5)).prop_map(|(features, segments)| Definition {
        key: "env".to_owned(),
        name: "pro".to_owned(),
        features: features.into(),
        segments,
        ..Definition::default()
    })
}
