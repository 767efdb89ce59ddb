//! Whether changes can be stored, as the writer last found it: kept in memory for readiness, and told to the log when it
//! changes.

use std::time::Instant;

use flagstaff_domain::storage::{Outage, StorageError};
use parking_lot::Mutex;

use super::error::outage;

/// What the writer knows of the database.
#[derive(Debug, Default)]
pub(super) struct Condition {
    current: Mutex<Option<(Outage, Instant)>>,
}

impl Condition {
    /// What keeps changes from being stored.
    pub(super) fn outage(&self) -> Option<Outage> {
        self.current.lock().map(|(outage, _)| outage)
    }

    /// Changes can be stored: something was committed.
    pub(super) fn works(&self) {
        if let Some((_, since)) = self.current.lock().take() {
            let seconds = since.elapsed().as_secs();
            log::info!(seconds; "changes can be stored again");
        }
    }

    /// They cannot. A failure that is no outage is left to whoever asked for the change.
    pub(super) fn fails(&self, error: &StorageError) {
        let Some(found) = outage(error) else { return };
        let mut current = self.current.lock();
        let since = match *current {
            Some((known, since)) if known == found => since,
            _ => {
                log::error!(error:%; "changes cannot be stored: {}", found.as_str());
                Instant::now()
            }
        };
        *current = Some((found, since));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_lasts_until_something_is_committed() {
        let condition = Condition::default();
        assert_eq!(condition.outage(), None);
        condition.fails(&StorageError::unavailable("database is locked"));
        assert_eq!(condition.outage(), Some(Outage::Locked));
        let since = condition.current.lock().unwrap().1;
        condition.fails(&StorageError::unavailable("database is locked"));
        assert_eq!(condition.current.lock().unwrap().1, since);
        condition.fails(&StorageError::in_doubt("disk I/O error"));
        assert_eq!(condition.outage(), Some(Outage::Disk));
        condition.works();
        assert_eq!(condition.outage(), None);
    }

    #[test]
    fn a_fault_of_one_change_is_no_outage() {
        let condition = Condition::default();
        condition.fails(&StorageError::failed("no such table: notes"));
        assert_eq!(condition.outage(), None);
    }
}
