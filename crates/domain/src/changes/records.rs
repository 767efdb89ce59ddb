//! How records look in the change log: JSON shapes of their own, which stay readable for as long as the log is kept.
//!
//! Fields are added, never renamed or removed; the tests pin each shape. Keys appear as digests, passwords not at all.

mod targeting;

use serde::Serialize;

use crate::access::{self, Account, EnvironmentKey, KeyKind, Role, Token};
use crate::clock::Timestamp;
use crate::flags::targeting::{Override, Share, Variant};
use crate::flags::{Environment, Feature, FeatureKind, Flag, FlagValue, HashKey, Seed, SplitHash};
use crate::ids::{AccountId, EnvironmentId, FeatureId, FlagId, KeyId, Seq, TokenId, VariantId};
use crate::text::{
    Description, EnvironmentName, FeatureName, GuidUser, KeyName, Tags, TokenName, VariantKey,
};

pub use targeting::{OverrideRecord, SegmentRecord};

/// An environment in the log.
#[derive(Debug, Serialize)]
pub struct EnvironmentRecord<'a> {
    id: EnvironmentId,
    name: &'a EnvironmentName,
    description: &'a Description,
    created_at: Timestamp,
    version: Seq,
    hash_key: &'a HashKey,
    /// Its flags, where they come or go with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<Vec<FlagRecord<'a>>>,
    /// The overrides that go with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<OverrideRecord<'a>>,
}

impl<'a> EnvironmentRecord<'a> {
    /// The record, with its flags where they go with it, and the overrides that do.
    #[must_use]
    pub fn new(
        environment: &'a Environment,
        flags: Option<&'a [Flag]>,
        overrides: &'a [Override],
    ) -> Self {
        Self {
            id: environment.id,
            name: &environment.name,
            description: &environment.description,
            created_at: environment.created_at,
            version: environment.version,
            hash_key: &environment.hash_key,
            flags: flags.map(|flags| flags.iter().map(FlagRecord::from).collect()),
            overrides: overrides.iter().map(OverrideRecord::from).collect(),
        }
    }
}

/// A feature in the log.
#[derive(Debug, Serialize)]
pub struct FeatureRecord<'a> {
    id: FeatureId,
    name: &'a FeatureName,
    description: &'a Description,
    #[serde(rename = "type")]
    kind: FeatureKind,
    initial_value: &'a FlagValue,
    default_enabled: bool,
    server_key_only: bool,
    tags: &'a Tags,
    created_at: Timestamp,
    version: Seq,
    variants: Vec<VariantRecord<'a>>,
    archived: bool,
    stale: bool,
    /// Its flags, where they come or go with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    flags: Option<Vec<FlagRecord<'a>>>,
    /// The overrides that go with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    overrides: Vec<OverrideRecord<'a>>,
}

impl<'a> FeatureRecord<'a> {
    /// The record, with its flags where they come or go with it, and the overrides that go.
    #[must_use]
    pub fn new(feature: &'a Feature, flags: Option<&'a [Flag]>, overrides: &'a [Override]) -> Self {
        Self {
            id: feature.id,
            name: &feature.name,
            description: &feature.description,
            kind: feature.kind,
            initial_value: &feature.initial_value,
            default_enabled: feature.default_enabled,
            server_key_only: feature.server_key_only,
            tags: &feature.tags,
            created_at: feature.created_at,
            version: feature.version,
            variants: feature.variants.iter().map(VariantRecord::from).collect(),
            archived: feature.archived,
            stale: feature.stale,
            flags: flags.map(|flags| flags.iter().map(FlagRecord::from).collect()),
            overrides: overrides.iter().map(OverrideRecord::from).collect(),
        }
    }
}

/// A variant of a feature in the log.
#[derive(Debug, Serialize)]
struct VariantRecord<'a> {
    id: VariantId,
    key: &'a VariantKey,
    value: &'a FlagValue,
}

impl<'a> From<&'a Variant> for VariantRecord<'a> {
    fn from(variant: &'a Variant) -> Self {
        Self {
            id: variant.id,
            key: &variant.key,
            value: &variant.value,
        }
    }
}

/// A flag in the log.
#[derive(Debug, Serialize)]
pub struct FlagRecord<'a> {
    id: FlagId,
    feature: &'a FeatureName,
    environment: &'a EnvironmentName,
    enabled: bool,
    value: &'a FlagValue,
    updated_at: Timestamp,
    version: Seq,
    variants: &'a [Share],
    killed: bool,
    seed: &'a Seed,
    hash: SplitHash,
}

impl<'a> From<&'a Flag> for FlagRecord<'a> {
    fn from(flag: &'a Flag) -> Self {
        Self {
            id: flag.id,
            feature: &flag.feature,
            environment: &flag.environment,
            enabled: flag.enabled,
            value: &flag.value,
            updated_at: flag.updated_at,
            version: flag.version,
            variants: &flag.variants,
            killed: flag.killed,
            seed: &flag.seed,
            hash: flag.hash,
        }
    }
}

/// An environment's key in the log.
#[derive(Debug, Serialize)]
pub struct KeyRecord<'a> {
    id: KeyId,
    name: &'a KeyName,
    kind: KeyKind,
    digest: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    version: Seq,
}

impl<'a> From<&'a EnvironmentKey> for KeyRecord<'a> {
    fn from(key: &'a EnvironmentKey) -> Self {
        Self {
            id: key.id,
            name: &key.name,
            kind: key.kind,
            digest: key.digest.to_string(),
            created_at: key.created_at,
            expires_at: key.expires_at,
            version: key.version,
        }
    }
}

/// A record of the GUID register in the log.
#[derive(Debug, Serialize)]
pub struct GuidRecord<'a> {
    id: KeyId,
    digest: String,
    user: &'a GuidUser,
    environment: Option<&'a EnvironmentName>,
    description: Option<&'a Description>,
    created_at: Timestamp,
    expires_at: Timestamp,
    version: Seq,
}

impl<'a> From<&'a access::GuidRecord> for GuidRecord<'a> {
    fn from(record: &'a access::GuidRecord) -> Self {
        Self {
            id: record.id,
            digest: record.digest.to_string(),
            user: &record.user,
            environment: record.environment.as_ref().map(|(_, name)| name),
            description: record.description.as_ref(),
            created_at: record.created_at,
            expires_at: record.expire.at(),
            version: record.version,
        }
    }
}

/// An account in the log.
#[derive(Debug, Serialize)]
pub struct AccountRecord<'a> {
    id: AccountId,
    username: &'a str,
    role: Role,
    disabled: bool,
    /// When it got its password, which is not told.
    credentials_changed_at: Timestamp,
    created_at: Timestamp,
    version: Seq,
}

impl<'a> From<&'a Account> for AccountRecord<'a> {
    fn from(account: &'a Account) -> Self {
        Self {
            id: account.id,
            username: account.username.as_str(),
            role: account.role,
            disabled: account.disabled,
            credentials_changed_at: account.password_changed_at,
            created_at: account.created_at,
            version: account.version,
        }
    }
}

/// An access token in the log.
#[derive(Debug, Serialize)]
pub struct TokenRecord<'a> {
    id: TokenId,
    username: &'a str,
    name: &'a TokenName,
    digest: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    version: Seq,
}

impl<'a> From<&'a Token> for TokenRecord<'a> {
    fn from(token: &'a Token) -> Self {
        Self {
            id: token.id,
            username: token.username.as_str(),
            name: &token.name,
            digest: token.digest.to_string(),
            created_at: token.created_at,
            expires_at: token.expires_at,
            version: token.version,
        }
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::access::{Expire, Guid, KeyText, PasswordHash, Username};
    use crate::flags::targeting::Percentage;

    fn at() -> Timestamp {
        Timestamp::try_from("2026-11-20T10:00:00Z".to_owned()).unwrap()
    }

    fn json<T: Serialize>(record: &T) -> String {
        serde_json::to_string(record).unwrap()
    }

    fn flag() -> Flag {
        Flag {
            id: FlagId(12),
            feature_id: FeatureId(3),
            feature: FeatureName::parse("dark_mode").unwrap(),
            environment_id: EnvironmentId(1),
            environment: EnvironmentName::parse("production").unwrap(),
            enabled: true,
            value: FlagValue::Float(1.0),
            variants: vec![Share {
                variant: VariantKey::parse("blue").unwrap(),
                weight: Percentage::new(12.5).unwrap(),
            }],
            killed: true,
            seed: Seed::of([0xF1; 16]),
            hash: SplitHash::Md5,
            updated_at: at(),
            version: Seq(9),
        }
    }

    #[test]
    fn an_environment_is_written_with_the_flags_that_go_with_it() {
        let environment = Environment {
            id: EnvironmentId(1),
            name: EnvironmentName::parse("production").unwrap(),
            description: Description::parse("Live").unwrap(),
            created_at: at(),
            hash_key: HashKey::parse("n9fbf9h3v4fFgH3U3ngWhb").unwrap(),
            revision: Seq(9),
            version: Seq(2),
        };
        assert_snapshot!(json(&EnvironmentRecord::new(&environment, None, &[])), @r#"{"id":1,"name":"production","description":"Live","created_at":"2026-11-20T10:00:00.000000Z","version":2,"hash_key":"n9fbf9h3v4fFgH3U3ngWhb"}"#);
        let with_flags = json(&EnvironmentRecord::new(&environment, Some(&[flag()]), &[]));
        assert!(with_flags.contains(&format!("\"flags\":[{}]", json(&FlagRecord::from(&flag())))));
    }

    #[test]
    fn a_feature_is_written_whole() {
        let feature = Feature {
            id: FeatureId(3),
            name: FeatureName::parse("dark_mode").unwrap(),
            description: Description::default(),
            kind: FeatureKind::Multivariate,
            initial_value: FlagValue::Null,
            default_enabled: false,
            server_key_only: true,
            tags: Tags::default(),
            variants: vec![Variant {
                id: VariantId(7),
                key: VariantKey::parse("blue").unwrap(),
                value: FlagValue::Integer(1),
            }],
            archived: true,
            stale: false,
            created_at: at(),
            version: Seq(9),
        };
        assert_snapshot!(json(&FeatureRecord::new(&feature, None, &[])), @r#"{"id":3,"name":"dark_mode","description":"","type":"MULTIVARIATE","initial_value":null,"default_enabled":false,"server_key_only":true,"tags":[],"created_at":"2026-11-20T10:00:00.000000Z","version":9,"variants":[{"id":7,"key":"blue","value":1}],"archived":true,"stale":false}"#);
    }

    #[test]
    fn a_flag_is_written_whole() {
        assert_snapshot!(json(&FlagRecord::from(&flag())), @r#"{"id":12,"feature":"dark_mode","environment":"production","enabled":true,"value":1.0,"updated_at":"2026-11-20T10:00:00.000000Z","version":9,"variants":[{"variant":"blue","weight":12.5}],"killed":true,"seed":"f1f1f1f1-f1f1-41f1-b1f1-f1f1f1f1f1f1","hash":"md5"}"#);
    }

    #[test]
    fn a_key_is_written_as_its_digest() {
        let text = KeyText::parse("A-KEY-OF-THEIR-OWN").unwrap();
        let key = EnvironmentKey {
            id: KeyId(5),
            environment_id: EnvironmentId(1),
            environment: EnvironmentName::parse("production").unwrap(),
            name: KeyName::parse("web").unwrap(),
            kind: KeyKind::Client,
            digest: text.digest(),
            text: Some(text),
            created_at: at(),
            expires_at: None,
            is_guid: false,
            version: Seq(4),
        };
        assert_snapshot!(json(&KeyRecord::from(&key)), @r#"{"id":5,"name":"web","kind":"client","digest":"sha256:8303c1f102743dfc3912d1d9d31eb9042371b7261181d7717e38f444075cc4c7","created_at":"2026-11-20T10:00:00.000000Z","expires_at":null,"version":4}"#);
    }

    #[test]
    fn a_record_of_the_guid_register_is_written_as_its_digest() {
        let guid = Guid::parse("9094E4C980C74043A4B586B420E69DDF").unwrap();
        let record = access::GuidRecord {
            id: KeyId(6),
            digest: guid.digest(),
            user: GuidUser::parse("Salemount Labs").unwrap(),
            environment: Some((
                EnvironmentId(1),
                EnvironmentName::parse("production").unwrap(),
            )),
            description: None,
            created_at: at(),
            expire: Expire::parse("1427736345").unwrap(),
            version: Seq(4),
        };
        assert_snapshot!(json(&GuidRecord::from(&record)), @r#"{"id":6,"digest":"sha256:464f05c08c4fdb6ffc5014cecddfef911aa3c70c0fefb64b7e0645964f24a44f","user":"Salemount Labs","environment":"production","description":null,"created_at":"2026-11-20T10:00:00.000000Z","expires_at":"2015-03-30T17:25:45.000000Z","version":4}"#);
    }

    #[test]
    fn an_account_is_written_without_its_password() {
        let account = Account {
            id: AccountId(1),
            username: Username::parse("jay").unwrap(),
            role: Role::Admin,
            password_hash: PasswordHash::new("$argon2id$…".to_owned()),
            password_changed_at: at(),
            disabled: false,
            created_at: at(),
            last_login_at: Some(at()),
            version: Seq(1),
        };
        assert_snapshot!(json(&AccountRecord::from(&account)), @r#"{"id":1,"username":"jay","role":"admin","disabled":false,"credentials_changed_at":"2026-11-20T10:00:00.000000Z","created_at":"2026-11-20T10:00:00.000000Z","version":1}"#);
    }

    #[test]
    fn a_token_is_written_as_its_digest() {
        let token = Token {
            id: TokenId(5),
            account: AccountId(1),
            username: Username::parse("jay").unwrap(),
            name: TokenName::parse("deploy").unwrap(),
            digest: KeyText::parse("A-TOKEN-OF-THEIR-OWN").unwrap().digest(),
            created_at: at(),
            expires_at: None,
            last_used_at: Some(at()),
            version: Seq(4),
        };
        assert_snapshot!(json(&TokenRecord::from(&token)), @r#"{"id":5,"username":"jay","name":"deploy","digest":"sha256:fc952ba1f88e34478a694c6ecf36cd62d160fea0d237854c18aee814356d0a50","created_at":"2026-11-20T10:00:00.000000Z","expires_at":null,"version":4}"#);
    }
}
