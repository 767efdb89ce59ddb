//! JSON for a schema of the description: as it says, or changed in its structure.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::Union;
use serde_json::Value;

use crate::operations::Operations;
use crate::server::{ENVIRONMENTS, FEATURES};

/// JSON that is seldom what a field takes.
const HOSTILE: &[&str] = &[
    "null",
    "true",
    "0",
    "-1",
    "-0",
    "1.5",
    "5.0",
    "1e400",
    "-1e400",
    "1E-400",
    "9223372036854775807",
    "9223372036854775808",
    "123456789012345678901234567890",
    "NaN",
    "'a'",
    "\"\"",
    "\" \"",
    "\"\\u0000\"",
    "\"\\ud800\"",
    "\"\\udc00\\ud800\"",
    "\"a/b\"",
    "\"..\"",
    "\"\\r\\nX: y\"",
    "\"<script>\"",
    "\"x' OR 1=1--\"",
    "\"\u{202e}\u{feff}\"",
    "[]",
    "{}",
    "[[1],[2]]",
    "{\"a\":1,\"a\":2}",
    "{\"\":null}",
    "\"\u{7f}\u{85}\"",
];

/// Texts that fields take.
const TEXTS: &[&str] = &[
    "",
    "What it is for",
    "Größe\n\tzwei",
    "\u{1f600}",
    "ui",
    "a b",
];

/// JSON that an operation might be sent.
pub(crate) fn json(operations: &Operations, schema: &Value) -> BoxedStrategy<String> {
    prop_oneof![
        12 => right(operations, schema, ROOM),
        3 => mutated(operations, schema),
        2 => select(HOSTILE).prop_map(str::to_owned),
        1 => deep(),
    ]
    .boxed()
}

/// How many references are followed within one another: a schema may hold itself.
const ROOM: usize = 5;

/// JSON that the schema describes.
fn right(operations: &Operations, schema: &Value, room: usize) -> BoxedStrategy<String> {
    if let Some(target) = schema["$ref"].as_str() {
        return match target.rsplit('/').next().unwrap() {
            "Name" => prop_oneof![quoted(ENVIRONMENTS), quoted(FEATURES)].boxed(),
            _ if room == 0 => Just("null".to_owned()).boxed(),
            name => right(operations, &operations.schemas[name], room - 1),
        };
    }
    if let Some(words) = schema["enum"].as_array() {
        return select(words.clone())
            .prop_map(|word| word.to_string())
            .boxed();
    }
    if let Some(several) = schema.get("anyOf").or(schema.get("oneOf")) {
        let several = several
            .as_array()
            .unwrap()
            .iter()
            .map(|one| right(operations, one, room));
        return Union::new(several).boxed();
    }
    let kind = match &schema["type"] {
        Value::Array(kinds) => &kinds[0],
        kind => kind,
    };
    match kind.as_str().unwrap_or_default() {
        "object" => object(operations, schema, room)
            .prop_map(|fields| written(&fields))
            .boxed(),
        "array" => {
            let items = right(operations, &schema["items"], room);
            vec(items, 0..if room == 0 { 1 } else { 3 })
                .prop_map(|items| format!("[{}]", items.join(",")))
                .boxed()
        }
        "boolean" => any::<bool>().prop_map(|value| value.to_string()).boxed(),
        "integer" => (0..100_u32).prop_map(|value| value.to_string()).boxed(),
        "number" => any::<f32>().prop_map(|value| format!("{value:?}")).boxed(),
        "string" if schema["format"] == "date-time" => quoted(&[
            "2026-11-20T10:00:00Z",
            "2026-11-20T10:00:00.123456789+02:00",
            "9999-12-31T23:59:60Z",
            "0000-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "10000-01-01T00:00:00Z",
        ]),
        "string" => quoted(TEXTS),
        _ => Just("null".to_owned()).boxed(),
    }
}

fn quoted(texts: &'static [&'static str]) -> BoxedStrategy<String> {
    select(texts)
        .prop_map(|text| Value::from(text).to_string())
        .boxed()
}

/// An object's fields: those that have to be there, and some of the others.
fn object(
    operations: &Operations,
    schema: &Value,
    room: usize,
) -> BoxedStrategy<Vec<(String, String)>> {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let fields = schema["properties"].as_object().into_iter().flatten();
    let fields: Vec<_> = fields
        .map(|(name, field)| {
            let there = match required.contains(&Value::from(name.as_str())) {
                true => Just(true).boxed(),
                false => any::<bool>().boxed(),
            };
            (there, Just(name.clone()), right(operations, field, room))
        })
        .collect();
    let there = |(there, name, value)| Some((name, value)).filter(|_| there);
    fields
        .prop_map(move |fields| fields.into_iter().filter_map(there).collect())
        .boxed()
}

fn written(fields: &[(String, String)]) -> String {
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| format!("{}:{value}", Value::from(name.as_str())))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// An object that is not quite what the schema describes.
fn mutated(operations: &Operations, schema: &Value) -> BoxedStrategy<String> {
    let schema = match schema["$ref"].as_str() {
        Some(target) => &operations.schemas[target.rsplit('/').next().unwrap()],
        None => schema,
    };
    let value = prop_oneof![
        6 => select(HOSTILE).prop_map(str::to_owned),
        1 => deep(),
        1 => select(vec![151_usize, 4_001, 70_000]).prop_map(|length| format!("\"{}\"", "a".repeat(length))),
    ];
    let name = select(vec![
        "name",
        "role",
        "",
        "id",
        "__proto__",
        "a\u{0}",
        "NAME",
        "version",
    ]);
    (
        object(operations, schema, ROOM),
        0..5_u8,
        any::<Index>(),
        name,
        value,
    )
        .prop_map(|(mut fields, how, at, name, value)| {
            let at = at.index(fields.len().max(1));
            match (how, fields.get_mut(at)) {
                (0 | 1, Some(field)) => field.1 = value,
                (2, Some(_)) => drop(fields.remove(at)),
                (3, Some(field)) => {
                    let twice = field.clone();
                    fields.push(twice);
                }
                _ => fields.push((name.to_owned(), value)),
            }
            written(&fields)
        })
        .boxed()
}

fn deep() -> impl Strategy<Value = String> {
    let levels = select(vec![100_usize, 127, 128, 129, 1_000, 100_000]);
    (
        levels,
        select(vec![("[", "]"), (r#"{"a":"#, "}")]),
        any::<bool>(),
    )
        .prop_map(|(levels, (open, close), closed)| {
            let end = if closed {
                close.repeat(levels)
            } else {
                String::new()
            };
            format!("{}1{end}", open.repeat(levels))
        })
}
