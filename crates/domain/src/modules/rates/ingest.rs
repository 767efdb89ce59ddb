//! Fetching days from the source and storing them, day by day: one that fails leaves what was stored and keeps no other
//! from being tried.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use super::date::RateDate;
use super::error::IngestError;
use super::ports::{CallBudget, IngestStatus, IngestTurns, RateRepository, RateSource, Stored};
use crate::changes::Actor;
use crate::clock::{Clock, Timestamp};
use crate::storage::StorageError;
use crate::write::Stamp;

/// What came of one day.
#[derive(Debug)]
pub struct Ingested {
    /// The day.
    pub date: RateDate,
    /// What came of it.
    pub result: Result<Stored, IngestError>,
}

/// Is told how far an ingest has come.
pub trait IngestProgress {
    /// One of `total` days is done; false ends the ingest.
    fn day(&self, day: &Ingested, done: usize, total: usize) -> bool;
}

/// What came of all days.
#[derive(Debug, Default)]
pub struct IngestReport {
    /// Each day that was tried, oldest first.
    pub days: Vec<Ingested>,
    /// Whether it was told to end before the last day.
    pub interrupted: bool,
}

impl IngestReport {
    /// The days that failed.
    #[must_use]
    pub fn failed(&self) -> Vec<RateDate> {
        let failed = self.days.iter().filter(|day| day.result.is_err());
        failed.map(|day| day.date).collect()
    }
}

/// How an ingest is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IngestOptions {
    /// Calls beyond one a day, for the whole run.
    pub retries: u32,
    /// Store also what is hundreds of times what it was.
    pub force: bool,
}

/// Ingests rates.
pub struct RateIngest {
    source: Arc<dyn RateSource>,
    repository: Arc<dyn RateRepository>,
    turns: Arc<dyn IngestTurns>,
    clock: Arc<dyn Clock>,
    /// The uptime at which this was made.
    started: Duration,
    known: Mutex<IngestStatus>,
    failures: Mutex<BTreeMap<&'static str, u64>>,
}

impl RateIngest {
    /// The ingest over its ports.
    #[must_use]
    pub fn new(
        source: Arc<dyn RateSource>,
        repository: Arc<dyn RateRepository>,
        turns: Arc<dyn IngestTurns>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            source,
            repository,
            turns,
            started: clock.uptime(),
            clock,
            known: Mutex::default(),
            failures: Mutex::default(),
        }
    }

    /// The day that it is, in UTC.
    #[must_use]
    pub fn today(&self) -> RateDate {
        RateDate::of(self.clock.now())
    }

    /// The days before today, oldest first.
    #[must_use]
    pub fn previous(&self, days: u64) -> Vec<RateDate> {
        let today = self.today();
        let earlier = today.before(days).up_to(today.before(1));
        earlier.filter(|date| *date < today).collect()
    }

    /// Whether what a run fetches could be stored: to be asked before the first call, which may cost.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn try_out(&self) -> Result<(), StorageError> {
        self.turns.try_out()
    }

    /// Ingests these days, each in a unit of work of its own.
    pub fn run(
        &self,
        actor: &Actor,
        dates: &[RateDate],
        options: IngestOptions,
        progress: &dyn IngestProgress,
    ) -> IngestReport {
        let calls = CallBudget::new(options.retries);
        let mut report = IngestReport::default();
        for date in dates {
            let result = self.day(actor, *date, options.force, &calls);
            if let Err(error) = &result {
                *self.failures.lock().entry(error.cause()).or_default() += 1;
            }
            let day = Ingested {
                date: *date,
                result,
            };
            let goes_on = progress.day(&day, report.days.len() + 1, dates.len());
            report.days.push(day);
            if !goes_on && report.days.len() < dates.len() {
                report.interrupted = true;
                return report;
            }
        }
        // What was stored of years ago says nothing of whether rates are kept up.
        let recent = dates.iter().any(|date| *date >= self.today().before(1));
        if recent && report.failed().is_empty() {
            self.note_success();
        }
        report
    }

    /// That days are stored matters more than that this is remembered.
    pub(super) fn note_success(&self) {
        let noted = self.turns.succeeded(self.clock.now());
        if let Err(error) = noted.and_then(|()| self.refresh().map(drop)) {
            log::warn!(error:%; "the time of the ingest was not noted");
        }
    }

    /// Those of these days, oldest first, that the source did not tell of since then.
    pub(super) fn left(
        &self,
        dates: Vec<RateDate>,
        since: Timestamp,
    ) -> Result<Vec<RateDate>, StorageError> {
        let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
            return Ok(dates);
        };
        let now = self.clock.now();
        let told = self.repository.told_since(*first, *last, since, now)?;
        Ok(dates
            .into_iter()
            .filter(|date| !told.contains(date))
            .collect())
    }

    fn day(
        &self,
        actor: &Actor,
        date: RateDate,
        force: bool,
        calls: &CallBudget,
    ) -> Result<Stored, IngestError> {
        let day = self.source.fetch(date, calls)?;
        if !force {
            let beside = self.repository.beside(date)?;
            let beside: Vec<_> = beside.into_iter().map(|stored| stored.day).collect();
            day.check_beside(&beside)?;
        }
        let stamp = Stamp {
            actor: actor.clone(),
            at: self.clock.now(),
        };
        Ok(self.repository.store(&day, &stamp)?)
    }

    /// Reads anew what is known of ingests.
    ///
    /// # Errors
    /// [`StorageError`]; what was known stays.
    pub fn refresh(&self) -> Result<IngestStatus, StorageError> {
        let status = self.turns.status()?;
        *self.known.lock() = status;
        Ok(status)
    }

    /// What was known at the last refresh. From memory.
    #[must_use]
    pub fn known(&self) -> IngestStatus {
        *self.known.lock()
    }

    /// How long ago an ingest of yesterday's or today's rates last ended without a failed day; where none did yet, how
    /// long this has waited for one. From memory.
    #[must_use]
    pub fn age(&self) -> Duration {
        let Some(last) = self.known().last_success else {
            return self.clock.uptime().saturating_sub(self.started);
        };
        let age = self.clock.now().as_micros() - last.as_micros();
        Duration::from_micros(u64::try_from(age).unwrap_or(0))
    }

    /// How many days failed in this process, by cause.
    #[must_use]
    pub fn failures(&self) -> BTreeMap<&'static str, u64> {
        self.failures.lock().clone()
    }

    pub(super) fn turns(&self) -> &dyn IngestTurns {
        self.turns.as_ref()
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        self.clock.as_ref()
    }
}

impl fmt::Debug for RateIngest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateIngest").finish_non_exhaustive()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clock::{MockClock, Timestamp};
    use crate::ids::Seq;
    use crate::modules::rates::SourceError;
    use crate::modules::rates::day::StoredRates;
    use crate::modules::rates::day::tests::day;
    use crate::modules::rates::ports::{MockIngestTurns, MockRateRepository, MockRateSource};

    const OPTIONS: IngestOptions = IngestOptions {
        retries: 3,
        force: false,
    };

    pub(crate) fn instant(text: &str) -> Timestamp {
        Timestamp::try_from(text.to_owned()).unwrap()
    }

    pub(crate) struct GoOn;

    impl IngestProgress for GoOn {
        fn day(&self, _: &Ingested, _: usize, _: usize) -> bool {
            true
        }
    }

    pub(crate) fn ingest(
        now: &str,
        source: MockRateSource,
        repository: MockRateRepository,
        turns: MockIngestTurns,
    ) -> RateIngest {
        let mut clock = MockClock::new();
        clock.expect_now().return_const(instant(now));
        clock.expect_uptime().return_const(Duration::from_secs(1));
        RateIngest::new(
            Arc::new(source),
            Arc::new(repository),
            Arc::new(turns),
            Arc::new(clock),
        )
    }

    fn previous(now: &str) -> Vec<String> {
        let ingest = ingest(
            now,
            MockRateSource::new(),
            MockRateRepository::new(),
            MockIngestTurns::new(),
        );
        ingest.previous(3).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_previous_days_end_with_yesterday_also_at_midnight_and_on_a_leap_day() {
        let february = ["2024-02-26", "2024-02-27", "2024-02-28"];
        assert_eq!(previous("2024-02-29T00:00:00Z"), february);
        assert_eq!(previous("2024-02-29T23:59:59.999999Z"), february);
        let march = ["2024-02-27", "2024-02-28", "2024-02-29"];
        assert_eq!(previous("2024-03-01T00:00:00Z"), march);
    }

    #[test]
    fn a_day_that_fails_keeps_no_other_from_being_tried() {
        let mut source = MockRateSource::new();
        source.expect_fetch().times(3).returning(|date, _| {
            if date.to_string() == "2024-02-27" {
                return Err(SourceError::Refused(104));
            }
            Ok(day(&date.to_string(), &[("USD", "1.1")]))
        });
        let mut repository = MockRateRepository::new();
        repository.expect_beside().returning(|_| Ok(Vec::new()));
        repository
            .expect_store()
            .times(2)
            .returning(|_, _| Ok(Stored::New));
        let ingest = ingest(
            "2024-02-29T10:00:00Z",
            source,
            repository,
            MockIngestTurns::new(),
        );
        let dates = ingest.previous(3);
        let report = ingest.run(&Actor::CommandLine, &dates, OPTIONS, &GoOn);
        assert_eq!(report.failed(), [RateDate::parse("2024-02-27").unwrap()]);
        assert_eq!(ingest.failures(), BTreeMap::from([("limit_reached", 1)]));
    }

    #[test]
    fn a_price_that_cannot_be_right_is_stored_only_when_it_is_forced() {
        for force in [false, true] {
            let mut source = MockRateSource::new();
            source
                .expect_fetch()
                .returning(|date, _| Ok(day(&date.to_string(), &[("USD", "1100")])));
            let mut repository = MockRateRepository::new();
            repository.expect_beside().returning(|_| {
                Ok(vec![StoredRates {
                    day: day("2024-02-27", &[("USD", "1.1")]),
                    ingested_at: instant("2024-02-28T00:00:00Z"),
                    version: Seq(1),
                }])
            });
            repository
                .expect_store()
                .times(usize::from(force))
                .returning(|_, _| Ok(Stored::New));
            let mut turns = MockIngestTurns::new();
            turns
                .expect_succeeded()
                .times(usize::from(force))
                .returning(|_| Ok(()));
            turns
                .expect_status()
                .returning(|| Ok(IngestStatus::default()));
            let ingest = ingest("2024-02-29T10:00:00Z", source, repository, turns);
            let options = IngestOptions { force, ..OPTIONS };
            let report = ingest.run(&Actor::System, &ingest.previous(1), options, &GoOn);
            assert_eq!(report.failed().is_empty(), force);
        }
    }

    #[test]
    fn a_run_that_is_told_to_end_ends() {
        struct End;
        impl IngestProgress for End {
            fn day(&self, _: &Ingested, done: usize, total: usize) -> bool {
                assert_eq!(total, 3);
                done < 2
            }
        }
        let mut source = MockRateSource::new();
        source
            .expect_fetch()
            .times(2)
            .returning(|_, _| Err(SourceError::Redirect));
        let ingest = ingest(
            "2024-02-29T10:00:00Z",
            source,
            MockRateRepository::new(),
            MockIngestTurns::new(),
        );
        let report = ingest.run(&Actor::System, &ingest.previous(3), OPTIONS, &End);
        assert_eq!((report.days.len(), report.interrupted), (2, true));
    }

    #[test]
    fn what_is_stored_of_years_ago_is_no_success_that_monitors_read() {
        for (on, noted) in [("2010-01-01", 0), ("2024-02-28", 1), ("2024-02-29", 1)] {
            let mut source = MockRateSource::new();
            source
                .expect_fetch()
                .returning(|date, _| Ok(day(&date.to_string(), &[("USD", "1.1")])));
            let mut repository = MockRateRepository::new();
            repository.expect_beside().returning(|_| Ok(Vec::new()));
            repository
                .expect_store()
                .returning(|_, _| Ok(Stored::Unchanged));
            let mut turns = MockIngestTurns::new();
            turns.expect_succeeded().times(noted).returning(|_| Ok(()));
            turns
                .expect_status()
                .returning(|| Ok(IngestStatus::default()));
            let ingest = ingest("2024-02-29T10:00:00Z", source, repository, turns);
            let dates = [RateDate::parse(on).unwrap()];
            let report = ingest.run(&Actor::System, &dates, OPTIONS, &GoOn);
            assert!(report.failed().is_empty());
        }
    }

    #[test]
    fn the_age_counts_from_the_start_until_something_succeeds() {
        let mut clock = MockClock::new();
        clock
            .expect_now()
            .return_const(instant("2024-02-29T10:00:00Z"));
        let mut uptime = 0;
        clock.expect_uptime().returning(move || {
            uptime += 50;
            Duration::from_secs(uptime)
        });
        let mut turns = MockIngestTurns::new();
        turns.expect_status().returning(|| {
            Ok(IngestStatus {
                last_success: Some(instant("2024-02-29T09:59:00Z")),
                ..IngestStatus::default()
            })
        });
        let ingest = RateIngest::new(
            Arc::new(MockRateSource::new()),
            Arc::new(MockRateRepository::new()),
            Arc::new(turns),
            Arc::new(clock),
        );
        assert_eq!(ingest.age(), Duration::from_secs(50));
        assert_eq!(ingest.age(), Duration::from_secs(100));
        ingest.refresh().unwrap();
        assert_eq!(ingest.age(), Duration::from_secs(60));
    }
}
