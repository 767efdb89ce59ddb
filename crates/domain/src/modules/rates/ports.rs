//! What rates ask of their source and of storage.

use std::sync::atomic::{AtomicU32, Ordering};

use super::date::RateDate;
use super::day::{DayRates, StoredRates};
use super::error::SourceError;
use crate::clock::Timestamp;
use crate::storage::StorageError;
use crate::write::Stamp;

/// How many more calls than days a run may make: plans allow few a month.
#[derive(Debug)]
pub struct CallBudget {
    retries: AtomicU32,
}

impl CallBudget {
    /// A budget of that many retries for the whole run.
    #[must_use]
    pub fn new(retries: u32) -> Self {
        Self {
            retries: AtomicU32::new(retries),
        }
    }

    /// Takes one retry, where one is left.
    #[must_use]
    pub fn take_retry(&self) -> bool {
        let less = |left: u32| left.checked_sub(1);
        self.retries
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, less)
            .is_ok()
    }

    /// Leaves no retry: the run is to end.
    pub fn close(&self) {
        self.retries.store(0, Ordering::Relaxed);
    }
}

/// Where rates come from.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RateSource: Send + Sync {
    /// The rates of a day. MUST take a retry of the budget for each call after the first, and MUST repeat none but what
    /// [may pass](SourceError::may_pass). The rates MUST be of that day, positive, and at least one.
    fn fetch(&self, date: RateDate, calls: &CallBudget) -> Result<DayRates, SourceError>;
}

/// What came of storing a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    /// Nothing was stored for it before.
    New,
    /// It took the place of older data.
    Replaced,
    /// The same is stored already.
    Unchanged,
    /// What is stored was made later, and stays.
    Newer,
}

/// Keeps rates.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RateRepository: Send + Sync {
    /// The rates of a day.
    fn find(&self, date: RateDate) -> Result<Option<StoredRates>, StorageError>;

    /// The last day that is stored up to this one; the first after it where there is none.
    fn find_nearest(&self, date: RateDate) -> Result<Option<StoredRates>, StorageError>;

    /// The last days that are stored up to this one, newest first.
    fn latest(&self, date: RateDate, limit: usize) -> Result<Vec<StoredRates>, StorageError>;

    /// MUST replace the whole day and log one change, or none where the same rates are stored; MUST keep what the source
    /// made later.
    fn store(&self, day: &DayRates, stamp: &Stamp) -> Result<Stored, StorageError>;
}

/// What is known of ingests, of all instances together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestStatus {
    /// When an ingest last ended without a failed day.
    pub last_success: Option<Timestamp>,
    /// The last day that is stored.
    pub newest: Option<RateDate>,
    /// The last scheduled instant for which an ingest was carried out.
    pub carried_out: Option<Timestamp>,
    /// Until when an instance holds the turn.
    pub held_until: Option<Timestamp>,
}

/// Lets one instance at a time ingest, and remembers how it went. Traces of use, which are no part of the change log.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait IngestTurns: Send + Sync {
    /// What is known.
    fn status(&self) -> Result<IngestStatus, StorageError>;

    /// Takes the turn for what is due at `due`, until `until`. MUST succeed for one holder alone, and MUST NOT where it
    /// was carried out already, or another holder's turn lasts at `now`.
    fn take(
        &self,
        holder: &str,
        due: Timestamp,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Makes the holder's turn last until then. MUST tell whether it was still the holder's.
    fn extend(&self, holder: &str, until: Timestamp) -> Result<bool, StorageError>;

    /// Ends the holder's turn, as carried out.
    fn finish(&self, holder: &str, due: Timestamp) -> Result<(), StorageError>;

    /// Remembers that an ingest ended well.
    fn succeeded(&self, at: Timestamp) -> Result<(), StorageError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_gives_its_retries_and_no_more() {
        let budget = CallBudget::new(2);
        assert_eq!([(); 3].map(|()| budget.take_retry()), [true, true, false]);
        let budget = CallBudget::new(2);
        budget.close();
        assert!(!budget.take_retry());
    }
}
