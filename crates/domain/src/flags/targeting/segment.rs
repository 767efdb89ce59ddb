//! A segment: those for whom rules hold, the same in every environment. What they get is said by overrides.

use super::rule::Rule;
use super::seed::SplitSeed;
use crate::clock::Timestamp;
use crate::ids::{SegmentId, Seq};
use crate::text::{Description, SegmentName};

/// A segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its id, for ever.
    pub id: SegmentId,
    /// Its name, unique without regard to case.
    pub name: SegmentName,
    /// Whom it means.
    pub description: Description,
    /// All of them must hold; where there are none, nobody is in it.
    pub rules: Vec<Rule>,
    /// What its shares are made from, for ever.
    pub seed: SplitSeed,
    /// When it was created.
    pub created_at: Timestamp,
    /// The last change to this record.
    pub version: Seq,
}

/// Adds a segment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSegment {
    /// Its name.
    pub name: SegmentName,
    /// Whom it means.
    pub description: Description,
    /// All of them must hold.
    pub rules: Vec<Rule>,
    /// What its shares are made from, for ever.
    pub seed: SplitSeed,
}

impl CreateSegment {
    /// The record that this creates.
    #[must_use]
    pub fn record(&self, id: SegmentId, at: Timestamp, version: Seq) -> Segment {
        Segment {
            id,
            name: self.name.clone(),
            description: self.description.clone(),
            rules: self.rules.clone(),
            seed: self.seed,
            created_at: at,
            version,
        }
    }
}

/// Changes what is given, leaves the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeSegment {
    /// A new name.
    pub name: Option<SegmentName>,
    /// A new description.
    pub description: Option<Description>,
    /// New rules, in place of all old ones.
    pub rules: Option<Vec<Rule>>,
}

impl ChangeSegment {
    /// The record with this change made to it.
    #[must_use]
    pub fn apply(&self, current: &Segment) -> Segment {
        Segment {
            name: self.name.clone().unwrap_or_else(|| current.name.clone()),
            description: self
                .description
                .clone()
                .unwrap_or_else(|| current.description.clone()),
            rules: self.rules.clone().unwrap_or_else(|| current.rules.clone()),
            ..current.clone()
        }
    }
}
