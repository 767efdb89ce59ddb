//! Purges the GUID register: records that expired 30 days ago go, so that it does not grow for ever.
//!
//! Every instance does so; what one has purged is not there for the next. It goes in small units of work with pauses, so
//! that nobody's change waits for it.

use std::io;
use std::time::Duration;

use flagstaff_domain::access::{AccessError, GuidService};
use flagstaff_domain::changes::Actor;

use super::background::{Background, until_none};

/// How often the register is looked at.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// After a failure it is looked at sooner.
const AGAIN: Duration = Duration::from_secs(60);
/// How many records go in one unit of work.
const AT_ONCE: usize = 25;

/// Starts to purge, at once and then every hour, until the handle is dropped.
///
/// # Errors
/// When the system has no more threads.
pub(crate) fn start(guids: GuidService) -> io::Result<Background> {
    Background::start("purge", AGAIN, move |pace| {
        note(until_none(pace, AT_ONCE, |limit| {
            guids.purge(&Actor::Job("purge"), limit)
        }))
    })
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
