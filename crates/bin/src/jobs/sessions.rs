//! Forgets sessions that have ended, so that they do not pile up. Nobody could enter with one any more.
//!
//! Every instance does so; what one has forgotten is not there for the next.

use std::io;
use std::time::Duration;

use flagstaff_domain::access::SessionService;

use super::background::{Background, until_none};

/// How often ended sessions are looked for.
const INTERVAL: Duration = Duration::from_secs(10 * 60);
/// How many go in one unit of work.
const AT_ONCE: usize = 500;

/// Starts to forget, at once and then every ten minutes, until the handle is dropped.
///
/// # Errors
/// When the system has no more threads.
pub(crate) fn forget_ended(sessions: SessionService) -> io::Result<Background> {
    Background::start("sessions", INTERVAL, move |pace| {
        match until_none(pace, AT_ONCE, |limit| sessions.purge(limit)) {
            Ok(0) => {}
            Ok(sessions) => log::info!(sessions; "forgot sessions that had ended"),
            Err(error) => log::warn!(error:%; "sessions that have ended were not forgotten"),
        }
        INTERVAL
    })
}
