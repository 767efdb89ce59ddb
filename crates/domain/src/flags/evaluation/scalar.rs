//! A property's value while a condition is evaluated: borrowed from the context wherever that can be.

use std::borrow::Cow;
use std::fmt;

use serde_json::Value;

use super::subject::TraitValue;
use crate::clock::Timestamp;

/// A value that is there, written as Flagsmith's engine in Python does: a float keeps its point. Null is the absence of one.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Scalar<'a> {
    Bool(bool),
    Integer(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Instant(Timestamp),
}

impl<'a> Scalar<'a> {
    pub(super) fn of_text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn of_trait(value: &'a TraitValue) -> Option<Self> {
        match value {
            TraitValue::Null => None,
            TraitValue::Bool(value) => Some(Self::Bool(*value)),
            TraitValue::Integer(value) => Some(Self::Integer(*value)),
            TraitValue::Float(value) => Some(Self::Float(*value)),
            TraitValue::Text(text) => Some(Self::of_text(text)),
        }
    }

    /// What a path found; objects and arrays are no values.
    pub(super) fn of_json(value: &Value) -> Option<Scalar<'static>> {
        match value {
            Value::Null | Value::Array(_) | Value::Object(_) => None,
            Value::Bool(value) => Some(Scalar::Bool(*value)),
            Value::Number(number) => number
                .as_i64()
                .map(Scalar::Integer)
                .or_else(|| number.as_f64().map(Scalar::Float)),
            Value::String(text) => Some(Scalar::Text(Cow::Owned(text.clone()))),
        }
    }

    /// The value as JSON.
    pub(super) fn to_json(&self) -> Value {
        match self {
            Self::Bool(value) => (*value).into(),
            Self::Integer(value) => (*value).into(),
            Self::Float(value) => (*value).into(),
            Self::Text(text) => text.as_ref().into(),
            Self::Instant(at) => at.to_string().into(),
        }
    }

    /// The value's text, where it is one already.
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Bool(_) | Self::Integer(_) | Self::Float(_) | Self::Instant(_) => None,
        }
    }

    /// Gives the value's text to `read`.
    pub(super) fn with_text<T>(&self, read: impl FnOnce(&str) -> T) -> T {
        match self.as_text() {
            Some(text) => read(text),
            None => {
                let mut buffer = Buffer::default();
                let _ = fmt::Write::write_fmt(&mut buffer, format_args!("{self}"));
                read(buffer.as_str())
            }
        }
    }

    /// The value as a number, where it is one or its text is.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            #[expect(clippy::cast_precision_loss, reason = "as Flagsmith compares them")]
            Self::Integer(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            Self::Text(text) => text.parse().ok(),
            Self::Bool(_) | Self::Instant(_) => None,
        }
    }
}

impl fmt::Display for Scalar<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => f.write_str(text),
            Self::Instant(at) => at.fmt(f),
        }
    }
}

/// Room for the text of a number or an instant, on the stack.
struct Buffer {
    bytes: [u8; 48],
    len: usize,
}

impl Default for Buffer {
    fn default() -> Self {
        Self {
            bytes: [0; 48],
            len: 0,
        }
    }
}

impl Buffer {
    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}

impl fmt::Write for Buffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let room = self.bytes.get_mut(self.len..end).ok_or(fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_has_room_for_its_text() {
        for (value, text) in [
            (Scalar::Bool(true), "true".to_owned()),
            (Scalar::Integer(i64::MIN), i64::MIN.to_string()),
            (Scalar::Float(2.0), "2.0".to_owned()),
            (Scalar::Float(1.5), "1.5".to_owned()),
            (
                Scalar::Float(-1.797_693_134_862_315_7e308),
                "-1.7976931348623157e308".to_owned(),
            ),
            (Scalar::Float(-5e-324), "-5e-324".to_owned()),
            (
                Scalar::Instant(Timestamp::default()),
                "1970-01-01T00:00:00.000000Z".to_owned(),
            ),
        ] {
            assert_eq!(value.with_text(str::to_owned), text);
        }
    }
}
