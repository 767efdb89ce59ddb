//! A clock that stands at 2026-11-20T10:00:00Z until a test moves it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use flagstaff_domain::clock::{Clock, Timestamp};

/// 2026-11-20T10:00:00Z in microseconds of Unix time.
const START: i64 = 1_795_168_800_000_000;

#[derive(Debug)]
pub(crate) struct TestClock {
    micros: AtomicI64,
}

impl Default for TestClock {
    fn default() -> Self {
        Self {
            micros: AtomicI64::new(START),
        }
    }
}

impl TestClock {
    /// Moves the clock; uptime goes with it.
    pub(crate) fn advance(&self, by: Duration) {
        let by = i64::try_from(by.as_micros()).unwrap();
        self.micros.fetch_add(by, Ordering::SeqCst);
    }

    /// Moves the clock to an instant.
    pub(crate) fn set(&self, to: &str) {
        self.micros.store(instant(to).as_micros(), Ordering::SeqCst);
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.micros.load(Ordering::SeqCst)).unwrap()
    }

    fn uptime(&self) -> Duration {
        let micros = self.micros.load(Ordering::SeqCst) - START;
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }
}

/// An instant from its text.
pub(crate) fn instant(text: &str) -> Timestamp {
    Timestamp::try_from(text.to_owned()).unwrap()
}
