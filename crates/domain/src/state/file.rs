//! The shape of a state file, version 1: a section for each context.
//!
//! What a file leaves out stays as it is stored, or gets its default where it is new. The shape is pinned by tests;
//! fields may be added, and a change that readers would misunderstand is a new version.
//!
//! An import that prunes deletes every key that no entry of the list of keys means. After a rotation an entry without
//! text or digest means the replacement, and the retired key is deleted at once, whatever is left of its grace, unless
//! an entry names it by its text or digest. An export names every key so.

mod targeting;

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::access::{KeyDigest, KeyKind, KeyText};
use crate::clock::Timestamp;
use crate::flags::targeting::{Split, Variants};
use crate::flags::value::present;
use crate::flags::{FeatureKind, FlagValue, HashKey, Seed, Seeds, SplitHash};
use crate::text::{Description, EnvironmentName, FeatureName, Invalid, KeyName, Tags};

use super::plan::CurrentState;
use super::sections;

pub use targeting::{OverrideEntry, SegmentEntry};

/// The version of the file's shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u64", into = "u64")]
pub struct FileVersion;

impl TryFrom<u64> for FileVersion {
    type Error = Invalid;

    fn try_from(version: u64) -> Result<Self, Invalid> {
        if version == 1 {
            Ok(Self)
        } else {
            Err(Invalid::new(
                "must be 1, the only version that this program reads",
            ))
        }
    }
}

impl From<FileVersion> for u64 {
    fn from(_: FileVersion) -> Self {
        1
    }
}

/// A whole installation.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct StateFile {
    /// The version of this shape.
    pub version: FileVersion,
    /// Environments, features and their flags.
    pub flags: FlagsSection,
    /// Keys.
    pub access: AccessSection,
    /// What optional modules have in it, by section; those that are missing stay as they are stored.
    #[serde(flatten)]
    pub modules: BTreeMap<&'static str, Value>,
}

/// A member of a state file.
enum Member {
    Version,
    Flags,
    Access,
    Module(&'static str),
}

impl<'de> Deserialize<'de> for Member {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match (name.as_str(), sections::find(&name)) {
            ("version", _) => Ok(Self::Version),
            ("flags", _) => Ok(Self::Flags),
            ("access", _) => Ok(Self::Access),
            (_, Some(section)) => Ok(Self::Module(section.name)),
            _ => Err(D::Error::custom(format_args!(
                "unknown field `{name}`, expected one of {}",
                sections::members()
            ))),
        }
    }
}

impl<'de> Deserialize<'de> for StateFile {
    // Derived, it could not both refuse unknown members and have those of modules.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = StateFile;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a state file")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<StateFile, A::Error> {
        let (mut version, mut flags, mut access) = (None, None, None);
        let mut modules = BTreeMap::new();
        while let Some(member) = map.next_key()? {
            let twice = match member {
                Member::Version => version.replace(map.next_value()?).map(|_| "version"),
                Member::Flags => flags.replace(map.next_value()?).map(|_| "flags"),
                Member::Access => access.replace(map.next_value()?).map(|_| "access"),
                Member::Module(name) => modules.insert(name, map.next_value()?).map(|_| name),
            };
            if let Some(name) = twice {
                return Err(A::Error::duplicate_field(name));
            }
        }
        Ok(StateFile {
            version: version.ok_or_else(|| A::Error::missing_field("version"))?,
            flags: flags.unwrap_or_default(),
            access: access.unwrap_or_default(),
            modules,
        })
    }
}

/// Environments, features and their flags.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagsSection {
    /// The environments; where the list is missing, those that are stored stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environments: Option<Vec<EnvironmentEntry>>,
    /// The segments; where the list is missing, those that are stored stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub segments: Option<Vec<SegmentEntry>>,
    /// The features; where the list is missing, those that are stored stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<FeatureEntry>>,
    /// Whether environments that the list leaves out stay even when the import prunes; not the file's to say.
    #[serde(skip)]
    pub environments_stay: bool,
}

/// An environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentEntry {
    /// Its name.
    pub name: EnvironmentName,
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// What its identities are hashed with. A stored environment keeps its own, so that nobody moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash_key: Option<HashKey>,
}

/// A feature with its flags.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeatureEntry {
    /// Its name.
    pub name: FeatureName,
    /// What it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<Description>,
    /// Whether it has variants.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<FeatureKind>,
    /// The value its flags begin with.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub initial_value: Option<FlagValue>,
    /// Whether its flags begin enabled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_enabled: Option<bool>,
    /// Whether it is shown to server keys alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_key_only: Option<bool>,
    /// Words by which it is grouped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Tags>,
    /// All its variants. Those that are stored keep their order, new ones are appended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variants: Option<Variants>,
    /// Whether it is put away.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Whether it is done with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<bool>,
    /// Its flags by environment.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<EnvironmentName, FlagEntry>,
}

/// A flag.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlagEntry {
    /// On or off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// What it carries.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub value: Option<FlagValue>,
    /// How identities are shared out among the feature's variants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variants: Option<Split>,
    /// Whether it is off for everyone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub killed: Option<bool>,
    /// What the split is hashed with. A stored flag keeps its own, so that nobody moves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<Seed>,
    /// How the split is hashed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<SplitHash>,
    /// What segments and identities get instead; where the list is missing, those that are stored stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Vec<OverrideEntry>>,
}

/// Keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessSection {
    /// The keys of environments; where the list is missing, those that are stored stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Vec<KeyEntry>>,
}

/// A key: known by its text, by its digest, or else by its name and kind in its environment. Where several keys have
/// these, the one without an expiry is meant; where that leaves several, the file is refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyEntry {
    /// The environment that it opens.
    pub environment: EnvironmentName,
    /// Tells a person which key this is.
    pub name: KeyName,
    /// Who holds it.
    pub kind: KeyKind,
    /// Its text, so that applications keep the key that they have.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "revealed"
    )]
    pub key: Option<KeyText>,
    /// Its digest, where its text is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<KeyDigest>,
    /// From when on it is refused; null for never. Where it is missing, a stored key keeps what it has.
    #[serde(
        default,
        deserialize_with = "present",
        skip_serializing_if = "Option::is_none"
    )]
    pub expires_at: Option<Option<Timestamp>>,
    /// The text that it gets if it turns out to be new and neither text nor digest is given.
    #[serde(skip)]
    pub candidate: Option<KeyText>,
}

fn revealed<S: Serializer>(key: &Option<KeyText>, serializer: S) -> Result<S::Ok, S::Error> {
    key.as_ref().map(KeyText::reveal).serialize(serializer)
}

impl StateFile {
    /// What the file says of hash keys and seeds, and what was drawn for the rest.
    #[must_use]
    pub fn seeds(&self, drawn: Seeds) -> Seeds {
        let environments = self.flags.environments.iter().flatten();
        let features = self.flags.features.iter().flatten();
        drawn.bringing(
            environments.filter_map(|one| Some((one.name.as_str(), one.hash_key.clone()?))),
            features.flat_map(|feature| {
                let flags = feature.flags.iter();
                flags.filter_map(|(environment, flag)| {
                    let names = (environment.as_str(), feature.name.as_str());
                    Some((names, flag.seed.clone()?))
                })
            }),
        )
    }

    /// The records of modules that it has: what one is called, what several are, and how many there are.
    pub fn of_modules(&self) -> impl Iterator<Item = (&'static str, &'static str, usize)> {
        self.modules.iter().filter_map(|(name, records)| {
            let section = sections::find(name)?;
            let count = records.as_array().map_or(0, Vec::len);
            Some((section.one, section.name, count))
        })
    }

    /// Everything that is stored, as a file from which the same can be made again.
    #[must_use]
    pub fn of(current: &CurrentState) -> Self {
        let mut overrides: HashMap<_, Vec<OverrideEntry>> = HashMap::new();
        for one in &current.overrides {
            let flag = (one.environment_id, one.feature_id);
            overrides.entry(flag).or_default().push(one.into());
        }
        let flags_of = |feature| {
            let of_feature = current
                .flags
                .iter()
                .filter(move |flag| flag.feature_id == feature);
            of_feature
                .map(|flag| {
                    let place = (flag.environment_id, flag.feature_id);
                    let entry = FlagEntry {
                        enabled: Some(flag.enabled),
                        value: Some(flag.value.clone()),
                        variants: Split::try_from(flag.variants.clone()).ok(),
                        killed: Some(flag.killed),
                        seed: Some(flag.seed.clone()),
                        hash: Some(flag.hash),
                        overrides: Some(overrides.get(&place).cloned().unwrap_or_default()),
                    };
                    (flag.environment.clone(), entry)
                })
                .collect()
        };
        let environments = current.environments.iter().map(|one| EnvironmentEntry {
            name: one.name.clone(),
            description: Some(one.description.clone()),
            hash_key: Some(one.hash_key.clone()),
        });
        let features = current.features.iter().map(|one| FeatureEntry {
            name: one.name.clone(),
            description: Some(one.description.clone()),
            kind: Some(one.kind),
            initial_value: Some(one.initial_value.clone()),
            default_enabled: Some(one.default_enabled),
            server_key_only: Some(one.server_key_only),
            tags: Some(one.tags.clone()),
            variants: Variants::try_from(one.variants.clone()).ok(),
            archived: Some(one.archived),
            stale: Some(one.stale),
            flags: flags_of(one.id),
        });
        let keys = current.keys.iter().map(|one| KeyEntry {
            environment: one.environment.clone(),
            name: one.name.clone(),
            kind: one.kind,
            key: one.text.clone(),
            digest: one.text.is_none().then_some(one.digest),
            expires_at: Some(one.expires_at),
            candidate: None,
        });
        let modules = current.modules.iter();
        let modules = modules
            .map(|(name, records)| {
                let entries = records.iter().map(|(_, entry)| entry.clone());
                (*name, entries.collect())
            })
            .collect();
        Self {
            version: FileVersion,
            flags: FlagsSection {
                environments: Some(environments.collect()),
                segments: Some(current.segments.iter().map(SegmentEntry::from).collect()),
                features: Some(features.collect()),
                environments_stay: false,
            },
            access: AccessSection {
                keys: Some(keys.collect()),
            },
            modules,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_written_back_as_it_was_read() {
        let text = r#"{"version":1,"flags":{"environments":[{"name":"production","description":"Live","hash_key":"n9fbf9h3v4fFgH3U3ngWhb"}],"features":[{"name":"limit","description":"","type":"STANDARD","initial_value":null,"default_enabled":false,"server_key_only":false,"tags":["ops"],"variants":[{"key":"low","value":1},{"key":"high","value":2.0}],"archived":false,"stale":true,"flags":{"production":{"enabled":true,"value":1.0,"variants":[{"variant":"low","weight":12.5}],"killed":false,"seed":"0e67668e-fb53-41dc-b08d-a705b7035ad2","hash":"md5"}}}]},"access":{"keys":[{"environment":"production","name":"web","kind":"client","key":"A-KEY-OF-THEIR-OWN","expires_at":"2030-01-01T00:00:00.000000Z"},{"environment":"production","name":"other","kind":"client","key":"ANOTHER-KEY","expires_at":null}]}}"#;
        let file: StateFile = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&file).unwrap(), text);
    }

    #[test]
    fn a_value_of_null_is_not_a_missing_value() {
        let entry: FlagEntry = serde_json::from_str(r#"{"value":null}"#).unwrap();
        assert_eq!(entry.value, Some(FlagValue::Null));
        let entry: FlagEntry = serde_json::from_str("{}").unwrap();
        assert_eq!(entry.value, None);
    }

    #[test]
    fn another_version_and_unknown_fields_are_refused() {
        for text in [r#"{"version":2}"#, "{}", r#"{"version":1,"flag":{}}"#] {
            assert!(serde_json::from_str::<StateFile>(text).is_err(), "{text}");
        }
    }
}
