//! Explanations and answers agree, on random definitions; and what an explanation says.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::{Number, Value, json};

use super::*;
use crate::clock::Timestamp;
use crate::flags::evaluation::{
    Definition, Identity, Operator, Program, Subject, TraitValue, VariantDefinition,
};
use crate::flags::targeting::ConditionValue;
use crate::flags::value::FlagValue;

const PROPERTIES: &[&str] = &[
    "",
    "plan",
    "age",
    "feature-0",
    "feature-1",
    "$.identity.identifier",
];
const VALUES: &[&str] = &["", "pro", "30", "5|1", "50", "feature-1"];

fn condition() -> impl Strategy<Value = Condition> {
    let operators: Vec<Operator> = Operator::all().collect();
    let parts = (
        prop::sample::select(PROPERTIES),
        prop::sample::select(operators),
        prop::sample::select(VALUES),
    );
    parts.prop_map(|(property, operator, value)| Condition {
        property: property.to_owned(),
        operator,
        value: ConditionValue::Text(value.to_owned()),
    })
}

fn rule() -> impl Strategy<Value = Rule> {
    let kind = prop::sample::select(&[RuleKind::All, RuleKind::Any, RuleKind::None][..]);
    let leaf = (kind.clone(), vec(condition(), 0..3)).prop_map(|(kind, conditions)| Rule {
        kind,
        conditions,
        rules: Vec::new(),
    });
    leaf.prop_recursive(2, 8, 2, move |inner| {
        let parts = (kind.clone(), vec(condition(), 0..2), vec(inner, 0..3));
        parts.prop_map(|(kind, conditions, rules)| Rule {
            kind,
            conditions,
            rules,
        })
    })
}

fn state() -> impl Strategy<Value = FeatureDefinition> {
    let variants = vec(0_u8..60, 0..3).prop_map(|weights| {
        let variants = weights.into_iter().enumerate();
        let variants = variants.map(|(at, weight)| VariantDefinition {
            key: Some(format!("variant-{at}")),
            value: FlagValue::Integer(i64::from(weight)),
            weight: Number::from(weight),
            priority: 0.0,
        });
        variants.collect()
    });
    let parts = (
        any::<u16>(),
        0..3,
        any::<bool>(),
        variants,
        option::of(0_u8..3),
    );
    parts.prop_map(
        |(key, name, enabled, variants, priority)| FeatureDefinition {
            key: key.to_string(),
            name: format!("feature-{name}"),
            enabled,
            variants,
            priority: priority.map(f64::from),
            ..FeatureDefinition::default()
        },
    )
}

fn segment() -> impl Strategy<Value = SegmentDefinition> {
    let parts = (any::<u16>(), vec(rule(), 0..3), vec(state(), 0..3));
    parts.prop_map(|(key, rules, overrides)| SegmentDefinition {
        key: key.to_string(),
        name: format!("segment-{key}"),
        rules,
        overrides,
        metadata: None,
        rollout: None,
    })
}

fn definition() -> impl Strategy<Value = Definition> {
    let features = vec(state(), 3).prop_map(|mut states| {
        for (at, state) in states.iter_mut().enumerate() {
            state.name = format!("feature-{at}");
        }
        states
    });
    let identities = btree_map("user-[01]", vec(state(), 0..2), 0..2);
    let parts = (features, vec(segment(), 0..5), identities);
    parts.prop_map(|(features, segments, identities)| Definition {
        key: "key".into(),
        features,
        segments,
        identities,
        ..Definition::default()
    })
}

fn identity() -> impl Strategy<Value = Option<Identity>> {
    let value = prop::sample::select(vec![
        TraitValue::Text("pro".into()),
        TraitValue::Integer(30),
        TraitValue::Bool(true),
    ]);
    let traits = btree_map(
        prop::sample::select(vec!["plan".to_owned(), "age".into()]),
        value,
        0..3,
    );
    let identity = ("user-[0-9]", traits);
    option::weighted(
        0.9,
        identity.prop_map(|(name, traits)| Identity::new("key", name, traits)),
    )
}

fn holds(rule: &RuleTrace<'_>) -> bool {
    let quantified = |each: Vec<bool>| {
        each.is_empty()
            || match rule.kind {
                RuleKind::All => each.iter().all(|holds| *holds),
                RuleKind::Any => each.contains(&true),
                RuleKind::None => !each.contains(&true),
            }
    };
    quantified(rule.conditions.iter().map(|one| one.holds).collect())
        && quantified(rule.rules.iter().map(holds).collect())
}

fn all<'r, 'a>(rules: &'r [RuleTrace<'a>]) -> Vec<&'r RuleTrace<'a>> {
    let inner = rules.iter().flat_map(|rule| all(&rule.rules));
    rules.iter().chain(inner).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_explanation_agrees_with_the_answer(definition in definition(), identity in identity()) {
        let program = Program::compile(definition);
        let evaluation = program.evaluate(Subject { identity: identity.as_ref(), now: Timestamp::default() });
        let answers: Vec<_> = evaluation.answers().collect();
        let explanations = (0..answers.len()).map(|at| evaluation.explain(at).unwrap());
        let explanations: Vec<_> = explanations.collect();
        // What rests on itself is passed over, whatever its conditions say. An explanation looks at all of them, and may find a
        // circle that no answer met.
        prop_assume!(!evaluation.answers().any(|answer| answer.in_cycle));
        for (answer, explanation) in answers.iter().zip(explanations) {
            prop_assert_eq!(&explanation.answer, answer);
            let place = explanation.candidates.iter().position(|one| one.outcome == Outcome::Won);
            let won = &explanation.candidates[place.unwrap()];
            prop_assert!(std::ptr::eq(won.state, answer.state));
            prop_assert_eq!(won.origin, answer.origin);
            for (at, candidate) in explanation.candidates.iter().enumerate() {
                let applies = match candidate.origin {
                    Origin::Segment(_) => !candidate.rules.is_empty() && candidate.rules.iter().all(holds),
                    Origin::Identity | Origin::Environment => true,
                };
                prop_assert_eq!(applies, candidate.outcome != Outcome::NoMatch);
                prop_assert_eq!(candidate.outcome == Outcome::Won, Some(at) == place);
                for rule in all(&candidate.rules) {
                    prop_assert_eq!(rule.holds, holds(rule));
                }
            }
            let chosen = explanation.draw.iter().flat_map(|draw| &draw.ranges).find(|range| range.chosen);
            if answer.origin == Origin::Identity {
                prop_assert!(chosen.is_none(), "what is for one identity is not split");
            } else {
                prop_assert_eq!(chosen.map_or(Choice::None, |range| range.choice), answer.choice);
            }
        }
    }
}

fn rules(value: Value) -> Vec<Rule> {
    serde_json::from_value(value).unwrap()
}

#[test]
fn an_explanation_says_what_was_seen_and_why() {
    let beta = SegmentDefinition {
        key: "7".into(),
        name: "beta".into(),
        rules: rules(json!([{"type": "ALL", "conditions": [
            {"property": "plan", "operator": "EQUAL", "value": "pro"},
            {"property": "", "operator": "PERCENTAGE_SPLIT", "value": "10"},
            {"property": "other", "operator": "FLAG"},
            {"property": "country", "operator": "IN", "value": "NZ,AU"},
        ]}])),
        overrides: vec![FeatureDefinition {
            name: "theme".into(),
            ..FeatureDefinition::default()
        }],
        metadata: None,
        rollout: None,
    };
    let feature = |name: &str, variants| FeatureDefinition {
        key: "12".into(),
        name: name.into(),
        enabled: true,
        variants,
        ..FeatureDefinition::default()
    };
    let blue = VariantDefinition {
        key: Some("blue".into()),
        value: FlagValue::Null,
        weight: Number::from(30),
        priority: 0.0,
    };
    let program = Program::compile(Definition {
        key: "env".into(),
        features: vec![feature("theme", vec![blue]), feature("other", Vec::new())],
        segments: vec![beta],
        ..Definition::default()
    });
    let traits = BTreeMap::from([("plan".to_owned(), TraitValue::Text("pro".into()))]);
    let identity = Identity {
        identifier: "u".into(),
        key: "93".into(),
        traits,
    };
    let evaluation = program.evaluate(Subject {
        identity: Some(&identity),
        now: Timestamp::default(),
    });
    let explanation = evaluation.explain(0).unwrap();
    assert_eq!(
        explanation.to_string(),
        "The one override does not apply: it is what the environment has. Its bucket is 27.6555, in the range of blue \
         (0 to 30)."
    );
    let seen = &explanation.candidates[0].rules[0].conditions;
    let seen: Vec<_> = seen
        .iter()
        .map(|one| (one.holds, one.found.clone()))
        .collect();
    assert_eq!(
        seen,
        [
            (true, Some(json!("pro"))),
            (false, Some(json!("93"))),
            (true, Some(json!("on"))),
            (false, None),
        ]
    );
    assert!(evaluation.explain(2).is_none());

    let nobody = program.evaluate(Subject::default());
    assert_eq!(
        nobody.explain(0).unwrap().to_string(),
        "The one override does not apply: it is what the environment has. Without an identity nobody is drawn among the \
         variants: it is the control's value."
    );
}
