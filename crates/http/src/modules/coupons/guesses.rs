//! Keeps ids from being tried out: an address that asks for many coupons which are not there is told to wait. Whoever has
//! a key or an account is no stranger, and never asked to.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::HttpRequest;
use moka::sync::Cache;

use crate::error::{Code, Problem};
use crate::sign_in::network;

/// How long a guess counts, from the first of its address.
const WINDOW: Duration = Duration::from_secs(60);
/// The most addresses that are remembered at a time.
const REMEMBERED: u64 = 100_000;

/// How many ids of no coupon each address asked for lately.
#[derive(Debug)]
pub(crate) struct Guesses {
    counts: Cache<Option<IpAddr>, Arc<AtomicU32>>,
    most: u32,
}

impl Guesses {
    pub(super) fn new(most: u32) -> Self {
        Self {
            counts: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(WINDOW)
                .build(),
            most,
        }
    }

    /// Refuses whoever guessed too often, whether or not this one is right.
    pub(super) fn admit(&self, request: &HttpRequest) -> Result<(), Problem> {
        let count = self.counts.get(&address(request));
        if count.is_some_and(|count| count.load(Ordering::Relaxed) >= self.most) {
            let problem = Problem::new(
                Code::RateLimited,
                "too many coupons were asked for that are not there; try again in a minute",
            );
            return Err(problem.retry_after(WINDOW.as_secs()));
        }
        Ok(())
    }

    /// Counts what was asked for and is not there.
    pub(super) fn note<T>(
        &self,
        request: &HttpRequest,
        found: Result<T, Problem>,
    ) -> Result<T, Problem> {
        if let Err(problem) = &found
            && problem.code() == Code::NotFound
        {
            let count = self.counts.get_with(address(request), Arc::default);
            count.fetch_add(1, Ordering::Relaxed);
        }
        found
    }
}

fn address(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|peer| network(peer.ip()))
}
