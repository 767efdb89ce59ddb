//! The answers before and after a change, compared for everybody who was seen.

use std::collections::BTreeMap;

use crate::clock::Timestamp;
use crate::flags::evaluation::{Answer, Identity, Program, Subject};
use crate::flags::seen::SeenContext;
use crate::flags::value::FlagValue;

/// The most examples.
const EXAMPLES_MAX: usize = 10;

/// What a change would mean.
#[derive(Debug, Clone, PartialEq)]
pub struct Preview {
    /// How many contexts were asked about.
    pub contexts: usize,
    /// How many of them would get another answer.
    pub changed: usize,
    /// The features of which somebody would get another answer, in their order.
    pub features: Vec<FeaturePreview>,
    /// Some of those who would, of every feature and direction in turn.
    pub examples: Vec<Example>,
    /// What would change for whoever has no identity.
    pub without_identity: Vec<Difference>,
}

/// How many would get another answer of one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct FeaturePreview {
    /// The feature.
    pub feature: String,
    /// In which direction, how many; whoever is in one is in no other.
    pub directions: BTreeMap<Direction, usize>,
}

/// How an answer would change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// From off to on.
    OffToOn,
    /// From on to off.
    OnToOff,
    /// It stays on or off, with another value.
    Value,
    /// It stays on or off, and the value stays; the variant is another.
    Variant,
}

/// Somebody whose answer would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Whose.
    pub identifier: String,
    /// How.
    pub difference: Difference,
}

/// An answer that would change.
#[derive(Debug, Clone, PartialEq)]
pub struct Difference {
    /// The feature.
    pub feature: String,
    /// The answer as it is.
    pub before: Served,
    /// The answer as it would be.
    pub after: Served,
}

/// What somebody gets of a feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Served {
    /// On or off.
    pub enabled: bool,
    /// What it carries.
    pub value: FlagValue,
    /// The variant, if there is one.
    pub variant: Option<String>,
    /// Why.
    pub reason: String,
}

impl From<Answer<'_>> for Served {
    fn from(answer: Answer<'_>) -> Self {
        Self {
            enabled: answer.enabled(),
            value: answer.value().clone(),
            variant: answer.variant().map(str::to_owned),
            reason: answer.reason().to_string(),
        }
    }
}

impl Direction {
    fn between(before: &Answer<'_>, after: &Answer<'_>) -> Option<Self> {
        match (before.enabled(), after.enabled()) {
            (false, true) => Some(Self::OffToOn),
            (true, false) => Some(Self::OnToOff),
            _ if before.value() != after.value() => Some(Self::Value),
            _ if before.variant() != after.variant() => Some(Self::Variant),
            _ => None,
        }
    }
}

/// The places of the features that there are before and after.
fn pairs(before: &Program, after: &Program) -> Vec<(usize, usize)> {
    let features = after.definition().features.iter().enumerate();
    let pairs = features.filter_map(|(at, feature)| Some((before.find(&feature.name)?, at)));
    pairs.collect()
}

impl Preview {
    pub(super) fn of(
        before: &Program,
        after: &Program,
        seen: &[SeenContext],
        now: Timestamp,
    ) -> Self {
        let pairs = pairs(before, after);
        let mut counts: BTreeMap<usize, BTreeMap<Direction, usize>> = BTreeMap::new();
        let mut examples: BTreeMap<(usize, Direction), Vec<Example>> = BTreeMap::new();
        let mut changed = 0;
        for context in seen {
            let key = &before.definition().key;
            let identity = Identity::new(key, &*context.identifier, context.traits.clone());
            let differences = differences(before, after, &pairs, Some(&identity), now);
            changed += usize::from(!differences.is_empty());
            for (at, direction, difference) in differences {
                *counts.entry(at).or_default().entry(direction).or_default() += 1;
                let known = examples.entry((at, direction)).or_default();
                if known.len() < EXAMPLES_MAX {
                    known.push(Example {
                        identifier: context.identifier.clone(),
                        difference: difference(),
                    });
                }
            }
        }
        let name = |at: usize| after.definition().features[at].name.clone();
        let counts = counts.into_iter();
        let nobody = differences(before, after, &pairs, None, now);
        Self {
            contexts: seen.len(),
            changed,
            features: counts
                .map(|(at, directions)| FeaturePreview {
                    feature: name(at),
                    directions,
                })
                .collect(),
            examples: in_turn(examples.into_values().collect()),
            without_identity: nobody.into_iter().map(|(_, _, told)| told()).collect(),
        }
    }
}

/// The answers that differ: the feature's place, how, and the difference in full for whoever asks.
fn differences<'p>(
    before: &'p Program,
    after: &'p Program,
    pairs: &[(usize, usize)],
    identity: Option<&'p Identity>,
    now: Timestamp,
) -> Vec<(usize, Direction, impl FnOnce() -> Difference)> {
    let subject = Subject { identity, now };
    let (before, after) = (before.evaluate(subject), after.evaluate(subject));
    let differing = pairs.iter().filter_map(|(was, is)| {
        let (was, now) = (before.answer(*was)?, after.answer(*is)?);
        let direction = Direction::between(&was, &now)?;
        let difference = move || Difference {
            feature: now.feature.name.clone(),
            before: was.into(),
            after: now.into(),
        };
        Some((*is, direction, difference))
    });
    differing.collect()
}

/// The first of each, then the second of each, and so on.
fn in_turn(lists: Vec<Vec<Example>>) -> Vec<Example> {
    let mut lists: Vec<_> = lists.into_iter().map(Vec::into_iter).collect();
    let mut all = Vec::new();
    for _ in 0..EXAMPLES_MAX {
        all.extend(lists.iter_mut().filter_map(Iterator::next));
    }
    all.truncate(EXAMPLES_MAX);
    all
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::flags::evaluation::{Definition, FeatureDefinition, SegmentDefinition, TraitValue};

    fn feature(name: &str, enabled: bool, value: i64) -> FeatureDefinition {
        FeatureDefinition {
            key: name.to_owned(),
            name: name.to_owned(),
            enabled,
            value: FlagValue::Integer(value),
            ..FeatureDefinition::default()
        }
    }

    /// Two features; those of the plan get overrides of them.
    fn serving(plan: &str, overrides: Vec<FeatureDefinition>) -> Program {
        let rules = json!([{"type": "ALL", "conditions": [
            {"property": "plan", "operator": "EQUAL", "value": plan},
        ]}]);
        Program::compile(Definition {
            key: "env".into(),
            features: vec![feature("a", false, 1), feature("b", true, 1)],
            segments: vec![SegmentDefinition {
                name: plan.to_owned(),
                rules: serde_json::from_value(rules).unwrap(),
                overrides,
                ..SegmentDefinition::default()
            }],
            ..Definition::default()
        })
    }

    fn seen(count: usize) -> Vec<SeenContext> {
        let plans = (0..count).map(|at| {
            let plan = if at % 4 == 0 { "pro" } else { "free" };
            let traits = [("plan".to_owned(), TraitValue::Text(plan.into()))];
            SeenContext {
                identifier: format!("user-{at}"),
                traits: BTreeMap::from(traits),
            }
        });
        plans.collect()
    }

    #[test]
    fn every_direction_is_counted_with_examples_of_each() {
        let before = serving("free", vec![feature("b", true, 2)]);
        let after = serving("pro", vec![feature("a", true, 1), feature("b", false, 1)]);
        let preview = Preview::of(&before, &after, &seen(40), Timestamp::default());
        assert_eq!((preview.contexts, preview.changed), (40, 40));
        let counts: Vec<_> = preview
            .features
            .into_iter()
            .map(|one| (one.feature, one.directions))
            .collect();
        assert_eq!(
            counts,
            [
                ("a".to_owned(), BTreeMap::from([(Direction::OffToOn, 10)])),
                (
                    "b".to_owned(),
                    BTreeMap::from([(Direction::OnToOff, 10), (Direction::Value, 30)])
                ),
            ]
        );
        assert_eq!(preview.examples.len(), EXAMPLES_MAX);
        let first: Vec<_> = preview.examples[..3]
            .iter()
            .map(|one| (one.identifier.as_str(), one.difference.feature.as_str()))
            .collect();
        assert_eq!(first, [("user-0", "a"), ("user-0", "b"), ("user-1", "b")]);
        assert_eq!(
            preview.examples[2].difference.before.value,
            FlagValue::Integer(2)
        );
        assert_eq!(preview.examples[2].difference.after.reason, "DEFAULT");
        assert!(preview.without_identity.is_empty());
    }

    #[test]
    fn a_change_that_means_nothing_to_anybody_is_told_so() {
        let same = serving("pro", vec![feature("a", true, 1)]);
        let preview = Preview::of(&same, &same, &seen(8), Timestamp::default());
        assert_eq!((preview.contexts, preview.changed), (8, 0));
        assert!(preview.features.is_empty() && preview.examples.is_empty());
    }
}
