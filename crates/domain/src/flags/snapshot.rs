//! A snapshot: all that is needed to serve one environment, immutable, as of one revision.
//!
//! Storage builds it in one transaction; [`super::publisher`] hands it to whoever serves it.

use std::sync::Arc;

use super::feature::Feature;
use super::value::FlagValue;
use crate::clock::Timestamp;
use crate::ids::{EnvironmentId, FlagId, Seq};
use crate::text::EnvironmentName;

/// An environment's flags at one revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Snapshot {
    /// The environment.
    pub environment: EnvironmentId,
    /// Its name at that revision.
    pub name: EnvironmentName,
    /// The last change that affects it.
    pub revision: Seq,
    /// When that change was made.
    pub updated_at: Timestamp,
    /// Its flags, sorted by the bytes of their features' names.
    pub flags: Vec<SnapshotFlag>,
}

/// One flag of a snapshot with its feature; features are shared between environments.
#[derive(Debug, Clone, PartialEq)]
pub struct SnapshotFlag {
    /// The flag's id.
    pub id: FlagId,
    /// The feature that it switches.
    pub feature: Arc<Feature>,
    /// On or off.
    pub enabled: bool,
    /// What it carries.
    pub value: FlagValue,
}
