//! What answers hold, byte by byte.

use std::collections::BTreeMap;

use flagstaff_domain::flags::evaluation::{
    Definition, FeatureDefinition, Operator, Program, SegmentDefinition, VariantDefinition,
};
use flagstaff_domain::flags::targeting::{Condition, ConditionValue, Rule, RuleKind};
use flagstaff_domain::flags::{
    CreateFeature, FeatureKind, HashKey, Seed, SnapshotFlag, SplitHash, Targeting,
};
use flagstaff_domain::ids::{EnvironmentId, FeatureId, FlagId, Seq};
use flagstaff_domain::text::{EnvironmentName, FeatureName};
use serde_json::{Value, json};

use super::*;

fn state(enabled: bool, value: &str) -> FeatureDefinition {
    FeatureDefinition {
        key: "seed".to_owned(),
        name: "theme".to_owned(),
        enabled,
        value: FlagValue::parse(value).unwrap(),
        ..FeatureDefinition::default()
    }
}

fn split() -> FeatureDefinition {
    let variant = |key: &str, weight: u32, priority: f64| VariantDefinition {
        key: Some(key.to_owned()),
        value: FlagValue::parse(&format!("\"{key}\"")).unwrap(),
        weight: weight.into(),
        priority,
    };
    FeatureDefinition {
        variants: vec![variant("red", 30, 1.0), variant("green", 30, 2.0)],
        ..state(true, "\"blue\"")
    }
}

/// A view of one feature, which is split for everybody, served to testers as it is, and to `ann` as her own.
fn view() -> View {
    let feature = CreateFeature {
        kind: FeatureKind::Multivariate,
        default_enabled: true,
        ..CreateFeature::named(FeatureName::parse("theme").unwrap())
    };
    let feature = feature.record(FeatureId(7), Timestamp::default(), Seq(1));
    let flag = SnapshotFlag {
        id: FlagId(1),
        feature: Arc::new(feature),
        enabled: true,
        value: FlagValue::Null,
        variants: vec![],
        killed: false,
        seed: Seed::of([1; 16]),
        hash: SplitHash::Md5,
    };
    let name = EnvironmentName::parse("production").unwrap();
    let mut snapshot = Snapshot::new(
        EnvironmentId(1),
        name,
        HashKey::parse("env").unwrap(),
        Seq(2),
        Timestamp::default(),
        vec![flag],
        &Targeting::default(),
    );
    let rule = Rule {
        kind: RuleKind::All,
        conditions: vec![Condition {
            property: "tester".to_owned(),
            operator: Operator::parse("IS_SET").unwrap(),
            value: ConditionValue::default(),
        }],
        rules: vec![],
    };
    snapshot.program = Arc::new(Program::compile(Definition {
        key: "env".to_owned(),
        features: vec![split()],
        segments: vec![SegmentDefinition {
            key: "1".to_owned(),
            name: "testers".to_owned(),
            rules: vec![rule],
            overrides: vec![state(true, "1.0")],
            ..SegmentDefinition::default()
        }],
        identities: BTreeMap::from([("ann".to_owned(), vec![state(false, "2")])]),
        ..Definition::default()
    }));
    View::render(Arc::new(snapshot))
}

fn ask(view: &View, identifier: &str, traits: Value) -> Value {
    let traits = serde_json::from_value(traits).unwrap();
    let identity = Identity::new("env", identifier, traits);
    let one = view.one(0, &identity, Timestamp::default()).unwrap();
    let all = view
        .all(KeyKind::Client, &identity, Timestamp::default())
        .body();
    let expected = [
        b"{\"flags\":[",
        &one[..],
        b"],\"metadata\":{\"environment\":\"production\"}}",
    ];
    assert_eq!(all, expected.concat());
    let mut flag: Value = serde_json::from_slice(&one).unwrap();
    flag.as_object_mut().unwrap().remove("key");
    flag
}

#[test]
fn each_kind_of_answer_has_its_reason_and_variant() {
    let view = view();
    let about = json!({"feature_id": 7, "type": "MULTIVARIATE"});
    assert_eq!(
        ask(&view, "ann", json!({"tester": true})),
        json!({"reason": "DISABLED", "variant": "default", "metadata": about})
    );
    assert_eq!(
        ask(&view, "bob", json!({"tester": true})),
        json!({"value": 1.0, "reason": "TARGETING_MATCH", "variant": "default",
            "metadata": {"feature_id": 7, "type": "MULTIVARIATE", "segment": "testers"}})
    );
    let mut seen = BTreeMap::new();
    for number in 0..200 {
        let flag = ask(&view, &format!("user-{number}"), json!({}));
        assert_eq!(flag["metadata"], about);
        let key = flag["variant"].as_str().unwrap().to_owned();
        *seen
            .entry((key, flag["value"].to_string(), flag["reason"].to_string()))
            .or_insert(0) += 1;
    }
    let seen: Vec<_> = seen
        .keys()
        .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("control", "\"blue\"", "\"STATIC\""),
            ("green", "\"green\"", "\"SPLIT\""),
            ("red", "\"red\"", "\"SPLIT\""),
        ]
    );
}

#[test]
fn the_tag_is_that_of_the_answer_and_not_of_whom_it_is_for() {
    let view = view();
    let mut by_body = BTreeMap::new();
    for number in 0..50 {
        let identity = Identity::new("env", format!("user-{number}"), BTreeMap::new());
        let all = view.all(KeyKind::Client, &identity, Timestamp::default());
        let known = by_body.entry(all.body()).or_insert_with(|| all.etag());
        assert_eq!(*known, all.etag());
    }
    let tags: std::collections::BTreeSet<_> = by_body
        .values()
        .map(|tag| tag.as_bytes().to_vec())
        .collect();
    assert_eq!((by_body.len(), tags.len()), (3, 3));
}
