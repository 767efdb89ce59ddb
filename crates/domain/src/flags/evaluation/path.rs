//! Properties of the context: traits, and RFC 9535 paths, parsed once.

use serde_json_path::JsonPath;

use super::definition::Definition;
use super::run::Evaluation;
use super::scalar::Scalar;
use super::subject::NAME_MAX;
use crate::flags::value::FlagValue;
use crate::text::Invalid;

/// The most characters of a path.
const PATH_MAX: usize = 500;

/// A property, ready to be read.
pub(super) struct Property {
    /// As it is written. A trait of that very name is read even where it looks like a path.
    name: String,
    /// What the path leads to, where it is one.
    path: Option<Path>,
}

enum Path {
    Identifier,
    IdentityKey,
    Trait(String),
    Now,
    /// The same for every identity.
    Fixed(String),
    /// What another feature serves.
    Flag(String, Field),
    /// Whatever else is in the context.
    Query(JsonPath),
}

/// What a path reads of a feature.
#[derive(Clone, Copy)]
enum Field {
    Enabled,
    Value,
    Variant,
}

impl Path {
    fn parse(text: &str, definition: &Definition) -> Option<Self> {
        let flag = |name: &str, field| Self::Flag(name.to_owned(), field);
        Some(match members(text).as_deref() {
            Some(["identity", "identifier"]) => Self::Identifier,
            Some(["identity", "key"]) => Self::IdentityKey,
            Some(["identity", "traits", name]) => Self::Trait((*name).to_owned()),
            Some(["now"]) => Self::Now,
            Some(["environment", "key"]) => Self::Fixed(definition.key.clone()),
            Some(["environment", "name"]) => Self::Fixed(definition.name.clone()),
            Some(["flags", name, "enabled"]) => flag(name, Field::Enabled),
            Some(["flags", name, "value"]) => flag(name, Field::Value),
            Some(["flags", name, "variant"]) => flag(name, Field::Variant),
            Some(_) | None => Self::Query(JsonPath::parse(text).ok()?),
        })
    }

    fn read<'a>(&'a self, evaluation: &Evaluation<'a>) -> Option<Scalar<'a>> {
        let identity = evaluation.subject.identity;
        match self {
            Self::Identifier => identity.map(|one| Scalar::of_text(&one.identifier)),
            Self::IdentityKey => identity.map(|one| Scalar::of_text(&one.key)),
            Self::Trait(name) => evaluation.trait_value(name),
            Self::Now => Some(Scalar::Instant(evaluation.subject.now)),
            Self::Fixed(text) => Some(Scalar::of_text(text)),
            Self::Flag(feature, field) => {
                let answer = evaluation.prerequisite(feature)?;
                match field {
                    Field::Enabled => Some(Scalar::Bool(answer.enabled())),
                    Field::Value => of_flag_value(answer.value()),
                    Field::Variant => answer.variant().map(Scalar::of_text),
                }
            }
            Self::Query(path) => {
                let found = path.query(evaluation.context()).first();
                found.and_then(Scalar::of_json)
            }
        }
    }
}

fn of_flag_value(value: &FlagValue) -> Option<Scalar<'_>> {
    match value {
        FlagValue::Null | FlagValue::Json(_) => None,
        FlagValue::Bool(value) => Some(Scalar::Bool(*value)),
        FlagValue::String(text) => Some(Scalar::of_text(text)),
        FlagValue::Integer(value) => Some(Scalar::Integer(*value)),
        FlagValue::Float(value) => Some(Scalar::Float(*value)),
    }
}

impl Property {
    pub(super) fn parse(text: &str, definition: &Definition) -> Self {
        let is_path = text.starts_with("$.");
        Self {
            name: text.to_owned(),
            path: is_path.then(|| Path::parse(text, definition)).flatten(),
        }
    }

    /// Whether it asks what another feature serves.
    pub(super) fn asks(&self) -> bool {
        matches!(self.path, Some(Path::Flag(..)))
    }

    pub(super) fn read<'a>(&'a self, evaluation: &Evaluation<'a>) -> Option<Scalar<'a>> {
        let named = evaluation.trait_value(&self.name);
        named.or_else(|| self.path.as_ref()?.read(evaluation))
    }
}

/// The names of a path that goes from member to member: `$.flags.a.enabled`, `$.flags['a b'].enabled`.
fn members(path: &str) -> Option<Vec<&str>> {
    let mut rest = path.strip_prefix('$')?;
    let mut names = Vec::new();
    while !rest.is_empty() {
        let (name, after) = if let Some(dotted) = rest.strip_prefix('.') {
            dotted.split_at(dotted.find(['.', '[']).unwrap_or(dotted.len()))
        } else {
            let quote = rest.strip_prefix('[')?.chars().next()?;
            let quoted = rest.get(2..).filter(|_| matches!(quote, '\'' | '"'))?;
            let (name, after) = quoted.split_once(quote)?;
            (name, after.strip_prefix(']')?)
        };
        if rest.starts_with('.') && !is_name(name) || name.contains('\\') {
            return None;
        }
        names.push(name);
        rest = after;
    }
    Some(names)
}

fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next();
    first.is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// Says whether a condition may have this property: a trait's name, or a path that is cheap to follow.
///
/// # Errors
/// [`Invalid`], when it is a path into `$.flags` or to where nothing is, one with a descendant (`..`), a wildcard or a
/// filter, or no path at all.
pub fn check_property(text: &str) -> Result<(), Invalid> {
    if text.chars().count() > PATH_MAX {
        return Err(Invalid::new(format!(
            "must have at most {PATH_MAX} characters"
        )));
    }
    if !text.starts_with("$.") && !text.starts_with("$[") {
        return match text.chars().count() > NAME_MAX {
            true => Err(Invalid::new(format!(
                "must have at most {NAME_MAX} characters, as names of traits have"
            ))),
            false => Ok(()),
        };
    }
    if text.starts_with("$.flags") {
        return Err(Invalid::new(
            "must not be a path into $.flags; the operator FLAG asks what another feature serves",
        ));
    }
    if text.contains("..") || text.contains(['*', '?']) {
        return Err(Invalid::new(
            "must be a path without \"..\", \"*\" and \"?\", which are too costly to follow",
        ));
    }
    let path = JsonPath::parse(text).map(drop);
    path.map_err(|error| {
        Invalid::new(format!(
            "must be an RFC 9535 path such as $.identity.identifier, or the name of a trait: {error}"
        ))
    })?;
    let leads = |root: &str| {
        let rest = text
            .strip_prefix("$.")
            .and_then(|path| path.strip_prefix(root));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
    };
    match ["identity", "environment", "now"].into_iter().any(leads) {
        true => Ok(()),
        false => Err(Invalid::new(
            "must begin with $.identity, $.environment or $.now: nothing else is there",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costly_paths_and_broken_ones_are_refused() {
        for path in [
            "plan",
            "$email",
            "a..b",
            "$.identity.identifier",
            "$.identity.traits['a b']",
            "",
        ] {
            assert!(check_property(path).is_ok(), "{path}");
        }
        for path in [
            "$..traits",
            "$.identity[*]",
            "$.identity[?@.a]",
            "$.identity[",
            "$.",
            "$.flags.a.enabled",
            "$[?@.a]",
            "$.segments",
            "$.identities",
            &"x".repeat(201),
        ] {
            assert!(check_property(path).is_err(), "{path}");
        }
    }

    #[test]
    fn members_are_named_with_dots_and_in_brackets() {
        assert_eq!(members("$.a.b_1").unwrap(), ["a", "b_1"]);
        assert_eq!(
            members("$.a['b c'][\"d.e\"].f").unwrap(),
            ["a", "b c", "d.e", "f"]
        );
        for path in [
            "$.a[0]",
            "$..a",
            "$.a['b\\'c']",
            "$.1",
            "a.b",
            "$.a['b'",
            "$.a['b']c",
        ] {
            assert!(members(path).is_none(), "{path}");
        }
    }
}
