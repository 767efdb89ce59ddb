//! What every write has in common: who and when, the version it expects, and what it made.

use crate::changes::Actor;
use crate::clock::Timestamp;
use crate::ids::Seq;

/// Who makes a change, and when: goes into the change log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Who.
    pub actor: Actor,
    /// When, by the clock of the instance that took the request.
    pub at: Timestamp,
}

/// A written record and the log's position after it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    /// The record as it is now.
    pub record: T,
    /// The change that made it so. A write that changed nothing returns the record's version.
    pub revision: Seq,
}

/// Which versions of a record a write accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Whatever is there.
    Any,
    /// Only one of these.
    OneOf(Vec<Seq>),
}

/// The record has moved on since the writer read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the record is at version {actual} now; read it again and repeat the change on that")]
pub struct VersionMismatch {
    /// The version that is stored.
    pub actual: Seq,
}

impl Precondition {
    /// Compares with the stored version.
    ///
    /// # Errors
    /// [`VersionMismatch`] when it is none of the accepted.
    pub fn check(&self, actual: Seq) -> Result<(), VersionMismatch> {
        match self {
            Self::OneOf(accepted) if !accepted.contains(&actual) => Err(VersionMismatch { actual }),
            Self::Any | Self::OneOf(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_accepted_version_passes() {
        assert!(Precondition::Any.check(Seq(7)).is_ok());
        assert!(
            Precondition::OneOf(vec![Seq(6), Seq(7)])
                .check(Seq(7))
                .is_ok()
        );
        assert_eq!(
            Precondition::OneOf(vec![]).check(Seq(7)),
            Err(VersionMismatch { actual: Seq(7) })
        );
    }
}
