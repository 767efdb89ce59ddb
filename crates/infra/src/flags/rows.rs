//! Rows of environments, features and flags, and how they become records.

use diesel::prelude::*;
use flagstaff_domain::flags::{Environment, Feature, FeatureKind, Flag, FlagValue};
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
}

impl TryFrom<EnvironmentRow> for Environment {
    type Error = Invalid;

    fn try_from(row: EnvironmentRow) -> Result<Self, Invalid> {
        Ok(Self {
            id: EnvironmentId(row.id),
            name: EnvironmentName::parse(row.name)?,
            description: Description::parse(row.description)?,
            created_at: instant(row.created_at)?,
            revision: Seq(row.revision),
            version: Seq(row.version),
        })
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = features)]
pub(crate) struct FeatureRow {
    id: i64,
    name: String,
    description: String,
    kind: String,
    initial_value: String,
    default_enabled: bool,
    server_key_only: bool,
    tags: String,
    created_at: i64,
    version: i64,
}

/// Tags as they are stored: a JSON array.
pub(crate) fn tags_to_column(tags: &Tags) -> String {
    serde_json::to_string(tags).unwrap_or_else(|_| "[]".to_owned())
}

fn tags_from_column(text: &str) -> Result<Tags, Invalid> {
    serde_json::from_str(text).map_err(|error| Invalid::new(format!("stored tags: {error}")))
}

impl TryFrom<FeatureRow> for Feature {
    type Error = Invalid;

    fn try_from(row: FeatureRow) -> Result<Self, Invalid> {
        Ok(Self {
            id: FeatureId(row.id),
            name: FeatureName::parse(row.name)?,
            description: Description::parse(row.description)?,
            kind: FeatureKind::try_from(row.kind)?,
            initial_value: FlagValue::parse(&row.initial_value)?,
            default_enabled: row.default_enabled,
            server_key_only: row.server_key_only,
            tags: tags_from_column(&row.tags)?,
            created_at: instant(row.created_at)?,
            version: Seq(row.version),
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
            updated_at: instant(self.updated_at)?,
            version: Seq(self.version),
        })
    }
}
