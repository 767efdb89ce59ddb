//! Membership of a list.

use foldhash::HashSet;

use super::{Entry, Origin, Reads, Test, of_value};
use crate::flags::evaluation::scalar::Scalar;
use crate::flags::targeting::ConditionValue;
use crate::text::Invalid;

pub(super) static IN: Entry = Entry {
    name: "IN",
    summary: "The property's text is one of the list.",
    value: "a list of texts, or one text: its members separated by commas, or as a JSON array",
    origin: Origin::Flagsmith,
    reads: Reads::Property,
    compile,
    sense: some_members,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "an entry's compile function may refuse its value"
)]
fn compile(value: &ConditionValue) -> Result<Test, Invalid> {
    let members: HashSet<String> = members(value).into_iter().collect();
    Ok(of_value(move |value| match value {
        Scalar::Bool(_) => false,
        Scalar::Integer(_) | Scalar::Float(_) | Scalar::Text(_) | Scalar::Instant(_) => {
            value.with_text(|text| members.contains(text))
        }
    }))
}

/// The members of a list, however it is written.
#[must_use]
pub fn members(value: &ConditionValue) -> Vec<String> {
    match value {
        ConditionValue::List(members) => members.clone(),
        ConditionValue::Text(text) => in_json(text).unwrap_or_else(|| separated(text)),
    }
}

fn in_json(text: &str) -> Option<Vec<String>> {
    match serde_json::from_str(text) {
        Ok(ConditionValue::List(members)) => Some(members),
        Ok(ConditionValue::Text(_)) | Err(_) => None,
    }
}

/// Nothing is in a list of nothing, and what begins as JSON is meant as JSON.
fn some_members(value: &ConditionValue) -> Result<(), Invalid> {
    if let ConditionValue::Text(text) = value
        && text.trim_start().starts_with('[')
        && in_json(text).is_none()
    {
        return Err(Invalid::new(
            r#"must be a JSON array of texts where it begins with [, as ["a","b"]; or texts between commas, as a,b"#,
        ));
    }
    match members(value).iter().all(String::is_empty) {
        true => Err(Invalid::new("must list at least one text")),
        false => Ok(()),
    }
}

fn separated(text: &str) -> Vec<String> {
    text.split(',').map(|one| one.trim().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::table;

    #[test]
    fn r#in() {
        table(
            "IN",
            &[
                ("\"b\"", "a,b", true),
                ("\"b\"", "a, b", true),
                ("\"ab\"", "a,b", false),
                ("\"b\"", "[\"a\",\"b\"]", true),
                ("\"b,c\"", "[\"a\",\"b,c\"]", true),
                ("\"[a\"", "[a,b", true),
                ("1", "1,2", true),
                ("1", "[1,2]", true),
                ("true", "true", false),
                ("\"\"", "", true),
                ("-", "", false),
            ],
        );
    }
}
