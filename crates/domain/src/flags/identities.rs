//! Who asks for flags: an identity with what its request tells of it and what is remembered.

use std::fmt;
use std::sync::Arc;

use super::evaluation::Identity;
use super::snapshot::Snapshot;
use super::traits::{TraitStore, Traits};
use crate::clock::Timestamp;

/// What a request tells of an identity.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Visit {
    /// The identity.
    pub identifier: String,
    /// What the request tells of it; `Null` forgets a trait.
    pub traits: Traits,
    /// The same, for this evaluation alone.
    pub transient_traits: Traits,
    /// Whether nothing is remembered of the identity, nor recalled.
    pub transient: bool,
}

/// Knows identities.
#[derive(Clone)]
pub struct IdentityService {
    store: Arc<dyn TraitStore>,
}

impl IdentityService {
    /// The service over its port.
    #[must_use]
    pub fn new(store: Arc<dyn TraitStore>) -> Self {
        Self { store }
    }

    /// The visitor of this environment, with what the request tells and what is remembered. It waits for nothing.
    #[must_use]
    pub fn identify(&self, snapshot: &Snapshot, visit: Visit, at: Timestamp) -> Identity {
        let mut traits = if visit.transient {
            let mut traits = visit.traits;
            traits.retain(|_, value| !value.is_null());
            traits
        } else {
            let (environment, identifier) = (snapshot.environment, &visit.identifier);
            let remembered = self
                .store
                .remember(environment, identifier, &visit.traits, at);
            Arc::unwrap_or_clone(remembered)
        };
        for (name, value) in visit.transient_traits {
            match value.is_null() {
                true => traits.remove(&name),
                false => traits.insert(name, value),
            };
        }
        Identity::new(&snapshot.program.definition().key, visit.identifier, traits)
    }

    /// What is remembered of an identity in this process.
    #[must_use]
    pub fn traits(&self, snapshot: &Snapshot, identifier: &str) -> Arc<Traits> {
        self.store.find(snapshot.environment, identifier)
    }
}

impl fmt::Debug for IdentityService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdentityService").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::{always, eq};

    use super::*;
    use crate::flags::evaluation::TraitValue;
    use crate::flags::traits::{MockTraitStore, merged};
    use crate::flags::{HashKey, Targeting};
    use crate::ids::{EnvironmentId, Seq};
    use crate::text::EnvironmentName;

    fn snapshot() -> Snapshot {
        Snapshot::new(
            EnvironmentId(7),
            EnvironmentName::parse("production").unwrap(),
            HashKey::parse("hash-key").unwrap(),
            Seq(1),
            Timestamp::default(),
            Vec::new(),
            &Targeting::default(),
        )
    }

    fn traits(pairs: &[(&str, i64)]) -> Traits {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), TraitValue::Integer(*value)))
            .collect()
    }

    fn nulls(names: &[&str]) -> Traits {
        let names = names.iter();
        names
            .map(|name| ((*name).to_owned(), TraitValue::Null))
            .collect()
    }

    fn visit() -> Visit {
        let mut told = traits(&[("told", 1)]);
        told.extend(nulls(&["forgotten"]));
        let mut transient_traits = traits(&[("passing", 2), ("told", 3)]);
        transient_traits.extend(nulls(&["known"]));
        Visit {
            identifier: "user-1".to_owned(),
            traits: told,
            transient_traits,
            transient: false,
        }
    }

    #[test]
    fn what_is_remembered_is_added_to_what_is_told_and_what_passes_is_not_remembered() {
        let mut store = MockTraitStore::new();
        store
            .expect_remember()
            .with(eq(EnvironmentId(7)), eq("user-1"), always(), always())
            .once()
            .returning(|_, _, changes, _| {
                let known = traits(&[("known", 5), ("kept", 6), ("forgotten", 7)]);
                assert!(!changes.contains_key("passing"));
                Arc::new(merged(&known, changes))
            });
        let identity = IdentityService::new(Arc::new(store)).identify(
            &snapshot(),
            visit(),
            Timestamp::default(),
        );
        let key = snapshot().program.definition().key.clone();
        let expected = traits(&[("kept", 6), ("passing", 2), ("told", 3)]);
        assert_eq!(identity, Identity::new(&key, "user-1", expected));
    }

    #[test]
    fn of_a_transient_identity_nothing_is_remembered_nor_recalled() {
        let identity = IdentityService::new(Arc::new(MockTraitStore::new())).identify(
            &snapshot(),
            Visit {
                transient: true,
                ..visit()
            },
            Timestamp::default(),
        );
        assert_eq!(identity.traits, traits(&[("passing", 2), ("told", 3)]));
    }
}
