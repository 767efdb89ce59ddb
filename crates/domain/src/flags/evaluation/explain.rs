//! Why somebody gets what they get: every override that was considered, every condition with what it saw, the split.
//!
//! It asks the evaluation itself about each of them, so that it cannot tell another story. `explain/sentence.rs` puts
//! it into words.

mod sentence;

use std::fmt::Display;

use serde_json::Value;

use super::bucket::percentage;
use super::compile::{CompiledCondition, CompiledRule, Split, Subject as Reads};
use super::definition::{FeatureDefinition, SegmentDefinition};
use super::operators;
use super::program::{Answer, Choice, Origin};
use super::run::Evaluation;
use super::scalar::Scalar;
use crate::flags::targeting::{Condition, Percentage, Rule, RuleKind};

/// Why a subject gets what it gets of one feature.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation<'a> {
    /// What it gets.
    pub answer: Answer<'a>,
    /// What it might have got, the strongest first; the environment's own state is the last.
    pub candidates: Vec<Candidate<'a>>,
    /// How the identity was put into its part of the split, where there is one.
    pub draw: Option<Draw<'a>>,
}

/// A state that the feature may have.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate<'a> {
    /// Whose it is.
    pub origin: Origin<'a>,
    /// The state.
    pub state: &'a FeatureDefinition,
    /// What became of it.
    pub outcome: Outcome,
    /// Of a segment: its rules, all of which must hold.
    pub rules: Vec<RuleTrace<'a>>,
    /// Of a share of a segment: whether the subject is in it.
    pub rollout: Option<RolloutTrace>,
}

/// A share of a segment, and whether the subject is in it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RolloutTrace {
    /// The share.
    pub share: Percentage,
    /// Whether the subject is in it.
    pub holds: bool,
    /// The identity's bucket, from 0 to 100.
    pub bucket: Option<f64>,
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is served.
    Won,
    /// It applies to the subject, and so does a stronger one.
    Beaten,
    /// It does not apply to the subject.
    NoMatch,
}

/// A rule, and whether it held.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleTrace<'a> {
    /// How many must hold.
    pub kind: RuleKind,
    /// Whether as many did.
    pub holds: bool,
    /// Its conditions.
    pub conditions: Vec<ConditionTrace<'a>>,
    /// Its nested rules.
    pub rules: Vec<RuleTrace<'a>>,
}

/// A condition, and whether it held.
#[derive(Debug, Clone, PartialEq)]
pub struct ConditionTrace<'a> {
    /// The condition.
    pub condition: &'a Condition,
    /// Whether it held.
    pub holds: bool,
    /// The property's value as it was seen; of a prerequisite, what that feature serves.
    pub found: Option<Value>,
    /// Of a percentage: the bucket that was compared with it.
    pub bucket: Option<f64>,
}

/// How an identity was put into its part of a split.
#[derive(Debug, Clone, PartialEq)]
pub struct Draw<'a> {
    /// Its bucket, from 0 to 100.
    pub bucket: f64,
    /// The variants' ranges, and after them the control's, where something is left for it.
    pub ranges: Vec<Range<'a>>,
}

/// The buckets that get something.
#[derive(Debug, Clone, PartialEq)]
pub struct Range<'a> {
    /// What they get.
    pub choice: Choice<'a>,
    /// The first bucket.
    pub from: f64,
    /// Where the next range begins.
    pub to: f64,
    /// Whether the identity's bucket is one of them.
    pub chosen: bool,
}

impl<'a> Evaluation<'a> {
    /// Why the subject gets what it gets of the feature at this place, if there is one.
    #[must_use]
    pub fn explain(&self, feature: usize) -> Option<Explanation<'a>> {
        let answer = self.answer(feature)?;
        let compiled = &self.program.compiled.features[feature];
        let mut split = &compiled.split;
        let mut candidates = Vec::with_capacity(compiled.overrides.len() + 2);
        let mut add = |origin, state, applies: bool, rules, rollout| {
            let won = candidates
                .iter()
                .any(|one: &Candidate<'_>| one.outcome == Outcome::Won);
            let outcome = match (applies, won) {
                (false, _) => Outcome::NoMatch,
                (true, false) => Outcome::Won,
                (true, true) => Outcome::Beaten,
            };
            candidates.push(Candidate {
                origin,
                state,
                outcome,
                rules,
                rollout,
            });
            outcome
        };
        if let Some((state, _)) = self.identity_override(feature) {
            add(Origin::Identity, state, true, Vec::new(), None);
        }
        for one in &compiled.overrides {
            let segment = &self.program.definition.segments[one.segment];
            let state = &segment.overrides[one.place];
            let applies = self.is_in(one.segment);
            let mut rules = self.trace_segment(one.segment, segment);
            let rollout = segment.rollout.and_then(|share| {
                let drawn = rules.pop()?;
                Some(RolloutTrace {
                    share,
                    holds: drawn.holds,
                    bucket: drawn.conditions.first()?.bucket,
                })
            });
            let origin = Origin::Segment(segment);
            if add(origin, state, applies, rules, rollout) == Outcome::Won {
                split = &one.split;
            }
        }
        add(Origin::Environment, answer.feature, true, Vec::new(), None);
        Some(Explanation {
            draw: self.draw(&answer, split),
            answer,
            candidates,
        })
    }

    fn trace_segment(&self, at: usize, segment: &'a SegmentDefinition) -> Vec<RuleTrace<'a>> {
        let compiled = &self.program.compiled.segments[at].rules;
        self.trace_rules(compiled, &segment.rules, &segment.key)
    }

    fn trace_rules(
        &self,
        compiled: &'a [CompiledRule],
        rules: &'a [Rule],
        segment: &'a str,
    ) -> Vec<RuleTrace<'a>> {
        let both = compiled.iter().zip(rules);
        let traces = both.map(|(compiled, rule)| RuleTrace {
            kind: rule.kind,
            holds: self.rule(compiled, segment),
            conditions: compiled
                .conditions
                .iter()
                .zip(&rule.conditions)
                .map(|(compiled, condition)| self.trace_condition(compiled, condition, segment))
                .collect(),
            rules: self.trace_rules(&compiled.rules, &rule.rules, segment),
        });
        traces.collect()
    }

    fn trace_condition(
        &self,
        compiled: &'a CompiledCondition,
        condition: &'a Condition,
        segment: &str,
    ) -> ConditionTrace<'a> {
        let splits = condition.operator.reads() == operators::Reads::PropertyOrKey;
        let (found, bucket) = self.seen(compiled, |value| {
            let found = match compiled.source {
                Reads::Nothing => self.served(&condition.property).map(Value::String),
                Reads::Property(_) | Reads::Key => value.map(Scalar::to_json),
            };
            (
                found,
                value
                    .filter(|_| splits)
                    .map(|value| percentage(&[&segment as &dyn Display, value])),
            )
        });
        ConditionTrace {
            condition,
            holds: self.condition(compiled, segment),
            found,
            bucket,
        }
    }

    /// What a feature serves, in a few words.
    fn served(&self, feature: &str) -> Option<String> {
        let answer = self.answer(self.program.find(feature)?)?;
        let state = if answer.enabled() { "on" } else { "off" };
        Some(match answer.variant() {
            Some(variant) => format!("{state}, variant {variant}"),
            None => state.to_owned(),
        })
    }

    fn draw(&self, answer: &Answer<'a>, split: &'a Split) -> Option<Draw<'a>> {
        if answer.origin == Origin::Identity {
            return None;
        }
        let bucket = self.bucket(answer.state, split)?;
        let mut from = 0.0;
        let mut ranges = Vec::new();
        for (end, variant) in split.ends() {
            let choice = Choice::Variant(&answer.state.variants[variant]);
            ranges.push((choice, from, end));
            from = end;
        }
        if from < 100.0 {
            ranges.push((Choice::Control, from, 100.0));
        }
        let ranges = ranges.into_iter().map(|(choice, from, to)| Range {
            choice,
            from,
            to,
            chosen: (from..to).contains(&bucket),
        });
        Some(Draw {
            bucket,
            ranges: ranges.collect(),
        })
    }
}

#[cfg(test)]
#[path = "explain/tests.rs"]
mod tests;
