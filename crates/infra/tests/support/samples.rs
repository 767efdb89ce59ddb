//! Names, stamps and commands for the tests, from plain text.
//!
//! Every test crate includes this file; a text that is no name fails the test that uses it.

#![allow(dead_code, reason = "each test crate uses its own part of the samples")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use flagstaff_domain::access::{
    Account, Expire, KeyDigest, KeyKind, KeyText, NewAccount, NewGuid, NewKey, NewSession,
    NewToken, PasswordHash, RandomSource, Role, Username,
};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::targeting::{
    CreateOverride, CreateSegment, NewOverride, OverrideSeeds, Split, SplitSeed, TargetName,
};
use flagstaff_domain::flags::{
    ChangeFlag, CreateEnvironment, CreateFeature, FlagValue, Seed, Seeds,
};
use flagstaff_domain::text::{
    Description, EnvironmentName, FeatureName, GuidUser, Identifier, KeyName, SegmentName, Tag,
    Tags, TokenName,
};
use flagstaff_domain::write::Stamp;

pub(crate) fn environment_name(text: &str) -> EnvironmentName {
    EnvironmentName::parse(text).unwrap()
}

pub(crate) fn feature_name(text: &str) -> FeatureName {
    FeatureName::parse(text).unwrap()
}

pub(crate) fn description(text: &str) -> Description {
    Description::parse(text).unwrap()
}

pub(crate) fn tags(texts: &[&str]) -> Tags {
    let tags: Vec<Tag> = texts
        .iter()
        .map(|text| Tag::parse(*text).unwrap())
        .collect();
    tags.try_into().unwrap()
}

pub(crate) fn instant(text: &str) -> Timestamp {
    Timestamp::try_from(text.to_owned()).unwrap()
}

/// Jay's, at 10 o'clock.
pub(crate) fn stamp() -> Stamp {
    stamp_of("jay", "2026-11-20T10:00:00.123456Z")
}

/// Kim's, at 11 o'clock.
pub(crate) fn later() -> Stamp {
    stamp_of("kim", "2026-11-20T11:00:00.654321Z")
}

fn stamp_of(user: &str, at: &str) -> Stamp {
    Stamp {
        actor: Actor::User(Username::parse(user).unwrap()),
        at: instant(at),
    }
}

/// Always the same seeds: equal names get equal ones.
pub(crate) fn seeds() -> Seeds {
    seeds_of(0)
}

/// The seeds of a source that draws this byte alone.
pub(crate) fn seeds_of(byte: u8) -> Seeds {
    struct Always(u8);
    impl RandomSource for Always {
        fn bytes(&self) -> [u8; 32] {
            [self.0; 32]
        }
    }
    Seeds::draw(&Always(byte))
}

pub(crate) fn new_environment(name: &str) -> CreateEnvironment {
    CreateEnvironment {
        name: environment_name(name),
        description: Description::default(),
    }
}

pub(crate) fn new_feature(name: &str) -> CreateFeature {
    CreateFeature::named(feature_name(name))
}

pub(crate) fn segment_name(text: &str) -> SegmentName {
    SegmentName::parse(text).unwrap()
}

/// A segment with rules as JSON, and a seed that its name makes.
pub(crate) fn new_segment(name: &str, rules: &str) -> CreateSegment {
    let mut seed = [0; 16];
    seed[..8].copy_from_slice(&bytes_of(name));
    CreateSegment {
        name: segment_name(name),
        description: Description::default(),
        rules: serde_json::from_str(rules).unwrap(),
        seed: SplitSeed::of(seed),
    }
}

/// Eight bytes that a name makes.
fn bytes_of(name: &str) -> [u8; 8] {
    let sum = name.bytes().fold(7_u64, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(byte.into())
    });
    sum.to_be_bytes()
}

/// A rule with one condition that a trait has a value.
pub(crate) fn having(property: &str, operator: &str, value: &str) -> String {
    let condition = serde_json::json!({"property": property, "operator": operator, "value": value});
    serde_json::json!([{"type": "ALL", "conditions": [condition], "rules": []}]).to_string()
}

pub(crate) fn to_segment(name: &str) -> TargetName {
    TargetName::Segment(segment_name(name))
}

pub(crate) fn to_identity(identifier: &str) -> TargetName {
    TargetName::Identity(Identifier::parse(identifier).unwrap())
}

/// An override that is on, with the flag's own value.
pub(crate) fn new_override(target: TargetName) -> CreateOverride {
    CreateOverride {
        new: NewOverride {
            target,
            enabled: true,
            value: None,
            variants: Split::default(),
            priority: None,
            rollout: None,
        },
        seeds: OverrideSeeds {
            split: Seed::of([3; 16]),
            rollout: SplitSeed::of([4; 16]),
        },
    }
}

pub(crate) fn set_value(value: FlagValue) -> ChangeFlag {
    ChangeFlag {
        value: Some(value),
        ..ChangeFlag::default()
    }
}

pub(crate) fn set_enabled(enabled: bool) -> ChangeFlag {
    ChangeFlag {
        enabled: Some(enabled),
        ..ChangeFlag::default()
    }
}

pub(crate) fn key_text(text: &str) -> KeyText {
    KeyText::parse(text).unwrap()
}

pub(crate) fn digest(text: &str) -> KeyDigest {
    KeyDigest::of(text.as_bytes())
}

pub(crate) fn new_key(name: &str, kind: KeyKind, text: &str) -> NewKey {
    NewKey::of(KeyName::parse(name).unwrap(), kind, &key_text(text), None)
}

/// A record for Jay Patel that ends at this instant.
pub(crate) fn new_guid(text: &str, expire: &str) -> NewGuid {
    NewGuid {
        digest: KeyDigest::of(text.as_bytes()),
        user: GuidUser::parse("Jay Patel").unwrap(),
        expire: Expire::of(instant(expire)).unwrap(),
        environment: None,
        description: None,
    }
}

pub(crate) fn new_account(username: &str) -> NewAccount {
    NewAccount {
        username: Username::parse(username).unwrap(),
        role: Role::Admin,
        password_hash: PasswordHash::new("$argon2id$a-hash-that-nobody-may-see".to_owned()),
    }
}

/// A session that begins at 10 o'clock.
pub(crate) fn new_session(account: &Account, text: &str) -> NewSession {
    NewSession {
        account: account.id,
        version: account.version,
        digest: digest(text),
        replaces: None,
        at: stamp().at,
    }
}

/// A token that expires at 11 o'clock.
pub(crate) fn new_token(account: &Account, text: &str) -> NewToken {
    NewToken {
        account: account.id,
        account_version: account.version,
        name: TokenName::parse("deploy").unwrap(),
        digest: digest(text),
        expires_at: Some(later().at),
    }
}
