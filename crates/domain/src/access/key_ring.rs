//! Every key that opens an environment, in memory, so that a request is decided without storage.
//!
//! Keys are looked up by digest, so that no comparison tells by its time how much of a guess was right. Expiry is
//! checked on each request; nothing has to sweep.

use std::fmt;
use std::sync::Arc;

use foldhash::HashMap;
use parking_lot::{Mutex, RwLock};

use super::key::{KeyDigest, KeyKind};
use super::ports::KeySource;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, Seq};
use crate::storage::StorageError;

/// What a key opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grant {
    /// The key's digest.
    pub digest: KeyDigest,
    /// The environment that it opens.
    pub environment: EnvironmentId,
    /// Who holds it.
    pub kind: KeyKind,
    /// From when on it is refused.
    pub expires_at: Option<Timestamp>,
}

/// The keys that are valid at the moment.
pub struct KeyRing {
    source: Arc<dyn KeySource>,
    /// Held during a refresh, so that an older read never replaces a newer one.
    head: Mutex<Option<Seq>>,
    held: RwLock<Held>,
}

#[derive(Default)]
struct Held {
    grants: HashMap<KeyDigest, Grant>,
    digests: HashMap<EnvironmentId, Vec<KeyDigest>>,
}

impl KeyRing {
    /// An empty ring; [`KeyRing::refresh`] fills it.
    #[must_use]
    pub fn new(source: Arc<dyn KeySource>) -> Self {
        Self {
            source,
            head: Mutex::new(None),
            held: RwLock::default(),
        }
    }

    /// Takes over what changed since the last refresh; everything the first time.
    ///
    /// # Errors
    /// [`StorageError`] when storage cannot be read; the keys held stay.
    pub fn refresh(&self) -> Result<(), StorageError> {
        let mut head = self.head.lock();
        let update = self.source.load(*head)?;
        if !update.environments.is_empty() {
            let mut held = self.held.write();
            // A digest may have moved from one environment to another: all go before any comes.
            for environment in &update.environments {
                held.remove(environment.environment);
            }
            for environment in update.environments {
                held.insert(environment.environment, environment.grants);
            }
        }
        *head = Some(update.head);
        Ok(())
    }

    /// What the key with this digest opens at `now`: nothing when it is unknown, revoked or expired.
    #[must_use]
    pub fn find(&self, digest: &KeyDigest, now: Timestamp) -> Option<Grant> {
        let grant = self.held.read().grants.get(digest).copied()?;
        let expired = grant.expires_at.is_some_and(|end| now >= end);
        (!expired).then_some(grant)
    }
}

impl Held {
    fn remove(&mut self, environment: EnvironmentId) {
        for digest in self.digests.remove(&environment).unwrap_or_default() {
            self.grants.remove(&digest);
        }
    }

    fn insert(&mut self, environment: EnvironmentId, grants: Vec<Grant>) {
        if grants.is_empty() {
            return;
        }
        self.digests.insert(
            environment,
            grants.iter().map(|grant| grant.digest).collect(),
        );
        self.grants
            .extend(grants.into_iter().map(|grant| (grant.digest, grant)));
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::ports::{EnvironmentGrants, KeyUpdate, MockKeySource};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn grant(text: &str, environment: i64, expires_at: Option<Timestamp>) -> Grant {
        Grant {
            digest: KeyDigest::of(text.as_bytes()),
            environment: EnvironmentId(environment),
            kind: KeyKind::Client,
            expires_at,
        }
    }

    fn ring(updates: Vec<Vec<EnvironmentGrants>>) -> KeyRing {
        let mut updates = updates.into_iter();
        let mut source = MockKeySource::new();
        source.expect_load().returning(move |_| {
            Ok(KeyUpdate {
                head: Seq(1),
                environments: updates.next().unwrap(),
            })
        });
        KeyRing::new(Arc::new(source))
    }

    fn grants(environment: i64, grants: Vec<Grant>) -> EnvironmentGrants {
        EnvironmentGrants {
            environment: EnvironmentId(environment),
            grants,
        }
    }

    #[test]
    fn a_key_is_refused_from_its_expiry_on() {
        let ring = ring(vec![vec![grants(1, vec![grant("key", 1, Some(at(100)))])]]);
        ring.refresh().unwrap();
        let digest = KeyDigest::of(b"key");
        assert!(ring.find(&digest, at(99)).is_some());
        assert!(ring.find(&digest, at(100)).is_none());
    }

    #[test]
    fn a_refresh_replaces_the_keys_of_one_environment_and_leaves_the_others() {
        let ring = ring(vec![
            vec![
                grants(1, vec![grant("one", 1, None), grant("old", 1, None)]),
                grants(2, vec![grant("two", 2, None)]),
            ],
            vec![grants(
                1,
                vec![grant("one", 1, None), grant("new", 1, None)],
            )],
            vec![grants(1, vec![])],
        ]);
        let held = |text: &str| ring.find(&KeyDigest::of(text.as_bytes()), at(0)).is_some();

        ring.refresh().unwrap();
        assert!(held("old") && !held("new"));
        ring.refresh().unwrap();
        assert!(!held("old") && held("new") && held("one") && held("two"));
        ring.refresh().unwrap();
        assert!(!held("one") && !held("new") && held("two"));
    }

    #[test]
    fn a_key_that_moved_to_another_environment_is_held_there() {
        let ring = ring(vec![
            vec![grants(2, vec![grant("moved", 2, None)])],
            vec![grants(1, vec![grant("moved", 1, None)]), grants(2, vec![])],
        ]);
        ring.refresh().unwrap();
        ring.refresh().unwrap();
        let found = ring.find(&KeyDigest::of(b"moved"), at(0)).unwrap();
        assert_eq!(found.environment, EnvironmentId(1));
    }
}
