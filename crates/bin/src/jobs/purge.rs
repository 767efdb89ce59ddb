//! Purges the GUID register: records that expired 30 days ago go, so that it does not grow for ever.
//!
//! Every instance does so; what one has purged is not there for the next. It goes in small units of work with pauses, so
//! that nobody's change waits for it.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use flagstaff_domain::access::{AccessError, GuidService};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::storage::StorageError;

/// How often the register is looked at.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// After a failure it is looked at sooner.
const AGAIN: Duration = Duration::from_secs(60);
/// How many records go in one unit of work.
const AT_ONCE: usize = 200;
/// How long others have the database between two of them.
const PAUSE: Duration = Duration::from_millis(50);

/// The thread that purges; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Purge {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Purge {
    /// Starts to purge, at once and then every hour.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(crate) fn start(guids: GuidService) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("purge".to_owned())
            .spawn(move || {
                let mut next = PAUSE;
                while stopped.recv_timeout(next) == Err(RecvTimeoutError::Timeout) {
                    let turn = catch_unwind(AssertUnwindSafe(|| turn(&guids, &stopped)));
                    next = note(turn.unwrap_or_else(|_| {
                        Err(StorageError::failed("purging the GUID register panicked").into())
                    }));
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

/// Purges until there is nothing left to purge, or the thread is to end.
fn turn(guids: &GuidService, stopped: &Receiver<()>) -> Result<usize, AccessError> {
    let mut purged = 0;
    loop {
        let gone = guids.purge(&Actor::Job("purge"), AT_ONCE)?;
        purged += gone;
        if gone < AT_ONCE || stopped.recv_timeout(PAUSE) != Err(RecvTimeoutError::Timeout) {
            return Ok(purged);
        }
    }
}

/// Tells what came of a turn, and returns when the next one is due.
fn note(result: Result<usize, AccessError>) -> Duration {
    match result {
        Ok(0) => INTERVAL,
        Ok(records) => {
            log::info!(records; "purged the GUID register");
            INTERVAL
        }
        Err(error) => {
            log::warn!(error:%; "the GUID register was not purged");
            AGAIN
        }
    }
}

/// Purges for a command; returns how many records went.
///
/// # Errors
/// [`AccessError::Storage`].
pub(crate) fn all(guids: &GuidService) -> Result<usize, AccessError> {
    let mut purged = 0;
    loop {
        let gone = guids.purge(&Actor::CommandLine, AT_ONCE)?;
        purged += gone;
        if gone < AT_ONCE {
            return Ok(purged);
        }
    }
}

impl Drop for Purge {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
