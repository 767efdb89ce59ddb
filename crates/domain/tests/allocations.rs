//! What an evaluation allocates does not depend on how many conditions it decides.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::evaluation::{
    Definition, FeatureDefinition, Identity, Program, SegmentDefinition, Subject, TraitValue,
};
use flagstaff_domain::flags::targeting::Rule;
use serde_json::json;

/// A feature with an override in a segment of one rule, in which each operator stands so many times.
fn program(times: usize) -> Program {
    let conditions = [
        ("plan", "EQUAL", "pro"),
        ("age", "GREATER_THAN", "17"),
        ("score", "LESS_THAN", "2.75"),
        ("beta", "EQUAL", "true"),
        ("version", "GREATER_THAN_INCLUSIVE", "1.2.3:semver"),
        ("plan", "CONTAINS", "r"),
        ("age", "NOT_CONTAINS", "3"),
        ("plan", "STARTS_WITH", "p"),
        ("plan", "IN", "free,pro"),
        ("age", "IN", "[\"41\",\"42\"]"),
        ("age", "MODULO", "2|0"),
        ("", "PERCENTAGE_SPLIT", "100"),
        ("score", "PERCENTAGE_SPLIT", "100"),
        ("plan", "IS_SET", ""),
        ("missing", "IS_NOT_SET", ""),
        ("$.now", "AFTER", "1970-01-01T00:00:00Z"),
        ("$.identity.identifier", "EQUAL", "user-1"),
        ("$.identity.traits.plan", "NOT_EQUAL", "free"),
        ("$.environment.name", "EQUAL", "production"),
        ("address", "CIDR", "10.0.0.0/8"),
        ("plan", "REGEX", "p[a-z]o"),
    ];
    let conditions = conditions.iter().cycle().take(times * conditions.len());
    let conditions: Vec<_> = conditions
        .map(|(property, operator, value)| {
            json!({"property": property, "operator": operator, "value": value})
        })
        .collect();
    let rule: Rule =
        serde_json::from_value(json!({"type": "ALL", "conditions": conditions})).unwrap();
    let state = |enabled| FeatureDefinition {
        key: "1".into(),
        name: "dark_mode".into(),
        enabled,
        ..FeatureDefinition::default()
    };
    Program::compile(Definition {
        key: "env".into(),
        name: "production".into(),
        features: vec![state(false)],
        segments: vec![SegmentDefinition {
            key: "7".into(),
            name: "everybody".into(),
            rules: vec![rule],
            overrides: vec![state(true)],
            ..SegmentDefinition::default()
        }],
        ..Definition::default()
    })
}

#[test]
fn a_condition_allocates_nothing() {
    let text = |text: &str| TraitValue::Text(text.to_owned());
    let traits = BTreeMap::from([
        ("plan".to_owned(), text("pro")),
        ("age".to_owned(), TraitValue::Integer(42)),
        ("score".to_owned(), TraitValue::Float(2.5)),
        ("beta".to_owned(), TraitValue::Bool(true)),
        ("version".to_owned(), text("1.10.0")),
        ("address".to_owned(), text("10.1.2.3")),
    ]);
    let identity = Identity::new("env", "user-1", traits);
    let subject = Subject {
        identity: Some(&identity),
        now: Timestamp::default(),
    };
    let allocations = [1, 40].map(|times| {
        let program = program(times);
        let evaluate = || program.evaluate(subject).answers().all(|one| one.enabled());
        assert!(
            evaluate(),
            "every condition holds; and patterns have their caches now"
        );
        allocation_counter::measure(|| assert!(evaluate())).count_total
    });
    assert_eq!(allocations[0], allocations[1]);
}
