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
mod tests {
    use std::collections::BTreeMap;

    use flagstaff_domain::flags::evaluation::{
        Definition, FeatureDefinition, Operator, Program, SegmentDefinition, VariantDefinition,
    };
    use flagstaff_domain::flags::targeting::{Condition, ConditionValue, Rule, RuleKind};
    use flagstaff_domain::flags::{
        CreateFeature, FeatureKind, HashKey, Seed, SnapshotFlag, SplitHash, Targeting,
    };
    use flagstaff_domain::ids::{EnvironmentId, FeatureId, FlagId, Seq};
    use flagstaff_domain::text::{EnvironmentName, FeatureName};
    use serde_json::{Value, json};

    use super::*;

    fn state(enabled: bool, value: &str) -> FeatureDefinition {
        FeatureDefinition {
            key: "seed".to_owned(),
            name: "theme".to_owned(),
            enabled,
            value: FlagValue::parse(value).unwrap(),
            ..FeatureDefinition::default()
        }
    }

    fn split() -> FeatureDefinition {
        let variant = |key: &str, weight: u32, priority: f64| VariantDefinition {
            key: Some(key.to_owned()),
            value: FlagValue::parse(&format!("\"{key}\"")).unwrap(),
            weight: weight.into(),
            priority,
        };
        FeatureDefinition {
            variants: vec![variant("red", 30, 1.0), variant("green", 30, 2.0)],
            ..state(true, "\"blue\"")
        }
    }

    /// A view of one feature, which is split for everybody, served to testers as it is, and to `ann` as her own.
    fn view() -> View {
        let feature = CreateFeature {
            kind: FeatureKind::Multivariate,
            default_enabled: true,
            ..CreateFeature::named(FeatureName::parse("theme").unwrap())
        };
        let feature = feature.record(FeatureId(7), Timestamp::default(), Seq(1));
        let flag = SnapshotFlag {
            id: FlagId(1),
            feature: Arc::new(feature),
            enabled: true,
            value: FlagValue::Null,
            variants: vec![],
            killed: false,
            seed: Seed::of([1; 16]),
            hash: SplitHash::Md5,
        };
        let name = EnvironmentName::parse("production").unwrap();
        let mut snapshot = Snapshot::new(
            EnvironmentId(1),
            name,
            HashKey::parse("env").unwrap(),
            Seq(2),
            Timestamp::default(),
            vec![flag],
            &Targeting::default(),
        );
        let rule = Rule {
            kind: RuleKind::All,
            conditions: vec![Condition {
                property: "tester".to_owned(),
                operator: Operator::parse("IS_SET").unwrap(),
                value: ConditionValue::default(),
            }],
            rules: vec![],
        };
        snapshot.program = Arc::new(Program::compile(Definition {
            key: "env".to_owned(),
            features: vec![split()],
            segments: vec![SegmentDefinition {
                key: "1".to_owned(),
                name: "testers".to_owned(),
                rules: vec![rule],
                overrides: vec![state(true, "1.0")],
                ..SegmentDefinition::default()
            }],
            identities: BTreeMap::from([("ann".to_owned(), vec![state(false, "2")])]),
            ..Definition::default()
        }));
        View::render(Arc::new(snapshot))
    }

    fn ask(view: &View, identifier: &str, traits: Value) -> Value {
        let traits = serde_json::from_value(traits).unwrap();
        let identity = Identity::new("env", identifier, traits);
        let one = view.one(0, &identity, Timestamp::default()).unwrap();
        let all = view
            .all(KeyKind::Client, &identity, Timestamp::default())
            .body();
        let expected = [
            b"{\"flags\":[",
            &one[..],
            b"],\"metadata\":{\"environment\":\"production\"}}",
        ];
        assert_eq!(all, expected.concat());
        let mut flag: Value = serde_json::from_slice(&one).unwrap();
        flag.as_object_mut().unwrap().remove("key");
        flag
    }

    #[test]
    fn each_kind_of_answer_has_its_reason_and_variant() {
        let view = view();
        let about = json!({"feature_id": 7, "type": "MULTIVARIATE"});
        assert_eq!(
            ask(&view, "ann", json!({"tester": true})),
            json!({"reason": "DISABLED", "variant": "default", "metadata": about})
        );
        assert_eq!(
            ask(&view, "bob", json!({"tester": true})),
            json!({"value": 1.0, "reason": "TARGETING_MATCH", "variant": "default",
                "metadata": {"feature_id": 7, "type": "MULTIVARIATE", "segment": "testers"}})
        );
        let mut seen = BTreeMap::new();
        for number in 0..200 {
            let flag = ask(&view, &format!("user-{number}"), json!({}));
            assert_eq!(flag["metadata"], about);
            let key = flag["variant"].as_str().unwrap().to_owned();
            *seen
                .entry((key, flag["value"].to_string(), flag["reason"].to_string()))
                .or_insert(0) += 1;
        }
        let seen: Vec<_> = seen
            .keys()
            .map(|(a, b, c)| (a.as_str(), b.as_str(), c.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                ("control", "\"blue\"", "\"STATIC\""),
                ("green", "\"green\"", "\"SPLIT\""),
                ("red", "\"red\"", "\"SPLIT\""),
            ]
        );
    }

    #[test]
    fn the_tag_is_that_of_the_answer_and_not_of_whom_it_is_for() {
        let view = view();
        let mut by_body = BTreeMap::new();
        for number in 0..50 {
            let identity = Identity::new("env", format!("user-{number}"), BTreeMap::new());
            let all = view.all(KeyKind::Client, &identity, Timestamp::default());
            let known = by_body.entry(all.body()).or_insert_with(|| all.etag());
            assert_eq!(*known, all.etag());
        }
        let tags: std::collections::BTreeSet<_> = by_body
            .values()
            .map(|tag| tag.as_bytes().to_vec())
            .collect();
        assert_eq!((by_body.len(), tags.len()), (3, 3));
    }
}
