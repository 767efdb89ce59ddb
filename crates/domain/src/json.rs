//! JSON kept as its text: validated once, without insignificant white space, every digit of a number as it was written.
//!
//! Flag values and the change log's records are stored and served this way.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::text::Invalid;

/// The text of one JSON value, compact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(String);

impl JsonText {
    /// Takes a JSON text, at most 128 levels deep.
    ///
    /// # Errors
    /// [`Invalid`] when it is not JSON or nests deeper.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        serde_json::from_str::<serde_json::Value>(text)
            .map_err(|error| Invalid::new(format!("must be JSON: {error}")))?;
        Ok(Self(compact(text)))
    }

    /// Writes a record as JSON.
    ///
    /// # Errors
    /// [`Invalid`] when the record cannot be written, as a map with keys that are no text.
    pub fn of<T: Serialize>(record: &T) -> Result<Self, Invalid> {
        serde_json::to_string(record)
            .map(Self)
            .map_err(|error| Invalid::new(format!("cannot be written as JSON: {error}")))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Leaves out the white space between the tokens of a valid JSON text.
fn compact(text: &str) -> String {
    let mut compact = String::with_capacity(text.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in text.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if c == '"' {
            in_string = true;
        } else if c.is_ascii_whitespace() {
            continue;
        }
        compact.push(c);
    }
    compact
}

impl Serialize for JsonText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for JsonText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_goes_from_between_tokens_only() {
        let text = JsonText::parse(" { \"a b\" : [ 1 , \"x \\\" \\\\\" , 2 ] } ").unwrap();
        assert_eq!(text.as_str(), r#"{"a b":[1,"x \" \\",2]}"#);
    }

    #[test]
    fn digits_stay_as_written() {
        let text = JsonText::parse("[12345678901234567890123, 1.10, 1e2]").unwrap();
        assert_eq!(text.as_str(), "[12345678901234567890123,1.10,1e2]");
        assert_eq!(serde_json::to_string(&text).unwrap(), text.as_str());
    }

    #[test]
    fn deep_nesting_is_refused() {
        assert!(JsonText::parse(&"[".repeat(100_000)).is_err());
        assert!(JsonText::parse(&format!("{}{}", "[".repeat(200), "]".repeat(200))).is_err());
    }
}
