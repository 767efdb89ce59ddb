//! The evaluation result, to the letter.

use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::flags::evaluation::definition::SegmentDefinition;
use crate::flags::evaluation::program::{Answer, Program};
use crate::flags::evaluation::run::Evaluation;
use crate::flags::value::FlagValue;

/// What an evaluation came to, as Flagsmith's engines say it.
#[derive(Debug, Serialize)]
pub struct EvaluationResult<'a> {
    #[serde(serialize_with = "by_name")]
    flags: Vec<FlagResult<'a>>,
    segments: Vec<SegmentResult<'a>>,
}

#[derive(Debug, Serialize)]
struct FlagResult<'a> {
    name: &'a str,
    enabled: bool,
    value: &'a FlagValue,
    reason: String,
    variant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Value>,
}

#[derive(Debug, Serialize)]
struct SegmentResult<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    metadata: Option<&'a Value>,
}

fn by_name<S: Serializer>(flags: &[FlagResult<'_>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(flags.iter().map(|flag| (flag.name, flag)))
}

impl<'a> EvaluationResult<'a> {
    /// The result of this evaluation of the program.
    #[must_use]
    pub fn of(program: &'a Program, evaluation: &Evaluation<'a>) -> Self {
        // Segments first: whoever is asked in circles is known then.
        let segments = evaluation.segments().map(SegmentResult::from).collect();
        let names = program.definition().features.iter().enumerate();
        // Of two features of one name, the last is the one.
        let known = names.filter(|(at, one)| program.find(&one.name) == Some(*at));
        let answers = known.filter_map(|(at, _)| evaluation.answer(at));
        Self {
            flags: answers.map(FlagResult::from).collect(),
            segments,
        }
    }
}

impl<'a> From<Answer<'a>> for FlagResult<'a> {
    fn from(answer: Answer<'a>) -> Self {
        Self {
            name: &answer.feature.name,
            enabled: answer.enabled(),
            value: answer.value(),
            reason: answer.reason().to_string(),
            variant: answer.variant(),
            metadata: answer.state.metadata.as_ref(),
        }
    }
}

impl<'a> From<&'a SegmentDefinition> for SegmentResult<'a> {
    fn from(segment: &'a SegmentDefinition) -> Self {
        Self {
            name: &segment.name,
            metadata: segment.metadata.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::clock::Timestamp;
    use crate::flags::evaluation::flagsmith::EvaluationContext;
    use crate::flags::evaluation::subject::Subject;

    fn result(context: &Value) -> Value {
        let read: EvaluationContext = serde_json::from_value(context.clone()).unwrap();
        let (definition, identity) = read.define(context.clone());
        let program = Program::compile(definition);
        let evaluation = program.evaluate(Subject {
            identity: identity.as_ref(),
            now: Timestamp::default(),
        });
        serde_json::to_value(EvaluationResult::of(&program, &evaluation)).unwrap()
    }

    fn context(identity: &Value) -> Value {
        let rules = |property: &str, value: &str| {
            json!([{"type": "ALL", "conditions": [
                {"property": property, "operator": "EQUAL", "value": value},
            ]}])
        };
        json!({
            "environment": {"key": "env", "name": "production"},
            "identity": identity,
            "segments": {
                "16": {"key": "16", "name": "pro", "rules": rules("plan", "pro"), "metadata": {"id": 16},
                       "overrides": [{"key": "o", "name": "theme", "enabled": true, "value": 40.0, "priority": 1,
                                      "metadata": {"of": "override"}},
                                     {"key": "x", "name": "nowhere", "enabled": true, "value": 1}]},
                "2": {"key": "2", "name": "pro", "rules": rules("$.identity.company.name", "Acme"), "metadata": {}},
                "9": {"key": "9", "name": "nobody", "rules": [], "overrides": null},
                "10": {"key": "10", "name": "odd", "rules": [{"type": "ALL", "conditions": [
                    {"property": "plan", "operator": "RHYMES", "value": "pro"}], "rules": null}]},
            },
            "features": {
                "theme": {"key": "1", "name": "theme", "enabled": false, "value": null, "metadata": {"of": "feature"}},
                "split": {"key": "", "name": "split", "enabled": true, "value": {"a": [1.50]},
                          "variants": [{"value": 1, "weight": 100}], "unknown": 1},
                "colour": {"key": "3", "name": "colour", "enabled": true, "value": "none",
                           "variants": [{"key": "blue", "value": "#00f", "weight": 54.54},
                                        {"value": "#f00", "weight": 30, "priority": 2},
                                        {"key": "never", "value": "", "weight": 15.46, "priority": null}]},
            },
        })
    }

    #[test]
    fn a_result_has_what_won_with_its_metadata() {
        let pro = json!({"identifier": "u", "key": 7, "traits": {"plan": "pro", "list": [1]}, "company": {"name": "Acme"}});
        insta::assert_json_snapshot!(result(&context(&pro)));
    }

    #[test]
    fn without_an_identity_everything_is_the_environments_own() {
        insta::assert_json_snapshot!(result(&context(&Value::Null)));
        let nothing = json!({"environment": {"key": 1}, "features": null});
        assert_eq!(result(&nothing), json!({"flags": {}, "segments": []}));
    }

    #[test]
    fn an_identity_without_a_key_is_hashed_in_its_environment() {
        for key in [json!(null), json!("")] {
            let identity = json!({"identifier": "u", "key": key});
            let mut context = context(&identity);
            context["segments"]["2"]["rules"] = json!([{"type": "ALL", "conditions": [
                {"property": "$.identity.key", "operator": "EQUAL", "value": "env_u"}]}]);
            assert_eq!(result(&context)["segments"], json!([{"name": "pro"}]));
        }
    }

    #[test]
    fn a_feature_serves_what_others_were_told_of_it() {
        let asks = |property: &str| {
            json!([{"type": "NONE", "conditions": [
                {"property": property, "operator": "EQUAL", "value": "never"},
            ]}])
        };
        let feature = |name: &str, enabled: bool| json!({"key": name, "name": name, "enabled": enabled, "value": null});
        let segment = |key: &str, property: &str, of: &[&str]| {
            let overrides = of.iter().map(|name| feature(name, true));
            json!({"key": key, "name": key, "rules": asks(property), "overrides": overrides.collect::<Vec<_>>()})
        };
        // "round" asks for itself. Whoever first asks for "last" is told it while "limit", which rests on that, is not known.
        let context = json!({
            "environment": {"key": "env", "name": "production"},
            "segments": {
                "1": segment("1", "$.flags.round.enabled", &["round", "limit"]),
                "2": segment("2", "$.flags.last.enabled", &[]),
                "3": segment("3", "$.flags.limit.enabled", &["last"]),
            },
            "features": {
                "round": feature("round", false), "limit": feature("limit", false), "last": feature("last", false),
            },
        });
        let result = result(&context);
        assert_eq!(result["segments"], json!([{"name": "3"}]));
        let told = ["round", "limit", "last"].map(|name| {
            let flag = &result["flags"][name];
            (flag["enabled"].clone(), flag["reason"].clone())
        });
        let circle = "ERROR; code=CIRCULAR_DEPENDENCY";
        assert_eq!(
            told,
            [circle, "DEFAULT", "DEFAULT"].map(|reason| (json!(false), json!(reason)))
        );
    }

    #[test]
    fn a_row_without_end_is_taken_for_a_circle() {
        let feature = |name: usize, enabled: bool| json!({"key": "", "name": name.to_string(), "enabled": enabled, "value": null});
        let segments = (1..2_000).rev().map(|at| {
            let property = format!("$.flags['{}'].enabled", at - 1);
            let rules = json!([{"type": "ALL", "conditions": [
                {"property": property, "operator": "EQUAL", "value": "true"},
            ]}]);
            let key = (2_000 - at).to_string();
            let segment =
                json!({"key": key, "name": key, "rules": rules, "overrides": [feature(at, true)]});
            (key, segment)
        });
        let features = (0..2_000).map(|at| (at.to_string(), feature(at, at == 0)));
        let context = json!({
            "environment": {"key": "env", "name": "production"},
            "segments": segments.collect::<serde_json::Map<_, _>>(),
            "features": features.collect::<serde_json::Map<_, _>>(),
        });
        let result = result(&context);
        let reasons = result["flags"].as_object().unwrap().values();
        let cut = reasons.filter(|flag| flag["reason"] == "ERROR; code=CIRCULAR_DEPENDENCY");
        assert!(cut.count() > 0);
    }
}
