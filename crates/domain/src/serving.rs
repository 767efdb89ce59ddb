//! The read path: which environment does this key open, how current is what is served, who retrieved what.
//!
//! Everything here is answered from memory. Client protocols render the snapshots that
//! [`SnapshotPublisher`] hands them.

use std::fmt;
use std::sync::Arc;

use crate::access::{Grant, KeyDigest, KeyRing};
use crate::clock::{Clock, Onward, Timestamp};
use crate::flags::publisher::Freshness;
use crate::flags::{RetrievalLog, Retrievals, Snapshot, SnapshotPublisher};
use crate::ids::{EnvironmentId, FeatureId, Seq};
use crate::storage::StorageError;
use crate::text::{EnvironmentName, fold};

/// Serves applications from memory.
#[derive(Clone)]
pub struct Serving {
    publisher: Arc<SnapshotPublisher>,
    keys: Arc<KeyRing>,
    retrievals: Arc<dyn RetrievalLog>,
    clock: Arc<dyn Clock>,
    /// A clock that is set back makes no expired key valid again.
    onward: Arc<Onward>,
}

/// What a key opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// What the key opens.
    pub grant: Grant,
    /// When it was asked.
    at: Timestamp,
}

impl Opened {
    /// When it was asked.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }
}

/// Nothing can be served yet: no snapshot was published since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("flags are not loaded yet")]
pub struct NotReady;

/// One environment's line in the report of retrievals.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvironmentRetrievals {
    /// The environment.
    pub environment: EnvironmentName,
    /// The revision that is served.
    pub revision: Seq,
    /// What is known of its retrievals; `None` where nobody asked since the start.
    pub retrievals: Option<Retrievals>,
}

impl Serving {
    /// The read path over its parts.
    #[must_use]
    pub fn new(
        publisher: Arc<SnapshotPublisher>,
        keys: Arc<KeyRing>,
        retrievals: Arc<dyn RetrievalLog>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            publisher,
            keys,
            retrievals,
            onward: Arc::new(Onward::new(Arc::clone(&clock))),
            clock,
        }
    }

    /// What the key opens at this moment; `None` when it is unknown, revoked or expired.
    ///
    /// # Errors
    /// [`NotReady`] before the first snapshot, when no key can be told from a wrong one.
    pub fn open(&self, key: &[u8]) -> Result<Option<Opened>, NotReady> {
        let at = self.onward.now();
        match self.keys.find(&KeyDigest::of(key), at) {
            Some(grant) => Ok(Some(Opened { grant, at })),
            None if self.publisher.freshness().is_none() => Err(NotReady),
            None => Ok(None),
        }
    }

    /// Counts a successful retrieval.
    pub fn record_retrieval(&self, opened: &Opened) {
        self.retrievals.record(opened.grant.environment, opened.at);
    }

    /// When the key of this digest was last used; `None` where it was not since the process started.
    #[must_use]
    pub fn last_used(&self, digest: &KeyDigest) -> Option<Timestamp> {
        self.keys.last_used(digest)
    }

    /// Every environment with what is known of its retrievals, sorted by name.
    #[must_use]
    pub fn retrieval_report(&self) -> Vec<EnvironmentRetrievals> {
        let snapshots = self.publisher.snapshots();
        snapshots
            .iter()
            .map(|snapshot| EnvironmentRetrievals {
                environment: snapshot.name.clone(),
                revision: snapshot.revision,
                retrievals: self.retrievals.find(snapshot.environment),
            })
            .collect()
    }

    /// What is served of this environment; `None` while it is not loaded.
    #[must_use]
    pub fn snapshot(&self, environment: EnvironmentId) -> Option<Arc<Snapshot>> {
        self.publisher.find(environment)
    }

    /// What is served of the environment of this name, if there is one.
    ///
    /// # Errors
    /// [`NotReady`] before the first snapshot.
    pub fn find_environment(
        &self,
        name: &EnvironmentName,
    ) -> Result<Option<Arc<Snapshot>>, NotReady> {
        if self.publisher.freshness().is_none() {
            return Err(NotReady);
        }
        let mut snapshots = self.publisher.snapshots().into_iter();
        Ok(snapshots.find(|one| fold(one.name.as_str()) == fold(name.as_str())))
    }

    /// The features that are enabled in the environment that a key opens, as far as they are served to keys like it.
    #[must_use]
    pub fn enabled_features(&self, grant: &Grant) -> Vec<FeatureId> {
        let snapshot = self.publisher.find(grant.environment);
        let flags = snapshot.iter().flat_map(|one| one.flags.iter());
        let shown = flags.filter(|flag| flag.is_for(grant.kind));
        let enabled = shown.filter(|flag| flag.enabled);
        enabled.map(|flag| flag.feature.id).collect()
    }

    /// How current what is served is; `None` before the first snapshot.
    #[must_use]
    pub fn freshness(&self) -> Option<Freshness> {
        self.publisher.freshness()
    }

    /// Takes over what was committed since the last time: called after each commit and by the poll.
    ///
    /// # Errors
    /// [`StorageError`] when storage cannot be read; what is served stays.
    pub fn refresh(&self) -> Result<(), StorageError> {
        // Keys first: a key never opens what it no longer may for longer than a snapshot takes to read, and readiness,
        // which the publisher reports, comes last.
        self.keys.refresh()?;
        self.publisher.refresh()
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Serving")
            .field("publisher", &self.publisher)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::access::KeyKind;
    use crate::access::ports::{GuidMemory, KeyChanges, KeyUpdate, MockGuidMemory, MockKeySource};
    use crate::clock::MockClock;
    use crate::flags::ports::MockSnapshotSource;
    use crate::flags::retrievals::MockRetrievalLog;
    use crate::flags::{HashKey, SnapshotUpdate, Targeting};
    use crate::ids::EnvironmentId;

    fn forgetful() -> Arc<dyn GuidMemory> {
        let mut guids = MockGuidMemory::new();
        guids.expect_forget().return_const(());
        Arc::new(guids)
    }

    fn serving() -> Serving {
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .returning(|| Timestamp::from_micros(5).unwrap());
        clock.expect_uptime().returning(|| Duration::from_secs(1));
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let mut keys = MockKeySource::new();
        keys.expect_load().returning(|_| {
            Ok(KeyUpdate {
                head: Seq(2),
                keys: KeyChanges::All(vec![Grant {
                    digest: KeyDigest::of(b"a-client-key"),
                    environment: EnvironmentId(1),
                    kind: KeyKind::Client,
                    expires_at: None,
                }]),
                renamed: false,
            })
        });
        let mut source = MockSnapshotSource::new();
        source.expect_load().returning(|_| {
            Ok(SnapshotUpdate {
                head: Seq(2),
                snapshots: ["staging", "production"]
                    .into_iter()
                    .zip(1..)
                    .map(|(name, id)| {
                        Snapshot::new(
                            EnvironmentId(id),
                            EnvironmentName::parse(name).unwrap(),
                            HashKey::parse("hash-key").unwrap(),
                            Seq(id),
                            Timestamp::from_micros(0).unwrap(),
                            vec![],
                            &Targeting::default(),
                        )
                    })
                    .collect(),
                removed: vec![],
                whole: true,
            })
        });
        let mut retrievals = MockRetrievalLog::new();
        retrievals.expect_find().returning(|environment| {
            (environment == EnvironmentId(1)).then(|| Retrievals {
                last: Timestamp::from_micros(3).unwrap(),
                count: 42,
            })
        });
        Serving::new(
            Arc::new(SnapshotPublisher::new(
                Arc::new(source),
                Arc::clone(&clock),
                vec![],
            )),
            Arc::new(KeyRing::new(Arc::new(keys), forgetful())),
            Arc::new(retrievals),
            clock,
        )
    }

    #[test]
    fn before_the_first_snapshot_no_key_is_called_wrong() {
        let serving = serving();
        assert_eq!(serving.open(b"a-client-key"), Err(NotReady));
        serving.refresh().unwrap();
        assert!(serving.open(b"a-client-key").unwrap().is_some());
        assert_eq!(serving.open(b"another-key"), Ok(None));
    }

    #[test]
    fn a_clock_that_is_set_back_makes_no_expired_key_valid_again() {
        let mut clock = MockClock::new();
        let mut readings = [99, 100, 50].into_iter();
        clock
            .expect_now()
            .returning(move || Timestamp::from_micros(readings.next().unwrap()).unwrap());
        clock.expect_uptime().returning(|| Duration::from_secs(1));
        let mut keys = MockKeySource::new();
        keys.expect_load().returning(|_| {
            Ok(KeyUpdate {
                head: Seq(1),
                keys: KeyChanges::All(vec![Grant {
                    digest: KeyDigest::of(b"a-client-key"),
                    environment: EnvironmentId(1),
                    kind: KeyKind::Client,
                    expires_at: Timestamp::from_micros(100),
                }]),
                renamed: false,
            })
        });
        let mut source = MockSnapshotSource::new();
        source
            .expect_load()
            .returning(|_| Ok(SnapshotUpdate::default()));
        let clock: Arc<dyn Clock> = Arc::new(clock);
        let serving = Serving::new(
            Arc::new(SnapshotPublisher::new(
                Arc::new(source),
                Arc::clone(&clock),
                vec![],
            )),
            Arc::new(KeyRing::new(Arc::new(keys), forgetful())),
            Arc::new(MockRetrievalLog::new()),
            clock,
        );
        serving.refresh().unwrap();
        let opens = || serving.open(b"a-client-key").unwrap().is_some();
        assert_eq!([opens(), opens(), opens()], [true, false, false]);
    }

    #[test]
    fn the_report_names_every_environment_also_those_that_nobody_asked_for() {
        let serving = serving();
        serving.refresh().unwrap();
        let report = serving.retrieval_report();
        let lines: Vec<_> = report
            .iter()
            .map(|line| {
                (
                    line.environment.as_str(),
                    line.retrievals.map(|known| known.count),
                )
            })
            .collect();
        assert_eq!(lines, [("production", None), ("staging", Some(42))]);
    }
}
