//! The steps for segments and overrides.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Basis, Planner, Step, once};
use crate::flags::FlagError;
use crate::flags::targeting::prerequisites::each;
use crate::flags::targeting::priority::behind;
use crate::flags::targeting::{
    ChangeOverride, ChangeSegment, Misplaced, NewOverride, Override, Priority, Rule, TargetName,
    check_rules,
};
use crate::ids::OverrideId;
use crate::state::error::StateError;
use crate::state::file::{OverrideEntry, StateFile};
use crate::text::{EnvironmentName, FeatureName, SegmentName, fold};

/// A flag whose overrides are planned.
pub(super) struct Place<'a> {
    pub(super) name: String,
    pub(super) environment: &'a EnvironmentName,
    pub(super) feature: &'a FeatureName,
    pub(super) basis: &'a Basis,
}

impl Planner<'_> {
    /// Segments that are new or change. Features are known by now.
    pub(super) fn segments(&mut self, file: &StateFile, prune: bool) -> Result<(), StateError> {
        let stored: HashMap<String, _> = self
            .current
            .segments
            .iter()
            .map(|one| (fold(one.name.as_str()), one))
            .collect();
        self.segments = stored.keys().cloned().collect();
        let Some(entries) = &file.flags.segments else {
            return Ok(());
        };
        let features = self.features_to_be(file, prune);
        let mut named = HashSet::new();
        for (at, entry) in entries.iter().enumerate() {
            let place = format!("flags.segments[{at}]");
            once(&mut named, entry.name.as_str(), || format!("{place}.name"))?;
            let rules = entry.rules.clone().map(|rules| {
                let known = known(rules, &features);
                known.map_err(|one| {
                    StateError::invalid(format!("{place}.{}", one.place), one.message)
                })
            });
            let rules = rules.transpose()?;
            let Some(stored) = stored.get(&fold(entry.name.as_str())) else {
                self.steps.push(Step::CreateSegment {
                    name: entry.name.clone(),
                    description: entry.description.clone().unwrap_or_default(),
                    rules: rules.unwrap_or_default(),
                    seed: entry.seed,
                });
                continue;
            };
            let change = ChangeSegment {
                name: Some(entry.name.clone()),
                description: entry.description.clone(),
                rules,
            };
            if change.apply(stored) != **stored {
                self.steps
                    .push(Step::ChangeSegment(stored.name.clone(), change));
            }
        }
        if prune {
            self.segments.clear();
        }
        self.segments.extend(named);
        Ok(())
    }

    /// The features that there will be, by their folded names.
    fn features_to_be(&self, file: &StateFile, prune: bool) -> HashMap<String, FeatureName> {
        let entries = file.flags.features.as_deref();
        let stored = self.current.features.iter();
        let stored = stored
            .map(|one| &one.name)
            .filter(|_| !prune || entries.is_none());
        let named = entries.into_iter().flatten().map(|one| &one.name);
        let all = stored.chain(named);
        all.map(|name| (fold(name.as_str()), name.clone()))
            .collect()
    }

    /// The overrides of a flag, as a list of the file has them; with `prune` others go.
    pub(super) fn overrides(
        &mut self,
        flag: &Place<'_>,
        entries: &[OverrideEntry],
        prune: bool,
    ) -> Result<(), StateError> {
        let key = (fold(flag.environment.as_str()), fold(flag.feature.as_str()));
        let mut stored: BTreeMap<Key, &Override> = self
            .overrides
            .get(&key)
            .into_iter()
            .flatten()
            .map(|one| (key_of(&one.target.name()), *one))
            .collect();
        let mut listed = Vec::new();
        let mut targets = HashSet::new();
        for (at, entry) in entries.iter().enumerate() {
            let place = format!("{}.overrides[{at}]", flag.name);
            let target = entry
                .target()
                .map_err(|invalid| StateError::invalid(&place, invalid.to_string()))?;
            self.must_be_known(&target, &place)?;
            let known = key_of(&target);
            if !targets.insert(known.clone()) {
                let message = format!("is for {target}, which stands in the list twice");
                return Err(StateError::invalid(place, message));
            }
            listed.push((place, entry, target, stored.remove(&known)));
        }
        let mut taken: BTreeMap<Priority, TargetName> = BTreeMap::new();
        for one in stored.into_values() {
            if prune {
                self.removals.push(delete(one));
            } else if let Some(segment) = one.target.segment() {
                taken.insert(segment.priority, one.target.name());
            }
        }
        let priority = |entry: &OverrideEntry, stored: Option<&Override>| {
            let stored = stored.and_then(|one| one.target.segment());
            entry.priority.or(stored.map(|segment| segment.priority))
        };
        for (place, entry, target, stored) in &listed {
            let Some(wanted) = priority(entry, *stored) else {
                continue;
            };
            if let Some(other) = taken.insert(wanted, target.clone()) {
                let message = format!("has the priority {wanted}, as {other} has");
                return Err(StateError::invalid(place, message));
            }
        }
        for (place, entry, target, stored) in listed {
            let refused = |error: FlagError| StateError::invalid(&place, error.to_string());
            let Some(stored) = stored else {
                let mut new = new(entry, target);
                new.check(&flag.basis.variants).map_err(refused)?;
                if matches!(new.target, TargetName::Segment(_)) && new.priority.is_none() {
                    let last = taken.keys().next_back().copied();
                    let next = last.map_or(Ok(Priority::default()), behind);
                    let next = next.map_err(refused)?;
                    taken.insert(next, new.target.clone());
                    new.priority = Some(next);
                }
                self.overriding.push(Step::CreateOverride {
                    environment: flag.environment.clone(),
                    feature: flag.feature.clone(),
                    new,
                    seed: entry.seed.clone(),
                    rollout_seed: entry.rollout_seed,
                });
                continue;
            };
            let change = ChangeOverride {
                enabled: entry.enabled,
                value: entry.value.clone(),
                variants: entry.variants.clone(),
                priority: entry.priority,
                rollout: entry.rollout,
            };
            let changed = change
                .apply(stored, &flag.basis.variants)
                .map_err(refused)?;
            if changed != *stored {
                self.overriding.push(Step::ChangeOverride {
                    environment: stored.environment.clone(),
                    feature: stored.feature.clone(),
                    id: stored.id,
                    change,
                });
            }
        }
        Ok(())
    }

    fn must_be_known(&self, target: &TargetName, place: &str) -> Result<(), StateError> {
        let TargetName::Segment(name) = target else {
            return Ok(());
        };
        if self.segments.contains(&fold(name.as_str())) {
            return Ok(());
        }
        let message = format!("{:?} is no segment", name.as_str());
        Err(StateError::invalid(format!("{place}.segment"), message))
    }

    /// Deletes segments that the list leaves out, first the overrides of what goes anyway.
    ///
    /// # Errors
    /// [`StateError::Invalid`] when a flag that stays has an override of such a segment.
    pub(super) fn prune_segments(&mut self, file: &StateFile) -> Result<(), StateError> {
        if file.flags.segments.is_none() {
            return Ok(());
        }
        let known = &self.segments;
        let goes = |name: &SegmentName| !known.contains(&fold(name.as_str()));
        let features = file.flags.features.as_ref().map(|entries| {
            let names = entries.iter().map(|one| fold(one.name.as_str()));
            names.collect::<HashSet<_>>()
        });
        let deleted: HashSet<OverrideId> = self.steps.iter().filter_map(deleted_override).collect();
        let mut with_flags = Vec::new();
        for one in &self.current.overrides {
            let Some(segment) = one.target.segment().filter(|one| goes(&one.name)) else {
                continue;
            };
            let flag_goes = features
                .as_ref()
                .is_some_and(|kept| !kept.contains(&fold(one.feature.as_str())))
                || !self.known.contains(&fold(one.environment.as_str()));
            if flag_goes {
                with_flags.push(delete(one));
            } else if !deleted.contains(&one.id) {
                let message = format!(
                    "leaves out {:?}, of which {:?} has an override in {:?}; list that flag's overrides without it",
                    segment.name.as_str(),
                    one.feature.as_str(),
                    one.environment.as_str()
                );
                return Err(StateError::invalid("flags.segments", message));
            }
        }
        self.steps.extend(with_flags);
        let segments = self.current.segments.iter();
        let gone = segments.filter(|one| goes(&one.name));
        self.steps
            .extend(gone.map(|one| Step::DeleteSegment(one.name.clone())));
        Ok(())
    }
}

/// Checks rules, and writes the features in them as they are written elsewhere.
fn known(
    mut rules: Vec<Rule>,
    features: &HashMap<String, FeatureName>,
) -> Result<Vec<Rule>, Misplaced> {
    check_rules(&rules)?;
    each(&mut rules, &mut |condition, place| {
        let Some(name) = features.get(&fold(&condition.property)) else {
            let message = format!("must name a feature, and {:?} is none", condition.property);
            return Err(Misplaced::new(format!("{}.property", place()), message));
        };
        condition.property = name.to_string();
        Ok(())
    })?;
    Ok(rules)
}

/// What a target is known by: whether it is an identity, and its name, without case where case does not matter.
type Key = (bool, String);

fn key_of(target: &TargetName) -> Key {
    match target {
        TargetName::Segment(name) => (false, fold(name.as_str())),
        TargetName::Identity(identifier) => (true, identifier.to_string()),
    }
}

fn new(entry: &OverrideEntry, target: TargetName) -> NewOverride {
    NewOverride {
        target,
        enabled: entry.enabled.unwrap_or_default(),
        value: entry.value.clone(),
        variants: entry.variants.clone().unwrap_or_default(),
        priority: entry.priority,
        rollout: entry.rollout.flatten(),
    }
}

fn deleted_override(step: &Step) -> Option<OverrideId> {
    if let Step::DeleteOverride { id, .. } = step {
        return Some(*id);
    }
    None
}

fn delete(one: &Override) -> Step {
    Step::DeleteOverride {
        environment: one.environment.clone(),
        feature: one.feature.clone(),
        id: one.id,
    }
}
