//! The memory of retrievals: two atomics an environment, so that counting one costs a read lock and two stores.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::{RetrievalLog, Retrievals};
use flagstaff_domain::ids::EnvironmentId;
use foldhash::HashMap;
use parking_lot::RwLock;

/// Retrievals since the process started.
#[derive(Debug, Default)]
pub struct MemoryRetrievalLog {
    environments: RwLock<HashMap<EnvironmentId, Slot>>,
}

#[derive(Debug, Default)]
struct Slot {
    last: AtomicI64,
    count: AtomicU64,
}

impl Slot {
    fn record(&self, at: Timestamp) {
        self.last.fetch_max(at.as_micros(), Ordering::Relaxed);
        self.count.fetch_add(1, Ordering::Relaxed);
    }
}

impl RetrievalLog for MemoryRetrievalLog {
    fn record(&self, environment: EnvironmentId, at: Timestamp) {
        if let Some(slot) = self.environments.read().get(&environment) {
            return slot.record(at);
        }
        self.environments
            .write()
            .entry(environment)
            .or_default()
            .record(at);
    }

    fn find(&self, environment: EnvironmentId) -> Option<Retrievals> {
        let environments = self.environments.read();
        let slot = environments.get(&environment)?;
        Some(Retrievals {
            last: Timestamp::from_micros(slot.last.load(Ordering::Relaxed))?,
            count: slot.count.load(Ordering::Relaxed),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    #[test]
    fn an_environment_nobody_asked_for_is_unknown() {
        assert_eq!(MemoryRetrievalLog::default().find(EnvironmentId(1)), None);
    }

    #[test]
    fn the_latest_time_never_moves_back() {
        let log = MemoryRetrievalLog::default();
        log.record(EnvironmentId(1), at(20));
        log.record(EnvironmentId(1), at(10));
        let known = log.find(EnvironmentId(1)).unwrap();
        assert_eq!((known.last, known.count), (at(20), 2));
    }

    #[test]
    fn no_retrieval_is_lost_between_threads() {
        let log = Arc::new(MemoryRetrievalLog::default());
        let threads = (0..8).map(|thread| {
            let log = Arc::clone(&log);
            thread::spawn(move || {
                for turn in 0..1_000 {
                    log.record(EnvironmentId(turn % 3), at(thread * 1_000 + turn));
                }
            })
        });
        threads
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|thread| thread.join().unwrap());
        let total: u64 = (0..3)
            .map(|id| log.find(EnvironmentId(id)).unwrap().count)
            .sum();
        assert_eq!(total, 8_000);
    }
}
