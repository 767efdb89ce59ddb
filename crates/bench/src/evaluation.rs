//! Evaluation in process: Flagstaff's engine beside Flagsmith's, in turn, on the same definition and identity.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{Error, Result};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use flagsmith_flag_engine::engine::get_evaluation_result;
use flagsmith_flag_engine::engine_eval::EngineEvaluationContext;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::FlagValue;
use flagstaff_domain::flags::evaluation::{
    Definition, FeatureDefinition, Identity, Program, SegmentDefinition, Subject, TraitValue,
    VariantDefinition,
};
use flagstaff_domain::flags::targeting::Rule;
use serde_json::{Value, json};

use crate::table::{Report, ratio};

const FEATURES: usize = 100;
/// Of each feature.
const OVERRIDES: usize = 10;

/// One identity over 100 features with 10 segment overrides each: in segments that they share, and in ones of their own.
pub(crate) fn evaluate(report: &mut Report, quick: bool) -> Result<()> {
    let round = Duration::from_millis(if quick { 50 } else { 400 });
    for segments in [OVERRIDES, FEATURES * OVERRIDES] {
        let definition = definition(segments)?;
        let identity = identity();
        let theirs = context(&definition, &identity)?;
        let program = Program::compile(definition);
        let subject = Subject {
            identity: Some(&identity),
            now: Timestamp::default(),
        };
        let ours = || {
            program
                .evaluate(subject)
                .answers()
                .map(|one| one.variant().map_or(0, str::len))
                .sum::<usize>()
        };
        let theirs = || get_evaluation_result(&theirs).flags.len();
        let rounds = (0..7).map(|_| (rate(round, theirs), rate(round, ours)));
        let (reference, rates): (Vec<f64>, Vec<f64>) = rounds.unzip();
        let label = format!("{segments} segments");
        let mut add = |what: &str, value, unit| {
            report.add("evaluate", format!("{label}: {what}"), value, unit)
        };
        add(
            "evaluations",
            ratio(&rates, &reference),
            "times as fast as Flagsmith's engine",
        );
        let allocations = count(&ours);
        add("allocations", allocations as f64, "an evaluation");
        let allocations = count(&theirs);
        add(
            "allocations of Flagsmith's engine",
            allocations as f64,
            "an evaluation",
        );
    }
    Ok(())
}

/// How often it allocates memory.
fn count<T>(work: &impl Fn() -> T) -> u64 {
    let mut result = None;
    let counted = measure(|| result = Some(black_box(work())));
    drop(result);
    counted.count_total
}

/// How often a second it can be done.
fn rate<T>(round: Duration, work: impl Fn() -> T) -> f64 {
    let started = Instant::now();
    let mut times = 0_u32;
    while started.elapsed() < round {
        black_box(work());
        times += 1;
    }
    f64::from(times) / started.elapsed().as_secs_f64()
}

fn identity() -> Identity {
    let text = |text: &str| TraitValue::Text(text.to_owned());
    let traits = [
        ("plan", text("pro")),
        ("country", text("DE")),
        ("age", TraitValue::Integer(42)),
        ("version", text("2.3.1")),
        ("beta", TraitValue::Bool(true)),
    ];
    let traits = traits.map(|(name, value)| (name.to_owned(), value));
    Identity::new("env", "user-4711", BTreeMap::from(traits))
}

/// Rules as people write them; about one segment in ten matches.
fn rule(at: usize) -> Result<Rule> {
    let condition = |property: &str, operator: &str, value: String| json!({"property": property, "operator": operator, "value": value});
    let rule = json!({
        "type": "ALL",
        "conditions": [
            condition("country", "IN", "DE,AT,CH".to_owned()),
            condition("version", "GREATER_THAN_INCLUSIVE", format!("{}.0.0:semver", at % 4)),
        ],
        "rules": [{
            "type": "ANY",
            "conditions": [
                condition("plan", "EQUAL", format!("plan-{at}")),
                condition("age", "GREATER_THAN", (38 + at % 8).to_string()),
                condition("", "PERCENTAGE_SPLIT", "5".to_owned()),
            ],
        }],
    });
    Ok(serde_json::from_value(rule)?)
}

fn state(feature: usize, seed: usize) -> FeatureDefinition {
    let variant = |key: &str, weight: u32, priority: f64| VariantDefinition {
        key: Some(key.to_owned()),
        value: FlagValue::String(key.to_owned()),
        weight: weight.into(),
        priority,
    };
    let split = feature.is_multiple_of(4);
    FeatureDefinition {
        key: seed.to_string(),
        name: format!("feature_{feature:03}"),
        enabled: seed.is_multiple_of(2),
        value: FlagValue::Integer(1),
        variants: if split {
            vec![variant("blue", 30, 1.0), variant("green", 30, 2.0)]
        } else {
            Vec::new()
        },
        priority: None,
        ..FeatureDefinition::default()
    }
}

fn definition(segments: usize) -> Result<Definition> {
    let segments = (0..segments).map(|segment| {
        // Each feature is overridden by ten of them.
        let features = (0..FEATURES)
            .filter(|feature| segments == OVERRIDES || segment / OVERRIDES == *feature);
        let overrides = features.map(|feature| FeatureDefinition {
            priority: Some((segment % OVERRIDES) as f64),
            ..state(feature, 1_000 + segment * FEATURES + feature)
        });
        Ok(SegmentDefinition {
            key: segment.to_string(),
            name: format!("segment-{segment}"),
            rules: vec![rule(segment)?],
            overrides: overrides.collect(),
            ..SegmentDefinition::default()
        })
    });
    Ok(Definition {
        key: "env".to_owned(),
        name: "production".to_owned(),
        features: (0..FEATURES)
            .map(|feature| state(feature, feature))
            .collect(),
        segments: segments.collect::<Result<_>>()?,
        ..Definition::default()
    })
}

/// The same for Flagsmith's engine.
fn context(definition: &Definition, identity: &Identity) -> Result<EngineEvaluationContext> {
    let state = |one: &FeatureDefinition| {
        let variants = one.variants.iter().map(|variant| {
            json!({"key": variant.key, "value": variant.value, "weight": variant.weight, "priority": variant.priority})
        });
        json!({
            "key": one.key, "name": one.name, "enabled": one.enabled, "value": one.value,
            "priority": one.priority, "variants": variants.collect::<Vec<_>>(),
        })
    };
    let features = definition
        .features
        .iter()
        .map(|one| (one.name.clone(), state(one)));
    let segments = definition.segments.iter().map(|one| {
        let overrides: Vec<Value> = one.overrides.iter().map(state).collect();
        let segment =
            json!({"key": one.key, "name": one.name, "rules": one.rules, "overrides": overrides});
        (one.key.clone(), segment)
    });
    let context = json!({
        "environment": {"key": definition.key, "name": definition.name},
        "identity": {"identifier": identity.identifier, "key": identity.key, "traits": identity.traits},
        "features": features.collect::<serde_json::Map<_, _>>(),
        "segments": segments.collect::<serde_json::Map<_, _>>(),
    });
    serde_json::from_value(context).map_err(Error::other)
}
