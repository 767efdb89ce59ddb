//! What segments and overrides ask of storage; like [`crate::flags::ports`], each method is one unit of work.

use super::overrides::{ChangeOverride, CreateOverride, Override, TargetName};
use super::segment::{ChangeSegment, CreateSegment, Segment};
use crate::flags::error::FlagError;
use crate::ids::{OverrideId, Seq};
use crate::page::{Listing, Page};
use crate::text::{EnvironmentName, FeatureName, SegmentName};
use crate::write::{Precondition, Stamp, Written};

/// Keeps segments and overrides. What every write promises is what [`crate::flags::FlagRepository`] says.
///
/// Conditions on features (`FLAG`) name them; they MUST be kept by the features' ids, so that they follow a renaming. A
/// name that is no feature's, and a value that is none of its variants' keys, MUST be [`FlagError::Misplaced`]. A write
/// after which features would depend on one another in a circle, or in too long a row, MUST be refused by
/// [`FlagError::Tangled`]; one after which a segment has a `PERCENTAGE_SPLIT` and an override of it a rollout, by
/// [`FlagError::DrawnTwice`].
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait TargetingRepository: Send + Sync {
    /// A page of the segments.
    fn list_segments(&self, page: &Page<SegmentName>) -> Result<Listing<Segment>, FlagError>;

    /// MUST return [`FlagError::SegmentNotFound`] when there is none.
    fn get_segment(&self, name: &SegmentName) -> Result<Segment, FlagError>;

    /// MUST return [`FlagError::SegmentExists`] when the name is taken.
    fn create_segment(
        &self,
        command: &CreateSegment,
        stamp: &Stamp,
    ) -> Result<Written<Segment>, FlagError>;

    /// MUST count as a change to every environment; MUST return [`FlagError::SegmentExists`] when the new name is taken.
    fn change_segment(
        &self,
        name: &SegmentName,
        change: &ChangeSegment,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Segment>, FlagError>;

    /// MUST return [`FlagError::InUse`], naming the flags, as long as overrides are for it.
    fn delete_segment(
        &self,
        name: &SegmentName,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, FlagError>;

    /// A page of a flag's overrides: those for segments, the strongest first, then those for identities, the oldest first.
    fn list_overrides(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        page: &Page<OverrideId>,
    ) -> Result<Listing<Override>, FlagError>;

    /// The override for this target, if there is one.
    fn find_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        target: &TargetName,
    ) -> Result<Option<Override>, FlagError>;

    /// MUST return [`FlagError::OverrideNotFound`] when the flag has none of this id.
    fn get_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
    ) -> Result<Override, FlagError>;

    /// MUST return [`FlagError::OverrideExists`] when the target has one, and [`FlagError::Invalid`] when the segment or a
    /// variant does not exist. Without a priority it MUST become the weakest for a segment; with one that is taken, those
    /// that stand there and right behind MUST move back, each as a change of its own under the same group.
    fn create_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        command: &CreateOverride,
        stamp: &Stamp,
    ) -> Result<Written<Override>, FlagError>;

    /// MUST make room for a new priority as [`TargetingRepository::create_override`] does, and keep target and seeds.
    fn change_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
        change: &ChangeOverride,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Override>, FlagError>;

    /// MUST leave the others' priorities as they are.
    fn delete_override(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        id: OverrideId,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, FlagError>;
}
