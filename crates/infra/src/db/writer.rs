//! The one writer: a thread that takes units of work from a bounded queue and commits those that wait together.
//!
//! It begins immediate, runs each unit inside a savepoint, commits once, lets the served snapshots be renewed, and then
//! answers them all: writers share an fsync, and no answer precedes it. Here is the handle; `turns` is the thread.

mod job;
mod turns;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{
    Receiver, RecvTimeoutError, SyncSender, TrySendError, channel, sync_channel,
};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use flagstaff_domain::storage::{Outage, StorageError};
use parking_lot::Mutex;

use super::DbOptions;
use super::any::DbConnection;
use super::condition::Condition;
use super::connection::Anchor;
use super::error::{OpenError, WorkError};
use super::silence::Statements;
use crate::ending;
use job::{Claim, Job, Work};
use turns::Turns;

type AfterCommit = Box<dyn Fn() -> Result<(), StorageError> + Send + Sync>;

/// How long a caller waits for a server, which may never answer; and how long where it is known to be away.
const SERVER: Duration = Duration::from_millis(1_750);
const SERVER_AWAY: Duration = Duration::from_millis(750);

/// What the handle and the thread both know, and the writer that takes its place.
pub(super) struct Shared {
    /// How many turns have ended.
    turns: AtomicU64,
    capacity: u64,
    log_bytes: AtomicU64,
    condition: Condition,
    after_commit: OnceLock<AfterCommit>,
}

impl Shared {
    pub(super) fn new(options: &DbOptions) -> Self {
        Self {
            turns: AtomicU64::new(0),
            capacity: options.queue as u64,
            log_bytes: AtomicU64::new(0),
            condition: Condition::default(),
            after_commit: OnceLock::new(),
        }
    }
}

/// The handle to the writing thread, which ends when the handle is dropped.
pub(super) struct Writer {
    queue: Option<SyncSender<Box<dyn Job>>>,
    shared: Arc<Shared>,
    waiting: Arc<AtomicU64>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// Whether callers give up a database that does not answer. A file answers in the end, however slow its disk.
    impatient: bool,
}

impl Writer {
    pub(super) fn start(
        options: &DbOptions,
        connection: Option<DbConnection>,
        anchor: Option<Anchor>,
        shared: Arc<Shared>,
        statements: &Statements,
    ) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(options.queue);
        let waiting = Arc::<AtomicU64>::default();
        let turns = Turns {
            options: options.clone(),
            anchor,
            connection,
            next_check: Instant::now(),
            shared: Arc::clone(&shared),
            waiting: Arc::clone(&waiting),
            statements: statements.clone(),
        };
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || turns.run(&jobs))
            .map_err(|error| OpenError::File(format!("cannot start the writer: {error}")))?;
        Ok(Self {
            queue: Some(queue),
            shared,
            waiting,
            thread: Mutex::new(Some(thread)),
            impatient: options.location.is_server() && options.busy < SERVER,
        })
    }

    pub(super) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.shared)
    }

    /// Nobody waits for the thread's end any more. It ends when the database answers it.
    pub(super) fn abandon(&self) {
        drop(self.thread.lock().take());
    }

    pub(super) fn on_commit(&self, after_commit: AfterCommit) {
        if self.shared.after_commit.set(after_commit).is_err() {
            log::error!("what follows a commit was set twice; the first stays");
        }
    }

    pub(super) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    pub(super) fn outage(&self) -> Option<Outage> {
        self.shared.condition.outage()
    }

    /// The length of the log when the thread last looked.
    pub(super) fn log_bytes(&self) -> u64 {
        self.shared.log_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn capacity(&self) -> u64 {
        self.shared.capacity
    }

    pub(super) fn write<T, E>(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<T, WorkError<E>> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StorageError> + Send + 'static,
    {
        let (answer, answered) = channel();
        let claim = Claim::default();
        let turns = self.shared.turns.load(Ordering::Relaxed);
        self.enqueue(Work {
            work,
            claim: claim.clone(),
            answer,
        })?;
        let given_up = match self.wait(&answered) {
            Ok(result) => return result,
            Err(RecvTimeoutError::Disconnected) if claim.take() => stopped(),
            Err(RecvTimeoutError::Disconnected) => StorageError::in_doubt("the writer has ended"),
            Err(RecvTimeoutError::Timeout) => self.give_up(&claim, turns),
        };
        // The answer may have come at the last moment.
        answered
            .try_recv()
            .unwrap_or_else(|_| Err(E::from(given_up)))
    }

    fn wait<T>(&self, answered: &Receiver<T>) -> Result<T, RecvTimeoutError> {
        if !self.impatient {
            return answered.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        answered.recv_timeout(match self.outage() {
            Some(_) => SERVER_AWAY,
            None => SERVER,
        })
    }

    /// Gives up a unit of work, where that can still be done; `turns` had ended when it was queued.
    fn give_up(&self, claim: &Claim, turns: u64) -> StorageError {
        let withdrawn = claim.take();
        if withdrawn && self.shared.turns.load(Ordering::Relaxed) != turns {
            return StorageError::unavailable("too many writes are waiting already");
        }
        let error = if withdrawn {
            StorageError::unavailable("the database does not answer")
        } else {
            StorageError::in_doubt("the database does not answer; the change may be stored")
        };
        self.shared.condition.fails(&error);
        error
    }

    /// Puts a unit of work into the queue.
    fn enqueue(&self, job: impl Job + 'static) -> Result<(), StorageError> {
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        self.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(Box::new(job)).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => {
                    StorageError::unavailable("too many writes are waiting already")
                }
                TrySendError::Disconnected(_) => stopped(),
            }
        })
    }

    /// Puts a unit of work into the queue, and waits for nothing.
    pub(super) fn write_later(
        &self,
        work: impl FnOnce(&mut DbConnection) -> Result<(), WorkError<StorageError>> + Send + 'static,
    ) -> Result<(), StorageError> {
        let (answer, _) = channel();
        self.enqueue(Work {
            work,
            claim: Claim::default(),
            answer,
        })
    }
}

fn stopped() -> StorageError {
    StorageError::unavailable("the writer has stopped")
}

impl Drop for Writer {
    /// Waits until what is queued is done, so that nothing accepted is lost at a shutdown; for a server that may never
    /// answer no longer than callers do.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != thread::current().id()
        {
            ending::wait_for(
                thread,
                if self.impatient {
                    SERVER
                } else {
                    Duration::MAX
                },
            );
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}
