//! One flag as Flagsmith's SDKs read it: written once when a snapshot is published, and for an identity put together from what
//! was written then.

use flagstaff_domain::flags::evaluation::{Answer, Choice, Origin};
use flagstaff_domain::flags::{FlagValue, SnapshotFlag};
use serde::{Serialize, Serializer};

/// Where a flag stands in the list.
pub(super) struct Spot {
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where its value begins.
    value: usize,
}

/// The bytes that an identity's flag usually has more than the list's.
pub(super) const MORE: usize = 64;

/// What a flag ends with in the list. These fields are null outside Flagsmith's own console.
const NULLS: &[u8] = br#","environment":null,"identity":null,"feature_segment":null"#;
/// What it ends with for an identity that gets what everybody gets.
const DEFAULT: &[u8] = br#","variant":null,"reason":"DEFAULT"}"#;

/// Appends a flag as the list has it.
pub(super) fn write(body: &mut Vec<u8>, flag: &SnapshotFlag) -> serde_json::Result<Spot> {
    let start = body.len();
    serde_json::to_writer(&mut *body, &Head::from(flag))?;
    // The rest goes into the same object.
    body.pop();
    body.extend_from_slice(br#","feature_state_value":"#);
    let value = body.len();
    write_state(body, &flag.value, flag.enabled)?;
    body.push(b'}');
    let end = body.len();
    Ok(Spot { start, end, value })
}

/// Appends a flag as an identity gets it; it stands in the list at that spot.
pub(super) fn write_answer(
    body: &mut Vec<u8>,
    list: &[u8],
    spot: &Spot,
    answer: &Answer<'_>,
) -> serde_json::Result<()> {
    if (answer.origin, answer.choice) == (Origin::Environment, Choice::None) {
        body.extend_from_slice(&list[spot.start..spot.end - 1]);
        body.extend_from_slice(DEFAULT);
        return Ok(());
    }
    body.extend_from_slice(&list[spot.start..spot.value]);
    write_state(body, answer.value(), answer.enabled())?;
    body.extend_from_slice(br#","variant":"#);
    serde_json::to_writer(&mut *body, &answer.variant())?;
    body.extend_from_slice(br#","reason":"#);
    serde_json::to_writer(&mut *body, &answer.reason().to_string())?;
    body.push(b'}');
    Ok(())
}

fn write_state(body: &mut Vec<u8>, value: &FlagValue, enabled: bool) -> serde_json::Result<()> {
    serde_json::to_writer(&mut *body, &FlatValue(value))?;
    body.extend_from_slice(match enabled {
        true => br#","enabled":true"#,
        false => br#","enabled":false"#,
    });
    body.extend_from_slice(NULLS);
    Ok(())
}

/// What a flag begins with.
#[derive(Serialize)]
struct Head<'a> {
    id: i64,
    feature: FeatureBody<'a>,
}

#[derive(Serialize)]
struct FeatureBody<'a> {
    id: i64,
    name: &'a str,
    #[serde(rename = "type")]
    kind: &'static str,
    created_date: String,
    description: &'a str,
    initial_value: FlatValue<'a>,
    default_enabled: bool,
    tags: Vec<&'a str>,
}

/// A value without structure: an object or an array goes out as its JSON text.
pub(super) struct FlatValue<'a>(pub(super) &'a FlagValue);

impl Serialize for FlatValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            FlagValue::Json(json) => serializer.serialize_str(json.as_str()),
            FlagValue::Null
            | FlagValue::Bool(_)
            | FlagValue::String(_)
            | FlagValue::Integer(_)
            | FlagValue::Float(_) => self.0.serialize(serializer),
        }
    }
}

impl<'a> From<&'a SnapshotFlag> for Head<'a> {
    fn from(flag: &'a SnapshotFlag) -> Self {
        let feature = flag.feature.as_ref();
        Self {
            id: flag.id.0,
            feature: FeatureBody {
                id: feature.id.0,
                name: feature.name.as_str(),
                kind: feature.kind.as_str(),
                created_date: feature.created_at.to_string(),
                description: feature.description.as_str(),
                initial_value: FlatValue(&feature.initial_value),
                default_enabled: feature.default_enabled,
                tags: feature.tags.iter().collect(),
            },
        }
    }
}
