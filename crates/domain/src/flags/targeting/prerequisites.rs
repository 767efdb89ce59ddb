//! Which features rules ask for (`FLAG`), and whether that goes round in a circle.

use std::collections::{BTreeMap, BTreeSet};

use super::rule::{Condition, Rule};
use crate::flags::evaluation::operators::Reads;
use crate::ids::{FeatureId, SegmentId};

/// The most features that may depend on one another in a row.
pub const LENGTH_MAX: usize = 20;

/// Calls `visit` with every condition on a feature, and the place of that condition; stops at the first error.
///
/// # Errors
/// What `visit` returns.
pub fn each<E>(
    rules: &mut [Rule],
    visit: &mut impl FnMut(&mut Condition, &dyn Fn() -> String) -> Result<(), E>,
) -> Result<(), E> {
    within(rules, "", visit)
}

fn within<E>(
    rules: &mut [Rule],
    prefix: &str,
    visit: &mut impl FnMut(&mut Condition, &dyn Fn() -> String) -> Result<(), E>,
) -> Result<(), E> {
    for (at, rule) in rules.iter_mut().enumerate() {
        let place = format!("{prefix}rules[{at}]");
        for (at, condition) in rule.conditions.iter_mut().enumerate() {
            if condition.operator.reads() == Reads::Feature {
                visit(condition, &|| format!("{place}.conditions[{at}]"))?;
            }
        }
        within(&mut rule.rules, &format!("{place}."), visit)?;
    }
    Ok(())
}

/// The properties of conditions on features: what they name.
#[must_use]
pub fn named(rules: &[Rule]) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for rule in rules {
        let conditions = rule.conditions.iter();
        let flags = conditions.filter(|one| one.operator.reads() == Reads::Feature);
        names.extend(flags.map(|one| one.property.as_str()));
        names.extend(named(&rule.rules));
    }
    names
}

/// What depends on what: features on the segments that override them, segments on the features that their rules name.
#[derive(Debug, Clone, Default)]
pub struct Dependencies {
    /// By feature, the segments that override it in any environment.
    pub overridden_by: BTreeMap<FeatureId, BTreeSet<SegmentId>>,
    /// By segment, the features that its rules ask for.
    pub asks_for: BTreeMap<SegmentId, BTreeSet<FeatureId>>,
}

/// A way along dependencies: features, each with the segment by which it depends on the next.
pub type Way = Vec<(FeatureId, SegmentId)>;

/// A way round in a circle, or one that is too long to be followed for each evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tangle {
    /// The way.
    pub way: Way,
    /// What the last feature of the way depends on.
    pub leads_to: FeatureId,
}

impl Tangle {
    /// Whether it leads back to where it begins.
    #[must_use]
    pub fn is_circle(&self) -> bool {
        self.way
            .first()
            .is_some_and(|(first, _)| *first == self.leads_to)
    }
}

impl Dependencies {
    /// Looks for a circle, and for a way that is longer than [`LENGTH_MAX`].
    ///
    /// # Errors
    /// [`Tangle`], the first that is found.
    pub fn check(&self) -> Result<(), Tangle> {
        let mut lengths = BTreeMap::new();
        for feature in self.overridden_by.keys() {
            self.follow(*feature, &mut Vec::new(), &mut lengths)?;
        }
        Ok(())
    }

    /// The length of the longest way from a feature, to which `way` led.
    fn follow(
        &self,
        feature: FeatureId,
        way: &mut Way,
        lengths: &mut BTreeMap<FeatureId, usize>,
    ) -> Result<usize, Tangle> {
        if let Some(at) = way.iter().position(|(known, _)| *known == feature) {
            return Err(Tangle {
                way: way[at..].to_vec(),
                leads_to: feature,
            });
        }
        let known = lengths.get(&feature).copied();
        if way.len() + known.unwrap_or_default() > LENGTH_MAX {
            return Err(Tangle {
                way: way.clone(),
                leads_to: feature,
            });
        }
        if let Some(known) = known {
            return Ok(known);
        }
        let mut longest = 0;
        for segment in self.overridden_by.get(&feature).into_iter().flatten() {
            for next in self.asks_for.get(segment).into_iter().flatten() {
                way.push((feature, *segment));
                longest = longest.max(1 + self.follow(*next, way, lengths)?);
                way.pop();
            }
        }
        lengths.insert(feature, longest);
        Ok(longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependencies(overrides: &[(i64, i64)], rules: &[(i64, i64)]) -> Dependencies {
        let mut all = Dependencies::default();
        for (feature, segment) in overrides {
            let segments = all.overridden_by.entry(FeatureId(*feature)).or_default();
            segments.insert(SegmentId(*segment));
        }
        for (segment, feature) in rules {
            let features = all.asks_for.entry(SegmentId(*segment)).or_default();
            features.insert(FeatureId(*feature));
        }
        all
    }

    #[test]
    fn a_circle_is_found_wherever_it_begins() {
        // 1 → segment 10 → 2 → segment 20 → 3 → segment 30 → 2
        let overrides = [(1, 10), (2, 20), (3, 30)];
        let circle = vec![(FeatureId(2), SegmentId(20)), (FeatureId(3), SegmentId(30))];
        assert_eq!(
            dependencies(&overrides, &[(10, 2), (20, 3), (30, 2)]).check(),
            Err(Tangle {
                way: circle,
                leads_to: FeatureId(2)
            })
        );
        assert_eq!(
            dependencies(&[(1, 10)], &[(10, 1)]).check(),
            Err(Tangle {
                way: vec![(FeatureId(1), SegmentId(10))],
                leads_to: FeatureId(1)
            })
        );
    }

    #[test]
    fn what_meets_again_without_going_round_is_no_circle() {
        let overrides = [(1, 10), (1, 11), (2, 20), (3, 20)];
        assert_eq!(
            dependencies(&overrides, &[(10, 2), (11, 3), (20, 4)]).check(),
            Ok(())
        );
        assert_eq!(dependencies(&[], &[(10, 1)]).check(), Ok(()));
    }

    #[test]
    fn a_way_is_bounded_from_whichever_end_it_is_looked_at() {
        let row = |length: i64, backwards: bool| {
            let place = |at| if backwards { length - at } else { at };
            let overrides: Vec<_> = (0..length).map(|at| (place(at), at)).collect();
            let rules: Vec<_> = (0..length).map(|at| (at, place(at + 1))).collect();
            dependencies(&overrides, &rules).check()
        };
        for backwards in [false, true] {
            assert_eq!(row(20, backwards), Ok(()));
            assert!(!row(21, backwards).unwrap_err().is_circle());
        }
    }

    #[test]
    fn conditions_on_features_are_found_with_their_places() {
        let rules = r#"[{"type":"ALL","conditions":[{"property":"a","operator":"IS_SET"}],
            "rules":[{"type":"ANY","conditions":[{"property":"dark_mode","operator":"FLAG"}]}]}]"#;
        let mut rules: Vec<Rule> = serde_json::from_str(rules).unwrap();
        assert_eq!(Vec::from_iter(named(&rules)), ["dark_mode"]);
        let mut places = Vec::new();
        let visited: Result<(), ()> = each(&mut rules, &mut |condition, place| {
            condition.property = "7".to_owned();
            places.push(place());
            Ok(())
        });
        assert!(visited.is_ok());
        assert_eq!(places, ["rules[0].rules[0].conditions[0]"]);
        assert_eq!(Vec::from_iter(named(&rules)), ["7"]);
    }
}
