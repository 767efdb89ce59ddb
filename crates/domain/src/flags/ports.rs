//! What the flags context asks of storage. Each method is one unit of work: it commits whole, its change row included,
//! or leaves nothing.
//!
//! Every MUST is checked against each adapter by the contract tests of `flagstaff-infra`.

use super::environment::{ChangeEnvironment, CreateEnvironment, Environment};
use super::error::FlagError;
use super::feature::{ChangeFeature, CreateFeature, Feature, FeatureFilter};
use super::flag::{ChangeFlag, Flag};
use super::seed::Seeds;
use super::snapshot::Snapshot;
use crate::ids::{EnvironmentId, Seq};
use crate::page::{Listing, Page};
use crate::storage::StorageError;
use crate::text::{EnvironmentName, FeatureName};
use crate::write::{Precondition, Stamp, Written};

/// Keeps environments, features and flags. Names are compared without regard to case; lists are sorted by the bytes
/// of the names.
///
/// Every write MUST append its change with the record before and after, and MUST leave record and log untouched when
/// it changes nothing. Every write with a [`Precondition`] MUST return [`FlagError::VersionMismatch`] when the stored
/// version is not accepted. A store that cannot be reached MUST be [`FlagError::Storage`], never "not found".
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait FlagRepository: Send + Sync {
    /// A page of the environments.
    fn list_environments(
        &self,
        page: &Page<EnvironmentName>,
    ) -> Result<Listing<Environment>, FlagError>;

    /// MUST return [`FlagError::EnvironmentNotFound`] when there is none.
    fn get_environment(&self, name: &EnvironmentName) -> Result<Environment, FlagError>;

    /// MUST give it a flag for every feature, with the feature's defaults, in the same unit of work, and take its hash key
    /// and the flags' seeds from `seeds`; MUST return [`FlagError::EnvironmentExists`] when the name is taken.
    fn create_environment(
        &self,
        command: &CreateEnvironment,
        seeds: &Seeds,
        stamp: &Stamp,
    ) -> Result<Written<Environment>, FlagError>;

    /// MUST return [`FlagError::EnvironmentExists`] when the new name is taken by another.
    fn change_environment(
        &self,
        name: &EnvironmentName,
        change: &ChangeEnvironment,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Environment>, FlagError>;

    /// MUST remove its flags and keys with it, and log the flags' state.
    fn delete_environment(
        &self,
        name: &EnvironmentName,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, FlagError>;

    /// A page of the features that the filter shows.
    fn list_features(
        &self,
        page: &Page<FeatureName>,
        filter: FeatureFilter,
    ) -> Result<Listing<Feature>, FlagError>;

    /// MUST return [`FlagError::FeatureNotFound`] when there is none.
    fn get_feature(&self, name: &FeatureName) -> Result<Feature, FlagError>;

    /// MUST add its flag to every environment in the same unit of work, as one change, and take the flags' seeds from
    /// `seeds`; MUST give its variants ids in their order, none of which was given before; MUST return [`FlagError::FeatureExists`] when the name is taken, and [`FlagError::EnabledInUnknown`] when
    /// `enabled_in` names no environment.
    fn create_feature(
        &self,
        command: &CreateFeature,
        seeds: &Seeds,
        stamp: &Stamp,
    ) -> Result<Written<Feature>, FlagError>;

    /// MUST leave the feature's flags as they are; MUST give new variants ids after all others, none of which was given
    /// before; MUST return [`FlagError::FeatureExists`] when the new name is taken, [`FlagError::VariantInUse`] when a
    /// variant goes that has a share anywhere, and [`FlagError::Invalid`] when the kind would not fit the variants.
    fn change_feature(
        &self,
        name: &FeatureName,
        change: &ChangeFeature,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Feature>, FlagError>;

    /// MUST remove its flags with it, and log their state.
    fn delete_feature(
        &self,
        name: &FeatureName,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Seq, FlagError>;

    /// A page of an environment's flags, sorted by feature name.
    fn list_flags(
        &self,
        environment: &EnvironmentName,
        page: &Page<FeatureName>,
    ) -> Result<Listing<Flag>, FlagError>;

    /// MUST tell an unknown environment from an unknown feature.
    fn get_flag(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
    ) -> Result<Flag, FlagError>;

    /// MUST read, check, change and log in one unit of work, so that two writers never lose each other's change;
    /// MUST return [`FlagError::Invalid`] when the split names a variant that the feature does not have.
    fn change_flag(
        &self,
        environment: &EnvironmentName,
        feature: &FeatureName,
        change: &ChangeFlag,
        precondition: &Precondition,
        stamp: &Stamp,
    ) -> Result<Written<Flag>, FlagError>;
}

/// What has to be served anew.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SnapshotUpdate {
    /// The log's last change when this was read; 0 in an empty log.
    pub head: Seq,
    /// Environments that the changes affect, as they are at `head`.
    pub snapshots: Vec<Snapshot>,
    /// Environments that are no more.
    pub removed: Vec<EnvironmentId>,
    /// Whether there are no others.
    pub whole: bool,
}

/// Reads snapshots from storage.
#[cfg_attr(any(test, feature = "mocks"), mockall::automock)]
pub trait SnapshotSource: Send + Sync {
    /// What changed after `since`, or every environment when `since` is `None`, or is no longer part of the log: after a
    /// failover to a copy that had fallen behind, or the restore of a backup.
    ///
    /// MUST read the log's head and all rows in one transaction. A change to a feature or a segment affects every
    /// environment; a change to a flag, an override or an environment affects that one.
    fn load(&self, since: Option<Seq>) -> Result<SnapshotUpdate, StorageError>;
}
