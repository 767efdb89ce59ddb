//! A snapshot as OFREP answers it: each answer that it can give is rendered when it is first given, and kept.

use std::sync::{Arc, OnceLock};

use actix_web::http::header::HeaderValue;
use bytes::{Bytes, BytesMut};
use flagstaff_domain::access::KeyKind;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::evaluation::{Answer, Choice, Evaluation, Identity, Origin, Subject};
use flagstaff_domain::flags::{Feature, FlagValue, Snapshot};
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::sdk::views::{Rendered, Views};

/// The views of all environments.
pub type OfrepViews = Views<View>;

/// One environment, and what was rendered of it.
#[derive(Debug)]
pub struct View {
    snapshot: Arc<Snapshot>,
    pub(crate) revision: HeaderValue,
    /// By the number of the answer.
    outcomes: Box<[OnceLock<Outcome>]>,
    /// What follows the flags in an answer with all of them.
    ending: Outcome,
}

/// A rendered answer, and the digest of its text.
#[derive(Debug)]
struct Outcome {
    body: Bytes,
    digest: u128,
}

impl Outcome {
    fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut digest = [0; 16];
        digest.copy_from_slice(&Sha256::digest(&body)[..16]);
        Self {
            digest: u128::from_be_bytes(digest),
            body,
        }
    }
}

impl Rendered for View {
    fn render(snapshot: Arc<Snapshot>) -> Self {
        let outcomes = (0..snapshot.program.outcomes()).map(|_| OnceLock::new());
        let environment = [("environment", snapshot.name.as_str())];
        let metadata = serde_json::to_string(&std::collections::BTreeMap::from(environment));
        let ending = format!(
            "],\"metadata\":{}}}",
            metadata.unwrap_or_else(|_| "{}".to_owned())
        );
        Self {
            outcomes: outcomes.collect(),
            ending: Outcome::new(ending),
            revision: HeaderValue::from(snapshot.revision.0),
            snapshot,
        }
    }
}

impl View {
    /// The key that identities are hashed with.
    pub(crate) fn environment_key(&self) -> &str {
        &self.snapshot.program.definition().key
    }

    /// The place of the flag with this key, if a key of this kind may see it.
    pub(crate) fn find(&self, kind: KeyKind, key: &str) -> Option<usize> {
        let flag = self.snapshot.program.find(key)?;
        self.shows(kind, flag).then_some(flag)
    }

    fn shows(&self, kind: KeyKind, flag: usize) -> bool {
        let flag = self.snapshot.flags.get(flag);
        flag.is_some_and(|flag| flag.is_for(kind))
    }

    /// The flag at this place, for this identity.
    pub(crate) fn one(&self, flag: usize, identity: &Identity, now: Timestamp) -> Option<Bytes> {
        let evaluation = self.evaluate(identity, now);
        let outcome = self.outcome(flag, &evaluation.answer(flag)?)?;
        Some(outcome.body.clone())
    }

    /// All flags that a key of this kind may see, for this identity.
    pub(crate) fn all(&self, kind: KeyKind, identity: &Identity, now: Timestamp) -> Bulk<'_> {
        let evaluation = self.evaluate(identity, now);
        let flags = 0..self.snapshot.flags.len();
        let shown = flags.filter(|flag| self.shows(kind, *flag));
        let outcomes = shown.filter_map(|flag| self.outcome(flag, &evaluation.answer(flag)?));
        Bulk {
            outcomes: outcomes.collect(),
            ending: &self.ending,
        }
    }

    fn evaluate<'a>(&'a self, identity: &'a Identity, now: Timestamp) -> Evaluation<'a> {
        self.snapshot.program.evaluate(Subject {
            identity: Some(identity),
            now,
        })
    }

    fn outcome(&self, flag: usize, answer: &Answer) -> Option<&Outcome> {
        let feature = self.snapshot.flags.get(flag)?.feature.as_ref();
        let outcome = self.outcomes.get(answer.outcome)?;
        Some(outcome.get_or_init(|| {
            let body = serde_json::to_vec(&FlagBody::new(feature, answer));
            Outcome::new(body.unwrap_or_else(|error| {
                log::error!(feature = feature.name.as_str(), error:%; "a flag cannot be written as JSON");
                b"{}".to_vec()
            }))
        }))
    }
}

/// All flags of one identity.
pub(crate) struct Bulk<'a> {
    outcomes: Vec<&'a Outcome>,
    ending: &'a Outcome,
}

impl Bulk<'_> {
    /// A strong validator of the body, told without making it: every part names its flag, so their sum tells them all.
    pub(crate) fn etag(&self) -> HeaderValue {
        let digests = self.outcomes.iter().map(|one| one.digest);
        let sum = digests.fold(self.ending.digest, u128::wrapping_add);
        HeaderValue::try_from(format!("\"{sum:032x}\"")).unwrap_or(HeaderValue::from_static("\"\""))
    }

    pub(crate) fn body(&self) -> Bytes {
        const BEGINNING: &[u8] = b"{\"flags\":[";
        let flags = self.outcomes.iter().map(|one| one.body.len() + 1);
        let length = BEGINNING.len() + flags.sum::<usize>() + self.ending.body.len();
        let mut body = BytesMut::with_capacity(length);
        body.extend_from_slice(BEGINNING);
        for (at, one) in self.outcomes.iter().enumerate() {
            if at > 0 {
                body.extend_from_slice(b",");
            }
            body.extend_from_slice(&one.body);
        }
        body.extend_from_slice(&self.ending.body);
        body.freeze()
    }
}

/// A flag as OFREP's clients read it.
#[derive(Serialize)]
struct FlagBody<'a> {
    key: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<TypedValue<'a>>,
    reason: &'static str,
    variant: &'a str,
    metadata: Metadata<'a>,
}

impl<'a> FlagBody<'a> {
    fn new(feature: &'a Feature, answer: &Answer<'a>) -> Self {
        let (carried, enabled) = (answer.value(), answer.enabled());
        let value = match *carried == FlagValue::Null {
            true => Some(TypedValue::Switch(enabled)),
            false => enabled.then_some(TypedValue::Carried(carried)),
        };
        Self {
            key: feature.name.as_str(),
            reason: match value {
                Some(_) => reason(answer),
                // The code's own default applies.
                None => "DISABLED",
            },
            value,
            variant: answer.variant().unwrap_or("default"),
            metadata: Metadata::new(feature, answer),
        }
    }
}

fn reason(answer: &Answer) -> &'static str {
    match (answer.origin, answer.choice) {
        (Origin::Identity, _) => "TARGETING_MATCH",
        (_, Choice::Variant(_)) => "SPLIT",
        (Origin::Segment(_), _) => "TARGETING_MATCH",
        (Origin::Environment, _) => "STATIC",
    }
}

/// A value of one of the protocol's types.
enum TypedValue<'a> {
    /// Of a feature that has no value: whether it is on.
    Switch(bool),
    /// Of a feature that has one. The protocol knows no arrays: one goes out as its JSON text.
    Carried(&'a FlagValue),
}

impl Serialize for TypedValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Switch(on) => serializer.serialize_bool(*on),
            Self::Carried(FlagValue::Json(json)) if json.as_str().starts_with('[') => {
                serializer.serialize_str(json.as_str())
            }
            Self::Carried(value) => value.serialize(serializer),
        }
    }
}

/// What is told of a flag beside its value: texts and numbers alone.
#[derive(Serialize)]
struct Metadata<'a> {
    feature_id: i64,
    r#type: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    description: &'a str,
    #[serde(skip_serializing_if = "String::is_empty")]
    tags: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    segment: Option<&'a str>,
}

impl<'a> Metadata<'a> {
    fn new(feature: &'a Feature, answer: &Answer<'a>) -> Self {
        Self {
            feature_id: feature.id.0,
            r#type: feature.kind.as_str(),
            description: feature.description.as_str(),
            tags: feature.tags.iter().collect::<Vec<_>>().join(", "),
            segment: match answer.origin {
                Origin::Segment(segment) => Some(&segment.name),
                Origin::Environment | Origin::Identity => None,
            },
        }
    }
}

#[cfg(test)]
mod tests;
