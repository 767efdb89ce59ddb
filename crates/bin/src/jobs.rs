//! What a server does beside answering requests: follow the change log, [`purge`] the GUID register, forget [`sessions`],
//! store [`traces`].
//!
//! Changes made elsewhere, as by a command or another instance, are served within a second this way, sooner where the
//! database tells of them.

mod background;
pub(crate) mod purge;
pub(crate) mod sessions;
pub(crate) mod traces;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::wiring::ending;
use flagstaff_domain::serving::Serving;
use flagstaff_domain::storage::StorageError;

/// How long a server that ends waits for a thread, which may wait for a database that never answers.
pub(crate) const AT_THE_END: Duration = Duration::from_secs(2);
/// How often the log is looked at.
const INTERVAL: Duration = Duration::from_millis(250);

/// The thread that follows the log; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Poll {
    /// Without it the thread ends.
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Poll {
    /// Starts to follow the log.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(crate) fn start(serving: Arc<Serving>) -> io::Result<Self> {
        // One wake that waits is enough for all that led to it.
        let (wake, woken) = sync_channel(1);
        let thread = thread::Builder::new()
            .name("poll".to_owned())
            .spawn(move || {
                let mut outage = ReadOutage::default();
                while woken.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Disconnected) {
                    let refresh = AssertUnwindSafe(|| serving.refresh());
                    outage.note(catch_unwind(refresh).unwrap_or_else(|_| {
                        Err(StorageError::failed("reading the changes panicked"))
                    }));
                }
            })?;
        Ok(Self {
            wake: Some(wake),
            thread: Some(thread),
        })
    }

    /// Wakes the thread before its time. It does not end before these are dropped.
    pub(crate) fn waker(&self) -> impl Fn() + Send + 'static {
        let wake = self.wake.clone();
        move || {
            // Where one waits already, or the thread has ended, there is nothing to do.
            let _ = wake.as_ref().map(|wake| wake.try_send(()));
        }
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            ending::wait_for(thread, AT_THE_END);
        }
    }
}

/// Logs an outage when it begins and when it ends, not four times a second.
#[derive(Debug, Default)]
struct ReadOutage {
    since: Option<Instant>,
}

impl ReadOutage {
    /// Takes the result of one look; returns whether there was something to log.
    fn note(&mut self, result: Result<(), StorageError>) -> bool {
        match (result, self.since) {
            (Err(error), None) => {
                log::error!(error:%; "the database cannot be read; flags are served from memory");
                self.since = Some(Instant::now());
                true
            }
            (Ok(()), Some(since)) => {
                let seconds = since.elapsed().as_secs();
                log::info!(seconds; "the database can be read again");
                self.since = None;
                true
            }
            (Ok(()), None) | (Err(_), Some(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_logged_when_it_begins_and_when_it_ends() {
        let mut outage = ReadOutage::default();
        let looks = [true, true, false, false, false, true, true, false];
        let logged = looks.map(|works| {
            outage.note(if works {
                Ok(())
            } else {
                Err(StorageError::unavailable("locked"))
            })
        });
        assert_eq!(
            logged,
            [false, false, true, false, false, true, false, true]
        );
    }
}
