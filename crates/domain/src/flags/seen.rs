//! Contexts that were seen lately, so that a preview can say what a change would mean to them. They are in the memory of
//! this process alone: never written, never logged, gone with it.
//!
//! Whoever evaluates for an identity calls [`SeenContexts::seen`], which waits for nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};

use super::evaluation::{Identity, TraitValue};
use super::publisher::SnapshotSubscriber;
use super::snapshot::Snapshot;
use super::traits::bytes;
use crate::ids::EnvironmentId;

/// Once an environment has as many as are kept, every so-manieth context is looked at.
const SAMPLE: usize = 16;
/// The most bytes of a context's texts; larger ones are not kept.
const CONTEXT_MAX: usize = 16 * 1024;

/// A context that was seen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SeenContext {
    /// The identity's identifier.
    pub identifier: String,
    /// What was known of it, without the traits that are left out.
    pub traits: BTreeMap<String, TraitValue>,
}

/// The last different identities of each environment, each with its latest traits.
pub struct SeenContexts {
    limit: usize,
    without: BTreeSet<String>,
    environments: RwLock<HashMap<EnvironmentId, Arc<Reservoir>>>,
}

#[derive(Default)]
struct Reservoir {
    calls: AtomicUsize,
    full: AtomicBool,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    contexts: Vec<SeenContext>,
    places: HashMap<String, usize>,
    /// Whose place the next new one takes, once there is no room: that of the one which came first.
    next: usize,
}

impl SeenContexts {
    /// Keeps at most `limit` of each environment (0 keeps none), without the traits of these names.
    #[must_use]
    pub fn new(limit: usize, without: BTreeSet<String>) -> Self {
        Self {
            limit,
            without,
            environments: RwLock::default(),
        }
    }

    /// How many it keeps of each environment.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Keeps this identity, unless others are at it, or it is not its turn while there are plenty.
    pub fn seen(&self, environment: EnvironmentId, identity: &Identity) {
        if self.limit == 0 {
            return;
        }
        let reservoir = self.reservoir(environment);
        let call = reservoir.calls.fetch_add(1, Ordering::Relaxed);
        if reservoir.full.load(Ordering::Relaxed) && !call.is_multiple_of(SAMPLE) {
            return;
        }
        let Some(mut kept) = reservoir.kept.try_lock() else {
            return;
        };
        if let Some(context) = self.context(identity) {
            kept.keep(context, self.limit);
            let full = kept.contexts.len() == self.limit;
            reservoir.full.store(full, Ordering::Relaxed);
        }
    }

    fn reservoir(&self, environment: EnvironmentId) -> Arc<Reservoir> {
        if let Some(known) = self.environments.read().get(&environment) {
            return Arc::clone(known);
        }
        Arc::clone(self.environments.write().entry(environment).or_default())
    }

    fn context(&self, identity: &Identity) -> Option<SeenContext> {
        let shown = |name: &String| !self.without.contains(name);
        let traits = identity.traits.iter().filter(|(name, _)| shown(name));
        let bytes = identity.identifier.len() + bytes(traits.clone());
        (bytes <= CONTEXT_MAX).then(|| SeenContext {
            identifier: identity.identifier.clone(),
            traits: traits
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        })
    }

    /// What is kept of this environment.
    #[must_use]
    pub fn of(&self, environment: EnvironmentId) -> Vec<SeenContext> {
        let known = self.environments.read().get(&environment).cloned();
        known.map_or_else(Vec::new, |known| known.kept.lock().contexts.clone())
    }
}

impl Kept {
    fn keep(&mut self, context: SeenContext, limit: usize) {
        if let Some(place) = self.places.get(&context.identifier) {
            self.contexts[*place] = context;
            return;
        }
        let identifier = context.identifier.clone();
        let place = if self.contexts.len() < limit {
            self.contexts.push(context);
            self.contexts.len() - 1
        } else {
            let gone = std::mem::replace(&mut self.contexts[self.next], context);
            self.places.remove(&gone.identifier);
            let place = self.next;
            self.next = (self.next + 1) % limit;
            place
        };
        self.places.insert(identifier, place);
    }
}

impl SnapshotSubscriber for SeenContexts {
    fn published(&self, _: &Arc<Snapshot>) {}

    fn removed(&self, environment: EnvironmentId) {
        self.environments.write().remove(&environment);
    }
}

impl fmt::Debug for SeenContexts {
    /// Says nothing of what was seen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeenContexts")
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: EnvironmentId = EnvironmentId(1);

    fn identity(name: &str, traits: &[(&str, TraitValue)]) -> Identity {
        let traits = traits
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()));
        Identity::new("env", name, traits.collect())
    }

    fn names(seen: &SeenContexts) -> Vec<String> {
        let contexts = seen.of(HERE).into_iter();
        contexts.map(|context| context.identifier).collect()
    }

    #[test]
    fn the_first_are_all_kept_and_then_every_sixteenth_takes_the_place_of_the_oldest() {
        let seen = SeenContexts::new(2, BTreeSet::new());
        seen.seen(HERE, &identity("a", &[]));
        seen.seen(HERE, &identity("b", &[]));
        assert_eq!(names(&seen), ["a", "b"]);
        for _ in 0..SAMPLE {
            seen.seen(HERE, &identity("c", &[]));
        }
        assert_eq!(names(&seen), ["c", "b"]);
        for _ in 0..SAMPLE {
            seen.seen(HERE, &identity("d", &[]));
        }
        assert_eq!(names(&seen), ["c", "d"]);
        assert!(seen.of(EnvironmentId(2)).is_empty());
    }

    #[test]
    fn an_identity_is_kept_once_with_its_latest_traits_and_without_those_left_out() {
        let seen = SeenContexts::new(9, BTreeSet::from(["email".to_owned()]));
        for plan in ["free", "pro"] {
            let text = |text: &str| TraitValue::Text(text.to_owned());
            let traits = [("plan", text(plan)), ("email", text("a@example.com"))];
            seen.seen(HERE, &identity("a", &traits));
        }
        let kept = seen.of(HERE);
        let plan = TraitValue::Text("pro".to_owned());
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0].traits, BTreeMap::from([("plan".to_owned(), plan)]));
    }

    #[test]
    fn none_are_kept_where_that_is_switched_off_or_they_are_huge_or_their_environment_is_no_more() {
        let off = SeenContexts::new(0, BTreeSet::new());
        off.seen(HERE, &identity("a", &[]));
        assert!(off.of(HERE).is_empty());

        let seen = SeenContexts::new(9, BTreeSet::new());
        seen.seen(HERE, &identity(&"x".repeat(CONTEXT_MAX + 1), &[]));
        assert!(seen.of(HERE).is_empty());
        seen.seen(HERE, &identity("a", &[]));
        seen.removed(HERE);
        assert!(seen.of(HERE).is_empty());
    }
}
