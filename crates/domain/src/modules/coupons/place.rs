//! Where a store is.

use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use super::text::Label;
use crate::text::Invalid;

/// Where a store is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields)]
pub struct Place {
    /// Degrees north, -90 to 90.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lat: Option<Degrees<90>>,
    /// Degrees east, -180 to 180.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<Degrees<180>>,
    /// The city.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub city: Option<Label>,
    /// The telephone number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone: Option<Label>,
    /// The state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<Label>,
    /// The street and its number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub street: Option<Label>,
    /// The postal code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip: Option<Label>,
}

impl Serialize for Place {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Place {
    // Derived, it would also be read from an array, as the fields in their order.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Object)
    }
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Place;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with lat, long, city, phone, state, street and zip")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Place, A::Error> {
        Place::deserialize(MapAccessDeserializer::new(map))
    }
}

/// A part of a position on the globe, at most `MAX` to either side; written as it was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Number", into = "Number")]
pub struct Degrees<const MAX: u16>(Number);

impl<const MAX: u16> TryFrom<Number> for Degrees<MAX> {
    type Error = Invalid;

    fn try_from(number: Number) -> Result<Self, Invalid> {
        let within = number
            .as_f64()
            .is_some_and(|degrees| degrees.abs() <= f64::from(MAX));
        if within {
            return Ok(Self(number));
        }
        Err(Invalid::new(format!(
            "must be a number from -{MAX} to {MAX}"
        )))
    }
}

impl<const MAX: u16> From<Degrees<MAX>> for Number {
    fn from(degrees: Degrees<MAX>) -> Self {
        degrees.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_an_object_and_nothing_else() {
        let text = r#"{"lat":47.66001,"city":"Seattle"}"#;
        let place: Place = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&place).unwrap(), text);
        for wrong in [
            "[]",
            r#"[47.6, 1, "Seattle", "1", "Wa", "Street", "98105"]"#,
            "1",
            r#""Seattle""#,
            r#"{"town": "Seattle"}"#,
            r#"{"lat": 91}"#,
        ] {
            assert!(serde_json::from_str::<Place>(wrong).is_err(), "{wrong}");
        }
    }
}
