//! The ingest on a schedule: once a day at a given time, by one instance however many there are.
//!
//! A server that was down at that time, or whose neighbour ended in the midst of it, makes up for it.

use std::sync::Arc;
use std::time::Duration;

use super::ingest::{IngestOptions, IngestProgress, IngestReport, Ingested, RateIngest};
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
        let due = time.last(now);
        let carried_out = status.carried_out.is_some_and(|at| at >= due);
        if carried_out || status.held_until.is_some_and(|until| until > now) {
            return Ok(None);
        }
        let turns = self.ingest.turns();
        if !turns.take(&self.holder, due, now, now.plus_seconds(TURN))? {
            return Ok(None);
        }
        let dates = self.ingest.previous(self.days);
        let turn = Turn {
            schedule: self,
            progress,
        };
        let report = self
            .ingest
            .run(&Actor::Job("rates"), &dates, self.options, &turn);
        if report.days.len() == dates.len() {
            turns.finish(&self.holder, due)?;
        }
        Ok(Some(report))
    }

    /// How often to look whether it is due.
    #[must_use]
    pub fn pause(&self) -> Duration {
        Duration::from_secs(10)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modules::rates::SourceError;
    use crate::modules::rates::ingest::tests::{GoOn, ingest, instant};
    use crate::modules::rates::ports::{
        IngestStatus, MockIngestTurns, MockRateRepository, MockRateSource,
    };

    fn schedule(status: IngestStatus, taken: Option<bool>) -> Schedule {
        let mut turns = MockIngestTurns::new();
        turns.expect_status().returning(move || Ok(status));
        turns
            .expect_take()
            .times(usize::from(taken.is_some()))
            .returning(move |_, _, _, _| Ok(taken.unwrap_or_default()));
        let runs = usize::from(taken == Some(true));
        turns
            .expect_extend()
            .times(2 * runs)
            .returning(|_, _| Ok(true));
        turns.expect_finish().times(runs).returning(|_, _| Ok(()));
        let mut source = MockRateSource::new();
        source
            .expect_fetch()
            .times(2 * runs)
            .returning(|_, _| Err(SourceError::Redirect));
        Schedule {
            ingest: Arc::new(ingest(
                "2024-03-01T10:00:00Z",
                source,
                MockRateRepository::new(),
                turns,
            )),
            time: Some(TimeOfDay::parse("06:30").unwrap()),
            days: 2,
            options: IngestOptions {
                retries: 0,
                force: false,
            },
            holder: "this one".to_owned(),
        }
    }

    #[test]
    fn what_is_due_is_carried_out_by_whoever_gets_the_turn() {
        let status = IngestStatus::default();
        let report = schedule(status, Some(true)).turn(&GoOn).unwrap();
        assert_eq!(report.unwrap().days.len(), 2);
        assert!(schedule(status, Some(false)).turn(&GoOn).unwrap().is_none());
    }

    #[test]
    fn what_was_carried_out_or_is_being_carried_out_is_left_alone() {
        let carried_out = IngestStatus {
            carried_out: Some(instant("2024-03-01T06:30:00Z")),
            ..IngestStatus::default()
        };
        let held = IngestStatus {
            held_until: Some(instant("2024-03-01T10:00:01Z")),
            ..IngestStatus::default()
        };
        for status in [carried_out, held] {
            assert!(schedule(status, None).turn(&GoOn).unwrap().is_none());
        }
        let yesterdays = IngestStatus {
            carried_out: Some(instant("2024-02-29T06:30:00Z")),
            held_until: Some(instant("2024-03-01T09:59:59Z")),
            ..IngestStatus::default()
        };
        assert!(
            schedule(yesterdays, Some(true))
                .turn(&GoOn)
                .unwrap()
                .is_some()
        );
    }
}
