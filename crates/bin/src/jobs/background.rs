//! A thread that does something from time to time, and ends when its handle is dropped.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::wiring::ending;

use super::AT_THE_END;

/// The thread; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// Whether the thread is to go on.
pub(super) struct Pace(Receiver<()>);

impl Pace {
    /// Waits that long; false as soon as the thread is to end.
    pub(super) fn pause(&self, time: Duration) -> bool {
        self.0.recv_timeout(time) == Err(RecvTimeoutError::Timeout)
    }
}

/// How long others have the database between two units of work.
const PAUSE: Duration = Duration::from_millis(50);

/// Does `some`, which tells how many it did of at most `at_once`, until none are left or the thread is to end; returns
/// how many it did. It goes in small units of work with pauses, so that nobody's change waits for it.
pub(super) fn until_none<E>(
    pace: &Pace,
    at_once: usize,
    mut some: impl FnMut(usize) -> Result<usize, E>,
) -> Result<usize, E> {
    let mut done = 0;
    loop {
        let more = some(at_once)?;
        done += more;
        if more < at_once || !pace.pause(PAUSE) {
            return Ok(done);
        }
    }
}

impl Background {
    /// Runs `turn` now and then, each time after the pause that the one before asked for. One that panics is tried again
    /// after `otherwise`.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub(super) fn start(
        name: &str,
        otherwise: Duration,
        mut turn: impl FnMut(&Pace) -> Duration + Send + 'static,
    ) -> io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                let pace = Pace(stopped);
                let mut next = Duration::ZERO;
                while pace.pause(next) {
                    next = catch_unwind(AssertUnwindSafe(|| turn(&pace))).unwrap_or(otherwise);
                }
            })?;
        Ok(Self {
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take() {
            ending::wait_for(thread, AT_THE_END);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{TryRecvError, channel};

    use super::*;

    #[test]
    fn it_goes_on_after_a_panic_and_ends_with_its_handle() {
        let (tell, told) = channel();
        let mut turns = 0;
        let background = Background::start("test", Duration::ZERO, move |_| {
            turns += 1;
            let _ = tell.send(turns);
            assert_ne!(turns, 2, "this panic is meant");
            Duration::ZERO
        });
        let first: Vec<i32> = told.iter().take(5).collect();
        assert_eq!(first, [1, 2, 3, 4, 5]);
        drop(background.unwrap());
        // Whatever it had told by then, nobody is left to tell more.
        while told.try_recv().is_ok() {}
        assert_eq!(told.try_recv(), Err(TryRecvError::Disconnected));
    }

    #[test]
    fn it_works_in_small_units_until_nothing_is_left() {
        let (tell, told) = channel();
        let background = Background::start("test", Duration::ZERO, move |pace| {
            let mut left = 25_usize;
            let done = until_none(pace, 10, |at_once| {
                let some = left.min(at_once);
                left -= some;
                let _ = tell.send(some);
                Ok::<_, ()>(some)
            });
            let _ = tell.send(done.unwrap());
            Duration::from_secs(3_600)
        });
        let first: Vec<usize> = told.iter().take(4).collect();
        assert_eq!(first, [10, 10, 5, 25]);
        drop(background.unwrap());
    }

    #[test]
    fn a_pause_is_cut_short() {
        let (tell, told) = channel();
        let background = Background::start("test", Duration::ZERO, move |pace| {
            let _ = tell.send(true);
            let _ = tell.send(pace.pause(Duration::from_secs(3_600)));
            Duration::from_secs(3_600)
        });
        assert_eq!(told.recv(), Ok(true));
        drop(background.unwrap());
        // Dropping the handle gives up a thread that does not end; this one did.
        assert_eq!(told.try_recv(), Ok(false));
    }
}
