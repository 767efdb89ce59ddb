//! Calls a service, which blocks on the database, without blocking the worker.
//!
//! How many may wait at the same time is bounded: one more waits a second for its turn and is then refused. Reads have
//! turns of their own, so that they never wait for writes, and a bound on their time: a database that does not answer
//! is no reason not to answer. What a write may take is bounded where it can still be withdrawn, in the storage.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::web;
use tokio::sync::Semaphore;

use crate::error::Problem;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);
/// How long a read may take, its turn included.
const READ: Duration = Duration::from_millis(1_750);

/// The threads that may wait for something.
#[derive(Debug)]
pub(crate) struct Blocking {
    turns: Semaphore,
    reads: Semaphore,
}

impl Blocking {
    /// That many turns, and as many of them again for reads.
    pub(crate) fn new(turns: usize) -> Self {
        Self {
            turns: Semaphore::new(turns),
            reads: Semaphore::new(turns),
        }
    }

    /// Runs `work` on a thread that may block.
    pub(crate) async fn run<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        take_turn(&self.turns, work).await
    }

    /// Runs `work`, which changes nothing, on a thread that may block; nobody waits for it longer than [`READ`].
    pub(crate) async fn read<T, E>(
        &self,
        work: impl FnOnce() -> Result<T, E> + Send + 'static,
    ) -> Result<T, Problem>
    where
        T: Send + 'static,
        E: Into<Problem> + Send + 'static,
    {
        timeout(READ, take_turn(&self.reads, work))
            .await
            .unwrap_or_else(|_| {
                Err(Problem::unavailable(
                    "an answer takes too long at the moment",
                ))
            })
    }
}

async fn take_turn<T, E>(
    turns: &Semaphore,
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    let Ok(Ok(_turn)) = timeout(PATIENCE, turns.acquire()).await else {
        return Err(Problem::unavailable(
            "too many requests are waiting already; nothing was changed",
        ));
    };
    match web::block(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(cancelled) => Err(Problem::internal(Arc::new(cancelled))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Code;

    #[actix_web::test]
    async fn whoever_gets_no_turn_is_refused() {
        let blocking = Blocking::new(1);
        let _turn = blocking.turns.acquire().await.unwrap();
        let refused = blocking.run(|| Ok::<_, Problem>(())).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable);
    }

    #[actix_web::test]
    async fn a_read_waits_for_no_write() {
        let blocking = Blocking::new(1);
        let _turn = blocking.turns.acquire().await.unwrap();
        assert_eq!(blocking.read(|| Ok::<_, Problem>(7)).await.unwrap(), 7);
    }

    #[actix_web::test]
    async fn a_read_that_does_not_end_is_given_up_and_so_is_its_turn() {
        let blocking = Blocking::new(1);
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let endless = blocking.read(move || {
            let _ = ended.recv();
            Ok::<_, Problem>(())
        });
        assert_eq!(endless.await.unwrap_err().code(), Code::Unavailable);
        assert_eq!(blocking.read(|| Ok::<_, Problem>(7)).await.unwrap(), 7);
        drop(end);
    }
}
