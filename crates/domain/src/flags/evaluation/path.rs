//! Properties of the context: traits, and RFC 9535 paths, parsed once.

use serde_json::Value;
use serde_json_path::JsonPath;

use super::definition::Definition;
use super::run::Evaluation;
use super::scalar::Scalar;
use crate::text::Invalid;

/// The most characters of a path.
const PATH_MAX: usize = 500;

/// A property, ready to be read.
pub(super) struct Property {
    /// The trait with the property's own name, even where that looks like a path.
    name: String,
    source: Source,
}

enum Source {
    Trait(String),
    Identifier,
    IdentityKey,
    Now,
    /// The same for every identity.
    Fixed(String),
    Query(JsonPath),
}

impl Property {
    pub(super) fn parse(text: &str, definition: &Definition) -> Self {
        let source =
            match members(text).as_deref() {
                None if text.starts_with("$.") => JsonPath::parse(text)
                    .map_or_else(|_| Source::Trait(text.to_owned()), Source::Query),
                None => Source::Trait(text.to_owned()),
                Some(["identity", "identifier"]) => Source::Identifier,
                Some(["identity", "key"]) => Source::IdentityKey,
                Some(["identity", "traits", name]) => Source::Trait((*name).to_owned()),
                Some(["now"]) => Source::Now,
                Some(["environment", "key"]) => Source::Fixed(definition.key.clone()),
                Some(["environment", "name"]) => Source::Fixed(definition.name.clone()),
                Some(_) => JsonPath::parse(text)
                    .map_or_else(|_| Source::Trait(text.to_owned()), Source::Query),
            };
        Self {
            name: text.to_owned(),
            source,
        }
    }

    pub(super) fn read<'a>(&'a self, evaluation: &Evaluation<'a>) -> Option<Scalar<'a>> {
        let identity = evaluation.subject.identity;
        let named = |name: &str| {
            let value = identity.and_then(|identity| identity.traits.get(name));
            value.and_then(Scalar::of_trait)
        };
        if let Source::Trait(name) = &self.source
            && *name == self.name
        {
            return named(name);
        }
        named(&self.name).or_else(|| match &self.source {
            Source::Trait(name) => named(name),
            Source::Identifier => identity.map(|one| Scalar::of_text(&one.identifier)),
            Source::IdentityKey => identity.map(|one| Scalar::of_text(&one.key)),
            Source::Now => Some(Scalar::Instant(evaluation.subject.now)),
            Source::Fixed(text) => Some(Scalar::of_text(text)),
            Source::Query(path) => first(path, evaluation.context()),
        })
    }
}

fn first(path: &JsonPath, context: &Value) -> Option<Scalar<'static>> {
    path.query(context).first().and_then(Scalar::of_json)
}

/// The names of a path that goes from member to member, written with dots alone.
fn members(path: &str) -> Option<Vec<&str>> {
    let names: Vec<&str> = path.strip_prefix("$.")?.split('.').collect();
    let is_name = |name: &&str| {
        let mut bytes = name.bytes();
        bytes
            .next()
            .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    names.iter().all(is_name).then_some(names)
}

/// Says whether a condition may have this property: a trait's name, or a path that is cheap to follow.
///
/// # Errors
/// [`Invalid`], when it is a path with a descendant (`..`), a wildcard or a filter, or no path at all.
pub fn check_property(text: &str) -> Result<(), Invalid> {
    if text.chars().count() > PATH_MAX {
        return Err(Invalid::new(format!(
            "must have at most {PATH_MAX} characters"
        )));
    }
    if !text.starts_with("$.") || members(text).is_some() {
        return Ok(());
    }
    if text.contains("..") || text.contains(['*', '?']) {
        return Err(Invalid::new(
            "must be a path without \"..\", \"*\" and \"?\", which are too costly to follow",
        ));
    }
    JsonPath::parse(text).map(drop).map_err(|error| {
        Invalid::new(format!(
            "must be an RFC 9535 path such as $.identity.identifier, or the name of a trait: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costly_paths_and_broken_ones_are_refused() {
        for path in [
            "plan",
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
        ] {
            assert!(check_property(path).is_err(), "{path}");
        }
    }
}
