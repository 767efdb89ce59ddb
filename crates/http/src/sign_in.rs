//! Signing in with a password: with HTTP Basic, where verified credentials are remembered for a minute, and for a
//! session. Failures are limited for a minute.
//!
//! A script of a thousand calls hashes its password once; that its account may still enter is looked up for each. Failures count for an account and address together, and more
//! generously for an address, whatever name it tries.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use actix_web::HttpRequest;
use flagstaff_domain::access::{Account, AccountService, PasswordHash, Principal, SignInError};
use flagstaff_domain::ids::AccountId;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

use crate::error::Problem;

/// The most characters of a name and of a password: no account has longer ones, and hashing them would only cost time.
const USERNAME_MAX: usize = 150;
/// See [`USERNAME_MAX`].
const PASSWORD_MAX: usize = 128;
/// How long credentials are remembered, and how long a failure counts.
const WINDOW: Duration = Duration::from_secs(60);
/// The most credentials and addresses that are remembered at a time.
const REMEMBERED: u64 = 100_000;

/// Who tries to sign in, and from where. `Debug` shows neither name nor password.
#[derive(Clone)]
pub struct Attempt {
    /// The name.
    pub username: String,
    /// The password.
    pub password: String,
    /// The address of the connection's other end.
    pub address: Option<IpAddr>,
}

impl Attempt {
    /// The one that a request makes.
    pub(crate) fn new(request: &HttpRequest, username: String, password: String) -> Self {
        Self {
            username,
            password,
            address: request.peer_addr().map(|peer| peer.ip()),
        }
    }

    /// The same, unless name or password is longer than any account's, which is refused before it costs a hash.
    pub(crate) fn within_limits(self, password: &str) -> Result<Self, Problem> {
        for (field, text, max) in [
            ("username", &self.username, USERNAME_MAX),
            (password, &self.password, PASSWORD_MAX),
        ] {
            if text.chars().count() > max {
                let message = format!("must have at most {max} characters");
                return Err(Problem::field(field, message));
            }
        }
        Ok(self)
    }
}

/// Signs people in.
pub struct SignIn {
    accounts: AccountService,
    /// Mixed into what is remembered, so that it is worth nothing outside this process.
    secret: [u8; 32],
    verified: Cache<[u8; 32], Verified>,
    failures: Cache<Source, Arc<Failures>>,
    per_account: u32,
    per_address: u32,
}

/// An account whose password was verified.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    account: AccountId,
    hash: PasswordHash,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Source {
    Account(String, Option<IpAddr>),
    Address(Option<IpAddr>),
}

struct Failures {
    since: Instant,
    count: AtomicU32,
}

impl SignIn {
    /// A sign-in that allows that many failures a minute. The secret is random and of this process alone.
    #[must_use]
    pub fn new(
        accounts: AccountService,
        secret: [u8; 32],
        per_account: u32,
        per_address: u32,
    ) -> Self {
        Self {
            accounts,
            secret,
            verified: Cache::builder()
                .max_capacity(10_000)
                .time_to_live(WINDOW)
                .build(),
            failures: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_live(WINDOW)
                .build(),
            per_account,
            per_address,
        }
    }

    /// The account that these credentials opened within the last minute. Never blocks.
    #[must_use]
    pub(crate) fn remembered(&self, attempt: &Attempt) -> Option<Verified> {
        // Where guesses are no longer looked at, a right one must not stand out.
        if self.limited(attempt).is_some() {
            return None;
        }
        self.verified.get(&self.fingerprint(attempt))
    }

    /// Who enters with credentials that were verified before; nobody, and they are forgotten, once the account has been
    /// deleted, disabled or given another password.
    ///
    /// # Errors
    /// [`SignInError::Storage`].
    pub(crate) fn recheck(
        &self,
        attempt: &Attempt,
        verified: &Verified,
    ) -> Result<Option<Principal>, SignInError> {
        let principal = self.accounts.recheck(verified.account, &verified.hash)?;
        if principal.is_none() {
            self.verified.invalidate(&self.fingerprint(attempt));
        }
        Ok(principal)
    }

    /// Verifies credentials and remembers them; blocks while the password is hashed. Tells whether they are seen for the
    /// first time in a minute.
    ///
    /// # Errors
    /// [`SignInError`].
    pub(crate) fn sign_in(&self, attempt: &Attempt) -> Result<(Principal, bool), SignInError> {
        if let Some(wait) = self.limited(attempt) {
            return Err(SignInError::TooMany(wait));
        }
        // Outside of what others wait for: a store that never answers this one may answer them.
        let found = self.accounts.find(&attempt.username)?;
        let mut verified_here = false;
        // Of requests that come together with the same credentials one hashes, and the others wait for it.
        let result = self.verified.try_get_with(self.fingerprint(attempt), || {
            verified_here = true;
            self.check(attempt, found).map(|account| Verified {
                account: account.id,
                hash: account.password_hash,
            })
        });
        let verified = result.map_err(|error| {
            if !verified_here && matches!(*error, SignInError::Refused) {
                // This one was refused without a hash of its own, and counts all the same.
                if let Err(too_many) = self.count(attempt) {
                    return too_many;
                }
            }
            (*error).clone()
        })?;
        match self.recheck(attempt, &verified)? {
            Some(principal) => Ok((principal, verified_here)),
            None => Err(SignInError::Refused),
        }
    }

    /// How long whoever comes from there has to wait, where there were too many failures.
    fn limited(&self, attempt: &Attempt) -> Option<Duration> {
        self.sources(attempt)
            .into_iter()
            .find_map(|(source, limit)| {
                let failures = self.failures.get(&source)?;
                let full = failures.count.load(Ordering::Relaxed) >= limit;
                full.then(|| WINDOW.saturating_sub(failures.since.elapsed()))
            })
    }

    /// The account that these credentials open; remembers nothing, and blocks while the password is hashed.
    ///
    /// # Errors
    /// [`SignInError`].
    pub(crate) fn verify(&self, attempt: &Attempt) -> Result<Account, SignInError> {
        if let Some(wait) = self.limited(attempt) {
            return Err(SignInError::TooMany(wait));
        }
        let found = self.accounts.find(&attempt.username)?;
        self.check(attempt, found)
    }

    /// Counts the attempt as failed before it is verified, so that attempts in parallel cannot slip past the limit, and
    /// takes that back unless it was refused.
    fn check(&self, attempt: &Attempt, found: Option<Account>) -> Result<Account, SignInError> {
        let counted = self.count(attempt)?;
        let result = self.accounts.verify(found, &attempt.password);
        if !matches!(result, Err(SignInError::Refused)) {
            take_back(&counted);
        }
        result
    }

    /// Counts the attempt as failed, unless there were too many already.
    fn count(&self, attempt: &Attempt) -> Result<Vec<Arc<Failures>>, SignInError> {
        let mut counted = Vec::new();
        for (source, limit) in self.sources(attempt) {
            let failures = self.failures_of(source);
            let before = failures.count.fetch_add(1, Ordering::Relaxed);
            counted.push(failures);
            if before >= limit {
                take_back(&counted);
                return Err(SignInError::TooMany(WINDOW));
            }
        }
        Ok(counted)
    }

    /// What failures are counted for, the address first, so that names tried beyond its limit take up no room.
    fn sources(&self, attempt: &Attempt) -> [(Source, u32); 2] {
        let address = attempt.address.map(network);
        let account = flagstaff_domain::text::fold(&attempt.username);
        [
            (Source::Address(address), self.per_address),
            (Source::Account(account, address), self.per_account),
        ]
    }

    fn failures_of(&self, source: Source) -> Arc<Failures> {
        self.failures.get_with(source, || {
            Arc::new(Failures {
                since: Instant::now(),
                count: AtomicU32::new(0),
            })
        })
    }

    fn fingerprint(&self, attempt: &Attempt) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.secret);
        hash.update((attempt.username.len() as u64).to_le_bytes());
        hash.update(&attempt.username);
        hash.update(&attempt.password);
        hash.finalize().into()
    }
}

fn take_back(counted: &[Arc<Failures>]) {
    for failures in counted {
        failures.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What counts as one address: of IPv6 the network, since its customer has 2^64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(long) => match long.to_ipv4_mapped() {
            Some(short) => IpAddr::V4(short),
            None => IpAddr::V6((u128::from(long) >> 64 << 64).into()),
        },
    }
}

impl fmt::Debug for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}
