//! The context of an evaluation: who asks, and what is known of them.

use std::collections::BTreeMap;
use std::fmt;

use flagstaff_domain::flags::evaluation::subject::{NAME_MAX, TEXT_MAX, TRAITS_MAX, fits};
use flagstaff_domain::flags::evaluation::{Identity, TraitValue};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::failure::{ErrorCode, Failure};

/// The member that tells who asks.
const TARGETING_KEY: &str = "targetingKey";

/// Reads a request's body: whom to evaluate for, in the environment with this key. Objects and arrays are no traits, and
/// null is the absence of one.
pub(crate) fn identity(body: &[u8], environment_key: &str) -> Result<Identity, Failure> {
    let context = read(body)?;
    let identifier = match context.targeting_key {
        Value::String(key) if !key.is_empty() => key,
        Value::Null | Value::String(_) => {
            return Err(Failure::bad(
                ErrorCode::TargetingKeyMissing,
                "context.targetingKey is missing; it says whom to evaluate for: a user's id, a session's, any text that stays",
            ));
        }
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            return Err(invalid("context.targetingKey must be a string"));
        }
    };
    check_length(TARGETING_KEY, &identifier)?;
    if context.members > TRAITS_MAX {
        return Err(invalid(format!(
            "context may have at most {TRAITS_MAX} members besides targetingKey"
        )));
    }
    for (name, value) in &context.traits {
        if !fits(name, NAME_MAX) {
            return Err(invalid(format!(
                "a name in context may have at most {NAME_MAX} characters"
            )));
        }
        if let TraitValue::Text(text) = value {
            check_length(name, text)?;
        }
    }
    Ok(Identity::new(environment_key, identifier, context.traits))
}

fn check_length(name: &str, text: &str) -> Result<(), Failure> {
    if !fits(text, TEXT_MAX) {
        return Err(invalid(format!(
            "context.{name} may have at most {TEXT_MAX} characters"
        )));
    }
    Ok(())
}

fn invalid(details: impl Into<String>) -> Failure {
    Failure::bad(ErrorCode::InvalidContext, details)
}

fn read(body: &[u8]) -> Result<Context, Failure> {
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Failure::bad(
            ErrorCode::ParseError,
            "the body must be a JSON object such as {\"context\": {\"targetingKey\": \"user-1\"}}",
        ));
    }
    let request: Request = serde_json::from_slice(body).map_err(|error| {
        if error.is_data() {
            return invalid(format!("the body is not valid: {error}"));
        }
        Failure::bad(
            ErrorCode::ParseError,
            format!("the body is no JSON: {error}"),
        )
    })?;
    request.context.ok_or_else(|| {
        invalid("context is missing: an object with targetingKey and what else flags may depend on")
    })
}

#[derive(Deserialize)]
struct Request {
    context: Option<Context>,
}

/// A context as it was sent; it may be too large.
#[derive(Default)]
struct Context {
    targeting_key: Value,
    traits: BTreeMap<String, TraitValue>,
    members: usize,
}

impl<'de> Deserialize<'de> for Context {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = Context;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object as the context")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Context, M::Error> {
        let mut context = Context::default();
        while let Some((name, value)) = map.next_entry::<String, Value>()? {
            if name == TARGETING_KEY {
                context.targeting_key = value;
                continue;
            }
            context.members += 1;
            if let Some(value) = scalar(value) {
                context.traits.insert(name, value);
            }
        }
        Ok(context)
    }
}

fn scalar(value: Value) -> Option<TraitValue> {
    match value {
        Value::Null | Value::Array(_) | Value::Object(_) => None,
        Value::Bool(value) => Some(TraitValue::Bool(value)),
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Some(TraitValue::Integer(integer)),
            None => number.as_f64().map(TraitValue::Float),
        },
        Value::String(text) => Some(TraitValue::Text(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(body: &str) -> ErrorCode {
        identity(body.as_bytes(), "env").unwrap_err().code()
    }

    fn of(context: &str) -> Result<Identity, Failure> {
        identity(format!("{{\"context\":{context}}}").as_bytes(), "env")
    }

    #[test]
    fn members_beside_the_targeting_key_are_traits() {
        let identity = of(
            r#"{"targetingKey":"ü","age":7,"rate":1.0,"on":true,"plan":"pro","none":null,"list":[1],"tree":{"a":{}}}"#,
        )
        .unwrap();
        assert_eq!(
            (identity.identifier.as_str(), identity.key.as_str()),
            ("ü", "env_ü")
        );
        let traits: Vec<_> = identity.traits.into_iter().collect();
        let expected = [
            ("age", TraitValue::Integer(7)),
            ("on", TraitValue::Bool(true)),
            ("plan", TraitValue::Text("pro".to_owned())),
            ("rate", TraitValue::Float(1.0)),
        ];
        assert_eq!(
            traits,
            expected.map(|(name, value)| (name.to_owned(), value))
        );
    }

    #[test]
    fn what_is_wrong_has_its_code() {
        for (body, code) in [
            ("", ErrorCode::ParseError),
            ("{", ErrorCode::ParseError),
            ("[]", ErrorCode::ParseError),
            ("null", ErrorCode::ParseError),
            (
                r#"{"context":{"targetingKey":"a"}} x"#,
                ErrorCode::ParseError,
            ),
            ("{}", ErrorCode::InvalidContext),
            (r#"{"context":null}"#, ErrorCode::InvalidContext),
            (r#"{"context":[]}"#, ErrorCode::InvalidContext),
            (r#"{"context":"a"}"#, ErrorCode::InvalidContext),
            (
                r#"{"context":{"targetingKey":1}}"#,
                ErrorCode::InvalidContext,
            ),
            (r#"{"context":{}}"#, ErrorCode::TargetingKeyMissing),
            (
                r#"{"context":{"targetingKey":null}}"#,
                ErrorCode::TargetingKeyMissing,
            ),
            (
                r#"{"context":{"targetingKey":""}}"#,
                ErrorCode::TargetingKeyMissing,
            ),
        ] {
            assert_eq!(refused(body), code, "{body}");
        }
    }

    #[test]
    fn the_limits_themselves_are_allowed() {
        let long = "ü".repeat(TEXT_MAX);
        let name = "ü".repeat(NAME_MAX);
        let members = |count: usize| {
            let members: Vec<_> = (0..count).map(|at| format!("\"m{at}\":{at}")).collect();
            format!("{{\"targetingKey\":\"a\",{}}}", members.join(","))
        };
        assert!(of(&format!(r#"{{"targetingKey":"{long}","{name}":"{long}"}}"#)).is_ok());
        assert!(of(&members(TRAITS_MAX)).is_ok());
        for context in [
            format!(r#"{{"targetingKey":"{long}x"}}"#),
            format!(r#"{{"targetingKey":"a","b":"{long}x"}}"#),
            format!(r#"{{"targetingKey":"a","{name}x":1}}"#),
            members(TRAITS_MAX + 1),
        ] {
            assert_eq!(of(&context).unwrap_err().code(), ErrorCode::InvalidContext);
        }
    }
}
