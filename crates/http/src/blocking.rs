//! Calls a service, which blocks on the database, without blocking the worker.

use std::sync::Arc;

use actix_web::web;

use crate::error::Problem;

/// Runs `work` on a thread that may block.
pub(crate) async fn blocking<T, E>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, Problem>
where
    T: Send + 'static,
    E: Into<Problem> + Send + 'static,
{
    match web::block(work).await {
        Ok(result) => result.map_err(Into::into),
        Err(cancelled) => Err(Problem::internal(Arc::new(cancelled))),
    }
}
