//! The system clock: the one place in the workspace where the time of day is read.

use std::time::{Duration, Instant};

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
        Timestamp::from(chrono::Utc::now())
    }

    fn uptime(&self) -> Duration {
        self.started.elapsed()
    }
}
