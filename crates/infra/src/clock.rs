//! The system clock: the one place in the workspace where the time of day is read.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use chrono::DateTime;
use flagstaff_domain::clock::{Clock, Timestamp};

/// The host's clock.
#[derive(Debug)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// A clock whose uptime begins now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this adapter is where the clock is read"
    )]
    fn now(&self) -> Timestamp {
        // Before 1970 and after 9999 the host's clock is wrong beyond use.
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .ok()
            .and_then(|since| i64::try_from(since.as_micros()).ok())
            .and_then(Timestamp::from_micros)
            .unwrap_or_else(|| Timestamp::from(DateTime::UNIX_EPOCH))
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}
