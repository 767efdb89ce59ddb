//! The shapes of the GUID register.

use flagstaff_domain::access::{ChangeGuid, CreateGuid, Expire, Guid, GuidRecord};
use flagstaff_domain::flags::value::present;
use flagstaff_domain::text::{Description, EnvironmentName, GuidUser};
use serde::de::{Error, IgnoredAny};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use crate::admin::schema;

/// A record of the GUID register.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = GuidRecord)]
pub(crate) struct GuidBody {
    /// The GUID.
    #[schema(value_type = schema::Guid)]
    guid: String,
    /// From when on it is unknown: Unix time in whole seconds.
    #[schema(value_type = schema::Expire)]
    expire: Expire,
    /// Whom it was given to.
    #[schema(value_type = schema::GuidUser)]
    user: String,
    /// The environment that it opens as an `X-Environment-Key`; left out where it opens none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Name>, required = false)]
    environment: Option<String>,
    /// What it is for; left out where nothing was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<schema::Description>, required = false)]
    description: Option<String>,
}

impl GuidBody {
    /// The record of this GUID.
    pub(crate) fn new(guid: &Guid, record: &GuidRecord) -> Self {
        let environment = record.environment.as_ref();
        Self {
            guid: guid.reveal().to_owned(),
            expire: record.expire,
            user: record.user.to_string(),
            environment: environment.map(|(_, name)| name.to_string()),
            description: record.description.as_ref().map(ToString::to_string),
        }
    }
}

/// A new record.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGuid {
    /// Whom it is given to.
    #[schema(value_type = schema::GuidUser)]
    user: GuidUser,
    /// From when on it is unknown: Unix time in whole seconds; 30 days from now unless told.
    #[schema(value_type = Option<schema::ExpireInput>)]
    expire: Option<Expire>,
    /// An environment that it is to open as an `X-Environment-Key`; for administrators.
    #[schema(value_type = Option<schema::Name>)]
    environment: Option<EnvironmentName>,
    /// What it is for.
    #[schema(value_type = Option<schema::Description>)]
    description: Option<Description>,
}

impl From<NewGuid> for CreateGuid {
    fn from(new: NewGuid) -> Self {
        Self {
            user: new.user,
            expire: new.expire,
            environment: new.environment,
            description: new.description,
        }
    }
}

/// What is given is changed, the rest stays. Null takes an environment or a description away.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuidChange {
    /// Another user.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::GuidUser, required = false)]
    user: Option<GuidUser>,
    /// Another end; also for a record that has expired and is not purged yet.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = schema::ExpireInput, required = false)]
    expire: Option<Expire>,
    /// Another environment, or none; for administrators.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Name>)]
    environment: Option<Option<EnvironmentName>>,
    /// Another description, or none.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<schema::Description>)]
    description: Option<Option<Description>>,
    /// There is no other GUID for a record.
    #[serde(default, rename = "guid", deserialize_with = "unchangeable")]
    #[schema(ignore)]
    _guid: (),
}

fn unchangeable<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    IgnoredAny::deserialize(deserializer)?;
    Err(D::Error::custom(
        "cannot be changed; make another record and delete this one",
    ))
}

impl From<GuidChange> for ChangeGuid {
    fn from(change: GuidChange) -> Self {
        Self {
            user: change.user,
            expire: change.expire,
            environment: change.environment,
            description: change.description,
        }
    }
}
