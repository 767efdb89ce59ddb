//! Rows of environments, features and flags, and how they become records.

use std::sync::Arc;

use diesel::prelude::*;
use flagstaff_domain::flags::targeting::{Share, Variant};
use flagstaff_domain::flags::{
    Environment, Feature, FeatureKind, Flag, FlagValue, HashKey, Seed, SnapshotFlag, SplitHash,
};
use flagstaff_domain::ids::{EnvironmentId, FeatureId, FlagId, Seq};
use flagstaff_domain::text::{Description, EnvironmentName, FeatureName, Invalid, Tags};

use crate::db::columns::instant;
use crate::db::schema::{environments, features, flags};

#[derive(Queryable, Selectable)]
#[diesel(table_name = environments)]
pub(crate) struct EnvironmentRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    description: String,
    created_at: i64,
    pub(crate) revision: i64,
    pub(crate) revised_at: i64,
    version: i64,
    pub(crate) hash_key: String,
}

impl TryFrom<EnvironmentRow> for Environment {
    type Error = Invalid;

    fn try_from(row: EnvironmentRow) -> Result<Self, Invalid> {
        Ok(Self {
            id: EnvironmentId(row.id),
            name: EnvironmentName::parse(row.name)?,
            description: Description::parse(row.description)?,
            created_at: instant(row.created_at)?,
            hash_key: HashKey::parse(row.hash_key)?,
            revision: Seq(row.revision),
            version: Seq(row.version),
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = features)]
pub(crate) struct FeatureRow {
    pub(crate) id: i64,
    pub(crate) name: String,
    description: String,
    kind: String,
    initial_value: String,
    default_enabled: bool,
    server_key_only: bool,
    tags: String,
    created_at: i64,
    version: i64,
    archived: bool,
    stale: bool,
}

/// Tags as they are stored: a JSON array.
pub(crate) fn tags_to_column(tags: &Tags) -> String {
    serde_json::to_string(tags).unwrap_or_else(|_| "[]".to_owned())
}

fn tags_from_column(text: &str) -> Result<Tags, Invalid> {
    serde_json::from_str(text).map_err(|error| Invalid::new(format!("stored tags: {error}")))
}

/// Shares as they are stored: a JSON array.
pub(crate) fn shares_to_column(shares: &[Share]) -> String {
    serde_json::to_string(shares).unwrap_or_else(|_| "[]".to_owned())
}

/// Shares from their column.
pub(crate) fn shares_from_column(text: &str) -> Result<Vec<Share>, Invalid> {
    serde_json::from_str(text).map_err(|error| Invalid::new(format!("stored split: {error}")))
}

impl FeatureRow {
    pub(crate) fn into_feature(self, variants: Vec<Variant>) -> Result<Feature, Invalid> {
        Ok(Feature {
            id: FeatureId(self.id),
            name: FeatureName::parse(self.name)?,
            description: Description::parse(self.description)?,
            kind: FeatureKind::try_from(self.kind)?,
            initial_value: FlagValue::parse(&self.initial_value)?,
            default_enabled: self.default_enabled,
            server_key_only: self.server_key_only,
            tags: tags_from_column(&self.tags)?,
            variants,
            archived: self.archived,
            stale: self.stale,
            created_at: instant(self.created_at)?,
            version: Seq(self.version),
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = flags)]
pub(crate) struct FlagRow {
    pub(crate) id: i64,
    pub(crate) environment_id: i64,
    pub(crate) feature_id: i64,
    pub(crate) enabled: bool,
    pub(crate) value: String,
    updated_at: i64,
    version: i64,
    variants: String,
    killed: bool,
    hash: String,
    seed: String,
}

impl FlagRow {
    pub(crate) fn into_flag(self, environment: &str, feature: &str) -> Result<Flag, Invalid> {
        Ok(Flag {
            id: FlagId(self.id),
            feature_id: FeatureId(self.feature_id),
            feature: FeatureName::parse(feature)?,
            environment_id: EnvironmentId(self.environment_id),
            environment: EnvironmentName::parse(environment)?,
            enabled: self.enabled,
            value: FlagValue::parse(&self.value)?,
            variants: shares_from_column(&self.variants)?,
            killed: self.killed,
            seed: Seed::parse(self.seed)?,
            hash: SplitHash::try_from(self.hash)?,
            updated_at: instant(self.updated_at)?,
            version: Seq(self.version),
        })
    }

    /// The flag as it is served.
    pub(crate) fn served(self, feature: Arc<Feature>) -> Result<SnapshotFlag, Invalid> {
        Ok(SnapshotFlag {
            id: FlagId(self.id),
            feature,
            enabled: self.enabled,
            value: FlagValue::parse(&self.value)?,
            variants: shares_from_column(&self.variants)?,
            killed: self.killed,
            seed: Seed::parse(self.seed)?,
            hash: SplitHash::try_from(self.hash)?,
        })
    }
}
