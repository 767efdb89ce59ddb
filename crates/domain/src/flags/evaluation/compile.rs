//! From a definition to a program: rules with their tests, splits with their bounds, overrides in the order of strength.

use std::collections::HashMap as StdHashMap;

use foldhash::{HashMap, HashMapExt};

use super::definition::{Definition, FeatureDefinition, SegmentDefinition};
use super::operators::{Reads, Test};
use super::path::Property;
use crate::flags::targeting::{Condition, Rule, RuleKind};

/// A feature's overrides by segments, the strongest first.
pub(super) struct CompiledFeature {
    pub(super) split: Split,
    pub(super) overrides: Vec<SegmentOverride>,
    /// For each of them the place of the strongest of its segment, in the order of the definition's segments.
    pub(super) as_defined: Vec<usize>,
    /// By identifier.
    pub(super) identities: HashMap<String, IdentityOverride>,
}

impl CompiledFeature {
    /// Numbers what it may come to, from this number on; returns the first number that is left.
    fn number(&mut self, mut next: usize) -> usize {
        next = self.split.number(next);
        for one in &mut self.overrides {
            next = one.split.number(next);
        }
        for one in self.identities.values_mut() {
            one.outcome = next;
            next += 1;
        }
        next
    }
}

/// Where an identity's override stands.
#[derive(Clone, Copy)]
pub(super) struct IdentityOverride {
    pub(super) place: usize,
    pub(super) outcome: usize,
}

/// Where an override stands.
pub(super) struct SegmentOverride {
    pub(super) segment: usize,
    pub(super) place: usize,
    pub(super) split: Split,
}

/// The variants in the order of their ranges, each with the bucket where its range ends.
#[derive(Default)]
pub(super) struct Split {
    ends: Vec<(f64, usize)>,
    /// The number of the outcome where nothing is chosen; those of the control and of each variant follow.
    first: usize,
}

impl Split {
    fn of(feature: &FeatureDefinition) -> Self {
        let mut order: Vec<usize> = (0..feature.variants.len()).collect();
        order.sort_by(|a, b| {
            let priority = |at: &usize| feature.variants[*at].priority;
            priority(a).total_cmp(&priority(b))
        });
        let mut end = 0.0;
        let ends = order.into_iter().map(|at| {
            end += feature.variants[at].weight.as_f64().unwrap_or_default();
            (end, at)
        });
        Self {
            ends: ends.collect(),
            first: 0,
        }
    }

    fn number(&mut self, first: usize) -> usize {
        self.first = first;
        match self.ends.len() {
            0 => first + 1,
            variants => first + 2 + variants,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The number of the outcome where nothing is chosen.
    pub(super) fn unchosen(&self) -> usize {
        self.first
    }

    /// The number of the outcome where this variant is chosen, or none of them.
    pub(super) fn chosen(&self, variant: Option<usize>) -> usize {
        self.first + variant.map_or(1, |at| 2 + at)
    }

    /// Where each range ends, and whose it is.
    pub(super) fn ends(&self) -> impl Iterator<Item = (f64, usize)> {
        self.ends.iter().copied()
    }

    /// The variant in whose range the bucket lies.
    pub(super) fn choose(&self, bucket: f64) -> Option<usize> {
        let found = self.ends.iter().find(|(end, _)| bucket < *end);
        found.map(|(_, at)| *at)
    }
}

pub(super) struct CompiledSegment {
    pub(super) rules: Vec<CompiledRule>,
}

pub(super) struct CompiledRule {
    pub(super) kind: RuleKind,
    pub(super) conditions: Vec<CompiledCondition>,
    pub(super) rules: Vec<CompiledRule>,
}

pub(super) struct CompiledCondition {
    /// As it is written.
    pub(super) name: String,
    pub(super) source: Subject,
    /// `None` where the value is none for this operator: then it never holds.
    pub(super) test: Option<Test>,
}

/// Where a condition's value comes from.
pub(super) enum Subject {
    /// The property with this number.
    Property(usize),
    /// The identity's key.
    Key,
    /// The test looks for itself.
    Nothing,
}

/// The compiled parts of a definition.
pub(super) struct Compiled {
    pub(super) features: Vec<CompiledFeature>,
    pub(super) segments: Vec<CompiledSegment>,
    pub(super) properties: Vec<Property>,
    pub(super) by_name: HashMap<String, usize>,
    /// How many different answers there are, of all features together.
    pub(super) outcomes: usize,
}

impl Compiled {
    pub(super) fn of(definition: &Definition) -> Self {
        let mut properties = Properties {
            definition,
            numbers: StdHashMap::new(),
            all: Vec::new(),
        };
        let segments = definition.segments.iter().map(|segment| CompiledSegment {
            rules: segment
                .rules
                .iter()
                .map(|rule| properties.rule(rule))
                .collect(),
        });
        let segments = segments.collect();
        let mut by_name = HashMap::with_capacity(definition.features.len());
        for (at, feature) in definition.features.iter().enumerate() {
            by_name.insert(feature.name.clone(), at);
        }
        let mut features = features(definition, &by_name);
        let outcomes = features.iter_mut().fold(0, |next, one| one.number(next));
        Self {
            features,
            segments,
            properties: properties.all,
            by_name,
            outcomes,
        }
    }
}

fn features(definition: &Definition, by_name: &HashMap<String, usize>) -> Vec<CompiledFeature> {
    let compiled = definition.features.iter().map(|feature| CompiledFeature {
        split: Split::of(feature),
        overrides: Vec::new(),
        as_defined: Vec::new(),
        identities: HashMap::new(),
    });
    let mut features: Vec<CompiledFeature> = compiled.collect();
    for (segment, one) in definition.segments.iter().enumerate() {
        for (place, state) in one.overrides.iter().enumerate() {
            if let Some(feature) = by_name.get(&state.name) {
                features[*feature].overrides.push(SegmentOverride {
                    segment,
                    place,
                    split: Split::of(state),
                });
            }
        }
    }
    for feature in &mut features {
        feature.overrides.sort_by(|a, b| {
            let strength = |one: &SegmentOverride| priority(&definition.segments[one.segment], one);
            strength(a).total_cmp(&strength(b))
        });
        feature.as_defined = (0..feature.overrides.len()).collect();
        let segment = |at: usize| feature.overrides[at].segment;
        feature.as_defined.sort_by_key(|at| (segment(*at), *at));
        for of_one in feature
            .as_defined
            .chunk_by_mut(|a, b| segment(*a) == segment(*b))
        {
            let strongest = of_one[0];
            of_one.fill(strongest);
        }
    }
    for (identifier, states) in &definition.identities {
        for (place, state) in states.iter().enumerate() {
            if let Some(feature) = by_name.get(&state.name) {
                let identities = &mut features[*feature].identities;
                let stands = IdentityOverride { place, outcome: 0 };
                identities.insert(identifier.clone(), stands);
            }
        }
    }
    features
}

fn priority(segment: &SegmentDefinition, one: &SegmentOverride) -> f64 {
    segment.overrides[one.place]
        .priority
        .unwrap_or(f64::INFINITY)
}

/// Numbers the properties, so that each is read once in an evaluation.
struct Properties<'a> {
    definition: &'a Definition,
    numbers: StdHashMap<String, usize>,
    all: Vec<Property>,
}

impl Properties<'_> {
    fn rule(&mut self, rule: &Rule) -> CompiledRule {
        CompiledRule {
            kind: rule.kind,
            conditions: rule
                .conditions
                .iter()
                .map(|one| self.condition(one))
                .collect(),
            rules: rule.rules.iter().map(|one| self.rule(one)).collect(),
        }
    }

    fn condition(&mut self, condition: &Condition) -> CompiledCondition {
        let source = match condition.operator.reads() {
            Reads::Feature => Subject::Nothing,
            Reads::PropertyOrKey if condition.property.is_empty() => Subject::Key,
            Reads::Property | Reads::PropertyOrKey => {
                Subject::Property(self.number(&condition.property))
            }
        };
        CompiledCondition {
            name: condition.property.clone(),
            source,
            test: condition.operator.compile(&condition.value).ok(),
        }
    }

    fn number(&mut self, property: &str) -> usize {
        if let Some(number) = self.numbers.get(property) {
            return *number;
        }
        let number = self.all.len();
        self.all.push(Property::parse(property, self.definition));
        self.numbers.insert(property.to_owned(), number);
        number
    }
}
