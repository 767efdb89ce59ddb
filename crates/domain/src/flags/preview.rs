//! What a change would mean to those who were seen lately, asked before it is made.
//!
//! Storage makes the change, reads what would be served then, and takes it back: so it is the real change that is previewed,
//! with everything that would refuse it. `preview/compared.rs` compares the answers.

mod compared;

use std::fmt;
use std::sync::Arc;

use super::error::FlagError;
use super::flag::ChangeFlag;
use super::seen::SeenContexts;
use super::snapshot::Snapshot;
use super::targeting::check::check_patterns;
use super::targeting::{ChangeOverride, ChangeSegment, Misplaced, NewOverride, Rule, check_rules};
use crate::changes::Actor;
use crate::clock::Clock;
use crate::ids::OverrideId;
use crate::text::{EnvironmentName, FeatureName, SegmentName};
use crate::write::Stamp;

pub use compared::{Difference, Direction, Example, FeaturePreview, Preview, Served};

/// A change that might be made.
#[derive(Debug, Clone, PartialEq)]
pub enum Proposal {
    /// A flag is switched or set.
    ChangeFlag {
        /// The feature.
        feature: FeatureName,
        /// What is changed.
        change: ChangeFlag,
    },
    /// A segment is added.
    CreateSegment {
        /// Its name.
        name: SegmentName,
        /// Its rules.
        rules: Vec<Rule>,
    },
    /// A segment is changed, in every environment.
    ChangeSegment {
        /// The segment.
        segment: SegmentName,
        /// What is changed.
        change: ChangeSegment,
    },
    /// An override is added.
    CreateOverride {
        /// The feature.
        feature: FeatureName,
        /// What it begins with.
        new: NewOverride,
    },
    /// An override is changed.
    ChangeOverride {
        /// The feature.
        feature: FeatureName,
        /// The override.
        id: OverrideId,
        /// What is changed.
        change: ChangeOverride,
    },
    /// An override is deleted.
    DeleteOverride {
        /// The feature.
        feature: FeatureName,
        /// The override.
        id: OverrideId,
    },
}

impl Proposal {
    /// The rules that it brings.
    fn rules(&self) -> &[Rule] {
        match self {
            Self::CreateSegment { rules, .. } => rules,
            Self::ChangeSegment { change, .. } => change.rules.as_deref().unwrap_or_default(),
            Self::ChangeFlag { .. }
            | Self::CreateOverride { .. }
            | Self::ChangeOverride { .. }
            | Self::DeleteOverride { .. } => &[],
        }
    }
}

/// What is served of an environment, and what would be.
#[derive(Debug, Clone, PartialEq)]
pub struct Rehearsed {
    /// What is served.
    pub before: Snapshot,
    /// What would be served.
    pub after: Snapshot,
}

/// Why changes cannot be previewed, and which of them is refused, where it is one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct PreviewError {
    /// Its place among the changes.
    pub at: Option<usize>,
    /// Why.
    pub error: FlagError,
}

impl PreviewError {
    /// The change at this place is refused.
    pub fn of(at: usize, error: impl Into<FlagError>) -> Self {
        Self {
            at: Some(at),
            error: error.into(),
        }
    }
}

impl<E: Into<FlagError>> From<E> for PreviewError {
    fn from(error: E) -> Self {
        Self {
            at: None,
            error: error.into(),
        }
    }
}

/// Makes changes and takes them back.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait Rehearsal: Send + Sync {
    /// What would be served of the environment after these changes, one after the other. MUST refuse what would be refused if
    /// they were made, MUST draw the same from what is new each time, and MUST leave records and log as they are.
    fn rehearse(
        &self,
        environment: &EnvironmentName,
        proposals: &[Proposal],
        stamp: &Stamp,
    ) -> Result<Rehearsed, PreviewError>;
}

/// Previews changes.
#[derive(Clone)]
pub struct PreviewService {
    rehearsal: Arc<dyn Rehearsal>,
    seen: Arc<SeenContexts>,
    clock: Arc<dyn Clock>,
}

impl PreviewService {
    /// The service over its ports.
    #[must_use]
    pub fn new(
        rehearsal: Arc<dyn Rehearsal>,
        seen: Arc<SeenContexts>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            rehearsal,
            seen,
            clock,
        }
    }

    /// Whom it knows.
    #[must_use]
    pub fn seen(&self) -> &Arc<SeenContexts> {
        &self.seen
    }

    /// What these changes, made one after the other, would mean to those who were seen lately in the environment.
    ///
    /// # Errors
    /// Those of the changes themselves.
    pub fn preview(
        &self,
        environment: &EnvironmentName,
        proposals: &[Proposal],
    ) -> Result<Preview, PreviewError> {
        check_patterns(proposals.iter().map(Proposal::rules))
            .map_err(|mistake| Misplaced::new("changes", mistake.message))?;
        for (at, proposal) in proposals.iter().enumerate() {
            check_rules(proposal.rules()).map_err(|mistake| PreviewError::of(at, mistake))?;
        }
        let stamp = Stamp {
            // Nobody will read of it.
            actor: Actor::System,
            at: self.clock.now(),
        };
        let Rehearsed { before, after } =
            self.rehearsal.rehearse(environment, proposals, &stamp)?;
        let seen = self.seen.of(before.environment);
        Ok(Preview::of(
            &before.program,
            &after.program,
            &seen,
            stamp.at,
        ))
    }
}

impl fmt::Debug for PreviewService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PreviewService")
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}
