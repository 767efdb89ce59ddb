//! How many evaluations a key may ask for in a second, where the configuration bounds that.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use flagstaff_domain::access::{Grant, KeyDigest};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use moka::sync::Cache;

use crate::error::{Code, Problem};

/// The most keys that are remembered at a time; one that is forgotten begins anew.
const REMEMBERED: u64 = 100_000;
/// After so long without a request a key has its whole quota again, and need not be remembered.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// Bounds what each key may ask for.
pub(crate) struct Limit {
    /// `None` where there is no bound.
    bounded: Option<Bounded>,
}

struct Bounded {
    quota: Quota,
    keys: Cache<KeyDigest, Arc<DefaultDirectRateLimiter>>,
    clock: DefaultClock,
}

impl Limit {
    /// So many evaluations a second for each key, and as many at once; 0 for no bound.
    pub(crate) fn new(per_second: u32) -> Self {
        let bounded = NonZeroU32::new(per_second).map(|most| Bounded {
            quota: Quota::per_second(most),
            keys: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_idle(FORGOTTEN)
                .build(),
            clock: DefaultClock::default(),
        });
        Self { bounded }
    }

    /// Counts an evaluation, or refuses one too many.
    pub(crate) fn admit(&self, grant: &Grant) -> Result<(), Problem> {
        let Some(bounded) = &self.bounded else {
            return Ok(());
        };
        let limiter = bounded.keys.get_with(grant.digest, || {
            Arc::new(RateLimiter::direct(bounded.quota))
        });
        limiter.check().map_err(|refused| {
            let wait = refused.wait_time_from(bounded.clock.now());
            let problem = Problem::new(
                Code::RateLimited,
                "this key asks for more a second than evaluation.limit_per_second allows",
            );
            problem.retry_after(wait.as_secs().max(1))
        })
    }
}

impl fmt::Debug for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limit").finish_non_exhaustive()
    }
}
