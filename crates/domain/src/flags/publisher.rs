//! Keeps the served snapshots current: reads what changed and hands each new snapshot to whoever renders it.
//!
//! The writer calls [`SnapshotPublisher::refresh`] after each commit, before the writes are answered; a poll calls it
//! for changes made elsewhere. The cost is that of the environments that changed.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

use super::ports::SnapshotSource;
use super::snapshot::Snapshot;
use crate::clock::Clock;
use crate::ids::{EnvironmentId, Seq};
use crate::storage::StorageError;

/// Serves snapshots in a form of its own, as a client protocol's rendered bodies.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait SnapshotSubscriber: Send + Sync {
    /// From now on the environment is served from this snapshot: newer than any before, or from another log.
    fn published(&self, snapshot: &Arc<Snapshot>);

    /// The environment is no more.
    fn removed(&self, environment: EnvironmentId);
}

/// Publishes snapshots to its subscribers, each environment's in the order of revisions as long as the log is the same.
pub struct SnapshotPublisher {
    source: Arc<dyn SnapshotSource>,
    clock: Arc<dyn Clock>,
    subscribers: Vec<Arc<dyn SnapshotSubscriber>>,
    /// Held during a refresh, so that an older read is never published after a newer one.
    head: Mutex<Option<Seq>>,
    published: RwLock<Published>,
}

#[derive(Default)]
struct Published {
    snapshots: HashMap<EnvironmentId, Arc<Snapshot>>,
    status: Option<(Seq, Duration)>,
}

/// How current the served snapshots are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// The last change that is served.
    pub head: Seq,
    /// Time since storage last confirmed that nothing newer exists.
    pub age: Duration,
}

impl SnapshotPublisher {
    /// A publisher that has published nothing yet.
    #[must_use]
    pub fn new(
        source: Arc<dyn SnapshotSource>,
        clock: Arc<dyn Clock>,
        subscribers: Vec<Arc<dyn SnapshotSubscriber>>,
    ) -> Self {
        Self {
            source,
            clock,
            subscribers,
            head: Mutex::new(None),
            published: RwLock::default(),
        }
    }

    /// Publishes what changed since the last refresh; everything the first time.
    ///
    /// # Errors
    /// [`StorageError`] when storage cannot be read; what was published stays.
    pub fn refresh(&self) -> Result<(), StorageError> {
        let mut head = self.head.lock();
        let mut update = self.source.load(*head)?;
        if update.whole {
            update.removed.extend(self.others_than(&update.snapshots));
        }
        for environment in update.removed {
            self.published.write().snapshots.remove(&environment);
            for subscriber in &self.subscribers {
                subscriber.removed(environment);
            }
        }
        for snapshot in update.snapshots {
            let snapshot = Arc::new(snapshot);
            for subscriber in &self.subscribers {
                subscriber.published(&snapshot);
            }
            self.published
                .write()
                .snapshots
                .insert(snapshot.environment, snapshot);
        }
        *head = Some(update.head);
        self.published.write().status = Some((update.head, self.clock.uptime()));
        Ok(())
    }

    /// Published environments of which there is no snapshot among these.
    fn others_than(&self, snapshots: &[Snapshot]) -> Vec<EnvironmentId> {
        let there: HashSet<_> = snapshots.iter().map(|one| one.environment).collect();
        let published = self.published.read();
        let others = published.snapshots.keys().filter(|id| !there.contains(id));
        others.copied().collect()
    }

    /// How current the snapshots are, or `None` before the first.
    #[must_use]
    pub fn freshness(&self) -> Option<Freshness> {
        let (head, confirmed) = self.published.read().status?;
        Some(Freshness {
            head,
            age: self.clock.uptime().saturating_sub(confirmed),
        })
    }

    /// What is served of this environment.
    #[must_use]
    pub fn find(&self, environment: EnvironmentId) -> Option<Arc<Snapshot>> {
        self.published.read().snapshots.get(&environment).cloned()
    }

    /// Every published snapshot, sorted by the environments' names.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Arc<Snapshot>> {
        let mut all: Vec<_> = self.published.read().snapshots.values().cloned().collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }
}

impl fmt::Debug for SnapshotPublisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SnapshotPublisher")
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use mockall::predicate::{always, eq};

    use super::*;
    use crate::clock::{MockClock, Timestamp};
    use crate::flags::HashKey;
    use crate::flags::Targeting;
    use crate::flags::ports::{MockSnapshotSource, SnapshotUpdate};
    use crate::text::EnvironmentName;

    fn snapshot(environment: i64, revision: i64) -> Snapshot {
        Snapshot::new(
            EnvironmentId(environment),
            EnvironmentName::parse(format!("environment-{environment}")).unwrap(),
            HashKey::parse("hash-key").unwrap(),
            Seq(revision),
            Timestamp::from_micros(0).unwrap(),
            Vec::new(),
            &Targeting::default(),
        )
    }

    fn clock_at(seconds: &'static [u64]) -> Arc<dyn Clock> {
        let mut clock = MockClock::new();
        let mut readings = seconds.iter();
        clock
            .expect_uptime()
            .returning(move || Duration::from_secs(*readings.next().unwrap()));
        Arc::new(clock)
    }

    #[test]
    fn the_first_refresh_publishes_everything_and_the_next_what_changed() {
        let mut source = MockSnapshotSource::new();
        source.expect_load().with(eq(None)).once().returning(|_| {
            Ok(SnapshotUpdate {
                head: Seq(5),
                snapshots: vec![snapshot(1, 3), snapshot(2, 5)],
                whole: true,
                ..SnapshotUpdate::default()
            })
        });
        source
            .expect_load()
            .with(eq(Some(Seq(5))))
            .once()
            .returning(|_| {
                Ok(SnapshotUpdate {
                    head: Seq(7),
                    snapshots: vec![snapshot(1, 6)],
                    removed: vec![EnvironmentId(2)],
                    whole: false,
                })
            });
        let mut subscriber = MockSnapshotSubscriber::new();
        subscriber
            .expect_published()
            .with(always())
            .times(3)
            .return_const(());
        subscriber
            .expect_removed()
            .with(eq(EnvironmentId(2)))
            .once()
            .return_const(());
        let publisher = SnapshotPublisher::new(
            Arc::new(source),
            clock_at(&[10, 20, 23]),
            vec![Arc::new(subscriber)],
        );

        assert_eq!(publisher.freshness(), None);
        publisher.refresh().unwrap();
        publisher.refresh().unwrap();

        let served = publisher.snapshots();
        assert_eq!(served.len(), 1);
        assert_eq!(served[0].revision, Seq(6));
        let freshness = publisher.freshness().unwrap();
        assert_eq!((freshness.head, freshness.age.as_secs()), (Seq(7), 3));
    }

    #[test]
    fn where_everything_is_read_again_what_is_not_in_it_is_no_more() {
        let mut source = MockSnapshotSource::new();
        let mut updates = [
            (9, vec![snapshot(1, 8), snapshot(2, 9)]),
            (5, vec![snapshot(1, 5)]),
        ]
        .into_iter();
        source.expect_load().returning(move |_| {
            let (head, snapshots) = updates.next().unwrap();
            Ok(SnapshotUpdate {
                head: Seq(head),
                snapshots,
                whole: true,
                ..SnapshotUpdate::default()
            })
        });
        let mut subscriber = MockSnapshotSubscriber::new();
        subscriber.expect_published().times(3).return_const(());
        subscriber
            .expect_removed()
            .with(eq(EnvironmentId(2)))
            .once()
            .return_const(());
        let publisher = SnapshotPublisher::new(
            Arc::new(source),
            clock_at(&[1, 2]),
            vec![Arc::new(subscriber)],
        );
        publisher.refresh().unwrap();
        publisher.refresh().unwrap();
        let served = publisher.snapshots();
        assert_eq!(served.len(), 1);
        assert_eq!(served[0].revision, Seq(5));
    }

    #[test]
    fn an_outage_leaves_what_was_published_and_its_age_grows() {
        let mut source = MockSnapshotSource::new();
        source.expect_load().with(eq(None)).once().returning(|_| {
            Ok(SnapshotUpdate {
                head: Seq(0),
                snapshots: vec![snapshot(1, 0)],
                whole: true,
                ..SnapshotUpdate::default()
            })
        });
        source
            .expect_load()
            .returning(|_| Err(StorageError::unavailable("locked")));
        let publisher = SnapshotPublisher::new(Arc::new(source), clock_at(&[1, 61]), vec![]);

        publisher.refresh().unwrap();
        assert!(publisher.refresh().is_err());

        assert_eq!(publisher.snapshots().len(), 1);
        assert_eq!(publisher.freshness().unwrap().age.as_secs(), 60);
    }
}
