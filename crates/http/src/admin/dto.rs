//! The shapes of management's records. The command line's `--json` prints the same.

mod targeting;

use flagstaff_domain::access::{Account, EnvironmentKey, IssuedToken, Role, Token};
use flagstaff_domain::changes::Change;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::targeting::{Share, Variant};
use flagstaff_domain::flags::{Environment, Feature, FeatureKind, Flag, FlagValue};
use flagstaff_domain::json::JsonText;
use serde::Serialize;
use utoipa::ToSchema;

use super::schema;

pub use targeting::{OperatorRecord, OverrideRecord, SegmentRecord};

/// An environment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EnvironmentRecord {
    /// Its id, for ever.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The last change that affects what it serves.
    pub revision: i64,
    /// The last change to this record.
    pub version: i64,
}

impl From<&Environment> for EnvironmentRecord {
    fn from(environment: &Environment) -> Self {
        Self {
            id: environment.id.0,
            name: environment.name.to_string(),
            description: environment.description.to_string(),
            created_at: environment.created_at,
            revision: environment.revision.0,
            version: environment.version.0,
        }
    }
}

/// A feature.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FeatureRecord {
    /// Its id, for ever.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// What kind it is.
    #[serde(rename = "type")]
    #[schema(value_type = schema::FeatureType)]
    pub kind: FeatureKind,
    /// The value its flags begin with.
    #[schema(value_type = schema::FlagValue)]
    pub initial_value: FlagValue,
    /// Whether its flags begin enabled.
    pub default_enabled: bool,
    /// Whether it is shown to server keys alone.
    pub server_key_only: bool,
    /// Words by which it is grouped.
    pub tags: Vec<String>,
    /// The values that it may have beside a flag's own, in the order in which they were added.
    #[schema(value_type = Vec<schema::Variant>)]
    pub variants: Vec<Variant>,
    /// Whether it is put away. It is served as before.
    pub archived: bool,
    /// Whether it is done with, and may go once no code asks for it.
    pub stale: bool,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// The last change to this record.
    pub version: i64,
    /// What whoever named it should know; there when there is something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub warnings: Vec<String>,
}

impl From<&Feature> for FeatureRecord {
    fn from(feature: &Feature) -> Self {
        Self {
            id: feature.id.0,
            name: feature.name.to_string(),
            description: feature.description.to_string(),
            kind: feature.kind,
            initial_value: feature.initial_value.clone(),
            default_enabled: feature.default_enabled,
            server_key_only: feature.server_key_only,
            tags: feature.tags.iter().map(str::to_owned).collect(),
            variants: feature.variants.clone(),
            archived: feature.archived,
            stale: feature.stale,
            created_at: feature.created_at,
            version: feature.version.0,
            warnings: Vec::new(),
        }
    }
}

impl FeatureRecord {
    /// The record with the warnings about its name.
    #[must_use]
    pub fn with_warnings(feature: &Feature) -> Self {
        Self {
            warnings: feature.name.warning().into_iter().collect(),
            ..Self::from(feature)
        }
    }
}

/// A flag.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FlagRecord {
    /// The feature that it switches.
    pub feature: String,
    /// The environment in which it does.
    pub environment: String,
    /// On or off.
    pub enabled: bool,
    /// What it carries.
    #[schema(value_type = schema::FlagValue)]
    pub value: FlagValue,
    /// Which part of the identities gets which of the feature's variants; the rest gets the value.
    #[schema(value_type = Vec<schema::Share>)]
    pub variants: Vec<Share>,
    /// Whether it is off for everyone, whatever else is set.
    pub killed: bool,
    /// When it was last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// The last change to this record.
    pub version: i64,
}

impl From<&Flag> for FlagRecord {
    fn from(flag: &Flag) -> Self {
        Self {
            feature: flag.feature.to_string(),
            environment: flag.environment.to_string(),
            enabled: flag.enabled,
            value: flag.value.clone(),
            variants: flag.variants.clone(),
            killed: flag.killed,
            updated_at: flag.updated_at,
            version: flag.version.0,
        }
    }
}

/// A key of an environment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeyRecord {
    /// Its id.
    pub id: i64,
    /// Tells a person which key this is.
    pub name: String,
    /// Who it is for.
    #[schema(value_type = schema::KeyKind)]
    pub kind: String,
    /// Its text. A server key's is shown when it is made, and null from then on.
    #[schema(required)]
    pub key: Option<String>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From when on it is refused; null means never.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub expires_at: Option<Timestamp>,
    /// When this server last let it in; null where it has not since its start. Left out where nobody can know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, required = false)]
    pub last_used_at: Option<Option<Timestamp>>,
    /// True for a record of the GUID register, named after its user; left out for every other key.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub guid: bool,
}

impl From<&EnvironmentKey> for KeyRecord {
    fn from(key: &EnvironmentKey) -> Self {
        Self {
            id: key.id.0,
            name: key.name.to_string(),
            kind: key.kind.as_str().to_owned(),
            key: key.text.as_ref().map(|text| text.reveal().to_owned()),
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: None,
            guid: key.is_guid,
        }
    }
}

impl KeyRecord {
    /// The record with what is known of its use.
    #[must_use]
    pub fn with_last_use(key: &EnvironmentKey, last_used_at: Option<Timestamp>) -> Self {
        Self {
            last_used_at: Some(last_used_at),
            ..Self::from(key)
        }
    }
}

/// A user.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct UserRecord {
    /// Their id, for ever.
    pub id: i64,
    /// The name by which they sign in.
    pub username: String,
    /// What they may do.
    #[schema(value_type = schema::Role)]
    pub role: Role,
    /// Whether they are shut out.
    pub disabled: bool,
    /// When the account was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When somebody last signed in to it, by a new session or by HTTP Basic; null means never.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_login_at: Option<Timestamp>,
}

impl From<&Account> for UserRecord {
    fn from(account: &Account) -> Self {
        Self {
            id: account.id.0,
            username: account.username.to_string(),
            role: account.role,
            disabled: account.disabled,
            created_at: account.created_at,
            last_login_at: account.last_login_at,
        }
    }
}

/// An access token.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TokenRecord {
    /// Its id.
    pub id: i64,
    /// Tells its owner which token this is.
    pub name: String,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// From when on it is refused; null means never.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to the minute; null means never.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub last_used_at: Option<Timestamp>,
}

impl From<&Token> for TokenRecord {
    fn from(token: &Token) -> Self {
        Self {
            id: token.id.0,
            name: token.name.to_string(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
        }
    }
}

/// An access token that was just made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct IssuedTokenRecord {
    /// Its id.
    pub id: i64,
    /// Tells its owner which token this is.
    pub name: String,
    /// Its text, which is shown this once.
    pub token: String,
    /// From when on it is refused; null means never.
    #[schema(value_type = Option<String>, format = DateTime, required)]
    pub expires_at: Option<Timestamp>,
}

impl From<&IssuedToken> for IssuedTokenRecord {
    fn from(issued: &IssuedToken) -> Self {
        let token = &issued.written.record;
        Self {
            id: token.id.0,
            name: token.name.to_string(),
            token: issued.text.reveal().to_owned(),
            expires_at: token.expires_at,
        }
    }
}

/// A change.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ChangeRecord {
    /// Its position in the log.
    pub seq: i64,
    /// The position of the first change of the same unit of work.
    pub group: i64,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who made it: `user:<name>`, `token:<name>/<token>`, `command-line`, `import`, `job:<name>` or `system`.
    pub actor: String,
    /// What it concerns.
    #[schema(value_type = schema::Context)]
    pub context: String,
    /// What happened, as `flag.changed`.
    pub kind: String,
    /// The name of the record that it happened to.
    pub subject: String,
    /// The environment that it affects; null where it concerns all or none.
    #[schema(required)]
    pub environment: Option<String>,
    /// The record before; null at creation.
    #[schema(value_type = Option<Object>, required)]
    pub before: Option<JsonText>,
    /// The record after; null at deletion.
    #[schema(value_type = Option<Object>, required)]
    pub after: Option<JsonText>,
}

impl From<&Change> for ChangeRecord {
    fn from(change: &Change) -> Self {
        Self {
            seq: change.seq.0,
            group: change.group.0,
            at: change.at,
            actor: change.actor.clone(),
            context: change.context.clone(),
            kind: change.kind.clone(),
            subject: change.subject.clone(),
            environment: change.environment.clone(),
            before: change.before.clone(),
            after: change.after.clone(),
        }
    }
}
