//! Text from outside becomes a type here, and is not checked again inside: names, descriptions, tags.
//!
//! [`Invalid`] is the sentence that says what would be right. Records of each context build on these types.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a text was refused, worded to follow the field's name: "must not be empty".
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Invalid(Cow<'static, str>);

impl Invalid {
    /// A refusal with its reason.
    pub fn new(message: impl Into<Cow<'static, str>>) -> Self {
        Self(message.into())
    }
}

/// The most characters a name may have.
pub const NAME_MAX: usize = 150;
/// The most characters the user of a GUID may have.
pub const USER_MAX: usize = 255;
/// The most characters a description may have.
pub const DESCRIPTION_MAX: usize = 4_000;
/// The most characters an identity's identifier may have.
pub const IDENTIFIER_MAX: usize = 2_000;
/// The most characters a tag may have.
pub const TAG_MAX: usize = 50;
/// The most tags a feature may have.
pub const TAGS_MAX: usize = 50;

/// Checks a label: one line that a person reads, `max` characters at most.
///
/// # Errors
/// [`Invalid`] when it is empty, too long, has surrounding white space or a control character.
pub fn check_label(text: &str, max: usize) -> Result<(), Invalid> {
    check_line(text, max)?;
    if text.trim() != text {
        return Err(Invalid::new("must not begin or end with white space"));
    }
    Ok(())
}

/// Checks one line of text, `max` characters at most.
fn check_line(text: &str, max: usize) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new("must not be empty"));
    }
    if text.chars().count() > max {
        return Err(Invalid::new(format!("must have at most {max} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Invalid::new("must not contain control characters"));
    }
    Ok(())
}

/// Checks a name that stands in paths: a label that is no path of its own.
fn check_path_name(text: &str) -> Result<(), Invalid> {
    check_label(text, NAME_MAX)?;
    if text.contains('/') {
        return Err(Invalid::new("must not contain \"/\""));
    }
    if text == "." || text == ".." {
        return Err(Invalid::new("must not be \".\" or \"..\""));
    }
    Ok(())
}

/// What the value outside all variants' shares is called; no variant may be called so.
pub const CONTROL: &str = "control";

fn check_variant_key(text: &str) -> Result<(), Invalid> {
    if text == CONTROL || text == "default" {
        return Err(Invalid::new(
            "must not be \"control\" or \"default\", which say that no variant was chosen",
        ));
    }
    check_path_name(text)
}

fn check_label_name(text: &str) -> Result<(), Invalid> {
    check_label(text, NAME_MAX)
}

fn check_user(text: &str) -> Result<(), Invalid> {
    check_line(text, USER_MAX)
}

fn check_identifier(text: &str) -> Result<(), Invalid> {
    if text.is_empty() {
        return Err(Invalid::new("must not be empty"));
    }
    if text.chars().count() > IDENTIFIER_MAX {
        return Err(Invalid::new(format!(
            "must have at most {IDENTIFIER_MAX} characters"
        )));
    }
    if text.contains('\0') {
        return Err(Invalid::new("must not contain NUL"));
    }
    Ok(())
}

fn check_tag(text: &str) -> Result<(), Invalid> {
    check_label(text, TAG_MAX)
}

fn check_description(text: &str) -> Result<(), Invalid> {
    if text.chars().count() > DESCRIPTION_MAX {
        return Err(Invalid::new(format!(
            "must have at most {DESCRIPTION_MAX} characters"
        )));
    }
    if text
        .chars()
        .any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))
    {
        return Err(Invalid::new(
            "must not contain control characters other than line breaks and tabs",
        ));
    }
    Ok(())
}

macro_rules! text_type {
    ($(#[$doc:meta])* $name:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Takes the text when it is one.
            ///
            /// # Errors
            /// [`Invalid`] that says what would be right.
            pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
                let text = text.into();
                $check(&text)?;
                Ok(Self(text))
            }

            /// The text as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;

            fn try_from(text: String) -> Result<Self, Invalid> {
                Self::parse(text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> Self {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}
pub(crate) use text_type;

/// What two names that differ in case alone have in common: Unicode lower case.
#[must_use]
pub fn fold(name: &str) -> String {
    name.to_lowercase()
}

text_type!(
    /// Names an environment in paths: 1 to 150 characters, no control characters, no `/`, no surrounding white space.
    EnvironmentName,
    check_path_name
);
text_type!(
    /// Names a feature in paths and in application code; same rules as [`EnvironmentName`].
    FeatureName,
    check_path_name
);
text_type!(
    /// Names a segment in paths; same rules as [`EnvironmentName`].
    SegmentName,
    check_path_name
);
text_type!(
    /// Tells which variant of a feature this is; same rules as [`EnvironmentName`]. `control` and `default` say that it is
    /// none.
    VariantKey,
    check_variant_key
);
text_type!(
    /// Names an identity, as applications do: 1 to 2,000 characters, compared exactly.
    Identifier,
    check_identifier
);
text_type!(
    /// Tells a person which key this is: 1 to 150 characters on one line.
    KeyName,
    check_label_name
);
text_type!(
    /// Tells which access token of an account this is; same rules as [`EnvironmentName`].
    TokenName,
    check_path_name
);
text_type!(
    /// Tells whom a GUID was given to: 1 to 255 characters on one line.
    GuidUser,
    check_user
);
text_type!(
    /// Says what something is for: up to 4,000 characters, line breaks allowed, may be empty.
    Description,
    check_description
);
text_type!(
    /// A word by which features are grouped: 1 to 50 characters on one line.
    Tag,
    check_tag
);

impl From<GuidUser> for KeyName {
    /// Among the keys of an environment a GUID is known by its user.
    fn from(user: GuidUser) -> Self {
        Self(user.0)
    }
}

impl FeatureName {
    /// What a person should know who chose this name, if anything.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        (!self.0.chars().all(plain)).then(|| {
            "the name has characters outside A-Z a-z 0-9 _ . - : OFREP clients do not encode names in paths and may \
             not find this feature"
                .to_owned()
        })
    }
}

impl Default for Description {
    /// The empty description.
    fn default() -> Self {
        Self(String::new())
    }
}

/// A feature's tags, in the order given: at most 50, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Tag>", into = "Vec<Tag>")]
pub struct Tags(Vec<Tag>);

impl Tags {
    /// The tags in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Tag::as_str)
    }
}

impl TryFrom<Vec<Tag>> for Tags {
    type Error = Invalid;

    fn try_from(tags: Vec<Tag>) -> Result<Self, Invalid> {
        if tags.len() > TAGS_MAX {
            return Err(Invalid::new(format!("must be at most {TAGS_MAX} tags")));
        }
        let twice = (1..tags.len()).find(|&at| tags[..at].contains(&tags[at]));
        match twice {
            Some(at) => Err(Invalid::new(format!(
                "must not hold {:?} twice",
                tags[at].as_str()
            ))),
            None => Ok(Self(tags)),
        }
    }
}

impl From<Tags> for Vec<Tag> {
    fn from(tags: Tags) -> Self {
        tags.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_1_to_150_characters_whatever_their_bytes() {
        assert!(FeatureName::parse("").is_err());
        assert!(FeatureName::parse("ü".repeat(150)).is_ok());
        assert!(FeatureName::parse("ü".repeat(151)).is_err());
    }

    #[test]
    fn a_name_is_one_path_segment() {
        for bad in ["a/b", ".", "..", " a", "a ", "a\u{0}", "a\nb", "\u{a0}a"] {
            assert!(EnvironmentName::parse(bad).is_err(), "{bad:?}");
        }
        for good in ["...", "a b", "Größe", "日本", "a.b-c_d", "%2F"] {
            assert!(EnvironmentName::parse(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn names_fold_by_unicode_case() {
        assert_eq!(fold("GRÖSSE"), "grösse");
    }

    #[test]
    fn a_feature_name_that_ofrep_clients_would_not_encode_is_warned_of() {
        assert_eq!(
            FeatureName::parse("dark_mode.v2-b").unwrap().warning(),
            None
        );
        assert!(FeatureName::parse("dark mode").unwrap().warning().is_some());
    }

    #[test]
    fn the_user_of_a_guid_is_1_to_255_characters_on_one_line() {
        for good in ["Jay Patel", " ", &"ü".repeat(255)] {
            assert!(GuidUser::parse(good).is_ok(), "{good:?}");
        }
        for bad in ["", &"ü".repeat(256), "a\r\nb", "a\0"] {
            assert!(GuidUser::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_description_may_break_lines_but_holds_no_nul() {
        assert!(Description::parse("one\r\n\ttwo").is_ok());
        assert!(Description::parse("").is_ok());
        assert!(Description::parse("a\0").is_err());
        assert!(Description::parse("x".repeat(4_001)).is_err());
    }

    #[test]
    fn a_tag_stands_once() {
        let tags = |texts: &[&str]| -> Result<Tags, Invalid> {
            texts
                .iter()
                .map(|text| Tag::parse(*text).unwrap())
                .collect::<Vec<_>>()
                .try_into()
        };
        assert!(tags(&["a", "b"]).is_ok());
        assert!(tags(&["a", "b", "a"]).is_err());
    }
}
