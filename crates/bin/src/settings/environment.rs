//! The environment as a layer: which variable sets which key, and secrets from files.
//! Names are compared without regard to case; what is not `FLAGSTAFF__…` belongs to others, with one exception: a
//! variable that would set a key if its underscores were doubled is refused, not ignored.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::error::{Origin, SettingsError};
use super::keys::{FILES, KnownKeys};

const PREFIX: &str = "FLAGSTAFF__";
const SEPARATOR: &str = "__";

/// A variable that sets a key.
pub(super) struct Variable<'a> {
    /// Its name, as it is in the environment.
    pub(super) name: &'a str,
    value: &'a OsStr,
    /// Whether the value is the path of a file that holds the secret.
    names_a_file: bool,
}

impl Variable<'_> {
    /// The text that the key is set to. It stays text whatever it looks like: the types of the keys parse it.
    pub(super) fn text(&self) -> Result<String, SettingsError> {
        if self.names_a_file {
            return self.file_content();
        }
        let text = self.value.to_str().map(str::to_owned);
        text.ok_or_else(|| SettingsError::NotText(self.name.to_owned()))
    }

    fn file_content(&self) -> Result<String, SettingsError> {
        let variable = self.name.to_owned();
        let path = PathBuf::from(self.value);
        let secret = match secret_in(&path) {
            Ok(secret) => secret,
            Err(source) => {
                return Err(SettingsError::UnreadableSecret {
                    variable,
                    path,
                    source,
                });
            }
        };
        if secret.is_empty() {
            return Err(SettingsError::EmptySecret { variable, path });
        }
        Ok(secret)
    }
}

/// The content of a file without one trailing newline, which editors and `echo` add.
pub(crate) fn secret_in(path: &Path) -> io::Result<String> {
    let mut secret = fs::read_to_string(path)?;
    if secret.ends_with('\n') {
        secret.pop();
        if secret.ends_with('\r') {
            secret.pop();
        }
    }
    Ok(secret)
}

/// The variables that set something, by the dotted path of the key.
pub(super) fn variables<'a>(
    environment: &'a BTreeMap<String, OsString>,
    known: &KnownKeys,
) -> Result<BTreeMap<String, Variable<'a>>, SettingsError> {
    let mut variables: BTreeMap<String, Variable<'a>> = BTreeMap::new();
    for (name, value) in environment {
        refuse_single_underscores(name, known)?;
        let Some((key, names_a_file)) = key_of(name, known)? else {
            continue;
        };
        // `${UNSET:-}` in a compose file makes an empty variable: it names no file, and yields to one.
        if names_a_file && value.is_empty() {
            continue;
        }
        let variable = Variable {
            name,
            value,
            names_a_file,
        };
        if let Some(first) = variables.get(&key)
            && !(names_a_file && first.value.is_empty())
        {
            return Err(SettingsError::SetTwice {
                first: first.name.to_owned(),
                second: name.clone(),
                key,
            });
        }
        variables.insert(key, variable);
    }
    Ok(variables)
}

/// The dotted path of the key that a variable of this name sets, and whether through a file; `None` for the variables
/// of others.
fn key_of(name: &str, known: &KnownKeys) -> Result<Option<(String, bool)>, SettingsError> {
    let upper = name.to_ascii_uppercase();
    let Some(rest) = upper.strip_prefix(PREFIX) else {
        return Ok(None);
    };
    let rest = rest.to_ascii_lowercase();
    let parts: Vec<&str> = rest.split(SEPARATOR).collect();
    match parts[..] {
        // First, so that `log.file` stays the ordinary key that it is.
        [section, key] if known.has_key(section, key) => {
            Ok(Some((format!("{section}.{key}"), false)))
        }
        [section, key, "file"] if FILES.contains(&(section, key)) => {
            Ok(Some((format!("{section}.{key}"), true)))
        }
        _ => Err(SettingsError::UnknownKey {
            origin: Origin::Variable(name.to_owned()),
            known: known.alternatives(parts[0]),
            key: parts.join("."),
        }),
    }
}

/// `FLAGSTAFF_SERVER_BIND` is the likeliest slip of all, and would leave a server on its defaults without a word.
fn refuse_single_underscores(name: &str, known: &KnownKeys) -> Result<(), SettingsError> {
    let meant = known.all().find(|(section, key)| {
        let single = format!("FLAGSTAFF_{section}_{key}");
        name.eq_ignore_ascii_case(&single)
    });
    match meant {
        Some((section, key)) => Err(SettingsError::SingleUnderscores {
            variable: name.to_owned(),
            meant: format!("{PREFIX}{section}{SEPARATOR}{key}").to_uppercase(),
        }),
        None => Ok(()),
    }
}
