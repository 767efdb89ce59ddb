//! Conditions as a person writes them, `plan IN pro,team`, and rules as a person reads them.

use flagstaff_domain::flags::evaluation::Operator;
use flagstaff_domain::flags::evaluation::operators::Reads;
use flagstaff_domain::flags::targeting::{Condition, ConditionValue, Rule, RuleKind};
use flagstaff_domain::text::Invalid;

/// Signs that stand for operators, the longer ones first.
const SIGNS: [(&str, &str); 7] = [
    ("!=", "NOT_EQUAL"),
    (">=", "GREATER_THAN_INCLUSIVE"),
    ("<=", "LESS_THAN_INCLUSIVE"),
    (">", "GREATER_THAN"),
    ("<", "LESS_THAN"),
    ("=", "EQUAL"),
    ("~", "REGEX"),
];

/// Reads a condition: a property, an operator by its name in any case or by its sign, and a value. A property with spaces
/// stands between quotes. A share of all has no property, and a condition on a feature begins with its operator.
pub(super) fn condition(text: &str) -> Result<Condition, Invalid> {
    let (first, rest) = word(text);
    for operator in Operator::all().filter(|one| one.name() == first) {
        match operator.reads() {
            Reads::Feature => {
                let (feature, variant) = word(rest);
                return Ok(of(feature, operator, variant));
            }
            Reads::PropertyOrKey => return Ok(of("", operator, rest)),
            Reads::Property => {}
        }
    }
    let (property, rest) = property(text);
    let (operator, value) = operator(rest).ok_or_else(|| {
        let names: Vec<_> = Operator::all().map(Operator::name).collect();
        Invalid::new(format!(
            "must be a property, an operator and a value, as \"plan IN pro,team\" or \"age >= 18\"; operators: {}",
            names.join(", ")
        ))
    })?;
    Ok(of(property, operator, value))
}

fn of(property: &str, operator: Operator, value: &str) -> Condition {
    Condition {
        property: property.to_owned(),
        operator,
        value: match operator == Operator::IN && value.contains(['"', '\'']) {
            true if unquoted(value) == value && !value.starts_with('[') => {
                ConditionValue::List(members(value))
            }
            _ => ConditionValue::Text(unquoted(value).to_owned()),
        },
    }
}

/// The members of a list, some of them between quotes.
fn members(list: &str) -> Vec<String> {
    let mut members = Vec::new();
    let mut rest = Some(list);
    while let Some(text) = rest {
        let text = text.trim_start();
        let quoted = ['"', '\''].iter().find_map(|quote| {
            let (member, after) = text.strip_prefix(*quote)?.split_once(*quote)?;
            let after = after.trim_start();
            (after.is_empty() || after.starts_with(',')).then_some((member, after))
        });
        let (member, after) =
            quoted.unwrap_or_else(|| text.split_at(text.find(',').unwrap_or(text.len())));
        members.push(member.trim_end().to_owned());
        rest = after.strip_prefix(',');
    }
    members
}

/// The first word, and what comes after it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (first, rest.trim())
}

/// The property at the beginning, and what comes after it.
fn property(text: &str) -> (&str, &str) {
    let text = text.trim();
    for quote in ['"', '\''] {
        let quoted = text
            .strip_prefix(quote)
            .and_then(|rest| rest.split_once(quote));
        if let Some((property, rest)) = quoted {
            return (property, rest.trim());
        }
    }
    let signs = |c: char| c.is_whitespace() || "!=<>~".contains(c);
    let end = text.find(signs).unwrap_or(text.len());
    (&text[..end], text[end..].trim())
}

/// The operator at the beginning, by its sign or by as many words as its name has, and the value after it.
fn operator(text: &str) -> Option<(Operator, &str)> {
    let by_sign = SIGNS.iter().find_map(|(sign, name)| {
        let value = text.strip_prefix(sign)?;
        Some((Operator::parse(name).ok()?, value.trim()))
    });
    let by_name = || {
        let named = Operator::all().filter_map(|one| Some((one, after_name(text, one.name())?)));
        named.max_by_key(|(one, _)| one.name().len())
    };
    by_sign.or_else(by_name)
}

/// What stands after an operator's name, whose parts may be separated by spaces.
fn after_name<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let length = name.len();
    let (written, rest) = text.split_at_checked(length)?;
    let same = written.replace(' ', "_").eq_ignore_ascii_case(name);
    let ends = rest.is_empty() || rest.starts_with(char::is_whitespace);
    (same && ends).then(|| rest.trim())
}

fn unquoted(value: &str) -> &str {
    let inner = ['"', '\''].iter().find_map(|quote| {
        let value = value.strip_prefix(*quote)?.strip_suffix(*quote)?;
        (!value.contains(*quote)).then_some(value)
    });
    inner.unwrap_or(value)
}

/// Rules as lines, each deeper one indented.
pub(super) fn lines(rules: &[Rule]) -> Vec<String> {
    let mut lines = Vec::new();
    add(rules, 0, &mut lines);
    lines
}

fn add(rules: &[Rule], level: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(level);
    for rule in rules {
        let kind = match rule.kind {
            RuleKind::All => "all of",
            RuleKind::Any => "any of",
            RuleKind::None => "none of",
        };
        lines.push(format!("{indent}{kind}"));
        for condition in &rule.conditions {
            lines.push(format!("{indent}  {}", told(condition)));
        }
        add(&rule.rules, level + 1, lines);
    }
}

fn told(condition: &Condition) -> String {
    let operator = condition.operator.name();
    let value = condition.value.text();
    let parts = match condition.operator.reads() {
        Reads::Feature => [operator, &condition.property, &value],
        Reads::Property | Reads::PropertyOrKey => [&condition.property, operator, &value],
    };
    let parts = parts.into_iter().filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_people_write_them() {
        for (text, property, operator, value) in [
            ("plan IN pro,team", "plan", "IN", "pro,team"),
            ("plan in pro, team", "plan", "IN", "pro, team"),
            ("age>=18", "age", "GREATER_THAN_INCLUSIVE", "18"),
            ("age < 18", "age", "LESS_THAN", "18"),
            ("plan != free", "plan", "NOT_EQUAL", "free"),
            ("plan = ", "plan", "EQUAL", ""),
            (
                "email ends with @shop.example",
                "email",
                "ENDS_WITH",
                "@shop.example",
            ),
            ("email NOT_CONTAINS '@'", "email", "NOT_CONTAINS", "@"),
            ("beta is set", "beta", "IS_SET", ""),
            ("beta is not set", "beta", "IS_NOT_SET", ""),
            ("'first name' = Jo Ann", "first name", "EQUAL", "Jo Ann"),
            (
                "$.identity.identifier ~ ^u",
                "$.identity.identifier",
                "REGEX",
                "^u",
            ),
            (
                "version greater than inclusive 2.0.0:semver",
                "version",
                "GREATER_THAN_INCLUSIVE",
                "2.0.0:semver",
            ),
            ("PERCENTAGE_SPLIT 12.5", "", "PERCENTAGE_SPLIT", "12.5"),
            (
                "company PERCENTAGE_SPLIT 10",
                "company",
                "PERCENTAGE_SPLIT",
                "10",
            ),
            ("FLAG checkout", "checkout", "FLAG", ""),
            ("FLAG checkout blue", "checkout", "FLAG", "blue"),
        ] {
            let read = condition(text).unwrap();
            let told = (
                read.property.as_str(),
                read.operator.name(),
                read.value.text(),
            );
            assert_eq!(told, (property, operator, value.into()), "{text}");
        }
        for text in ["", "plan", "plan pro", "plan INSIDE pro"] {
            assert!(condition(text).is_err(), "{text}");
        }
    }

    #[test]
    fn members_of_a_list_may_stand_between_quotes() {
        let list = |members: &[&str]| {
            ConditionValue::List(members.iter().map(|one| (*one).to_owned()).collect())
        };
        let text = |text: &str| ConditionValue::Text(text.to_owned());
        for (written, value) in [
            ("'a, b' ,\"c d\",e ", list(&["a, b", "c d", "e"])),
            ("O'Brien,Smith", list(&["O'Brien", "Smith"])),
            ("Smith,'O", list(&["Smith", "'O"])),
            ("'a' b,c", list(&["'a' b", "c"])),
            ("\"pro,team\"", text("pro,team")),
            ("[\"a\"]", text("[\"a\"]")),
            ("pro, team", text("pro, team")),
        ] {
            let read = condition(&format!("plan IN {written}")).unwrap();
            assert_eq!(read.value, value, "{written}");
        }
    }

    #[test]
    fn rules_are_told_in_lines() {
        let rules = r#"[{"type":"ALL","conditions":[{"property":"plan","operator":"IN","value":["pro","team"]}],
            "rules":[{"type":"NONE","conditions":[{"property":"checkout","operator":"FLAG"}]}]}]"#;
        let rules: Vec<Rule> = serde_json::from_str(rules).unwrap();
        assert_eq!(
            lines(&rules),
            [
                "all of",
                "  plan IN pro,team",
                "  none of",
                "    FLAG checkout"
            ]
        );
    }
}
