//! What a flag carries besides on and off: null, a boolean, a string, an integer, a float, or JSON.
//!
//! The type is told from the JSON literal: `1` is an integer, `1.0` and `1e2` are floats, and stay so.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::json::JsonText;
use crate::text::Invalid;

/// The most bytes of a string value, and of a JSON value's text.
pub const VALUE_MAX: usize = 64 * 1024;

/// A flag's value.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum FlagValue {
    /// No value.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// Text, at most 64 KiB of UTF-8, without NUL.
    String(String),
    /// A whole number within 64 bits.
    Integer(i64),
    /// A finite number.
    Float(f64),
    /// An object or an array, at most 64 KiB of text.
    Json(JsonText),
}

impl FlagValue {
    /// Reads a value from its JSON text.
    ///
    /// # Errors
    /// [`Invalid`] when the text is no JSON, a number is out of range, or the value is too large.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.trim_matches([' ', '\t', '\r', '\n']);
        let not_json = |error: serde_json::Error| Invalid::new(format!("must be JSON: {error}"));
        match text.as_bytes().first() {
            Some(b'{' | b'[') => {
                sized(text.len()).and_then(|()| JsonText::parse(text).map(Self::Json))
            }
            Some(b'"') => {
                let text: String = serde_json::from_str(text).map_err(not_json)?;
                Self::of_string(text)
            }
            Some(b'-' | b'0'..=b'9') => number(text),
            _ => Ok(serde_json::from_str::<Option<bool>>(text)
                .map_err(not_json)?
                .map_or(Self::Null, Self::Bool)),
        }
    }

    /// A string value.
    ///
    /// # Errors
    /// [`Invalid`] when it is over 64 KiB or holds NUL.
    pub fn of_string(text: String) -> Result<Self, Invalid> {
        sized(text.len())?;
        if text.contains('\0') {
            return Err(Invalid::new("must not contain NUL"));
        }
        Ok(Self::String(text))
    }

    /// The value as JSON text, from which [`FlagValue::parse`] makes the same value.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|_| "null".to_owned())
    }
}

fn sized(bytes: usize) -> Result<(), Invalid> {
    if bytes > VALUE_MAX {
        return Err(Invalid::new("must have at most 64 KiB (65,536 bytes)"));
    }
    Ok(())
}

fn number(text: &str) -> Result<FlagValue, Invalid> {
    if text.contains(['.', 'e', 'E']) {
        let float: f64 = serde_json::from_str(text)
            .map_err(|_| Invalid::new("must be a finite number that fits a 64-bit float"))?;
        return Ok(FlagValue::Float(float));
    }
    if text == "-0" {
        return Ok(FlagValue::Integer(0)); // which serde_json reads as a float
    }
    serde_json::from_str(text)
        .map(FlagValue::Integer)
        .map_err(|_| {
            Invalid::new("must be an integer from -9223372036854775808 to 9223372036854775807")
        })
}

impl Serialize for FlagValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::String(value) => serializer.serialize_str(value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Json(value) => value.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for FlagValue {
    /// From serde_json alone, whose raw text tells an integer from a float.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::parse(raw.get()).map_err(serde::de::Error::custom)
    }
}

/// For optional fields in which null is a value: a field that is there is `Some`, whatever it holds.
///
/// # Errors
/// Those of the value's own deserialization.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_literal_decides_the_type_and_survives_the_round_trip() {
        let json = |text| FlagValue::Json(JsonText::parse(text).unwrap());
        for (text, value, written) in [
            ("null", FlagValue::Null, "null"),
            (" true ", FlagValue::Bool(true), "true"),
            ("\"1\"", FlagValue::String("1".into()), "\"1\""),
            ("1", FlagValue::Integer(1), "1"),
            ("-0", FlagValue::Integer(0), "0"),
            (
                "-9223372036854775808",
                FlagValue::Integer(i64::MIN),
                "-9223372036854775808",
            ),
            ("1.0", FlagValue::Float(1.0), "1.0"),
            ("1e2", FlagValue::Float(100.0), "100.0"),
            ("{\"a\": [1]}", json("{\"a\":[1]}"), "{\"a\":[1]}"),
        ] {
            assert_eq!(FlagValue::parse(text), Ok(value.clone()), "{text}");
            assert_eq!(value.to_json(), written);
            assert_eq!(FlagValue::parse(written), Ok(value));
        }
    }

    #[test]
    fn numbers_out_of_range_are_refused() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "1e309",
            "-1e309",
            "01",
            "1.",
            "NaN",
            "-",
        ] {
            assert!(FlagValue::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for text in [
            "",
            "nul",
            "True",
            "{",
            "[1,]",
            "\"a",
            "\"\\u0000\"",
            "\"\\ud800\"",
        ] {
            assert!(FlagValue::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_string_may_have_64_kib_of_bytes() {
        assert!(FlagValue::of_string("ü".repeat(32 * 1024)).is_ok());
        assert!(FlagValue::of_string("x".repeat(VALUE_MAX + 1)).is_err());
        assert!(FlagValue::parse(&format!("[{}]", "1,".repeat(VALUE_MAX))).is_err());
    }
}
