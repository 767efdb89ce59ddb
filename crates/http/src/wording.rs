//! What the libraries that read requests say of a mistake, in the words of the API: no client is told of Rust's types.

/// The whole numbers that a field may be read as, and their bounds.
const WHOLE: [(&str, i128, i128); 4] = [
    ("u32", 0, u32::MAX as i128),
    ("u64", 0, u64::MAX as i128),
    ("i32", i32::MIN as i128, i32::MAX as i128),
    ("i64", i64::MIN as i128, i64::MAX as i128),
];

/// What is said of a text that is not read, and what would be right.
const TEXTS: [(&str, &str); 5] = [
    ("invalid digit found in string", "must be a whole number"),
    (
        "cannot parse integer from empty string",
        "must be a whole number",
    ),
    (
        "number too large to fit in target type",
        "must be a smaller number",
    ),
    (
        "number too small to fit in target type",
        "must be a larger number",
    ),
    (
        "provided string was not `true` or `false`",
        "must be true or false",
    ),
];

/// Words a library's message anew, where it would show what the server is made of.
pub(crate) fn plain(message: &str) -> String {
    if let Some((_, said)) = TEXTS.iter().find(|(text, _)| *text == message) {
        return (*said).to_owned();
    }
    // What was expected stands last; what the client sent stands before it.
    match message.rsplit_once(", expected ") {
        Some((mistake, expected)) => format!("{mistake}, expected {}", kind(expected)),
        None => message.to_owned(),
    }
}

/// What kind of JSON a type is read from.
fn kind(expected: &str) -> String {
    if let Some((_, least, most)) = WHOLE.iter().find(|(name, _, _)| *name == expected) {
        return format!("a whole number from {least} to {most}");
    }
    match expected {
        "a sequence" => "an array".to_owned(),
        "a map" => "an object".to_owned(),
        _ if expected.starts_with("struct ") => "an object".to_owned(),
        _ => expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_told_as_what_they_are_in_json() {
        for (message, said) in [
            (
                "invalid value: integer `-1`, expected u32",
                "invalid value: integer `-1`, expected a whole number from 0 to 4294967295",
            ),
            (
                "invalid type: map, expected a sequence",
                "invalid type: map, expected an array",
            ),
            (
                "invalid type: null, expected struct NewFeature",
                "invalid type: null, expected an object",
            ),
            ("invalid digit found in string", "must be a whole number"),
        ] {
            assert_eq!(plain(message), said);
        }
    }

    #[test]
    fn what_the_client_sent_is_left_as_it_is() {
        for message in [
            "must not be empty",
            "unknown field `u32`, expected `name` or `description`",
            "invalid type: string \"a, expected u32\", expected a boolean",
        ] {
            assert_eq!(plain(message), message);
        }
    }
}
