//! The ingest on a schedule: once a day at a given time, by one instance however many there are.
//!
//! A server that was down at that time, or whose neighbour ended in the midst of it, makes up for it.

use std::sync::Arc;
use std::time::Duration;

use super::ingest::{IngestOptions, IngestProgress, IngestReport, Ingested, RateIngest};
use super::ports::SKEW;
use crate::changes::Actor;
use crate::clock::TimeOfDay;
use crate::storage::StorageError;

/// How long a turn lasts without being extended: longer than any day takes.
const TURN: u32 = 600;

/// The ingest of one instance.
#[derive(Debug)]
pub struct Schedule {
    /// What is run.
    pub ingest: Arc<RateIngest>,
    /// When; `None` for never.
    pub time: Option<TimeOfDay>,
    /// How many days before today.
    pub days: u64,
    /// How.
    pub options: IngestOptions,
    /// What tells this instance from the others.
    pub holder: String,
}

/// Extends the turn with each day.
struct Turn<'a> {
    schedule: &'a Schedule,
    progress: &'a dyn IngestProgress,
}

impl IngestProgress for Turn<'_> {
    fn day(&self, day: &Ingested, done: usize, total: usize) -> bool {
        let Schedule { ingest, holder, .. } = self.schedule;
        let until = ingest.clock().now().plus_seconds(TURN);
        let held = match ingest.turns().extend(holder, until) {
            Ok(held) => held,
            Err(error) => {
                // Nobody else can take the turn from a store that is away.
                log::warn!(error:%; "the turn to ingest rates was not extended");
                true
            }
        };
        self.progress.day(day, done, total) && held
    }
}

impl Schedule {
    /// Ingests when it is due and no other instance does; `None` when there was nothing to do.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn turn(
        &self,
        progress: &dyn IngestProgress,
    ) -> Result<Option<IngestReport>, StorageError> {
        let status = self.ingest.refresh()?;
        let Some(time) = self.time else {
            return Ok(None);
        };
        let now = self.ingest.clock().now();
        let (due, until) = (time.last(now), now.plus_seconds(TURN));
        // What lies in the future was noted before the clock was set back.
        let carried_out = |at| (due..=now.plus_seconds(SKEW)).contains(&at);
        let held = |to| now < to && to <= until.plus_seconds(SKEW);
        if status.carried_out.is_some_and(carried_out) || status.held_until.is_some_and(held) {
            return Ok(None);
        }
        let turns = self.ingest.turns();
        if !turns.take(&self.holder, due, now, until)? {
            return Ok(None);
        }
        // A turn that was cut off stored some of them already.
        let dates = self.ingest.left(self.ingest.previous(self.days), due)?;
        let turn = Turn {
            schedule: self,
            progress,
        };
        let report = self
            .ingest
            .run(&Actor::Job("rates"), &dates, self.options, &turn);
        if report.interrupted {
            turns.give_up(&self.holder)?;
        } else {
            turns.finish(&self.holder, due)?;
            if report.failed().is_empty() {
                self.ingest.note_success();
            }
        }
        Ok(Some(report))
    }

    /// Lets another instance go on at once with what this one has begun and can no longer end.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn give_up(&self) -> Result<(), StorageError> {
        self.ingest.turns().give_up(&self.holder)
    }

    /// How often to look whether it is due.
    #[must_use]
    pub fn pause(&self) -> Duration {
        Duration::from_secs(10)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::modules::rates::ingest::tests::{GoOn, ingest, instant};
    use crate::modules::rates::ports::{
        IngestStatus, MockIngestTurns, MockRateRepository, MockRateSource,
    };
    use crate::modules::rates::{RateDate, SourceError};

    fn schedule(status: IngestStatus, taken: Option<bool>, told: &[&str]) -> Schedule {
        let mut turns = MockIngestTurns::new();
        turns.expect_status().returning(move || Ok(status));
        turns
            .expect_take()
            .times(usize::from(taken.is_some()))
            .returning(move |_, _, _, _| Ok(taken.unwrap_or_default()));
        let runs = usize::from(taken == Some(true));
        let days = (2 - told.len()) * runs;
        turns.expect_extend().times(days).returning(|_, _| Ok(true));
        turns.expect_finish().times(runs).returning(|_, _| Ok(()));
        let succeeded = usize::from(days == 0) * runs;
        turns
            .expect_succeeded()
            .times(succeeded)
            .returning(|_| Ok(()));
        let mut source = MockRateSource::new();
        source
            .expect_fetch()
            .times(days)
            .returning(|_, _| Err(SourceError::Redirect));
        let told: BTreeSet<_> = told.iter().map(|on| RateDate::parse(on).unwrap()).collect();
        let mut repository = MockRateRepository::new();
        repository
            .expect_told_since()
            .returning(move |_, _, _, _| Ok(told.clone()));
        Schedule {
            ingest: Arc::new(ingest("2024-03-01T10:00:00Z", source, repository, turns)),
            time: Some(TimeOfDay::parse("06:30").unwrap()),
            days: 2,
            options: IngestOptions {
                retries: 0,
                force: false,
            },
            holder: "this one".to_owned(),
        }
    }

    /// How many days were asked for; `None` where it was no turn.
    fn asked(status: IngestStatus, taken: Option<bool>, told: &[&str]) -> Option<usize> {
        let report = schedule(status, taken, told).turn(&GoOn).unwrap();
        report.map(|report| report.days.len())
    }

    #[test]
    fn what_is_due_is_carried_out_by_whoever_gets_the_turn() {
        let status = IngestStatus::default();
        assert_eq!(asked(status, Some(true), &[]), Some(2));
        assert_eq!(asked(status, Some(false), &[]), None);
    }

    #[test]
    fn what_a_turn_that_was_cut_off_stored_is_not_asked_for_again() {
        let status = IngestStatus::default();
        let (first, last) = ("2024-02-28", "2024-02-29");
        assert_eq!(asked(status, Some(true), &[last]), Some(1));
        assert_eq!(asked(status, Some(true), &[first, last]), Some(0));
    }

    #[test]
    fn a_turn_that_is_told_to_end_is_given_up() {
        struct End;
        impl IngestProgress for End {
            fn day(&self, _: &Ingested, _: usize, _: usize) -> bool {
                false
            }
        }
        let mut turns = MockIngestTurns::new();
        turns
            .expect_status()
            .returning(|| Ok(IngestStatus::default()));
        turns.expect_take().returning(|_, _, _, _| Ok(true));
        turns.expect_extend().returning(|_, _| Ok(true));
        turns.expect_give_up().times(1).returning(|_| Ok(()));
        let mut source = MockRateSource::new();
        source
            .expect_fetch()
            .times(1)
            .returning(|_, _| Err(SourceError::Redirect));
        let mut repository = MockRateRepository::new();
        repository
            .expect_told_since()
            .returning(|_, _, _, _| Ok(BTreeSet::new()));
        let schedule = Schedule {
            ingest: Arc::new(ingest("2024-03-01T10:00:00Z", source, repository, turns)),
            ..schedule(IngestStatus::default(), None, &[])
        };
        let report = schedule.turn(&End).unwrap().unwrap();
        assert!(report.interrupted);
    }

    #[test]
    fn what_was_carried_out_or_is_being_carried_out_is_left_alone() {
        let carried_out = |at| IngestStatus {
            carried_out: Some(instant(at)),
            ..IngestStatus::default()
        };
        let held = |until| IngestStatus {
            held_until: Some(instant(until)),
            ..IngestStatus::default()
        };
        for status in [
            carried_out("2024-03-01T06:30:00Z"),
            // Another instance's clock is ahead of this one's.
            carried_out("2024-03-01T10:00:30Z"),
            held("2024-03-01T10:00:01Z"),
            held("2024-03-01T10:10:30Z"),
        ] {
            assert_eq!(asked(status, None, &[]), None);
        }
        let yesterdays = IngestStatus {
            held_until: Some(instant("2024-03-01T09:59:59Z")),
            ..carried_out("2024-02-29T06:30:00Z")
        };
        let before_the_clock_was_set_back = IngestStatus {
            held_until: Some(instant("2025-03-01T10:10:00Z")),
            ..carried_out("2025-03-01T06:30:00Z")
        };
        for status in [yesterdays, before_the_clock_was_set_back] {
            assert_eq!(asked(status, Some(true), &[]), Some(2));
        }
    }
}
