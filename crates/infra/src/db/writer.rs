//! The one writer: a thread that takes units of work from a bounded queue and commits those that wait together.
//!
//! It begins immediate, runs each unit inside a savepoint, commits once, lets the served snapshots be renewed, and then
//! answers them all: writers share an fsync, and no answer precedes it.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use diesel::connection::SimpleConnection;
use flagstaff_domain::storage::StorageError;
use parking_lot::Mutex;

use super::DbOptions;
use super::connection::{self, DbConnection, Purpose};
use super::error::{OpenError, WorkError, storage};

/// The most units of work that share a commit.
const BATCH: usize = 128;

type AfterCommit = Box<dyn Fn() -> Result<(), StorageError> + Send + Sync>;
/// Tells the waiting caller how its unit of work ended, once the commit has or has not succeeded.
type Answer = Box<dyn FnOnce(Result<(), StorageError>) + Send>;

/// A unit of work in the queue.
trait Job: Send {
    /// Runs inside a savepoint; on failure the savepoint is rolled back.
    fn run(self: Box<Self>, connection: &mut DbConnection) -> (bool, Answer);
    /// Answers without running.
    fn fail(self: Box<Self>, error: StorageError);
}

struct Work<F, T, E> {
    work: F,
    answer: std::sync::mpsc::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: FnOnce(&mut DbConnection) -> Result<T, WorkError<E>> + Send,
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    fn run(self: Box<Self>, connection: &mut DbConnection) -> (bool, Answer) {
        let Self { work, answer } = *self;
        let result = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(|_| {
            Err(WorkError::Refused(E::from(StorageError::failed(
                "a unit of work panicked",
            ))))
        });
        let succeeded = result.is_ok();
        let respond = move |committed: Result<(), StorageError>| {
            let result = match (result, committed) {
                (Ok(_), Err(error)) => Err(E::from(error)),
                (result, _) => result.map_err(WorkError::into_inner),
            };
            // A caller that has gone away does not need the answer.
            let _ = answer.send(result);
        };
        (succeeded, Box::new(respond))
    }

    fn fail(self: Box<Self>, error: StorageError) {
        let _ = self.answer.send(Err(E::from(error)));
    }
}

struct Shared {
    waiting: AtomicU64,
    capacity: u64,
    after_commit: OnceLock<AfterCommit>,
}

/// The handle to the writing thread, which ends when the handle is dropped.
pub(super) struct Writer {
    queue: Option<SyncSender<Box<dyn Job>>>,
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(options: &DbOptions, connection: DbConnection) -> Result<Self, OpenError> {
        let (queue, jobs) = sync_channel(options.queue);
        let shared = Arc::new(Shared {
            waiting: AtomicU64::new(0),
            capacity: options.queue as u64,
            after_commit: OnceLock::new(),
        });
        let turns = Turns {
            options: options.clone(),
            connection: Some(connection),
            shared: Arc::clone(&shared),
        };
        let thread = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || turns.run(&jobs))
            .map_err(|error| OpenError::File(format!("cannot start the writer: {error}")))?;
        Ok(Self {
            queue: Some(queue),
            shared,
            thread: Mutex::new(Some(thread)),
        })
    }

    pub(super) fn on_commit(&self, after_commit: AfterCommit) {
        if self.shared.after_commit.set(after_commit).is_err() {
            log::error!("what follows a commit was set twice; the first stays");
        }
    }

    pub(super) fn waiting(&self) -> u64 {
        self.shared.waiting.load(Ordering::Relaxed)
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
        let stopped = || E::from(StorageError::unavailable("the writer has stopped"));
        let (answer, answered) = channel();
        let queue = self.queue.as_ref().ok_or_else(stopped)?;
        self.shared.waiting.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = queue.try_send(Box::new(Work { work, answer })) {
            self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
            return Err(match error {
                TrySendError::Full(_) => E::from(StorageError::unavailable(
                    "too many writes are waiting already",
                )),
                TrySendError::Disconnected(_) => stopped(),
            });
        }
        answered.recv().map_err(|_| stopped())?
    }
}

impl Drop for Writer {
    /// Waits until what is queued is done, so that nothing accepted is lost at a shutdown.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.lock().take()
            && thread.thread().id() != thread::current().id()
        {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer").finish_non_exhaustive()
    }
}

/// The thread's own state.
struct Turns {
    options: DbOptions,
    /// `None` after a failure: the next turn opens a new one.
    connection: Option<DbConnection>,
    shared: Arc<Shared>,
}

impl Turns {
    fn run(mut self, jobs: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = jobs.recv() {
            self.taken();
            match self.begin() {
                Ok(connection) => self.turn(connection, first, jobs),
                Err(error) => self.fail_all(first, jobs, &error),
            }
        }
    }

    fn taken(&self) {
        self.shared.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    fn begin(&mut self) -> Result<DbConnection, StorageError> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => connection::open(&self.options.path, self.options.busy, Purpose::Write)
                .map_err(StorageError::unavailable)?,
        };
        connection
            .batch_execute("BEGIN IMMEDIATE")
            .map_err(storage)?;
        Ok(connection)
    }

    /// Runs what waits, commits it together, and answers. Keeps the connection unless it failed.
    fn turn(
        &mut self,
        mut connection: DbConnection,
        first: Box<dyn Job>,
        jobs: &Receiver<Box<dyn Job>>,
    ) {
        let mut answers = Vec::new();
        let mut written = false;
        let mut next = Some(first);
        let mut ran = Ok(());
        while let Some(job) = next.take() {
            let (outcome, answer) = run_in_savepoint(job, &mut connection);
            answers.push(answer);
            match outcome {
                Ok(succeeded) => written |= succeeded,
                Err(error) => {
                    ran = Err(error);
                    break;
                }
            }
            if answers.len() < BATCH
                && let Ok(job) = jobs.try_recv()
            {
                self.taken();
                next = Some(job);
            }
        }
        let end = if written { "COMMIT" } else { "ROLLBACK" };
        let mut ended = ran.and_then(|()| connection.batch_execute(end).map_err(storage));
        if ended.is_ok() {
            self.connection = Some(connection);
            if written {
                ended = self.after_commit();
            }
        }
        for answer in answers {
            answer(ended.clone());
        }
    }

    fn after_commit(&self) -> Result<(), StorageError> {
        let renew = || {
            self.shared
                .after_commit
                .get()
                .map_or(Ok(()), |renew| renew())
        };
        let renewed = catch_unwind(AssertUnwindSafe(renew))
            .unwrap_or_else(|_| Err(StorageError::failed("what follows a commit panicked")));
        renewed.map_err(|error| {
            log::error!(error:%; "a change was committed, but what is served could not be renewed yet");
            StorageError::unavailable("the change is stored, but not served yet")
        })
    }

    /// Whoever waited for this turn has waited as long as a lock may take; a turn of its own would double that.
    fn fail_all(&self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>, error: &StorageError) {
        first.fail(error.clone());
        while let Ok(job) = jobs.try_recv() {
            self.taken();
            job.fail(error.clone());
        }
    }
}

/// Runs one unit of work so that its failure leaves the others' work in place. The outer result says whether the
/// transaction can go on at all, the inner whether the unit wants to be committed.
fn run_in_savepoint(
    job: Box<dyn Job>,
    connection: &mut DbConnection,
) -> (Result<bool, StorageError>, Answer) {
    let begun = connection.batch_execute("SAVEPOINT unit");
    let (succeeded, answer) = job.run(connection);
    let end = if succeeded {
        "RELEASE unit"
    } else {
        "ROLLBACK TO unit; RELEASE unit"
    };
    let ended = begun.and_then(|()| connection.batch_execute(end));
    (ended.map(|()| succeeded).map_err(storage), answer)
}
