//! What a single value may look like, whether it was written in TOML or, always as text, in a variable.
//!
//! Every function here says what is wrong and what would be right; `layers.rs` puts the place and the key in front. The
//! parsers of secrets never repeat what they were given. Values with a type of their own have a file of their own.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;

use flagstaff_domain::access::{Password, Username};
use flagstaff_domain::clock::TimeOfDay;
use flagstaff_domain::text::Invalid;
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

/// An IP address with a port.
pub(super) fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let address = value.as_str().and_then(|text| text.parse().ok());
    address.ok_or_else(|| {
        D::Error::custom(format_args!(
            "{} is not an address with a port; expected something like 127.0.0.1:8080",
            shown(&value)
        ))
    })
}

/// A whole number within bounds.
pub(super) fn whole<'de, D, T, const MIN: u64, const MAX: u64>(
    deserializer: D,
) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: TryFrom<u64>,
{
    let value = Value::deserialize(deserializer)?;
    let number = match &value {
        Value::String(text) => text.parse().ok(),
        _ => value.as_u64(),
    };
    let number = number.filter(|number| (MIN..=MAX).contains(number));
    number
        .and_then(|number| T::try_from(number).ok())
        .ok_or_else(|| {
            D::Error::custom(format_args!(
                "{} is not a whole number from {MIN} to {MAX}",
                shown(&value)
            ))
        })
}

/// Names: a list, or a text with commas between them.
pub(super) fn names<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeSet<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let names: Option<Vec<&str>> = match &value {
        Value::String(text) => Some(text.split(',').map(str::trim).collect()),
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        _ => None,
    };
    let names = names.ok_or_else(|| {
        D::Error::custom(format_args!(
            "{} is not a list of names; expected something like [\"email\", \"name\"]",
            shown(&value)
        ))
    })?;
    let names = names.into_iter().filter(|name| !name.is_empty());
    Ok(names.map(str::to_owned).collect())
}

/// True or false.
pub(super) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::Bool(on) => Ok(on),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        other => Err(D::Error::custom(format_args!(
            "{} is neither true nor false",
            shown(&other)
        ))),
    }
}

/// A path, or none if empty.
pub(super) fn optional_path<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(path) => Ok(Some(path)
            .filter(|path| !path.is_empty())
            .map(PathBuf::from)),
        other => Err(D::Error::custom(format_args!(
            "{} is not a path; expected text, empty for none",
            shown(&other)
        ))),
    }
}

/// A name that fits into a header, or none if empty.
pub(super) fn instance<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(name) if name.is_empty() => Ok(None),
        Value::String(name)
            if name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_graphic()) =>
        {
            Ok(Some(name))
        }
        other => Err(D::Error::custom(format_args!(
            "{} is not a name for an instance; expected 1 to 64 visible ASCII characters in quotes, empty for one that is made up",
            shown(&other)
        ))),
    }
}

/// An account's name.
pub(super) fn username<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Username, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let name = value.as_str().map(Username::parse);
    let name = name.unwrap_or_else(|| Err(Invalid::new("must be text in quotes")));
    name.map_err(|error| {
        D::Error::custom(format_args!(
            "{} is not a name for an account; it {error}",
            shown(&value)
        ))
    })
}

/// A password, or none if empty.
pub(super) fn password<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Password>, D::Error> {
    secret(deserializer, Password::parse)
}

/// A token that fits into an `Authorization` header, or none if empty.
pub(super) fn token<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    secret(deserializer, |text| {
        if text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(text.into());
        }
        Err(Invalid::new(
            "must have at least 16 characters, all of them visible ASCII",
        ))
    })
}

/// A key that fits into a URL, or none if empty.
pub(super) fn access_key<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    secret(deserializer, |text| {
        if text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Ok(text.into());
        }
        Err(Invalid::new(
            "must have at most 128 characters, all of them visible ASCII",
        ))
    })
}

/// A time of day, or none if empty.
pub(super) fn time_of_day<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<TimeOfDay>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let time = match value.as_str() {
        Some("") => return Ok(None),
        Some(text) => TimeOfDay::parse(text),
        None => Err(Invalid::new("must be text in quotes")),
    };
    time.map(Some).map_err(|error| {
        D::Error::custom(format_args!(
            "{} is refused: it {error}, or empty",
            shown(&value)
        ))
    })
}

/// A secret, or none if empty. What `parse` says of a wrong one must not repeat it.
fn secret<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: impl FnOnce(String) -> Result<T, Invalid>,
) -> Result<Option<T>, D::Error> {
    let parsed = match Value::deserialize(deserializer)? {
        Value::String(text) if text.is_empty() => return Ok(None),
        Value::String(text) => parse(text),
        _ => Err(Invalid::new("must be text in quotes")),
    };
    parsed
        .map(Some)
        .map_err(|error| D::Error::custom(format_args!("{error} (the value is not shown)")))
}

/// That a secret is set, without what it is.
pub(super) fn hidden<T, S: Serializer>(
    secret: &Option<T>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    secret.as_ref().map(|_| "(hidden)").serialize(serializer)
}

/// A wrong value as it is repeated to the person who wrote it: on one line, text in quotes.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("{text:?}"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a table".to_owned(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn whole_numbers_are_neither_rounded_nor_wrapped() {
        let parse = |value| whole::<_, u32, 1, { u32::MAX as u64 }>(value);
        assert_eq!(parse(json!(1)).unwrap(), 1);
        assert_eq!(parse(json!("4294967295")).unwrap(), u32::MAX);
        for wrong in [
            json!(0),
            json!(-1),
            json!(1.0),
            json!("1.5"),
            json!(4_294_967_296_u64),
            json!(""),
            json!(null),
        ] {
            assert!(parse(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wrong_account_name_is_repeated_with_what_is_wrong() {
        let name = username(json!("Ada Lovelace")).unwrap();
        assert_eq!(name.as_str(), "Ada Lovelace");
        let refused = |value: Value| username(value).unwrap_err().to_string();
        assert_eq!(
            refused(json!("a:b")),
            r#""a:b" is not a name for an account; it must not contain ":""#
        );
        assert_eq!(
            refused(json!(5)),
            "5 is not a name for an account; it must be text in quotes"
        );
    }

    #[test]
    fn names_are_a_list_or_text_with_commas() {
        for (value, expected) in [
            (json!([]), vec![]),
            (json!(""), vec![]),
            (json!(["email", "first name"]), vec!["email", "first name"]),
            (json!(" name, email,"), vec!["email", "name"]),
        ] {
            let found = names(value).unwrap();
            assert_eq!(
                found.iter().map(String::as_str).collect::<Vec<_>>(),
                expected
            );
        }
        for wrong in [json!(1), json!([1]), json!({})] {
            assert!(names(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_instance_is_named_by_what_fits_into_a_header() {
        assert_eq!(instance(json!("")).unwrap(), None);
        let longest = "x".repeat(64);
        for right in ["web-1", "10.0.0.1:8080", longest.as_str()] {
            assert_eq!(instance(json!(right)).unwrap().as_deref(), Some(right));
        }
        for wrong in [
            json!("web 1"),
            json!("wéb"),
            json!("x".repeat(65)),
            json!(1),
        ] {
            let message = instance(wrong).unwrap_err().to_string();
            assert!(message.contains("1 to 64 visible ASCII"), "{message}");
        }
    }

    #[test]
    fn a_wrong_secret_is_not_repeated() {
        assert!(password(json!("ä".repeat(12))).unwrap().is_some());
        assert_eq!(
            password(json!("elevenchars")).unwrap_err().to_string(),
            "must have 12 to 128 characters (the value is not shown)"
        );
        assert!(token(json!("0123456789abcdef")).unwrap().is_some());
        for wrong in [
            "0123456789abcde",
            "0123456789abcde ",
            "0123456789abcdef\n",
            "0123456789abcdeä",
        ] {
            assert!(token(json!(wrong)).is_err(), "{wrong}");
        }
    }
}
