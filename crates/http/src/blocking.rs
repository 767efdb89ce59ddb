//! Calls a service, which blocks on the database, without blocking the worker.
//!
//! How many may wait at the same time is bounded: one more waits a second for its turn and is then refused.

use std::sync::Arc;
use std::time::Duration;

use actix_web::rt::time::timeout;
use actix_web::web;
use tokio::sync::Semaphore;

use crate::error::Problem;

/// How long a request waits for its turn.
const PATIENCE: Duration = Duration::from_secs(1);

/// The threads that may wait for something.
#[derive(Debug)]
pub(crate) struct Blocking {
    turns: Semaphore,
}

impl Blocking {
    pub(crate) fn new(turns: usize) -> Self {
        Self {
            turns: Semaphore::new(turns),
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
        let Ok(Ok(_turn)) = timeout(PATIENCE, self.turns.acquire()).await else {
            return Err(Problem::unavailable(
                "too many requests are waiting already; nothing was changed",
            ));
        };
        match web::block(work).await {
            Ok(result) => result.map_err(Into::into),
            Err(cancelled) => Err(Problem::internal(Arc::new(cancelled))),
        }
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
}
