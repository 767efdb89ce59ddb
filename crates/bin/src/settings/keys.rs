//! Which keys there are, and which of them are secrets.
//! The list of keys is not written anywhere: it is read off the defaults, which have every field of `settings.rs`.

use serde_json::Value;

use super::Settings;

/// The keys whose values are shown to nobody.
pub(super) const SECRETS: [(&str, &str); 3] = [
    ("admin", "password"),
    ("metrics", "token"),
    ("rates", "access_key"),
];

/// The keys that the environment may also give as a file (`…__FILE`): the secrets, and what may have one in it.
pub(super) const FILES: [(&str, &str); 4] =
    [SECRETS[0], SECRETS[1], SECRETS[2], ("database", "url")];

/// Every section and its keys, in the order of the fields.
pub(super) struct KnownKeys(Value);

impl KnownKeys {
    /// The keys that these settings have, whatever their values.
    pub(super) fn of(settings: &Settings) -> Self {
        Self(settings.describe())
    }

    pub(super) fn has_section(&self, section: &str) -> bool {
        self.0.get(section).is_some()
    }

    pub(super) fn has_key(&self, section: &str, key: &str) -> bool {
        self.keys(section).any(|known| known == key)
    }

    /// All keys with their sections.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        let pairs = |section| self.keys(section).map(move |key| (section, key));
        names(&self.0).flat_map(pairs)
    }

    /// What could have been meant by an unknown key of this section: its keys, or the sections if it is unknown too.
    pub(super) fn alternatives(&self, section: &str) -> String {
        let list = |names: Vec<&str>| names.join(", ");
        if self.has_section(section) {
            let keys = list(self.keys(section).collect());
            format!("known keys of {section}: {keys}")
        } else {
            format!("known sections: {}", list(names(&self.0).collect()))
        }
    }

    fn keys(&self, section: &str) -> impl Iterator<Item = &str> {
        self.0.get(section).into_iter().flat_map(names)
    }
}

fn names(table: &Value) -> impl Iterator<Item = &str> {
    table
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
}
