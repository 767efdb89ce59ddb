//! A row of the one table of keys, as a key of an environment or as a record of the GUID register.

use diesel::prelude::*;
use flagstaff_domain::access::{EnvironmentKey, Expire, GuidRecord, KeyDigest, KeyKind, KeyText};
use flagstaff_domain::ids::{EnvironmentId, KeyId, Seq};
use flagstaff_domain::text::{Description, EnvironmentName, GuidUser, Invalid, KeyName};

use crate::db::columns::instant;
use crate::db::schema::environment_keys;

#[derive(Queryable, Selectable)]
#[diesel(table_name = environment_keys)]
pub(super) struct KeyRow {
    pub(super) id: i64,
    pub(super) environment_id: Option<i64>,
    name: Option<String>,
    user: Option<String>,
    description: Option<String>,
    kind: String,
    digest: String,
    text: Option<String>,
    created_at: i64,
    expires_at: Option<i64>,
    pub(super) version: i64,
}

/// What a row is. A record of the register that opens no environment is no key.
pub(super) enum Stored {
    Key(EnvironmentKey),
    Guid(GuidRecord),
}

impl KeyRow {
    /// The key that the row is to this environment.
    pub(super) fn into_key(self, environment: &str) -> Result<EnvironmentKey, Invalid> {
        let is_guid = self.user.is_some();
        let name = match (self.name, self.user) {
            (Some(name), _) => KeyName::parse(name)?,
            (None, user) => GuidUser::parse(user.unwrap_or_default())?.into(),
        };
        Ok(EnvironmentKey {
            id: KeyId(self.id),
            environment_id: EnvironmentId(self.environment_id.unwrap_or_default()),
            environment: EnvironmentName::parse(environment)?,
            name,
            kind: KeyKind::try_from(self.kind)?,
            digest: KeyDigest::try_from(self.digest)?,
            text: self.text.map(KeyText::parse).transpose()?,
            created_at: instant(self.created_at)?,
            expires_at: self.expires_at.map(instant).transpose()?,
            is_guid,
            version: Seq(self.version),
        })
    }

    /// The record of the register that the row is; `environment` is the name of the one that it opens.
    pub(super) fn into_guid(self, environment: Option<&str>) -> Result<GuidRecord, Invalid> {
        let environment = match (self.environment_id, environment) {
            (Some(id), Some(name)) => Some((EnvironmentId(id), EnvironmentName::parse(name)?)),
            _ => None,
        };
        let expires_at = self.expires_at.map(instant).transpose()?;
        Ok(GuidRecord {
            id: KeyId(self.id),
            digest: KeyDigest::try_from(self.digest)?,
            user: GuidUser::parse(self.user.unwrap_or_default())?,
            environment,
            description: self.description.map(Description::parse).transpose()?,
            created_at: instant(self.created_at)?,
            expire: Expire::of(expires_at.unwrap_or_default())?,
            version: Seq(self.version),
        })
    }

    /// Whichever it is, of this environment.
    pub(super) fn into_stored(self, environment: &str) -> Result<Stored, Invalid> {
        match self.user {
            Some(_) => self.into_guid(Some(environment)).map(Stored::Guid),
            None => self.into_key(environment).map(Stored::Key),
        }
    }

    /// Whether it is a record of the register.
    pub(super) fn is_guid(&self) -> bool {
        self.user.is_some()
    }
}
