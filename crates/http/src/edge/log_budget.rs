//! How many refusals are logged: each of them, until somebody makes so many that the log would fill the disk.

use std::time::Instant;

use parking_lot::Mutex;

/// Refusals that are logged in a second. The others of that second are counted, and told of in the next line.
const LINES: u64 = 100;

/// The lines of one second.
#[derive(Debug)]
pub(crate) struct LogBudget {
    started: Instant,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    second: u64,
    lines: u64,
    left_out: u64,
}

impl LogBudget {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            spent: Mutex::default(),
        }
    }

    /// Takes a line: how many were left out before it, or `None` where it is to be left out, too.
    pub(crate) fn take(&self) -> Option<u64> {
        self.take_in(self.started.elapsed().as_secs())
    }

    fn take_in(&self, second: u64) -> Option<u64> {
        let mut spent = self.spent.lock();
        if spent.second != second {
            (spent.second, spent.lines) = (second, 0);
        }
        if spent.lines == LINES {
            spent.left_out += 1;
            return None;
        }
        spent.lines += 1;
        Some(std::mem::take(&mut spent.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_instead_of_logged() {
        let budget = LogBudget::new();
        let taken: Vec<_> = (0..LINES + 5).map(|_| budget.take_in(7)).collect();
        assert!(taken[..100].iter().all(|line| *line == Some(0)));
        assert_eq!(taken[100..], [None; 5]);
        assert_eq!(
            [8, 8].map(|second| budget.take_in(second)),
            [Some(5), Some(0)]
        );
    }
}
