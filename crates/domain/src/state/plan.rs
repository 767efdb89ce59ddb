//! What an import would do: the steps that lead from what is stored to what a file says.
//!
//! Pure, so that `--dry-run` and the import itself cannot differ. A second import of the same file has no steps.
//! Which stored key an entry means is decided in `keys`.

mod features;
mod keys;
mod step;
mod targeting;

use std::collections::{HashMap, HashSet};

use self::targeting::Place;
use super::error::StateError;
use super::file::{FlagEntry, StateFile};
use super::sections::{self, StoredSections};

use features::Basis;

pub use step::{Count, Step};

use crate::access::EnvironmentKey;
use crate::flags::targeting::{Override, Segment};
use crate::flags::{ChangeEnvironment, ChangeFlag, CreateEnvironment, Environment, Feature, Flag};
use crate::modules;
use crate::text::{EnvironmentName, FeatureName, Invalid, fold};

/// All that is stored and that a state file describes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CurrentState {
    /// Sorted by name.
    pub environments: Vec<Environment>,
    /// Sorted by name.
    pub features: Vec<Feature>,
    /// Every feature's flag in every environment.
    pub flags: Vec<Flag>,
    /// In the order of their ids.
    pub segments: Vec<Segment>,
    /// Every flag's overrides: those for segments first, the strongest before the others.
    pub overrides: Vec<Override>,
    /// In the order of their ids.
    pub keys: Vec<EnvironmentKey>,
    /// What optional modules have stored.
    pub modules: StoredSections,
}

/// The steps of an import, in an order in which each finds what it needs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    /// The steps.
    pub steps: Vec<Step>,
}

impl Plan {
    /// Compares a file with what is stored. With `prune`, what the file's lists leave out is deleted.
    ///
    /// # Errors
    /// [`StateError::Invalid`] when the file names something twice, something that does not exist, or a key by a name
    /// that several have.
    pub fn new(current: &CurrentState, file: &StateFile, prune: bool) -> Result<Self, StateError> {
        let mut planner = Planner::new(current);
        planner.environments(file, prune)?;
        let environments = std::mem::take(&mut planner.steps);
        planner.segments(file, prune)?;
        let segments = std::mem::take(&mut planner.steps);
        planner.features(file, prune)?;
        // A new environment's flags begin with what its features say from now on, so features come before environments.
        let (features, flags): (Vec<Step>, Vec<Step>) = std::mem::take(&mut planner.steps)
            .into_iter()
            .partition(|step| matches!(step, Step::CreateFeature(_) | Step::ChangeFeature(..)));
        let removals = std::mem::take(&mut planner.removals);
        let overriding = std::mem::take(&mut planner.overriding);
        let takings = std::mem::take(&mut planner.takings);
        planner.steps = [
            features,
            environments,
            segments,
            flags,
            removals,
            overriding,
            takings,
        ]
        .concat();
        planner.keys(file, prune)?;
        // Before features are deleted, after they are made: records may name them.
        planner.modules(file, prune)?;
        if prune {
            planner.prune(file)?;
        }
        Ok(Self {
            steps: planner.steps,
        })
    }

    /// The environments that the import deletes.
    #[must_use]
    pub fn deleted_environments(&self) -> Vec<&EnvironmentName> {
        let deleted = self.steps.iter().filter_map(|step| match step {
            Step::DeleteEnvironment(name) => Some(name),
            Step::CreateEnvironment(_)
            | Step::ChangeEnvironment(..)
            | Step::CreateFeature(_)
            | Step::ChangeFeature(..)
            | Step::DeleteFeature(_)
            | Step::SetFlag { .. }
            | Step::CreateSegment { .. }
            | Step::ChangeSegment(..)
            | Step::DeleteSegment(_)
            | Step::CreateOverride { .. }
            | Step::ChangeOverride { .. }
            | Step::DeleteOverride { .. }
            | Step::CreateKey { .. }
            | Step::ChangeKey { .. }
            | Step::DeleteKey(..)
            | Step::OfModule(_) => None,
        });
        deleted.collect()
    }

    /// The features that the import deletes.
    pub fn deleted_features(&self) -> impl Iterator<Item = &FeatureName> {
        self.steps.iter().filter_map(|step| {
            if let Step::DeleteFeature(name) = step {
                return Some(name);
            }
            None
        })
    }
}

struct Planner<'a> {
    current: &'a CurrentState,
    environments: HashMap<String, &'a Environment>,
    features: HashMap<String, &'a Feature>,
    flags: HashMap<(String, String), &'a Flag>,
    /// The folded names of all environments that there will be.
    known: HashSet<String>,
    steps: Vec<Step>,
    /// What takes variants away, once no flag has a share of them any more.
    takings: Vec<Step>,
    /// By flag, its overrides.
    overrides: HashMap<(String, String), Vec<&'a Override>>,
    /// The folded names of all segments that there will be.
    segments: HashSet<String>,
    /// What takes overrides away, and then what makes and changes them.
    removals: Vec<Step>,
    overriding: Vec<Step>,
}

impl<'a> Planner<'a> {
    fn new(current: &'a CurrentState) -> Self {
        let environments: HashMap<_, _> = current
            .environments
            .iter()
            .map(|one| (fold(one.name.as_str()), one))
            .collect();
        Self {
            current,
            known: environments.keys().cloned().collect(),
            environments,
            features: current
                .features
                .iter()
                .map(|one| (fold(one.name.as_str()), one))
                .collect(),
            flags: current
                .flags
                .iter()
                .map(|one| {
                    let key = (fold(one.environment.as_str()), fold(one.feature.as_str()));
                    (key, one)
                })
                .collect(),
            steps: Vec::new(),
            takings: Vec::new(),
            overrides: overrides_by_flag(&current.overrides),
            segments: HashSet::new(),
            removals: Vec::new(),
            overriding: Vec::new(),
        }
    }

    fn modules(&mut self, file: &StateFile, prune: bool) -> Result<(), StateError> {
        let listed = file.flags.features.iter().flatten();
        let mut features: HashSet<_> = listed.map(|one| fold(one.name.as_str())).collect();
        if !prune || file.flags.features.is_none() {
            features.extend(self.features.keys().cloned());
        }
        for section in modules::SECTIONS {
            let stored = self.current.modules.get(section.name);
            let stored = stored.map_or([].as_slice(), Vec::as_slice);
            let wanted = file.modules.get(section.name);
            let steps = match wanted {
                Some(wanted) => sections::plan(section, stored, wanted, prune)?,
                None => Vec::new(),
            };
            let stays = |name: &str| features.contains(name);
            sections::check_features(section, stored, wanted, &steps, stays)?;
            self.steps.extend(steps.into_iter().map(Step::OfModule));
        }
        Ok(())
    }

    fn environments(&mut self, file: &StateFile, prune: bool) -> Result<(), StateError> {
        let Some(entries) = &file.flags.environments else {
            return Ok(());
        };
        let mut named = HashSet::new();
        for (at, entry) in entries.iter().enumerate() {
            once(&mut named, entry.name.as_str(), || {
                format!("flags.environments[{at}].name")
            })?;
            let Some(stored) = self.environments.get(&fold(entry.name.as_str())) else {
                self.steps.push(Step::CreateEnvironment(CreateEnvironment {
                    name: entry.name.clone(),
                    description: entry.description.clone().unwrap_or_default(),
                }));
                continue;
            };
            let change = ChangeEnvironment {
                name: Some(entry.name.clone()),
                description: entry.description.clone(),
            };
            if change.apply(stored) != **stored {
                self.steps
                    .push(Step::ChangeEnvironment(stored.name.clone(), change));
            }
        }
        if prune && !file.flags.environments_stay {
            self.known.clear();
        }
        self.known.extend(named);
        Ok(())
    }

    fn features(&mut self, file: &StateFile, prune: bool) -> Result<(), StateError> {
        let mut named = HashSet::new();
        for (at, entry) in file.flags.features.iter().flatten().enumerate() {
            let place = format!("flags.features[{at}]");
            once(&mut named, entry.name.as_str(), || format!("{place}.name"))?;
            let stored = self.features.get(&fold(entry.name.as_str())).copied();
            let basis = match stored {
                Some(stored) => self.change(stored, entry),
                None => self.create(entry),
            };
            let mut flagged = HashSet::new();
            for (environment, flag) in &entry.flags {
                let flag_place = || format!("{place}.flags.{environment}");
                once(&mut flagged, environment.as_str(), flag_place)?;
                self.must_exist(environment, flag_place)?;
                self.flag(environment, &entry.name, flag, &basis)
                    .map_err(|reason| {
                        StateError::invalid(
                            format!("{}.variants", flag_place()),
                            reason.to_string(),
                        )
                    })?;
                if let Some(entries) = &flag.overrides {
                    let flag = Place {
                        name: flag_place(),
                        environment,
                        feature: &entry.name,
                        basis: &basis,
                    };
                    self.overrides(&flag, entries, prune)?;
                }
            }
        }
        Ok(())
    }

    fn flag(
        &mut self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        entry: &FlagEntry,
        basis: &Basis,
    ) -> Result<(), Invalid> {
        let key = (fold(environment.as_str()), fold(feature.as_str()));
        let stored = self.flags.get(&key);
        let (enabled, value) = stored.map_or((basis.enabled, &basis.value), |flag| {
            (flag.enabled, &flag.value)
        });
        let shares = stored.map_or([].as_slice(), |flag| &flag.variants);
        let killed = stored.is_some_and(|flag| flag.killed);
        let wanted = entry.variants.as_ref();
        let wanted = wanted
            .map(|split| split.among(&basis.variants))
            .transpose()?;
        let differs = wanted.is_some_and(|wanted| wanted != shares);
        let change = ChangeFlag {
            enabled: entry.enabled.filter(|wanted| *wanted != enabled),
            value: entry.value.clone().filter(|wanted| wanted != value),
            variants: entry.variants.clone().filter(|_| differs),
            killed: entry.killed.filter(|wanted| *wanted != killed),
        };
        if change != ChangeFlag::default() {
            self.steps.push(Step::SetFlag {
                environment: environment.clone(),
                feature: feature.clone(),
                change,
                new: stored.is_none(),
            });
        }
        Ok(())
    }

    fn must_exist(
        &self,
        environment: &EnvironmentName,
        place: impl FnOnce() -> String,
    ) -> Result<(), StateError> {
        if self.known.contains(&fold(environment.as_str())) {
            return Ok(());
        }
        Err(StateError::invalid(
            place(),
            format!("{:?} is no environment", environment.as_str()),
        ))
    }

    fn prune(&mut self, file: &StateFile) -> Result<(), StateError> {
        self.prune_segments(file)?;
        if let Some(entries) = &file.flags.features {
            let kept: HashSet<_> = entries.iter().map(|one| fold(one.name.as_str())).collect();
            let gone = self.current.features.iter();
            self.steps.extend(
                gone.filter(|one| !kept.contains(&fold(one.name.as_str())))
                    .map(|one| Step::DeleteFeature(one.name.clone())),
            );
        }
        if file.flags.environments.is_some() && !file.flags.environments_stay {
            let gone = self.current.environments.iter();
            let known = &self.known;
            self.steps.extend(
                gone.filter(|one| !known.contains(&fold(one.name.as_str())))
                    .map(|one| Step::DeleteEnvironment(one.name.clone())),
            );
        }
        Ok(())
    }
}

fn overrides_by_flag(overrides: &[Override]) -> HashMap<(String, String), Vec<&Override>> {
    let mut by_flag: HashMap<_, Vec<_>> = HashMap::new();
    for one in overrides {
        let flag = (fold(one.environment.as_str()), fold(one.feature.as_str()));
        by_flag.entry(flag).or_default().push(one);
    }
    by_flag
}

fn once(
    seen: &mut HashSet<String>,
    name: &str,
    place: impl FnOnce() -> String,
) -> Result<(), StateError> {
    if seen.insert(fold(name)) {
        return Ok(());
    }
    Err(StateError::invalid(
        place(),
        format!("{name:?} stands in the file twice"),
    ))
}

#[cfg(test)]
mod tests;
