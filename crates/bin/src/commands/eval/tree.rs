//! An explained evaluation for people: a flag a paragraph, what was considered below it, with a mark for what held.

use std::fmt::Display;

use flagstaff_domain::flags::targeting::RuleKind;
use flagstaff_http::admin::explanation::{
    CandidateRecord, ConditionRecord, EvaluatedFlag, EvaluationRecord, RolloutRecord, RuleRecord,
    SplitRecord,
};

use crate::escape::OneLine;
use crate::exit::Failure;
use crate::output::{Output, on_off, short};

/// Prints it.
pub(super) fn print(evaluation: &EvaluationRecord, output: &mut Output) -> Result<(), Failure> {
    if evaluation.flags.is_empty() {
        return output.line("no features yet; add one with `flagstaff feature create NAME`");
    }
    let mut lines = Lines { depth: 0, output };
    for (at, flag) in evaluation.flags.iter().enumerate() {
        if at > 0 {
            lines.output.line("")?;
        }
        lines.flag(flag)?;
    }
    Ok(())
}

struct Lines<'o> {
    depth: usize,
    output: &'o mut Output,
}

impl Lines<'_> {
    fn line(&mut self, text: impl Display) -> Result<(), Failure> {
        let indent = 2 * self.depth;
        self.output
            .line(format_args!("{:indent$}{}", "", OneLine(text)))
    }

    fn marked(&mut self, holds: bool, text: impl Display) -> Result<(), Failure> {
        let mark = if holds { '✓' } else { '✗' };
        self.line(format_args!("{mark} {text}"))
    }

    fn deeper(
        &mut self,
        print: impl FnOnce(&mut Self) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.depth += 1;
        print(self)?;
        self.depth -= 1;
        Ok(())
    }

    fn flag(&mut self, flag: &EvaluatedFlag) -> Result<(), Failure> {
        let variant = flag.variant.as_deref();
        let variant = variant.map_or_else(String::new, |key| format!(", variant {key}"));
        let state = state(flag.enabled, &flag.value.to_json());
        self.line(format_args!(
            "{}: {state}{variant} ({})",
            flag.feature, flag.reason
        ))?;
        self.deeper(|lines| {
            lines.line(&flag.explanation.summary)?;
            for candidate in &flag.explanation.candidates {
                lines.candidate(candidate)?;
            }
            match &flag.explanation.split {
                Some(split) => lines.split(split),
                None => Ok(()),
            }
        })
    }

    fn candidate(&mut self, candidate: &CandidateRecord) -> Result<(), Failure> {
        let whose = match (&candidate.segment, &candidate.priority) {
            (Some(segment), Some(priority)) => format!("segment {segment} (priority {priority})"),
            (Some(segment), None) => format!("segment {segment}"),
            (None, _) => format!("the {}'s own", candidate.origin),
        };
        let outcome = match candidate.outcome {
            "beaten" => ", which a stronger one beats",
            _ => "",
        };
        let state = state(candidate.enabled, &candidate.value.to_json());
        let applies = candidate.outcome != "no_match";
        self.marked(applies, format_args!("{whose}: {state}{outcome}"))?;
        self.deeper(|lines| {
            lines.rules(&candidate.rules)?;
            match &candidate.rollout {
                Some(rollout) => lines.rollout(rollout),
                None => Ok(()),
            }
        })
    }

    fn rollout(&mut self, rollout: &RolloutRecord) -> Result<(), Failure> {
        let bucket = rollout.bucket;
        let bucket = bucket.map_or_else(
            || "no identity".to_owned(),
            |bucket| format!("bucket {bucket:.4}"),
        );
        let text = format!("rollout to {} %: {bucket}", rollout.percentage);
        self.marked(rollout.held, text)
    }

    fn rules(&mut self, rules: &[RuleRecord]) -> Result<(), Failure> {
        for rule in rules {
            let kind = match rule.kind {
                RuleKind::All => "all of",
                RuleKind::Any => "any of",
                RuleKind::None => "none of",
            };
            self.marked(rule.held, kind)?;
            self.deeper(|lines| {
                for condition in &rule.conditions {
                    lines.condition(condition)?;
                }
                lines.rules(&rule.rules)
            })?;
        }
        Ok(())
    }

    fn condition(&mut self, condition: &ConditionRecord) -> Result<(), Failure> {
        let property = match condition.property.as_str() {
            "" => "(identity)",
            property => property,
        };
        let found = match (&condition.found, condition.bucket) {
            (_, Some(bucket)) => format!("bucket {bucket:.4}"),
            (Some(found), None) => found.to_string(),
            (None, None) => "nothing".to_owned(),
        };
        let (operator, value) = (condition.operator, condition.value.text());
        let text = format!("{property} {operator} {value}");
        self.marked(
            condition.held,
            format_args!("{}: found {found}", text.trim_end()),
        )
    }

    fn split(&mut self, split: &SplitRecord) -> Result<(), Failure> {
        self.line(format_args!("split, bucket {:.4}", split.bucket))?;
        self.deeper(|lines| {
            for range in &split.ranges {
                let text = format!("{} to {}: {}", range.from, range.to, range.variant);
                lines.marked(range.chosen, text)?;
            }
            Ok(())
        })
    }
}

fn state(enabled: bool, value: &str) -> String {
    let state = on_off(enabled);
    match value {
        "null" => state,
        value => format!("{state}, {}", short(value)),
    }
}
