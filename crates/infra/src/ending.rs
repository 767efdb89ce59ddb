//! Waiting for a thread's end, which may hang on a database that never answers.

use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often the thread is looked at.
const LOOK: Duration = Duration::from_millis(1);

/// Waits for the thread's end no longer than `patience`, then leaves it behind; it ends with the process.
pub fn wait_for(thread: JoinHandle<()>, patience: Duration) {
    let started = Instant::now();
    while !thread.is_finished() {
        if started.elapsed() > patience {
            return;
        }
        thread::sleep(LOOK);
    }
    let _ = thread.join();
}
