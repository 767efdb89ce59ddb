//! The texts of a coupon, by their length.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::Invalid;

/// A text of at most `MAX` characters, line breaks and tabs allowed; may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Text<const MAX: usize>(String);

/// A field of a coupon.
pub type Label = Text<1_000>;
/// A coupon's description.
pub type LongText = Text<10_000>;

impl<const MAX: usize> Text<MAX> {
    /// Takes the text when it is one.
    ///
    /// # Errors
    /// [`Invalid`] that says what would be right.
    pub fn parse(text: impl Into<String>) -> Result<Self, Invalid> {
        let text = text.into();
        if text.chars().count() > MAX {
            return Err(Invalid::new(format!("must have at most {MAX} characters")));
        }
        let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.chars().any(steers) {
            return Err(Invalid::new(
                "must not contain control characters other than line breaks and tabs",
            ));
        }
        Ok(Self(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        Self::parse(text)
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_as_long_as_it_may_be_and_holds_no_control_characters() {
        assert!(Label::parse("ä".repeat(1_000)).is_ok());
        assert!(Label::parse("ä".repeat(1_001)).is_err());
        assert!(LongText::parse("a\r\n\tb").is_ok());
        assert!(Label::parse("").is_ok());
        for wrong in ["a\0b", "\u{1b}[31m", "\u{85}"] {
            assert!(Label::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
