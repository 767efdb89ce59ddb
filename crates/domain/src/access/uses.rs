//! When credentials were last used, to the minute: a burst of requests with one of them makes one write.

use std::time::Duration;

use foldhash::HashMap;
use parking_lot::Mutex;

/// How exact the time of last use is.
const EXACT: Duration = Duration::from_secs(60);
/// How many credentials are remembered before those of past minutes are forgotten.
const REMEMBERED: usize = 10_000;

/// Which credentials this process noted as used within the last minute.
#[derive(Debug, Default)]
pub(super) struct Uses {
    noted: Mutex<HashMap<i64, Duration>>,
}

impl Uses {
    /// Whether the use of this one is to be written, at that time since the start.
    pub(super) fn due(&self, id: i64, uptime: Duration) -> bool {
        let within = |noted: &Duration| uptime.saturating_sub(*noted) < EXACT;
        let mut noted = self.noted.lock();
        if noted.get(&id).is_some_and(within) {
            return false;
        }
        if noted.len() >= REMEMBERED {
            noted.retain(|_, one| within(one));
        }
        noted.insert(id, uptime);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_written_once_a_minute() {
        let uses = Uses::default();
        let at = Duration::from_secs;
        let due = [(1, 0), (1, 1), (2, 1), (1, 59), (1, 60), (1, 61), (2, 61)]
            .map(|(id, seconds)| uses.due(id, at(seconds)));
        assert_eq!(due, [true, false, true, false, true, false, true]);
    }
}
