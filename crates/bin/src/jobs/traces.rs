//! Stores what requests leave behind, so that none of them waits for it: what they tell of identities, every second, and which
//! features they used, every ten seconds; and forgets it when its time has come. What a crash takes is what was told since.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use flagstaff_domain::clock::Clock;
use flagstaff_domain::flags::{TraitStore, UsageLog};
use flagstaff_domain::storage::StorageError;

use super::background::{Background, Pace, until_none};

/// How often identities are stored, and those of other instances looked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often uses are stored.
const USES: Duration = Duration::from_secs(10);
/// How often what is old is looked for.
const PURGES: Duration = Duration::from_secs(60 * 60);
/// How many go in one unit of work.
const AT_ONCE: usize = 500;
/// How many units of work with identities follow one another, while more are told, before something else has its turn.
const IN_A_ROW: usize = 20;
/// How many identities of other instances are taken over at once.
const FOLLOWED: usize = 5_000;

/// What requests leave behind, and for how many days it is kept.
#[derive(Clone)]
pub(crate) struct Traces {
    pub(crate) traits: Arc<dyn TraitStore>,
    pub(crate) traits_keep_days: u32,
    pub(crate) usage: Arc<dyn UsageLog>,
    pub(crate) usage_keep_days: u32,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Traces {
    /// Fills the memory of traits, and starts to store until the handle is dropped.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(crate) fn start(&self) -> io::Result<Background> {
        match self.traits.load() {
            Ok(identities) => log::debug!(identities; "traits are in memory"),
            Err(error) => log::warn!(error:%; "traits were not brought into memory"),
        }
        let traces = self.clone();
        let mut due = Due::default();
        let mut outage = None;
        Background::start("traces", INTERVAL, move |pace| {
            let carried_out = traces.turn(pace, &mut due);
            note(carried_out, &mut outage);
            INTERVAL
        })
    }

    fn turn(&self, pace: &Pace, due: &mut Due) -> Result<(), StorageError> {
        let now = self.clock.now();
        let mut left = IN_A_ROW;
        let identities = until_none(pace, AT_ONCE, |limit| {
            left = left.saturating_sub(1);
            let written = self.traits.write(limit, self.clock.now())?;
            Ok(if left == 0 { 0 } else { written })
        });
        // What fails hinders nothing else.
        let steps = [
            identities,
            self.traits.follow(FOLLOWED, now),
            when_due(&mut due.uses, USES, || {
                until_none(pace, AT_ONCE, |limit| self.usage.write(limit))
            }),
            when_due(&mut due.old_identities, PURGES, || {
                let Some(before) = now.minus_days(self.traits_keep_days) else {
                    return Ok(0);
                };
                until_none(pace, AT_ONCE, |limit| self.traits.purge(before, limit))
            }),
            when_due(&mut due.old_uses, PURGES, || {
                let Some(before) = now.minus_days(self.usage_keep_days) else {
                    return Ok(0);
                };
                until_none(pace, AT_ONCE, |limit| self.usage.purge(before, limit))
            }),
        ];
        steps.into_iter().try_for_each(|step| step.map(drop))
    }

    /// Stores what is left, at the end.
    pub(crate) fn flush(&self) {
        let now = self.clock.now();
        let all = |some: &dyn Fn() -> Result<usize, StorageError>| {
            while some()? >= AT_ONCE {}
            Ok(())
        };
        let steps = [
            all(&|| self.traits.write(AT_ONCE, now)),
            all(&|| self.usage.write(AT_ONCE)),
        ];
        if let Err(error) = steps.into_iter().collect::<Result<(), _>>() {
            log_failure(&error);
        }
    }
}

/// When something was last done.
#[derive(Default)]
struct Due {
    uses: Option<Instant>,
    old_identities: Option<Instant>,
    old_uses: Option<Instant>,
}

/// Does something where it is time to; what fails is tried again the next time.
fn when_due(
    last: &mut Option<Instant>,
    every: Duration,
    some: impl FnOnce() -> Result<usize, StorageError>,
) -> Result<usize, StorageError> {
    if last.is_some_and(|last| last.elapsed() < every) {
        return Ok(0);
    }
    let done = some()?;
    *last = Some(Instant::now());
    Ok(done)
}

fn log_failure(error: &StorageError) {
    log::warn!(error:%; "what identities told of themselves and which features were used is not stored");
}

/// Tells when storing begins to fail, and when it succeeds again.
fn note(carried_out: Result<(), StorageError>, outage: &mut Option<Instant>) {
    match (carried_out, *outage) {
        (Err(error), None) => {
            log_failure(&error);
            *outage = Some(Instant::now());
        }
        (Ok(()), Some(since)) => {
            let seconds = since.elapsed().as_secs();
            log::info!(seconds; "what identities told and which features were used is stored again");
            *outage = None;
        }
        (Ok(()), None) | (Err(_), Some(_)) => {}
    }
}
