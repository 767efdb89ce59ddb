//! Whether changes can be stored, as the writer last found it: kept in memory for readiness, and told to the log when it
//! changes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use flagstaff_domain::storage::{Outage, StorageError};
use parking_lot::Mutex;

use super::error::outage;

/// What the writer knows of the database.
#[derive(Debug, Default)]
pub(super) struct Condition {
    current: Mutex<Option<(Outage, Instant)>>,
    /// Whether the last look met a lock.
    suspected: AtomicBool,
}

impl Condition {
    /// What keeps changes from being stored.
    pub(super) fn outage(&self) -> Option<Outage> {
        self.current.lock().map(|(outage, _)| outage)
    }

    /// A look found that changes can be stored. It touches too little to say that damage is gone.
    pub(super) fn works(&self) {
        self.suspected.store(false, Ordering::Relaxed);
        let mut current = self.current.lock();
        let Some((_, since)) = current.filter(|(known, _)| *known != Outage::Damaged) else {
            return;
        };
        *current = None;
        let seconds = since.elapsed().as_secs();
        log::info!(seconds; "changes can be stored again");
    }

    /// Every page was found sound: what looked like damage was not.
    pub(super) fn is_sound(&self) {
        let mut current = self.current.lock();
        if let Some((Outage::Damaged, since)) = *current {
            let seconds = since.elapsed().as_secs();
            log::info!(seconds; "every page of the database is sound: the disk could not be read for a moment");
            *current = None;
        }
    }

    /// A look found that they cannot, whatever the reason. A lock counts when the next look meets it, too: a command that
    /// writes holds one for a moment, and a change would have waited for it.
    pub(super) fn looks_bad(&self, error: &StorageError) {
        let found = outage(error).unwrap_or(Outage::Other);
        if found != Outage::Locked || self.suspected.swap(true, Ordering::Relaxed) {
            self.note(found, error);
        }
    }

    /// A change was not stored. A failure that is no outage is left to whoever asked for it.
    pub(super) fn fails(&self, error: &StorageError) {
        if let Some(found) = outage(error) {
            self.note(found, error);
        }
    }

    fn note(&self, found: Outage, error: &StorageError) {
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
    fn a_lock_that_one_look_meets_is_no_outage() {
        let condition = Condition::default();
        let locked = StorageError::unavailable("database is locked");
        condition.looks_bad(&locked);
        condition.works();
        condition.looks_bad(&locked);
        assert_eq!(condition.outage(), None);
        condition.looks_bad(&locked);
        assert_eq!(condition.outage(), Some(Outage::Locked));
    }

    #[test]
    fn damage_stays_until_every_page_is_found_sound() {
        let condition = Condition::default();
        condition.fails(&StorageError::failed("database disk image is malformed"));
        condition.works();
        assert_eq!(condition.outage(), Some(Outage::Damaged));
        condition.is_sound();
        assert_eq!(condition.outage(), None);
    }

    #[test]
    fn sound_pages_end_no_other_outage() {
        let condition = Condition::default();
        condition.fails(&StorageError::unavailable("database or disk is full"));
        condition.is_sound();
        assert_eq!(condition.outage(), Some(Outage::Full));
    }

    #[test]
    fn a_look_that_fails_is_an_outage_whatever_it_met() {
        let condition = Condition::default();
        condition.looks_bad(&StorageError::failed("no such table: log_head"));
        assert_eq!(condition.outage(), Some(Outage::Other));
    }

    #[test]
    fn a_fault_of_one_change_is_no_outage() {
        let condition = Condition::default();
        condition.fails(&StorageError::failed("no such table: notes"));
        assert_eq!(condition.outage(), None);
    }
}
