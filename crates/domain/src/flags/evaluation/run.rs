//! One evaluation: each property is read once, each segment decided once, and nothing is allocated for a condition.

use std::cell::{Cell, OnceCell};
use std::fmt::{self, Display};

use serde_json::{Map, Value, json};

use super::bucket::percentage;
use super::compile::{
    CompiledCondition, CompiledFeature, CompiledRule, SegmentOverride, Split, Subject as Reads,
};
use super::definition::{FeatureDefinition, SegmentDefinition};
use super::operators::Asked;
use super::prerequisites::Prerequisites;
use super::program::{Answer, Choice, Origin, Program};
use super::scalar::Scalar;
use super::subject::Subject;
use crate::flags::targeting::RuleKind;

/// What other features serve, as prerequisites ask.
pub(super) trait Flags {
    /// Whether the feature is enabled, and serves this variant if one is named.
    fn serves(&self, feature: &str, variant: Option<&str>) -> bool;
}

/// Whether the subject is in a segment.
#[derive(Clone, Copy)]
enum Verdict {
    In,
    Out,
    /// Not in it, since that rests on a prerequisite in a circle; who asks from another side may be told otherwise.
    Cut,
}

/// An evaluation of a program for a subject.
pub struct Evaluation<'a> {
    pub(super) program: &'a Program,
    pub(super) subject: Subject<'a>,
    values: Box<[OnceCell<Option<Scalar<'a>>>]>,
    /// Whether the subject is in each segment, as far as that is known.
    verdicts: Box<[Cell<Option<Verdict>>]>,
    context: OnceCell<Value>,
    prerequisites: OnceCell<Prerequisites<'a>>,
}

impl<'a> Evaluation<'a> {
    pub(super) fn new(program: &'a Program, subject: Subject<'a>) -> Self {
        let compiled = &program.compiled;
        let values = compiled.properties.iter().map(|_| OnceCell::new());
        let verdicts = compiled.segments.iter().map(|_| Cell::new(None));
        Self {
            program,
            subject,
            values: values.collect(),
            verdicts: verdicts.collect(),
            context: OnceCell::new(),
            prerequisites: OnceCell::new(),
        }
    }

    /// What the subject gets of every feature, in the order of the definition.
    pub fn answers(&self) -> impl Iterator<Item = Answer<'a>> {
        (0..self.program.definition.features.len()).filter_map(|at| self.answer(at))
    }

    /// What the subject gets of the feature at this place, if there is one.
    #[must_use]
    pub fn answer(&self, feature: usize) -> Option<Answer<'a>> {
        let prerequisites = self.prerequisites.get();
        // What others were told of it, it serves: around a circle another look may come to something else.
        let told = prerequisites.and_then(|known| known.answer(feature));
        let answer = match told {
            Some(answer) => answer,
            None => self.strongest(feature, |overrides| {
                overrides.iter().find(|one| self.is_in(one.segment))
            })?,
        };
        let prerequisites = self.prerequisites.get();
        let in_cycle = prerequisites.is_some_and(|known| known.is_cyclic(feature));
        Some(Answer { in_cycle, ..answer })
    }

    /// What the subject gets, given how to find the strongest override of a segment that it is in.
    fn strongest(
        &self,
        feature: usize,
        find: impl FnOnce(&'a [SegmentOverride]) -> Option<&'a SegmentOverride>,
    ) -> Option<Answer<'a>> {
        let own = self.program.definition.features.get(feature)?;
        let compiled = self.program.compiled.features.get(feature)?;
        if let Some((state, outcome)) = self.identity_override(feature) {
            return Some(Answer {
                feature: own,
                state,
                origin: Origin::Identity,
                // What is for one identity is not split: a variant is what it gets.
                choice: state.variants.first().map_or(Choice::None, Choice::Variant),
                outcome,
                in_cycle: false,
            });
        }
        let (state, origin, split) = match find(&compiled.overrides) {
            Some(one) => {
                let segment = &self.program.definition.segments[one.segment];
                (
                    &segment.overrides[one.place],
                    Origin::Segment(segment),
                    &one.split,
                )
            }
            None => (own, Origin::Environment, &compiled.split),
        };
        let (choice, outcome) = self.choose(state, split);
        Some(Answer {
            feature: own,
            state,
            origin,
            choice,
            outcome,
            in_cycle: false,
        })
    }

    /// What this identity alone gets, and the number of that answer.
    pub(super) fn identity_override(
        &self,
        feature: usize,
    ) -> Option<(&'a FeatureDefinition, usize)> {
        let identities = &self.program.compiled.features[feature].identities;
        if identities.is_empty() {
            return None;
        }
        let (identifier, stands) = identities.get_key_value(&self.subject.identity?.identifier)?;
        let states = self.program.definition.identities.get(identifier)?;
        Some((states.get(stands.place)?, stands.outcome))
    }

    /// The identity's bucket in this split, where there is one to be in.
    pub(super) fn bucket(&self, state: &FeatureDefinition, split: &Split) -> Option<f64> {
        let identity = self.subject.identity?;
        let drawn = !split.is_empty() && !state.key.is_empty();
        drawn.then(|| percentage(&[&state.key as &dyn Display, &identity.key]))
    }

    /// What the split chooses, and the number of the answer that this makes.
    fn choose(&self, state: &'a FeatureDefinition, split: &Split) -> (Choice<'a>, usize) {
        let Some(bucket) = self.bucket(state, split) else {
            return (Choice::None, split.unchosen());
        };
        let chosen = split.choose(bucket);
        let variant = chosen.and_then(|at| state.variants.get(at));
        let choice = variant.map_or(Choice::Control, Choice::Variant);
        (choice, split.chosen(chosen))
    }

    /// The segments that the subject is in, in the order of the definition.
    pub fn segments(&self) -> impl Iterator<Item = &'a SegmentDefinition> {
        let segments = self.program.definition.segments.iter().enumerate();
        segments.filter_map(|(at, segment)| self.is_in(at).then_some(segment))
    }

    pub(super) fn is_in(&self, segment: usize) -> bool {
        let verdict = &self.verdicts[segment];
        let known = verdict.get().unwrap_or_else(|| {
            let decided = self.decide(segment);
            verdict.set(Some(decided));
            decided
        });
        matches!(known, Verdict::In)
    }

    /// Whether the subject is in a segment, asked for a prerequisite.
    fn is_in_meanwhile(&self, segment: usize) -> bool {
        let verdict = &self.verdicts[segment];
        let decided = match verdict.get() {
            Some(known @ (Verdict::In | Verdict::Out)) => return matches!(known, Verdict::In),
            Some(Verdict::Cut) => self.decide(segment), // for who asks; it stays cut
            None => {
                let decided = self.decide(segment);
                if !matches!(decided, Verdict::Cut) {
                    verdict.set(Some(decided));
                }
                decided
            }
        };
        matches!(decided, Verdict::In)
    }

    fn decide(&self, segment: usize) -> Verdict {
        let cuts = self.cuts();
        let rules = &self.program.compiled.segments[segment].rules;
        let key = &self.program.definition.segments[segment].key;
        let holds = !rules.is_empty() && rules.iter().all(|rule| self.rule(rule, key));
        if self.cuts() != cuts {
            Verdict::Cut
        } else if holds {
            Verdict::In
        } else {
            Verdict::Out
        }
    }

    fn cuts(&self) -> usize {
        self.prerequisites.get().map_or(0, Prerequisites::cuts)
    }

    /// What a feature serves, for a condition that asks; `None` where that depends on the condition itself.
    pub(super) fn prerequisite(&self, feature: &str) -> Option<Answer<'a>> {
        let feature = self.program.find(feature)?;
        let known = self.prerequisites.get_or_init(Prerequisites::default);
        known.resolve(feature, || {
            let CompiledFeature {
                overrides,
                as_defined,
                ..
            } = &self.program.compiled.features[feature];
            // All of them, so that a circle is found wherever it goes through, and in one pass, as Flagsmith's engines
            // do: around a circle another look may come to something else.
            let holding = as_defined
                .iter()
                .filter(|at| self.is_in_meanwhile(overrides[**at].segment));
            let strongest = holding.min();
            self.strongest(feature, |overrides| strongest.map(|at| &overrides[*at]))
        })
    }

    pub(super) fn trait_value(&self, name: &str) -> Option<Scalar<'a>> {
        Scalar::of_trait(self.subject.identity?.traits.get(name)?)
    }

    pub(super) fn rule(&self, rule: &'a CompiledRule, segment: &str) -> bool {
        let conditions = || {
            rule.conditions
                .iter()
                .map(|one| self.condition(one, segment))
        };
        let rules = || rule.rules.iter().map(|one| self.rule(one, segment));
        (rule.conditions.is_empty() || quantify(rule.kind, conditions()))
            && (rule.rules.is_empty() || quantify(rule.kind, rules()))
    }

    pub(super) fn condition(&self, condition: &'a CompiledCondition, segment: &str) -> bool {
        self.seen(condition, |value| {
            let asked = Asked {
                property: &condition.name,
                value,
                segment,
                flags: self,
            };
            condition.test.as_ref().is_some_and(|test| test(&asked))
        })
    }

    /// Gives the value that a condition sees to `read`.
    pub(super) fn seen<T>(
        &self,
        condition: &'a CompiledCondition,
        read: impl FnOnce(Option<&Scalar<'a>>) -> T,
    ) -> T {
        match condition.source {
            Reads::Property(number) => {
                let property = &self.program.compiled.properties[number];
                if property.asks() {
                    return read(property.read(self).as_ref()); // which may lead back here
                }
                let value = &self.values[number];
                read(value.get_or_init(|| property.read(self)).as_ref())
            }
            Reads::Key => {
                let identity = self.subject.identity;
                read(identity.map(|one| Scalar::of_text(&one.key)).as_ref())
            }
            Reads::Nothing => read(None),
        }
    }

    /// The whole context, for paths that do not go straight to a member.
    pub(super) fn context(&self) -> &Value {
        self.context.get_or_init(|| {
            let definition = &self.program.definition;
            let mut context = match &definition.context {
                Some(Value::Object(members)) => members.clone(),
                Some(_) | None => Map::new(),
            };
            context
                .entry("environment")
                .or_insert_with(|| json!({"key": definition.key, "name": definition.name}));
            if let Some(identity) = self.subject.identity {
                let known = context.entry("identity").or_insert(Value::Null);
                if !known.is_object() {
                    *known = json!({"traits": identity.traits});
                }
                known["identifier"] = identity.identifier.as_str().into();
                known["key"] = identity.key.as_str().into();
            }
            Value::Object(context)
        })
    }
}

/// Whether as many hold as the rule wants.
fn quantify(kind: RuleKind, mut each: impl Iterator<Item = bool>) -> bool {
    match kind {
        RuleKind::All => each.all(|holds| holds),
        RuleKind::Any => each.any(|holds| holds),
        RuleKind::None => !each.any(|holds| holds),
    }
}

impl Flags for Evaluation<'_> {
    fn serves(&self, feature: &str, variant: Option<&str>) -> bool {
        self.prerequisite(feature).is_some_and(|answer| {
            answer.enabled() && variant.is_none_or(|key| answer.variant() == Some(key))
        })
    }
}

impl fmt::Debug for Evaluation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Evaluation")
            .field("subject", &self.subject)
            .finish_non_exhaustive()
    }
}
