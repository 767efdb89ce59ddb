//! A unit of work in the writer's queue: how it runs, how it ended, and how its caller is told.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use flagstaff_domain::storage::StorageError;

use crate::db::DbConnection;
use crate::db::error::{WorkError, storage};

/// Tells the waiting caller how its unit of work ended, once the turn's end is known.
pub(super) type Answer = Box<dyn FnOnce(&TurnEnd) + Send>;

/// How a turn ended for the units of work in it.
pub(super) struct TurnEnd {
    /// For those that succeeded.
    pub(super) succeeded: Result<(), StorageError>,
    /// For those that were refused, perhaps for what another unit of the turn had written.
    pub(super) refused: Result<(), StorageError>,
}

impl TurnEnd {
    pub(super) fn done() -> Self {
        Self {
            succeeded: Ok(()),
            refused: Ok(()),
        }
    }

    pub(super) fn undone(error: StorageError) -> Self {
        Self {
            succeeded: Err(error.clone()),
            refused: Err(error),
        }
    }
}

/// How one unit of work ended.
pub(super) enum UnitEnd {
    Succeeded,
    Refused,
    /// In the database, which may have undone more than this unit.
    Failed(StorageError),
}

/// Settles whether a unit of work runs: whoever takes it first, the writer to run it or its caller to give it up.
#[derive(Clone, Default)]
pub(super) struct Claim(Arc<AtomicBool>);

impl Claim {
    /// Whether nobody took it before.
    pub(super) fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// A unit of work in the queue.
pub(super) trait Job: Send {
    /// Whether it is still wanted. From now on its caller cannot give it up.
    fn take(&self) -> bool;
    /// Runs inside a savepoint; on failure the savepoint is rolled back.
    fn run(self: Box<Self>, connection: &mut DbConnection) -> (UnitEnd, Answer);
    /// Answers without running.
    fn fail(self: Box<Self>, error: StorageError);
}

pub(super) struct Work<F, T, E> {
    pub(super) work: F,
    pub(super) claim: Claim,
    pub(super) answer: std::sync::mpsc::Sender<Result<T, E>>,
}

impl<F, T, E> Job for Work<F, T, E>
where
    F: FnOnce(&mut DbConnection) -> Result<T, WorkError<E>> + Send,
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    fn take(&self) -> bool {
        self.claim.take()
    }

    fn run(self: Box<Self>, connection: &mut DbConnection) -> (UnitEnd, Answer) {
        let Self { work, answer, .. } = *self;
        let result = catch_unwind(AssertUnwindSafe(|| work(connection))).unwrap_or_else(|_| {
            Err(WorkError::Refused(E::from(StorageError::failed(
                "a unit of work panicked",
            ))))
        });
        let (end, result) = match result {
            Ok(value) => (UnitEnd::Succeeded, Ok(value)),
            Err(WorkError::Refused(error)) => (UnitEnd::Refused, Err(error)),
            Err(WorkError::Database(error)) => {
                let error = storage(error);
                (UnitEnd::Failed(error.clone()), Err(E::from(error)))
            }
        };
        let respond = move |turn: &TurnEnd| {
            let held = match &result {
                Ok(_) => &turn.succeeded,
                Err(_) => &turn.refused,
            };
            let result = match held {
                Ok(()) => result,
                Err(error) => Err(E::from(error.clone())),
            };
            // A caller that has gone away does not need the answer.
            let _ = answer.send(result);
        };
        (end, Box::new(respond))
    }

    fn fail(self: Box<Self>, error: StorageError) {
        let _ = self.answer.send(Err(E::from(error)));
    }
}
