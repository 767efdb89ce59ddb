//! Arguments that several commands share: names as the domain's types, values, expected versions, files with credentials.
//!
//! What is wrong with an argument is the domain's own sentence, behind the argument's name.

use std::fmt::Display;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

use clap::{ArgGroup, Args};
use flagstaff_domain::access::Username;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::FlagValue;
use flagstaff_domain::flags::targeting::{Percentage, Share, Variant};
use flagstaff_domain::ids::{Seq, VariantId};
use flagstaff_domain::text::{
    Description, EnvironmentName, FeatureName, Invalid, KeyName, SegmentName, Tag, Tags, VariantKey,
};
use flagstaff_domain::write::Precondition;

use crate::exit::Failure;

/// An environment's name.
pub(super) fn environment(text: &str) -> Result<EnvironmentName, Invalid> {
    EnvironmentName::parse(text)
}

/// A feature's name.
pub(super) fn feature(text: &str) -> Result<FeatureName, Invalid> {
    FeatureName::parse(text)
}

/// A segment's name.
pub(super) fn segment(text: &str) -> Result<SegmentName, Invalid> {
    SegmentName::parse(text)
}

/// A key's name.
pub(super) fn key(text: &str) -> Result<KeyName, Invalid> {
    KeyName::parse(text)
}

/// An account's name.
pub(super) fn username(text: &str) -> Result<Username, Invalid> {
    Username::parse(text)
}

/// A description.
pub(super) fn description(text: &str) -> Result<Description, Invalid> {
    Description::parse(text)
}

/// A tag.
pub(super) fn tag(text: &str) -> Result<Tag, Invalid> {
    Tag::parse(text)
}

/// An instant.
pub(super) fn instant(text: &str) -> Result<Timestamp, Invalid> {
    Timestamp::try_from(text.to_owned())
}

/// A position in the change log.
pub(super) fn seq(text: &str) -> Result<Seq, Invalid> {
    let seq = text.parse().ok().filter(|seq| *seq >= 0).map(Seq);
    seq.ok_or_else(|| Invalid::new("must be a whole number, as \"version\" and \"seq\" are"))
}

/// A variant with its value as JSON.
pub(super) fn variant(text: &str) -> Result<Variant, Invalid> {
    named(text, json)
}

/// A variant with its value as a string.
pub(super) fn text_variant(text: &str) -> Result<Variant, Invalid> {
    named(text, string)
}

fn named(
    text: &str,
    value: impl FnOnce(&str) -> Result<FlagValue, Invalid>,
) -> Result<Variant, Invalid> {
    let (key, text) = pair(text, "KEY=VALUE")?;
    Ok(Variant {
        id: VariantId::default(), // which storage gives it
        key,
        value: value(text)?,
    })
}

/// A variant and how many of a hundred get it.
pub(super) fn share(text: &str) -> Result<Share, Invalid> {
    let (variant, text) = pair(text, "KEY=PERCENT")?;
    let weight = text.trim_end_matches('%').parse().unwrap_or(f64::NAN);
    let weight = Percentage::new(weight)?;
    Ok(Share { variant, weight })
}

/// A variant's key and what stands behind the first equals sign.
fn pair<'a>(text: &'a str, shape: &'static str) -> Result<(VariantKey, &'a str), Invalid> {
    let (key, rest) = text
        .split_once('=')
        .ok_or_else(|| Invalid::new(format!("must be {shape}")))?;
    Ok((VariantKey::parse(key)?, rest))
}

/// Tags, each once.
pub(super) fn tags(tags: Vec<Tag>) -> Result<Tags, Failure> {
    Tags::try_from(tags).map_err(|error| Failure::wrong(format!("--tag: {error}")))
}

/// What a file holds, or standard input for `-`.
#[derive(Debug)]
pub(super) struct Input {
    name: String,
    pub(super) text: String,
}

impl Input {
    /// Reads it all.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let (name, text) = if path == Path::new("-") {
            ("standard input".to_owned(), io::read_to_string(io::stdin()))
        } else {
            (path.display().to_string(), fs::read_to_string(path))
        };
        match text {
            Ok(text) => Ok(Self { name, text }),
            Err(error) => Err(Failure::wrong(format!("cannot read {name}: {error}"))),
        }
    }

    /// Something is wrong in it.
    pub(super) fn wrong(&self, message: impl Display) -> Failure {
        Failure::wrong(format!("{}: {message}", self.name))
    }
}

/// What is wrong with a JSON text, with its place.
pub(super) fn misplaced(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let place = error.path().to_string();
    // A text that is cut off has no place there but its end, which the message tells.
    let place = place.trim_end_matches(['.', '?']);
    let message = error.inner();
    if place.is_empty() {
        message.to_string()
    } else {
        format!("{place}: {message}")
    }
}

/// A credential from a file, or from standard input for `-`: the text without the line's end.
pub(super) fn credential(path: &Path, argument: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if path == Path::new("-") {
        io::stdin().read_to_string(&mut text)
    } else {
        fs::File::open(path).and_then(|mut file| file.read_to_string(&mut text))
    };
    read.map_err(|error| {
        Failure::wrong(format!(
            "{argument}: cannot read {}: {error}",
            path.display()
        ))
    })?;
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok(text)
}

/// What a `set` changes: without any of these arguments it would do nothing.
pub(super) fn at_least_one<const N: usize>(arguments: [&'static str; N]) -> ArgGroup {
    let group = ArgGroup::new("what to change");
    group.args(arguments).required(true).multiple(true)
}

/// A value, as JSON or as a plain string.
#[derive(Debug, Args)]
#[command(group = ArgGroup::new("a value").args(["value", "text"]))]
pub(super) struct ValueArgument {
    /// The value as JSON: null, true, 42, 1.5, '"a string"', '{"an": "object"}', '["an", "array"]'
    #[arg(long, value_name = "JSON", value_parser = json, allow_hyphen_values = true)]
    value: Option<FlagValue>,
    /// The value as a string, without JSON's quotes
    #[arg(long, value_name = "STRING", value_parser = string, allow_hyphen_values = true)]
    text: Option<FlagValue>,
}

impl ValueArgument {
    /// The value, where one is given.
    pub(super) fn into_value(self) -> Option<FlagValue> {
        self.value.or(self.text)
    }
}

fn json(text: &str) -> Result<FlagValue, Invalid> {
    FlagValue::parse(text)
        .map_err(|error| Invalid::new(format!("{error}; for a plain string use --text")))
}

fn string(text: &str) -> Result<FlagValue, Invalid> {
    FlagValue::of_string(text.to_owned())
}

/// Guards a change against overwriting somebody else's.
#[derive(Debug, Args)]
pub(super) struct IfVersion {
    /// Only if the record is still at this version (exit code 4 otherwise)
    #[arg(long = "if-version", value_name = "VERSION", value_parser = seq)]
    version: Option<Seq>,
}

impl IfVersion {
    /// Which versions are accepted.
    pub(super) fn precondition(&self) -> Precondition {
        self.version
            .map_or(Precondition::Any, |seq| Precondition::OneOf(vec![seq]))
    }
}
