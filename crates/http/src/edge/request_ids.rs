//! The ids by which responses are found in the log.

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::http::header::HeaderValue;
use sha2::{Digest, Sha256};

/// Makes ids for requests: unique in this process, and not guessable from another's.
#[derive(Debug)]
pub(crate) struct RequestIds {
    base: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new(secret: &[u8; 32]) -> Self {
        // A digest, so that an id tells nothing of the secret.
        let digest = Sha256::digest([&secret[..], b"request ids"].concat());
        let mut base = [0; 8];
        base.copy_from_slice(&digest[..8]);
        Self {
            base: u64::from_le_bytes(base),
            next: AtomicU64::new(0),
        }
    }

    pub(super) fn next(&self) -> HeaderValue {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("{:016x}", self.base.wrapping_add(number));
        HeaderValue::try_from(id).unwrap_or(HeaderValue::from_static("none"))
    }
}
