//! Passwords are hashed with argon2id (m = 19,456 KiB, t = 2, p = 1; OWASP's recommendation), stored as PHC strings.
//!
//! At most one hash per core runs at a time, at a low priority: a storm of sign-ins waits here, not in front of the
//! flags.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock};
use std::thread;

use argon2::password_hash::PasswordHasher as _;
use argon2::password_hash::phc::{Output, PasswordHash as Phc};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use flagstaff_domain::access::{Password, PasswordHash, PasswordHasher};
use flagstaff_domain::storage::StorageError;
use parking_lot::Mutex;

/// Hashes passwords with argon2id.
pub struct Argon2Hasher {
    /// The hash of no password, verified where there is no account so that it takes as long.
    stand_in: PasswordHash,
    at_once: usize,
    queue: OnceLock<SyncSender<Job>>,
}

/// The memory that a hash works on; each thread keeps its own from hash to hash.
type Memory = Vec<Block>;

/// How many passwords may wait for each thread; one more is refused, since its turn would come too late.
const WAITING: usize = 8;

/// The niceness of a thread that hashes: beside a worker that is never idle it gets a sixteenth of a CPU, in which people
/// can still sign in.
#[cfg(target_os = "linux")]
const NICE: i32 = 12;

type Job = Box<dyn FnOnce(&mut Memory) + Send>;

impl Argon2Hasher {
    /// A hasher that runs at most `at_once` hashes at a time, on as many threads of its own, each with memory for one
    /// hash: a storm of sign-ins never holds more.
    #[must_use]
    pub fn new(at_once: usize) -> Self {
        Self {
            stand_in: PasswordHash::new(
                "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                    .to_owned(),
            ),
            at_once: at_once.max(1),
            queue: OnceLock::new(),
        }
    }

    fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, StorageError> {
        let (answer, answered) = sync_channel(1);
        let queue = self.queue.get_or_init(|| start(self.at_once));
        let job: Job = Box::new(move |memory| {
            let _ = answer.send(work(memory));
        });
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => {
                StorageError::unavailable("too many passwords wait to be hashed")
            }
            TrySendError::Disconnected(_) => StorageError::failed("the hashing threads have ended"),
        })?;
        answered
            .recv()
            .map_err(|_| StorageError::failed("hashing a password panicked"))
    }
}

/// Starts the threads, which end when the hasher does. They are not started before somebody signs in.
fn start(threads: usize) -> SyncSender<Job> {
    let (queue, jobs) = sync_channel::<Job>(WAITING * threads);
    let jobs = Arc::new(Mutex::new(jobs));
    for _ in 0..threads {
        let jobs = Arc::clone(&jobs);
        let started = thread::Builder::new()
            .name("hashing".to_owned())
            .spawn(move || {
                step_back();
                let mut memory = Memory::new();
                loop {
                    let job = jobs.lock().recv();
                    let Ok(job) = job else {
                        return;
                    };
                    // Whoever waits learns of a panic by the answer that does not come.
                    let _ = catch_unwind(AssertUnwindSafe(|| job(&mut memory)));
                }
            });
        if let Err(error) = started {
            log::error!(error:%; "a hashing thread cannot be started");
        }
    }
    queue
}

/// Gives this thread a low priority, since flags are wanted more than sign-ins.
fn step_back() {
    // Elsewhere the priority would be the whole process's.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        log::debug!(error:%; "hashing passwords keeps its priority");
    }
}

/// Hashes the password as the stored one was hashed, and compares in constant time.
fn verify(password: &[u8], stored: &Phc, memory: &mut Memory) -> Result<bool, String> {
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else {
        return Err("it has no salt or no output".to_owned());
    };
    let params = Params::try_from(stored).map_err(|error| error.to_string())?;
    let algorithm =
        Algorithm::try_from(stored.algorithm.as_str()).map_err(|error| error.to_string())?;
    memory.resize(params.block_count(), Block::default());
    let mut output = vec![0; expected.len()];
    Argon2::new(algorithm, Version::default(), params)
        .hash_password_into_with_memory(password, salt.as_ref(), &mut output, memory)
        .map_err(|error| error.to_string())?;
    let output = Output::new(&output).map_err(|error| error.to_string())?;
    Ok(output == *expected)
}

impl PasswordHasher for Argon2Hasher {
    fn hash(&self, password: &Password) -> Result<PasswordHash, StorageError> {
        let password = password.clone();
        let hash =
            self.in_turn(move |_| Argon2::default().hash_password(password.reveal().as_bytes()))?;
        hash.map(|phc| PasswordHash::new(phc.to_string()))
            .map_err(|error| StorageError::failed(error.to_string()))
    }

    fn verify(&self, password: &str, hash: Option<&PasswordHash>) -> Result<bool, StorageError> {
        let phc = Phc::new(hash.unwrap_or(&self.stand_in).as_str())
            .map_err(|error| StorageError::failed(format!("a stored password hash: {error}")))?;
        let password = password.to_owned();
        let right = self
            .in_turn(move |memory| verify(password.as_bytes(), &phc, memory))?
            .map_err(|error| StorageError::failed(format!("a stored password hash: {error}")))?;
        Ok(right && hash.is_some())
    }
}

impl fmt::Debug for Argon2Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Argon2Hasher").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_right_password_is_verified() {
        let hasher = Argon2Hasher::new(1);
        let hash = hasher
            .hash(&Password::parse("correct horse battery").unwrap())
            .unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hasher.verify("correct horse battery", Some(&hash)).unwrap());
        assert!(!hasher.verify("correct horse", Some(&hash)).unwrap());
        assert!(!hasher.verify("", None).unwrap());
    }

    #[test]
    fn the_stand_in_costs_what_a_real_hash_costs() {
        let hasher = Argon2Hasher::new(1);
        let real = hasher
            .hash(&Password::parse("correct horse battery").unwrap())
            .unwrap();
        let parameters = |hash: &PasswordHash| {
            let parts: Vec<_> = hash.as_str().split('$').map(str::to_owned).collect();
            (parts[1..4].to_vec(), parts[4].len(), parts[5].len())
        };
        assert_eq!(parameters(&hasher.stand_in), parameters(&real));
    }
}
