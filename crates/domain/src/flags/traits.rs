//! What is remembered of identities between their visits: their traits.
//!
//! [`super::identities`] is who asks for them. They are traces of use, of which the change log tells nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evaluation::TraitValue;
use super::evaluation::subject::TRAITS_MAX;
use crate::clock::Timestamp;
use crate::ids::EnvironmentId;
use crate::storage::StorageError;

/// What is known of an identity, by the traits' names.
pub type Traits = BTreeMap<String, TraitValue>;

/// The most bytes of names and texts of the traits that are remembered of an identity.
pub const TRAITS_BYTES: usize = 16 * 1024;

/// The bytes of the traits' names and texts.
#[must_use]
pub fn bytes<'a>(traits: impl IntoIterator<Item = (&'a String, &'a TraitValue)>) -> usize {
    let text = |value: &TraitValue| match value {
        TraitValue::Text(text) => text.len(),
        TraitValue::Null | TraitValue::Bool(_) | TraitValue::Integer(_) | TraitValue::Float(_) => 0,
    };
    traits
        .into_iter()
        .map(|(name, value)| name.len() + text(value))
        .sum()
}

/// Whether these changes, of which `Null` forgets a trait, change anything.
#[must_use]
pub fn changes_anything(known: &Traits, changes: &Traits) -> bool {
    changes.iter().any(|(name, value)| match value.is_null() {
        true => known.contains_key(name),
        false => known.get(name) != Some(value),
    })
}

/// What is known after these changes. Where it would be too much, what was not told of just now goes first, the last by
/// name.
#[must_use]
pub fn merged(known: &Traits, changes: &Traits) -> Traits {
    let mut merged = known.clone();
    for (name, value) in changes {
        match value.is_null() {
            true => merged.remove(name),
            false => merged.insert(name.clone(), value.clone()),
        };
    }
    while merged.len() > TRAITS_MAX || bytes(&merged) > TRAITS_BYTES {
        let older = merged
            .keys()
            .rev()
            .find(|name| !changes.contains_key(*name));
        let Some(name) = older.or(merged.keys().next_back()).cloned() else {
            break;
        };
        merged.remove(&name);
    }
    merged
}

/// Remembers traits: as much as fits into the memory of this process at once, and in storage some time later.
///
/// [`TraitStore::find`] and [`TraitStore::remember`] are called for every evaluation of an identity: they MUST neither wait
/// for storage nor fail. Everything else is upkeep, which one job calls, one call after the other.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait TraitStore: Send + Sync {
    /// What is remembered of the identity in memory; nothing of one that is not there.
    fn find(&self, environment: EnvironmentId, identifier: &str) -> Arc<Traits>;

    /// Makes changes to what is remembered, of which `Null` forgets a trait, and returns what is remembered then.
    fn remember(
        &self,
        environment: EnvironmentId,
        identifier: &str,
        changes: &Traits,
        at: Timestamp,
    ) -> Arc<Traits>;

    /// Brings those that were seen last into memory; returns how many. MUST keep what is in memory already.
    fn load(&self) -> Result<usize, StorageError>;

    /// Stores what was remembered since, of at most `limit` identities in one unit of work; returns of how many. MUST leave
    /// alone what other instances stored of other traits, MUST store nothing of an environment that is no more, and MUST
    /// store what it could not the next time.
    fn write(&self, limit: usize, now: Timestamp) -> Result<usize, StorageError>;

    /// Brings into memory what other instances stored since the last time, of at most `limit` identities; returns of how
    /// many it was read.
    fn follow(&self, limit: usize, now: Timestamp) -> Result<usize, StorageError>;

    /// Removes at most `limit` identities that were last seen before then, or that are more than may be stored, from storage;
    /// returns how many.
    fn purge(&self, before: Timestamp, limit: usize) -> Result<usize, StorageError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traits(pairs: &[(&str, TraitValue)]) -> Traits {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect()
    }

    #[test]
    fn changes_replace_add_and_forget() {
        let known = traits(&[
            ("plan", TraitValue::Text("free".into())),
            ("age", TraitValue::Integer(5)),
            ("beta", TraitValue::Bool(true)),
        ]);
        let changes = traits(&[
            ("plan", TraitValue::Text("pro".into())),
            ("beta", TraitValue::Null),
            ("gone", TraitValue::Null),
            ("new", TraitValue::Float(1.0)),
        ]);
        let expected = traits(&[
            ("plan", TraitValue::Text("pro".into())),
            ("age", TraitValue::Integer(5)),
            ("new", TraitValue::Float(1.0)),
        ]);
        assert!(changes_anything(&known, &changes));
        assert_eq!(merged(&known, &changes), expected);
        assert!(!changes_anything(&expected, &changes));
    }

    #[test]
    fn of_too_many_those_told_now_stay() {
        let number = |from: usize, to: usize| -> Traits {
            let numbers = from..to;
            numbers
                .map(|one| (format!("t{one:03}"), TraitValue::Integer(1)))
                .collect()
        };
        let after = merged(&number(100, 200), &number(0, 60));
        assert_eq!(
            after,
            [number(0, 60), number(100, 140)]
                .into_iter()
                .flatten()
                .collect()
        );
        assert_eq!(merged(&Traits::new(), &number(0, 101)).len(), TRAITS_MAX);
    }
}
