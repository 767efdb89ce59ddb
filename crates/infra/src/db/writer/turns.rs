//! The writer's thread: takes what waits, commits it together, and looks whether changes can be stored when none come.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use flagstaff_domain::storage::{Outage, StorageError};

use super::Shared;
use super::job::{Answer, Job, TurnEnd, UnitEnd};
use crate::db::condition::Condition;
use crate::db::connection::{Anchor, Purpose};
use crate::db::error::{OpenError, outage_of, storage};
use crate::db::silence::Statements;
use crate::db::{DbConnection, DbOptions, integrity, migrate, pool};

/// The most units of work that share a commit.
const BATCH: usize = 128;
/// How long an idle writer rests before it looks whether it still could write.
const REST: Duration = Duration::from_secs(1);
/// How long a change waits for a lock that is known to be held: with the wait for a thread it stays under 2 seconds.
const KNOWN_LOCK: Duration = Duration::from_millis(500);

/// The thread's own state.
pub(super) struct Turns {
    pub(super) options: DbOptions,
    pub(super) anchor: Option<Anchor>,
    /// `None` after a failure: the next turn opens a new one.
    pub(super) connection: Option<DbConnection>,
    /// When what looks like damage may be looked into again.
    pub(super) next_check: Instant,
    pub(super) shared: Arc<Shared>,
    /// How many units of work are in the queue.
    pub(super) waiting: Arc<AtomicU64>,
    pub(super) statements: Statements,
}

impl Turns {
    pub(super) fn run(mut self, jobs: &Receiver<Box<dyn Job>>) {
        let mut looked = Instant::now();
        loop {
            match jobs.recv_timeout(REST) {
                Ok(first) => {
                    self.taken();
                    self.take_turn(first, jobs);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if looked.elapsed() >= REST {
                self.look();
                looked = Instant::now();
            }
        }
    }

    /// While changes cannot be stored, that is tried on nothing first: what is refused then has changed nothing, which
    /// nobody could say of a commit that failed.
    fn take_turn(&mut self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>) {
        let begun = match self.shared.condition.outage() {
            Some(_) => self.prove(KNOWN_LOCK),
            None => Ok(()),
        };
        match begun.and_then(|()| self.begin(self.options.busy)) {
            Ok(connection) => self.turn(connection, first, jobs),
            Err(error) => {
                self.shared.condition.fails(&error);
                self.fail_all(first, jobs, &error);
            }
        }
    }

    /// Finds out whether changes can be stored, also while none is asked for. Waits for no lock long, because a change
    /// may come.
    fn look(&mut self) {
        if let Some(anchor) = &self.anchor {
            let length = anchor.log_bytes();
            self.shared.log_bytes.store(length, Ordering::Relaxed);
        }
        let condition = &Arc::clone(&self.shared).condition;
        let looked = match condition.outage() {
            Some(_) => self.prove(REST / 4),
            None => self.begin_and_check(REST / 4).and_then(|mut connection| {
                connection.batch_execute("ROLLBACK").map_err(storage)?;
                self.connection = Some(connection);
                condition.works();
                Ok(())
            }),
        };
        if let Err(error) = looked {
            condition.looks_bad(&error);
        } else if condition.outage() == Some(Outage::Damaged) && Instant::now() >= self.next_check {
            self.check_damage();
        }
    }

    /// Reads every page again. What is kept in memory of them is given up, and a large file is not read all the time.
    fn check_damage(&mut self) {
        self.connection = None;
        let Some(path) = self.options.location.file() else {
            return;
        };
        let started = Instant::now();
        if integrity::is_sound(path) {
            self.shared.condition.is_sound();
        }
        self.next_check = Instant::now() + 20 * started.elapsed();
    }

    /// Commits a change of nothing, which ends an outage.
    fn prove(&mut self, patience: Duration) -> Result<(), StorageError> {
        let mut connection = self.begin_and_check(patience)?;
        pool::commit_nothing(&mut connection).map_err(storage)?;
        self.connection = Some(connection);
        self.shared.condition.works();
        Ok(())
    }

    /// Begins, unless a newer program has migrated the database meanwhile.
    fn begin_and_check(&mut self, patience: Duration) -> Result<DbConnection, StorageError> {
        let mut connection = self.begin(patience)?;
        match migrate::check_current(&mut connection) {
            Ok(()) => Ok(connection),
            Err(OpenError::Database(error)) => Err(error),
            Err(other) => Err(StorageError::unavailable(other)),
        }
    }

    fn taken(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// Begins; a server that was away meanwhile has closed the connection that was kept, so it is asked once more.
    fn begin(&mut self, patience: Duration) -> Result<DbConnection, StorageError> {
        let kept = self.connection.is_some();
        match self.try_begin(patience) {
            Err(_) if kept && self.connection.is_none() && self.options.location.is_server() => {
                self.try_begin(patience)
            }
            other => other,
        }
    }

    fn open(&self) -> Result<DbConnection, OpenError> {
        let (location, busy) = (&self.options.location, self.options.busy);
        pool::open_watched(location, busy, Purpose::Write, &self.statements)
    }

    /// A connection that holds the lock, for which it waited no longer than `patience`.
    fn try_begin(&mut self, patience: Duration) -> Result<DbConnection, StorageError> {
        if let Some(anchor) = &self.anchor {
            anchor.check_writable()?;
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.open().map_err(StorageError::unavailable)?,
        };
        match pool::begin_write(&mut connection, patience) {
            Ok(()) => Ok(connection),
            Err(error) => {
                // A connection that only has to wait its turn is as good as a new one.
                if outage_of(&error) == Some(Outage::Locked) {
                    self.connection = Some(connection);
                }
                Err(storage(error))
            }
        }
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
        let mut broken = None;
        while let Some(job) = next.take() {
            if job.take() {
                match run_in_savepoint(job, &mut connection, &self.shared.condition) {
                    Ok((succeeded, answer)) => {
                        written |= succeeded;
                        answers.push(answer);
                    }
                    Err((error, answer)) => {
                        answers.push(answer);
                        broken = Some(error);
                        break;
                    }
                }
            }
            if answers.len() < BATCH
                && let Ok(job) = jobs.try_recv()
            {
                self.taken();
                next = Some(job);
            }
        }
        let end = match broken {
            Some(error) => TurnEnd::undone(error),
            None => self.end(connection, written),
        };
        if let Err(error) = &end.refused {
            self.shared.condition.fails(error);
        }
        self.shared.turns.fetch_add(1, Ordering::Relaxed);
        for answer in answers {
            answer(&end);
        }
    }

    fn end(&mut self, mut connection: DbConnection, written: bool) -> TurnEnd {
        let ended = if written {
            pool::commit(&mut connection)
        } else {
            connection.batch_execute("ROLLBACK")
        };
        match ended {
            Ok(()) => {
                self.connection = Some(connection);
                TurnEnd {
                    succeeded: if written { self.committed() } else { Ok(()) },
                    ..TurnEnd::done()
                }
            }
            // The commit's mark is the last thing written, so where there was no room it is not there.
            Err(error) if outage_of(&error) == Some(Outage::Full) => {
                TurnEnd::undone(storage(error))
            }
            // An fsync that failed says nothing of what is on the disk.
            Err(error) => {
                let cause: Arc<dyn std::error::Error + Send + Sync> = Arc::new(error);
                TurnEnd {
                    refused: Err(StorageError::Unavailable(Arc::clone(&cause))),
                    succeeded: Err(StorageError::InDoubt(cause)),
                }
            }
        }
    }

    /// What is left to do for units that are committed.
    fn committed(&self) -> Result<(), StorageError> {
        // A file that was moved while this turn waited for its lock has the commit, and nobody will find it there.
        if let Some(Err(error)) = self.anchor.as_ref().map(Anchor::check) {
            return Err(StorageError::in_doubt(error));
        }
        self.after_commit()
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
            StorageError::in_doubt("the change is stored, but not served yet")
        })
    }

    /// Whoever waited for this turn has waited as long as a lock may take; a turn of its own would double that. All of
    /// them are taken before any is answered: a caller that comes back with its next write gets a turn of its own.
    fn fail_all(&self, first: Box<dyn Job>, jobs: &Receiver<Box<dyn Job>>, error: &StorageError) {
        let mut waiting = vec![first];
        while let Ok(job) = jobs.try_recv() {
            self.taken();
            waiting.push(job);
        }
        for job in waiting {
            job.fail(error.clone());
        }
    }
}

/// Runs one unit of work so that its failure leaves the others' work in place, and tells whether it wants to be
/// committed. An error means that the transaction cannot go on.
fn run_in_savepoint(
    job: Box<dyn Job>,
    connection: &mut DbConnection,
    condition: &Condition,
) -> Result<(bool, Answer), (StorageError, Answer)> {
    if let Err(error) = connection.batch_execute("SAVEPOINT unit") {
        let error = storage(error);
        return Err((error.clone(), Box::new(move |_| job.fail(error))));
    }
    let (end, answer) = job.run(connection);
    if let UnitEnd::Failed(error) = &end {
        condition.fails(error);
    }
    let (succeeded, closing) = match &end {
        UnitEnd::Succeeded => (true, "RELEASE unit"),
        UnitEnd::Refused | UnitEnd::Failed(_) => (false, "ROLLBACK TO unit; RELEASE unit"),
    };
    match (connection.batch_execute(closing), end) {
        (Ok(()), _) => Ok((succeeded, answer)),
        // SQLite has undone the whole transaction already; what the unit met says why.
        (Err(_), UnitEnd::Failed(error)) => Err((error, answer)),
        (Err(error), UnitEnd::Succeeded | UnitEnd::Refused) => Err((storage(error), answer)),
    }
}
