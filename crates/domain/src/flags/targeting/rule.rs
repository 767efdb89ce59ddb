//! The rules of a segment, in the JSON shape of Flagsmith's evaluation context (`SegmentRule`, `SegmentCondition`).

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::flags::evaluation::Operator;

/// The path to the evaluation's instant.
const NOW: &str = "$.now";

/// A rule: a quantifier over conditions and nested rules. Where it has both, both must hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// How many of them must hold.
    #[serde(rename = "type")]
    pub kind: RuleKind,
    /// Conditions on the context.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Nested rules.
    #[serde(default)]
    pub rules: Vec<Rule>,
}

/// How many of a rule's conditions, and of its nested rules, must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RuleKind {
    /// All of them.
    All,
    /// One of them.
    Any,
    /// None of them.
    None,
}

/// A condition: an operator between a property of the context and a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// A trait's name, or an RFC 9535 path into the context that starts with `$.`; for `FLAG` a feature's name.
    #[serde(default)]
    pub property: String,
    /// What is asked of it.
    pub operator: Operator,
    /// What it is compared with.
    #[serde(default)]
    pub value: ConditionValue,
}

impl Condition {
    /// What of it Flagsmith's SDKs do not know where they evaluate locally, if anything: its operator, or `$.now`.
    #[must_use]
    pub fn own(&self) -> Option<&'static str> {
        let own = !self.operator.is_flagsmiths();
        own.then(|| self.operator.name())
            .or((self.property == NOW).then_some(NOW))
    }
}

/// The value of a condition: a text, or for `IN` perhaps a list of texts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum ConditionValue {
    /// One text; operators read numbers, lists and instants from it.
    Text(String),
    /// Several texts.
    List(Vec<String>),
}

impl ConditionValue {
    /// The text; of a list its members, joined by commas.
    #[must_use]
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Text(text) => text.into(),
            Self::List(members) => members.join(",").into(),
        }
    }
}

impl Default for ConditionValue {
    fn default() -> Self {
        Self::Text(String::new())
    }
}

impl<'de> Deserialize<'de> for ConditionValue {
    /// A number or a boolean is taken for its text, `null` for none.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        fn text<E: serde::de::Error>(value: Value) -> Result<String, E> {
            match value {
                Value::String(text) => Ok(text),
                Value::Number(_) | Value::Bool(_) => Ok(value.to_string()),
                Value::Null => Ok(String::new()),
                Value::Array(_) | Value::Object(_) => {
                    Err(E::custom("must be a text or a list of texts"))
                }
            }
        }
        let value = Value::deserialize(deserializer)?;
        let Value::Array(members) = value else {
            return text(value).map(Self::Text);
        };
        let members = members.into_iter().map(text::<D::Error>);
        Ok(Self::List(members.collect::<Result<_, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_written_as_it_was_read() {
        let text = r#"{"type":"ALL","conditions":[{"property":"plan","operator":"IN","value":["pro","team"]}],"rules":[{"type":"NONE","conditions":[],"rules":[]}]}"#;
        let rule: Rule = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&rule).unwrap(), text);
    }

    #[test]
    fn a_condition_value_is_a_text_whatever_it_is_written_as() {
        for (json, value) in [
            ("\"a\"", ConditionValue::Text("a".into())),
            ("1.50", ConditionValue::Text("1.5".into())),
            ("true", ConditionValue::Text("true".into())),
            ("null", ConditionValue::Text(String::new())),
            (
                "[1,\"a\"]",
                ConditionValue::List(vec!["1".into(), "a".into()]),
            ),
        ] {
            assert_eq!(serde_json::from_str::<ConditionValue>(json).unwrap(), value);
        }
        assert!(serde_json::from_str::<ConditionValue>("{}").is_err());
        for misspelt in [
            r#"{"type":"ALL","condition":[]}"#,
            r#"{"type":"ALL","conditions":[{"property":"a","operator":"EQUAL","valeu":"1"}]}"#,
        ] {
            assert!(
                serde_json::from_str::<Rule>(misspelt).is_err(),
                "{misspelt}"
            );
        }
        assert!(serde_json::from_str::<ConditionValue>("[[]]").is_err());
    }
}
