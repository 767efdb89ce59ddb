//! The thread of a server that ingests rates when it is due, and keeps what readiness and metrics tell of it current.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use flagstaff_domain::modules::rates::{IngestProgress, IngestReport, Ingested, Schedule, Stored};
use flagstaff_domain::storage::StorageError;

/// How long the end waits for a day that is being fetched. What is cut off then another server goes on with, or this one
/// at its next start.
const PATIENCE: Duration = Duration::from_secs(2);

const INTERRUPTED: &str = "ingesting rates was interrupted by the stop; the days that are left follow with the next server that is up";

/// The thread; it is told to end when this is dropped.
#[derive(Debug)]
pub(super) struct Job {
    stop: Option<Sender<()>>,
    stopping: Arc<AtomicBool>,
    ended: Mutex<Receiver<()>>,
    schedule: Arc<Schedule>,
}

/// Logs each day, and ends when the server does.
struct Logged(Arc<AtomicBool>);

impl IngestProgress for Logged {
    fn day(&self, day: &Ingested, _: usize, _: usize) -> bool {
        let date = day.date;
        match &day.result {
            Ok(Stored::New | Stored::Replaced) => log::info!(date:%; "rates stored"),
            Ok(Stored::Unchanged | Stored::Newer) => {
                log::debug!(date:%; "rates are stored already")
            }
            Err(error) => {
                log::error!(date:%, cause = error.cause(), error:%; "rates were not ingested; what was stored stays");
            }
        }
        !self.0.load(Ordering::Relaxed)
    }
}

impl Job {
    /// Starts it.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(super) fn start(schedule: Schedule) -> io::Result<Self> {
        let schedule = Arc::new(schedule);
        let carried_out = Arc::clone(&schedule);
        let (stop, stopped) = channel();
        let (end, ended) = channel();
        let stopping = Arc::<AtomicBool>::default();
        let progress = Logged(Arc::clone(&stopping));
        thread::Builder::new()
            .name("rates".to_owned())
            .spawn(move || {
                let _end: Sender<()> = end;
                let mut pause = Duration::ZERO;
                while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    let turn = catch_unwind(AssertUnwindSafe(|| carried_out.turn(&progress)));
                    note(
                        turn.unwrap_or_else(|_| {
                            Err(StorageError::failed("ingesting rates panicked"))
                        }),
                    );
                    pause = carried_out.pause();
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            stopping,
            ended: Mutex::new(ended),
            schedule,
        })
    }
}

fn note(turn: Result<Option<IngestReport>, StorageError>) {
    match turn {
        Ok(None) => {}
        Ok(Some(report)) => {
            let (days, failed) = (report.days.len(), report.failed().len());
            if report.interrupted {
                log::warn!(days, failed; "{INTERRUPTED}");
            } else {
                log::info!(days, failed; "ingested rates");
            }
        }
        // Told of by whatever else needs the database.
        Err(error) => log::debug!(error:%; "it is not known whether rates are due"),
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        self.stopping.store(true, Ordering::Relaxed);
        self.stop = None;
        let Ok(ended) = self.ended.lock() else {
            return;
        };
        if ended.recv_timeout(PATIENCE) != Err(RecvTimeoutError::Timeout) {
            return;
        }
        match self.schedule.give_up() {
            Ok(()) => log::warn!("{INTERRUPTED}"),
            Err(error) => {
                log::warn!(error:%; "{INTERRUPTED}, and others wait until its turn ends by itself")
            }
        }
    }
}
