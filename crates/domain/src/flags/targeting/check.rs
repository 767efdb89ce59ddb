//! What rules may be saved. What is wrong is told with its place: `rules[0].rules[2].conditions[1].value must be …`.
//!
//! Whether the features exist that rules name is the store's to say; see [`super::prerequisites`].

use std::fmt::Display;

use semver::Version;

use super::rule::{Condition, ConditionValue, Rule};
use crate::flags::evaluation::check_property;
use crate::flags::evaluation::operators::{Operator, Reads, members};
use crate::text::Invalid;

/// The most rules of a segment, and the most conditions and nested rules of a rule together.
pub const RULE_MAX: usize = 100;
/// The most levels of nested rules.
pub const LEVELS_MAX: usize = 8;
/// The most conditions of a segment.
pub const CONDITIONS_MAX: usize = 1_000;
/// The most characters of a condition's value; of a list's members each.
pub const VALUE_MAX: usize = 2_000;
/// The most members of a list.
pub const MEMBERS_MAX: usize = 10_000;

/// The most patterns of a segment: each takes memory for as long as it is served.
pub const PATTERNS_MAX: usize = 50;

/// A mistake and its place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct Misplaced {
    /// Where it is, as `rules[0].conditions[1].value`.
    pub place: String,
    /// What is wrong there and what would be right.
    pub message: String,
}

impl Misplaced {
    /// A mistake at this place.
    pub fn new(place: impl Into<String>, message: impl Display) -> Self {
        Self {
            place: place.into(),
            message: message.to_string(),
        }
    }

    /// The same mistake, seen from where this place begins.
    #[must_use]
    pub fn within(self, place: &str) -> Self {
        Self {
            place: format!("{place}.{}", self.place),
            ..self
        }
    }
}

/// Checks a segment's rules.
///
/// # Errors
/// [`Misplaced`], the first mistake.
pub fn check_rules(rules: &[Rule]) -> Result<(), Misplaced> {
    if rules.len() > RULE_MAX {
        return Err(Misplaced::new(
            "rules",
            format!("must be at most {RULE_MAX} rules"),
        ));
    }
    check_patterns([rules])?;
    let mut conditions = 0;
    check_each(rules, "", 1, &mut conditions)?;
    if conditions > CONDITIONS_MAX {
        return Err(Misplaced::new(
            "rules",
            format!(
                "must have at most {CONDITIONS_MAX} conditions altogether; these are {conditions}"
            ),
        ));
    }
    Ok(())
}

/// Checks how many patterns there are in the rules of a segment, or of several that are tried together.
///
/// # Errors
/// [`Misplaced`].
pub fn check_patterns<'a>(segments: impl IntoIterator<Item = &'a [Rule]>) -> Result<(), Misplaced> {
    let patterns: usize = segments.into_iter().map(patterns).sum();
    if patterns <= PATTERNS_MAX {
        return Ok(());
    }
    let message = format!(
        "must have at most {PATTERNS_MAX} conditions with REGEX altogether; these are {patterns}"
    );
    Err(Misplaced::new("rules", message))
}

/// How many patterns the first levels have; deeper ones are refused.
fn patterns(rules: &[Rule]) -> usize {
    fn within(rules: &[Rule], levels: usize) -> usize {
        let of_rule = |rule: &Rule| {
            let own = rule.conditions.iter();
            let own = own.filter(|one| one.operator.name() == "REGEX").count();
            own + if levels == 0 {
                0
            } else {
                within(&rule.rules, levels - 1)
            }
        };
        rules.iter().map(of_rule).sum()
    }
    within(rules, LEVELS_MAX)
}

fn check_each(
    rules: &[Rule],
    within: &str,
    level: usize,
    conditions: &mut usize,
) -> Result<(), Misplaced> {
    for (at, rule) in rules.iter().enumerate() {
        let place = format!("{within}rules[{at}]");
        if level > LEVELS_MAX {
            let message = format!("must not be nested deeper than {LEVELS_MAX} levels");
            return Err(Misplaced::new(place, message));
        }
        if rule.conditions.len() + rule.rules.len() > RULE_MAX {
            let message = format!("must have at most {RULE_MAX} conditions and rules");
            return Err(Misplaced::new(place, message));
        }
        *conditions += rule.conditions.len();
        for (at, condition) in rule.conditions.iter().enumerate() {
            check_condition(condition)
                .map_err(|mistake| mistake.within(&format!("{place}.conditions[{at}]")))?;
        }
        check_each(&rule.rules, &format!("{place}."), level + 1, conditions)?;
    }
    Ok(())
}

fn check_condition(condition: &Condition) -> Result<(), Misplaced> {
    let property = |invalid: Invalid| Misplaced::new("property", invalid);
    match condition.operator.reads() {
        Reads::Feature => {}
        Reads::Property if condition.property.is_empty() => {
            return Err(Misplaced::new(
                "property",
                "must be the name of a trait, or a path such as $.identity.identifier",
            ));
        }
        Reads::Property | Reads::PropertyOrKey => {
            check_property(&condition.property).map_err(property)?;
        }
    }
    check_value(condition).map_err(|invalid| Misplaced::new("value", invalid))
}

fn check_value(condition: &Condition) -> Result<(), Invalid> {
    let too_long = |text: &str| text.chars().count() > VALUE_MAX;
    let operator = condition.operator;
    match &condition.value {
        value if operator == Operator::IN => {
            let members = members(value);
            if members.len() > MEMBERS_MAX {
                return Err(Invalid::new(format!(
                    "must have at most {MEMBERS_MAX} members"
                )));
            }
            if members.iter().any(|one| too_long(one)) {
                return Err(Invalid::new(format!(
                    "must have members of at most {VALUE_MAX} characters"
                )));
            }
        }
        ConditionValue::List(_) => {
            return Err(Invalid::new("must be a text; only IN takes a list"));
        }
        ConditionValue::Text(text) => {
            if too_long(text) {
                return Err(Invalid::new(format!(
                    "must have at most {VALUE_MAX} characters"
                )));
            }
        }
    }
    operator.check(&condition.value)
}

/// What whoever saves these rules should know.
#[must_use]
pub fn warnings(rules: &[Rule]) -> Vec<String> {
    let mut warnings = Vec::new();
    collect(rules, &mut warnings);
    warnings
}

fn collect(rules: &[Rule], warnings: &mut Vec<String>) {
    for rule in rules {
        let of_conditions = rule.conditions.iter();
        for warning in of_conditions.flat_map(|one| [unknown(one), compared(one)]) {
            warnings.extend(warning.filter(|one| !warnings.contains(one)));
        }
        collect(&rule.rules, warnings);
    }
}

fn unknown(condition: &Condition) -> Option<String> {
    let own = condition.own()?;
    Some(format!(
        "{own} is Flagstaff's own: SDKs that evaluate flags locally do not know it, and do without the segment"
    ))
}

/// As in Flagsmith's engines the value is read as what the property is: no integer is read from a fraction, and no version
/// without `:semver`.
fn compared(condition: &Condition) -> Option<String> {
    if !condition.operator.compares() || condition.property.starts_with("$.") {
        return None;
    }
    let (name, value) = (condition.operator.name(), condition.value.text());
    let asked = format!("{} {name} {value}", condition.property);
    if value.contains('.') && value.parse().is_ok_and(f64::is_finite) {
        return Some(format!(
            "{asked} never holds where an application tells a whole number, as JavaScript writes 50.0: let it tell a \
             text, compare with a whole number, or with a version as 2.10.0:semver"
        ));
    }
    let ordered = !matches!(name, "EQUAL" | "NOT_EQUAL");
    (ordered && Version::parse(&value).is_ok()).then(|| {
        format!("{asked} compares texts, in which 2.9.0 comes after 2.10.0: write {value}:semver to compare versions")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn checked(rules: Value) -> Result<(), Misplaced> {
        let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
        check_rules(&rules)
    }

    fn condition(property: &str, operator: &str, value: &Value) -> Value {
        json!([{"type": "ALL", "conditions": [{"property": property, "operator": operator, "value": value}]}])
    }

    #[test]
    fn a_mistake_is_told_with_its_path() {
        let good = json!({"property": "plan", "operator": "EQUAL", "value": "pro"});
        let bad = json!({"property": "age", "operator": "MODULO", "value": "2"});
        let nested = json!({"type": "ANY", "conditions": [good, bad]});
        let empty = json!({"type": "NONE"});
        let refused = checked(json!([
            {"type": "ALL", "conditions": [good], "rules": [empty, empty, nested]},
        ]));
        assert_eq!(
            refused.unwrap_err().to_string(),
            "rules[0].rules[2].conditions[1].value: must be two numbers, divisor|remainder, as 2|0"
        );
    }

    #[test]
    fn what_each_operator_takes_is_checked() {
        for (property, operator, value, place) in [
            ("", "EQUAL", json!("a"), Some("property")),
            ("$..a", "EQUAL", json!("a"), Some("property")),
            ("a", "EQUAL", json!(["a"]), Some("value")),
            ("a", "EQUAL", json!("x".repeat(2_001)), Some("value")),
            ("a", "EQUAL", json!("x".repeat(2_000)), None),
            ("a", "REGEX", json!("("), Some("value")),
            ("a", "IN", json!(["a", "b"]), None),
            ("a", "IN", json!("a,b"), None),
            ("a", "IN", json!(vec!["a"; 10_001]), Some("value")),
            ("a", "IN", json!(["x".repeat(2_001)]), Some("value")),
            ("", "PERCENTAGE_SPLIT", json!("12.5"), None),
            ("", "PERCENTAGE_SPLIT", json!("-1"), Some("value")),
            ("", "PERCENTAGE_SPLIT", json!("101"), Some("value")),
            ("", "PERCENTAGE_SPLIT", json!("half"), Some("value")),
            ("dark_mode", "FLAG", json!(""), None),
            ("a", "EQUAL", json!(""), None),
            ("a", "CONTAINS", json!(""), Some("value")),
            ("a", "LESS_THAN", json!(""), Some("value")),
            ("a", "MODULO", json!("0|1"), Some("value")),
            ("a", "MODULO", json!("2|0"), None),
            ("a", "IN", json!([]), Some("value")),
            ("a", "IN", json!(" , "), Some("value")),
            ("a", "IN", json!("[a, b]"), Some("value")),
            ("a", "IN", json!("[\"a\""), Some("value")),
            ("a", "IN", json!("[\"a\",2]"), None),
        ] {
            let refused = checked(condition(property, operator, &value)).err();
            let place = place.map(|place| format!("rules[0].conditions[0].{place}"));
            assert_eq!(refused.map(|one| one.place), place, "{operator}");
        }
    }

    #[test]
    fn rules_are_bounded_in_width_depth_and_number() {
        let rule = |conditions: usize, rules: &[Value]| {
            let one = json!({"property": "a", "operator": "IS_SET"});
            json!({"type": "ALL", "conditions": vec![one; conditions], "rules": rules})
        };
        let deep = |levels: usize| (1..levels).fold(rule(1, &[]), |inner, _| rule(0, &[inner]));
        assert!(checked(json!([deep(8)])).is_ok());
        assert!(checked(json!([deep(9)])).is_err());
        assert!(checked(json!([rule(100, &[])])).is_ok());
        assert!(checked(json!([rule(100, &[rule(0, &[])])])).is_err());
        assert!(checked(json!(vec![rule(100, &[]); 10])).is_ok());
        assert!(checked(json!(vec![rule(100, &[]); 11])).is_err());
        assert!(checked(json!(vec![rule(0, &[]); 101])).is_err());
    }

    #[test]
    fn what_is_our_own_is_warned_of_once() {
        let own = json!({"property": "a", "operator": "STARTS_WITH", "value": "x"});
        let now = json!({"property": "$.now", "operator": "IS_SET"});
        let rules = json!([{"type": "ALL", "conditions": [own, now], "rules": [{"type": "ANY", "conditions": [own, now]}]}]);
        let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
        let warnings = warnings(&rules);
        assert_eq!(warnings.len(), 2);
        assert!(warnings[0].starts_with("STARTS_WITH is"), "{warnings:?}");
        assert!(warnings[1].starts_with("$.now is"), "{warnings:?}");
    }

    #[test]
    fn values_that_compare_as_nobody_would_think_are_warned_of() {
        for (operator, value, warned) in [
            ("GREATER_THAN", "49.90", true),
            ("EQUAL", "1.0", true),
            ("GREATER_THAN", "49", false),
            ("EQUAL", "1.0.0:semver", false),
            ("EQUAL", "1.0.0", false),
            ("LESS_THAN", "1.0.0:semver", false),
            ("LESS_THAN", "1.0.0", true),
            ("LESS_THAN", "1.0", true),
            ("PERCENTAGE_SPLIT", "1.5", false),
            ("CONTAINS", "1.5", false),
        ] {
            let rules = condition("total", operator, &json!(value));
            let rules: Vec<Rule> = serde_json::from_value(rules).unwrap();
            assert_eq!(
                super::warnings(&rules).len(),
                usize::from(warned),
                "{operator}"
            );
        }
    }
}
