//! The layers of the configuration and who wins: what is built in, files, environment (`environment.rs`).
//!
//! Each layer is checked for unknown keys on its own, because after merging nobody knows where a key came from; values
//! are judged after merging, because only the one that wins counts. `values.rs` has their rules.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use config::builder::DefaultState;
use config::{Config, ConfigBuilder, ConfigError, File, FileFormat, Map, Source, Value, ValueKind};

use super::error::{Origin, SettingsError};
use super::keys::KnownKeys;
use super::{LoadOptions, Settings, Sources, environment};

/// What holds where no file says otherwise; it makes the binary run alone.
const BUILT_IN: &str = include_str!("../../../../config/default.toml");

/// The profiles that the binary brings along, for whoever names one and has no file of that name.
const PROFILES: [(&str, &str); 2] = [
    (
        "development",
        include_str!("../../../../config/development.toml"),
    ),
    (
        "production",
        include_str!("../../../../config/production.toml"),
    ),
];

/// The layers read so far; a later one wins.
pub(super) struct Layers {
    builder: ConfigBuilder<DefaultState>,
    known: KnownKeys,
    /// Who set a key last, by its dotted path; a key that is not in here has its built-in default.
    origins: BTreeMap<String, Origin>,
    sources: Sources,
}

impl Layers {
    /// The defaults that are compiled in.
    pub(super) fn built_in() -> Result<Self, SettingsError> {
        let builder = Config::builder().add_source(File::from_str(BUILT_IN, FileFormat::Toml));
        let origins = BTreeMap::new();
        let defaults = parse(&builder, &origins)?;
        Ok(Self {
            builder,
            known: KnownKeys::of(&defaults),
            origins,
            sources: Sources::default(),
        })
    }

    /// The profile that is compiled in, if one was named, then `default.toml`, `<profile>.toml` and `local.toml`, each
    /// if it is there.
    pub(super) fn add_files(&mut self, options: &LoadOptions) -> Result<(), SettingsError> {
        let directory = match &options.config_dir {
            Some(named) if !named.is_dir() => {
                return Err(SettingsError::NoDirectory(named.clone()));
            }
            Some(named) => named,
            None => Path::new("config"),
        };
        let profile = options.profile.as_deref().unwrap_or("development");
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !profile.chars().all(plain) {
            return Err(SettingsError::ProfileName(profile.to_owned()));
        }
        profile.clone_into(&mut self.sources.profile);

        let built_in = options.profile.as_deref().and_then(built_in_profile);
        if let Some(text) = built_in {
            self.builder = std::mem::take(&mut self.builder)
                .add_source(File::from_str(text, FileFormat::Toml));
        }
        self.add_file(directory.join("default.toml"))?;
        let path = directory.join(format!("{profile}.toml"));
        let found = self.add_file(path.clone())? || built_in.is_some();
        if !found && options.profile.is_some() {
            let name = profile.to_owned();
            return Err(SettingsError::NoProfile { name, path });
        }
        self.add_file(directory.join("local.toml"))?;
        Ok(())
    }

    /// `FLAGSTAFF__SECTION__KEY`, and `…__FILE` for a secret.
    pub(super) fn add_environment(&mut self, options: &LoadOptions) -> Result<(), SettingsError> {
        for (key, variable) in environment::variables(&options.environment, &self.known)? {
            self.builder = std::mem::take(&mut self.builder)
                .set_override(&key, variable.text()?)
                .map_err(|error| SettingsError::Merge(error.to_string()))?;
            self.sources.variables.push(variable.name.to_owned());
            self.origins
                .insert(key, Origin::Variable(variable.name.to_owned()));
        }
        self.sources.variables.sort();
        Ok(())
    }

    /// The values that won, parsed.
    pub(super) fn merge(self) -> Result<Settings, SettingsError> {
        let mut settings = parse(&self.builder, &self.origins)?;
        settings.sources = self.sources;
        Ok(settings)
    }

    /// Adds a file; `false` if it is not there.
    fn add_file(&mut self, path: PathBuf) -> Result<bool, SettingsError> {
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(source) => return Err(SettingsError::Unreadable { path, source }),
        };
        let origin = Origin::File(path.clone());
        let source = File::from_str(&text, FileFormat::Toml);
        let table = source.collect().map_err(|error| SettingsError::Syntax {
            origin: origin.clone(),
            message: syntax_message(&error),
        })?;
        self.check(&origin, &table)?;
        self.builder = std::mem::take(&mut self.builder).add_source(source);
        self.sources.files.push(path);
        Ok(true)
    }

    /// Refuses what is no key, and notes where the others stand.
    fn check(&mut self, origin: &Origin, table: &Map<String, Value>) -> Result<(), SettingsError> {
        // Sorted, so that of several mistakes the same one is always named first.
        for (section, value) in table.iter().collect::<BTreeMap<_, _>>() {
            let keys = match &value.kind {
                ValueKind::Table(keys) => keys.keys().collect::<BTreeSet<_>>(),
                _ if self.known.has_section(section) => {
                    return Err(SettingsError::NotASection {
                        origin: origin.clone(),
                        section: section.clone(),
                    });
                }
                _ => BTreeSet::new(),
            };
            let unknown = |key| SettingsError::UnknownKey {
                origin: origin.clone(),
                key,
                known: self.known.alternatives(section),
            };
            if keys.is_empty() && !self.known.has_section(section) {
                return Err(unknown(section.clone()));
            }
            for key in keys {
                let path = format!("{section}.{key}");
                if !self.known.has_key(section, key) {
                    return Err(unknown(path));
                }
                self.origins.insert(path, origin.clone());
            }
        }
        Ok(())
    }
}

fn built_in_profile(name: &str) -> Option<&'static str> {
    let found = PROFILES.iter().find(|(profile, _)| *profile == name);
    found.map(|(_, text)| *text)
}

/// Parses every value. The way over JSON gives each parser the value as it was written: numbers as numbers, text as text.
fn parse(
    builder: &ConfigBuilder<DefaultState>,
    origins: &BTreeMap<String, Origin>,
) -> Result<Settings, SettingsError> {
    let merge = |error: ConfigError| SettingsError::Merge(error.to_string());
    let merged = builder.build_cloned().map_err(merge)?;
    let merged: serde_json::Value = merged.try_deserialize().map_err(merge)?;
    serde_path_to_error::deserialize(merged).map_err(|error| {
        let key = error.path().to_string();
        SettingsError::WrongValue {
            origin: origins.get(&key).cloned().unwrap_or(Origin::BuiltIn),
            key,
            message: error.into_inner().to_string(),
        }
    })
}

/// Place and reason. The parser's own text between the two shows the line, which may hold a secret.
fn syntax_message(error: &ConfigError) -> String {
    let text = error.to_string();
    let mut lines = text.lines().filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or_default();
    match (
        first.strip_prefix("TOML parse error at "),
        lines.next_back(),
    ) {
        (Some(place), Some(reason)) => format!("{place}: {reason}"),
        _ => first.to_owned(),
    }
}
