//! How strong the overrides of a flag for segments are, and how they make room for one another.

use serde::{Deserialize, Serialize};

use crate::flags::error::FlagError;
use crate::text::Invalid;

/// The weakest priority that can be asked for.
pub const PRIORITY_MAX: u32 = 1_000_000;

/// How strong a segment's override is: the lowest number wins.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u32", into = "u32")]
pub struct Priority(u32);

impl Priority {
    /// The next weaker one, unless this is the weakest.
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::try_from(self.0 + 1).ok()
    }

    /// A priority that is stored.
    #[must_use]
    pub fn stored(priority: i64) -> Self {
        Self(u32::try_from(priority).unwrap_or_default())
    }
}

impl TryFrom<u32> for Priority {
    type Error = Invalid;

    fn try_from(priority: u32) -> Result<Self, Invalid> {
        if priority > PRIORITY_MAX {
            return Err(Invalid::new(format!("must be 0 to {PRIORITY_MAX}")));
        }
        Ok(Self(priority))
    }
}

impl From<Priority> for u32 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

impl std::fmt::Display for Priority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Makes room among the priorities of a flag: of those that stand at `wanted`, or right behind one that moves, each moves
/// back by one. The result is in the order in which they are to be moved, the last first.
///
/// # Errors
/// [`FlagError::Invalid`] when there is no room behind them.
pub fn make_room<T: Copy>(
    mut taken: Vec<(T, Priority)>,
    wanted: Priority,
) -> Result<Vec<(T, Priority)>, FlagError> {
    taken.sort_by_key(|(_, priority)| *priority);
    let mut needed = wanted;
    let mut moved = Vec::new();
    for (one, priority) in taken {
        if priority == needed {
            needed = behind(priority)?;
            moved.push((one, needed));
        }
    }
    moved.reverse();
    Ok(moved)
}

/// The priority of what is put right behind another.
///
/// # Errors
/// [`FlagError::Invalid`] where nothing is behind it.
pub fn behind(priority: Priority) -> Result<Priority, FlagError> {
    let full = || {
        let reason = format!("{PRIORITY_MAX} is taken; give that override a lower number first");
        FlagError::Invalid {
            field: "priority",
            reason: Invalid::new(reason),
        }
    };
    priority.next().ok_or_else(full)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn priority(number: u32) -> Priority {
        Priority::try_from(number).unwrap()
    }

    #[test]
    fn only_what_stands_in_the_way_moves() {
        let taken = |numbers: &[u32]| numbers.iter().map(|one| (*one, priority(*one))).collect();
        let moved = |numbers: &[u32], wanted| -> Vec<_> {
            let moved = make_room(taken(numbers), priority(wanted)).unwrap();
            moved
                .into_iter()
                .map(|(one, now)| (one, u32::from(now)))
                .collect()
        };
        assert_eq!(moved(&[0, 1, 2, 4, 5], 1), [(2, 3), (1, 2)]);
        assert_eq!(moved(&[5, 4], 4), [(5, 6), (4, 5)]);
        assert_eq!(moved(&[0, 2], 1), []);
        assert_eq!(moved(&[], 0), []);
        let last = [PRIORITY_MAX - 1, PRIORITY_MAX];
        assert!(make_room(taken(&last), priority(PRIORITY_MAX - 1)).is_err());
        assert!(make_room(taken(&last), priority(0)).is_ok());
    }
}
