//! What rates ask of their source and of storage.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::date::RateDate;
use super::day::{DayRates, StoredRates};
use super::error::SourceError;
use crate::clock::Timestamp;
use crate::storage::StorageError;
use crate::write::Stamp;

/// How many more calls than days a run may make, since plans allow few a month, and until when it makes none.
#[derive(Debug)]
pub struct CallBudget {
    retries: AtomicU32,
    /// The uptime until which the source asked to be left alone.
    quiet: Mutex<Option<Duration>>,
}

impl CallBudget {
    /// A budget of that many retries for the whole run.
    #[must_use]
    pub fn new(retries: u32) -> Self {
        Self {
            retries: AtomicU32::new(retries),
            quiet: Mutex::default(),
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

    /// Notes that the source asked, at this uptime, to be left alone for so long.
    pub fn leave_alone(&self, uptime: Duration, wait: Duration) {
        *self.quiet.lock() = Some(uptime.saturating_add(wait));
    }

    /// How much longer, at this uptime, the source asked to be left alone.
    #[must_use]
    pub fn left_alone(&self, uptime: Duration) -> Duration {
        let until = self.quiet.lock().unwrap_or_default();
        until.saturating_sub(uptime)
    }

    /// Notes that it was left alone for as long as it asked.
    pub fn waited(&self) {
        *self.quiet.lock() = None;
    }
}

/// Where rates come from.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait RateSource: Send + Sync {
    /// The rates of a day. MUST take a retry of the budget for each call after the first, and MUST repeat none but what
    /// [may pass](SourceError::may_pass). MUST NOT call while the source asked to be left alone, also for other days of
    /// the run. The rates MUST be of that day, positive, and at least one.
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

    /// The last day that is stored up to this one, and the first after it.
    fn beside(&self, date: RateDate) -> Result<Vec<StoredRates>, StorageError>;

    /// The days from `first` to `last` that the source told of since then, whether or not that replaced anything. None
    /// after `now` counts: the clock was set back.
    fn told_since(
        &self,
        first: RateDate,
        last: RateDate,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<BTreeSet<RateDate>, StorageError>;

    /// The last days that are stored up to this one, newest first.
    fn latest(&self, date: RateDate, limit: usize) -> Result<Vec<StoredRates>, StorageError>;

    /// MUST replace the whole day and log one change, or none where the same rates are stored; MUST keep what the source
    /// made later. A time of making that is missing or has not come when the day is stored tells nothing: what is stored
    /// later is then newer.
    fn store(&self, day: &DayRates, stamp: &Stamp) -> Result<Stored, StorageError>;
}

/// What is known of ingests, of all instances together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct IngestStatus {
    /// When an ingest of yesterday's or today's rates last ended without a failed day.
    pub last_success: Option<Timestamp>,
    /// The last day that is stored.
    pub newest: Option<RateDate>,
    /// The last scheduled instant for which an ingest was carried out.
    pub carried_out: Option<Timestamp>,
    /// Until when an instance holds the turn.
    pub held_until: Option<Timestamp>,
}

/// By how many seconds the clocks of instances differ at most.
pub const SKEW: u32 = 60 * 60;

/// Lets one instance at a time ingest, and remembers how it went. Traces of use, which are no part of the change log.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait IngestTurns: Send + Sync {
    /// What is known.
    fn status(&self) -> Result<IngestStatus, StorageError>;

    /// Takes the turn for what is due at `due`, until `until`. MUST succeed for one holder alone, and MUST NOT where it
    /// was carried out already, or another holder's turn lasts at `now`. What cannot have been yet, by more than
    /// [`SKEW`] (carried out after `now`, a turn that lasts beyond `until`), MUST NOT be in the way: the clock was set
    /// back.
    fn take(
        &self,
        holder: &str,
        due: Timestamp,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<bool, StorageError>;

    /// Makes the holder's turn last until then. MUST tell whether it was still the holder's.
    fn extend(&self, holder: &str, until: Timestamp) -> Result<bool, StorageError>;

    /// Gives up the holder's turn, which was not carried out to its end: others may take it at once.
    fn give_up(&self, holder: &str) -> Result<(), StorageError>;

    /// Whether a run could store what it fetches. MUST write, and MUST change nothing.
    fn try_out(&self) -> Result<(), StorageError>;

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
    }

    #[test]
    fn a_source_is_left_alone_until_the_time_that_it_named() {
        let seconds = Duration::from_secs;
        let budget = CallBudget::new(0);
        assert_eq!(budget.left_alone(seconds(5)), Duration::ZERO);
        budget.leave_alone(seconds(5), seconds(60));
        assert_eq!(budget.left_alone(seconds(15)), seconds(50));
        assert_eq!(budget.left_alone(seconds(70)), Duration::ZERO);
        budget.waited();
        assert_eq!(budget.left_alone(seconds(5)), Duration::ZERO);
        budget.leave_alone(seconds(5), Duration::MAX);
        assert!(budget.left_alone(seconds(5)) > seconds(1 << 60));
    }
}
