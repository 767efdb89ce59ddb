//! Every key that opens an environment, in memory, so that a request is decided without storage.
//!
//! Keys are looked up by digest, so that no comparison tells by its time how much of a guess was right. Expiry is
//! checked on each request; nothing has to sweep. A change costs what the keys cost that it changes, however many are held.

use std::fmt;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use foldhash::HashMap;
use parking_lot::{Mutex, RwLock};

use super::key::{KeyDigest, KeyKind};
use super::ports::{Forgotten, GuidMemory, KeyChanges, KeySource, KeyUpdate};
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
    /// Is told of what changed, too.
    guids: Arc<dyn GuidMemory>,
    /// Held during a refresh, so that an older read never replaces a newer one.
    head: Mutex<Option<Seq>>,
    held: RwLock<HashMap<KeyDigest, Held>>,
}

/// A key, and when it last opened its environment.
struct Held {
    grant: Grant,
    last_used: AtomicI64,
}

/// Stands for the time of a use that never was: earlier than every instant.
const NEVER: i64 = i64::MIN;

impl KeyRing {
    /// An empty ring; [`KeyRing::refresh`] fills it, and keeps what is remembered of the GUID register true.
    #[must_use]
    pub fn new(source: Arc<dyn KeySource>, guids: Arc<dyn GuidMemory>) -> Self {
        Self {
            source,
            guids,
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
        self.forget(&update);
        match update.keys {
            KeyChanges::All(grants) => {
                // Built beside what is held, so that requests wait for the exchange alone.
                let mut all = HashMap::default();
                all.reserve(grants.len());
                all.extend(
                    grants
                        .into_iter()
                        .map(|grant| (grant.digest, Held::new(grant))),
                );
                for (digest, before) in self.held.read().iter() {
                    if let Some(after) = all.get_mut(digest) {
                        after.keep_use_of(before);
                    }
                }
                let before = mem::replace(&mut *self.held.write(), all);
                drop(before);
            }
            KeyChanges::Only(changes) if changes.is_empty() => {}
            KeyChanges::Only(changes) => {
                let mut held = self.held.write();
                for (digest, grant) in changes {
                    let before = held.remove(&digest);
                    if let Some(mut after) = grant.map(Held::new) {
                        if let Some(before) = before {
                            after.keep_use_of(&before);
                        }
                        held.insert(digest, after);
                    }
                }
            }
        }
        *head = Some(update.head);
        Ok(())
    }

    fn forget(&self, update: &KeyUpdate) {
        match &update.keys {
            KeyChanges::Only(changes) if !update.renamed => {
                let digests: Vec<_> = changes.iter().map(|(digest, _)| *digest).collect();
                self.guids.forget(Forgotten::Only(&digests), update.head);
            }
            KeyChanges::Only(_) | KeyChanges::All(_) => {
                self.guids.forget(Forgotten::All, update.head);
            }
        }
    }

    /// What the key with this digest opens at `now`, which is noted as its last use: nothing when it is unknown, revoked or
    /// expired.
    #[must_use]
    pub fn find(&self, digest: &KeyDigest, now: Timestamp) -> Option<Grant> {
        let held = self.held.read();
        let key = held.get(digest)?;
        if key.grant.expires_at.is_some_and(|end| now >= end) {
            return None;
        }
        key.last_used.store(now.as_micros(), Ordering::Relaxed);
        Some(key.grant)
    }

    /// When the key with this digest last opened its environment; `None` where it has not since the process started.
    #[must_use]
    pub fn last_used(&self, digest: &KeyDigest) -> Option<Timestamp> {
        let micros = self
            .held
            .read()
            .get(digest)?
            .last_used
            .load(Ordering::Relaxed);
        Timestamp::from_micros(micros)
    }
}

impl Held {
    fn new(grant: Grant) -> Self {
        Self {
            grant,
            last_used: AtomicI64::new(NEVER),
        }
    }

    /// Remembers the use of the same key as it was before. A key that moved to another environment is another.
    fn keep_use_of(&mut self, before: &Self) {
        if self.grant.environment == before.grant.environment {
            *self.last_used.get_mut() = before.last_used.load(Ordering::Relaxed);
        }
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
    use crate::access::ports::{MockGuidMemory, MockKeySource};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000).unwrap()
    }

    fn digest(text: &str) -> KeyDigest {
        KeyDigest::of(text.as_bytes())
    }

    fn grant(text: &str, environment: i64, expires_at: Option<Timestamp>) -> Grant {
        Grant {
            digest: digest(text),
            environment: EnvironmentId(environment),
            kind: KeyKind::Client,
            expires_at,
        }
    }

    fn ring(updates: Vec<KeyChanges>) -> KeyRing {
        let mut updates = updates.into_iter();
        let mut source = MockKeySource::new();
        source.expect_load().returning(move |_| {
            Ok(KeyUpdate {
                head: Seq(1),
                keys: updates.next().unwrap(),
                renamed: false,
            })
        });
        let mut guids = MockGuidMemory::new();
        guids.expect_forget().return_const(());
        KeyRing::new(Arc::new(source), Arc::new(guids))
    }

    fn changed(grant: Grant) -> (KeyDigest, Option<Grant>) {
        (grant.digest, Some(grant))
    }

    #[test]
    fn a_key_is_refused_from_its_expiry_on() {
        let ring = ring(vec![KeyChanges::All(vec![grant("key", 1, Some(at(100)))])]);
        ring.refresh().unwrap();
        assert!(ring.find(&digest("key"), at(99)).is_some());
        assert!(ring.find(&digest("key"), at(100)).is_none());
    }

    #[test]
    fn a_refresh_replaces_the_keys_that_changed_and_leaves_the_others() {
        let ring = ring(vec![
            KeyChanges::All(vec![grant("one", 1, None), grant("old", 1, None)]),
            KeyChanges::Only(vec![(digest("old"), None), changed(grant("new", 1, None))]),
            KeyChanges::Only(vec![]),
            KeyChanges::All(vec![grant("last", 2, None)]),
        ]);
        let held = |text: &str| ring.find(&digest(text), at(0)).is_some();

        ring.refresh().unwrap();
        assert!(held("one") && held("old") && !held("new"));
        ring.refresh().unwrap();
        assert!(held("one") && !held("old") && held("new"));
        ring.refresh().unwrap();
        assert!(held("one") && !held("old") && held("new"));
        ring.refresh().unwrap();
        assert!(!held("one") && !held("new") && held("last"));
    }

    #[test]
    fn a_key_that_moved_to_another_environment_is_held_there_and_was_not_used_there() {
        let ring = ring(vec![
            KeyChanges::All(vec![grant("moved", 2, None)]),
            KeyChanges::Only(vec![changed(grant("moved", 1, None))]),
        ]);
        ring.refresh().unwrap();
        assert!(ring.find(&digest("moved"), at(5)).is_some());
        ring.refresh().unwrap();
        assert_eq!(ring.last_used(&digest("moved")), None);
        let found = ring.find(&digest("moved"), at(6)).unwrap();
        assert_eq!(found.environment, EnvironmentId(1));
    }

    #[test]
    fn the_last_use_of_a_key_is_remembered_through_its_changes() {
        let ring = ring(vec![
            KeyChanges::All(vec![grant("key", 1, None), grant("unused", 1, None)]),
            KeyChanges::Only(vec![changed(grant("key", 1, Some(at(100))))]),
            KeyChanges::All(vec![grant("key", 1, Some(at(100)))]),
        ]);
        ring.refresh().unwrap();
        assert_eq!(ring.last_used(&digest("key")), None);
        assert!(ring.find(&digest("key"), at(7)).is_some());
        for _ in 0..2 {
            ring.refresh().unwrap();
            assert_eq!(ring.last_used(&digest("key")), Some(at(7)));
        }
        assert!(ring.find(&digest("key"), at(100)).is_none());
        assert_eq!(
            ring.last_used(&digest("key")),
            Some(at(7)),
            "a refusal is no use"
        );
        assert_eq!(ring.last_used(&digest("unused")), None);
    }

    #[test]
    fn what_is_remembered_of_the_register_is_forgotten_when_it_may_have_changed() {
        let update = |head, keys, renamed| KeyUpdate {
            head: Seq(head),
            keys,
            renamed,
        };
        let mut updates = vec![
            update(1, KeyChanges::All(vec![]), false),
            update(2, KeyChanges::Only(vec![(digest("one"), None)]), false),
            update(3, KeyChanges::Only(vec![]), true),
        ]
        .into_iter();
        let mut source = MockKeySource::new();
        source
            .expect_load()
            .returning(move |_| Ok(updates.next().unwrap()));
        let mut guids = MockGuidMemory::new();
        let mut order = mockall::Sequence::new();
        for (forgotten, head) in [
            (Forgotten::All, Seq(1)),
            (Forgotten::Only(&[digest("one")]), Seq(2)),
            (Forgotten::All, Seq(3)),
        ] {
            let expected = format!("{forgotten:?}");
            guids
                .expect_forget()
                .withf(move |told, at| format!("{told:?}") == expected && *at == head)
                .once()
                .in_sequence(&mut order)
                .return_const(());
        }
        let ring = KeyRing::new(Arc::new(source), Arc::new(guids));
        for _ in 0..3 {
            ring.refresh().unwrap();
        }
    }
}
