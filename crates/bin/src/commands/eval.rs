//! `flagstaff eval`: what somebody gets, and why.

mod tree;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::Args;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::flags::evaluation::flagsmith::{EvaluationContext, EvaluationResult};
use flagstaff_domain::flags::evaluation::{Identity, Program, Subject, TraitValue};
use flagstaff_domain::text::{EnvironmentName, FeatureName, Invalid};
use flagstaff_http::admin::explanation::EvaluationRecord;
use serde_json::Value;

use super::Session;
use super::arguments::{self, Input};
use crate::exit::Failure;
use crate::output::Output;
use crate::wiring;

/// Arguments of `eval`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  flagstaff eval production                                       # whoever has no identity
  flagstaff eval production --identifier user-7 --trait plan=pro --trait age=31
  flagstaff eval production --identifier user-7 --feature checkout --json
  flagstaff eval production --feature sale --now 2026-12-24T00:00:00Z
  flagstaff eval --flagsmith-context context.json                 # no database, no configuration
  curl -s https://example.com/context.json | flagstaff eval --flagsmith-context - | jq .flags

A trait is a number, true or false where its text is one, as in age=31; quotes make it a text: 'age=\"31\"'.
What a server remembers of an identity is not known here; POST /api/admin/environments/ENVIRONMENT/evaluate adds it.")]
pub(crate) struct Arguments {
    /// The environment
    #[arg(value_parser = arguments::environment, required_unless_present = "flagsmith_context")]
    environment: Option<EnvironmentName>,
    /// Whom it is for; without one, for nobody in particular
    #[arg(long, value_name = "TEXT")]
    identifier: Option<String>,
    /// What is known of the identity; may be given several times
    #[arg(long = "trait", value_name = "NAME=VALUE", value_parser = one_trait, requires = "identifier")]
    traits: Vec<(String, TraitValue)>,
    /// One feature alone
    #[arg(long, value_name = "FEATURE", value_parser = arguments::feature)]
    feature: Option<FeatureName>,
    /// The instant that $.now means [default: now]
    #[arg(long, value_name = "INSTANT", value_parser = arguments::instant)]
    now: Option<Timestamp>,
    /// Evaluate one of Flagsmith's evaluation contexts, a JSON file or - for standard input, and print its result
    #[arg(long, value_name = "FILE",
          conflicts_with_all = ["environment", "identifier", "traits", "feature", "now"])]
    pub(super) flagsmith_context: Option<PathBuf>,
}

fn one_trait(text: &str) -> Result<(String, TraitValue), Invalid> {
    let (name, value) = text
        .split_once('=')
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Invalid::new("must be a name and a value, as plan=pro"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| TraitValue::Text(value.to_owned()));
    Ok((name.to_owned(), value))
}

/// Evaluates a context of Flagsmith's: a pure function of what it reads, but for the time that `$.now` means.
pub(super) fn context(file: &Path, output: &mut Output) -> Result<(), Failure> {
    let input = Input::read(file)?;
    let whole: Value = serde_json::from_str(&input.text).map_err(|error| input.wrong(error))?;
    if !whole.is_object() {
        return Err(input.wrong("must be a JSON object, as evaluation contexts are"));
    }
    let context: EvaluationContext = serde_path_to_error::deserialize(&whole)
        .map_err(|error| input.wrong(arguments::misplaced(&error)))?;
    let (definition, identity) = context.define(whole);
    let program = Program::compile(definition);
    let evaluation = program.evaluate(Subject {
        identity: identity.as_ref(),
        now: wiring::now(),
    });
    output.json(&EvaluationResult::of(&program, &evaluation))
}

pub(super) fn run(arguments: Arguments, session: Session) -> Result<(), Failure> {
    let Some(environment) = arguments.environment else {
        return Err(Failure::wrong(
            "name an environment, or a file with --flagsmith-context",
        ));
    };
    let (services, mut output) = session.open()?;
    let snapshot = services.snapshot(&environment)?;
    let feature = match arguments.feature {
        Some(name) => Some(
            snapshot
                .find(&name)
                .ok_or(FlagError::FeatureNotFound(name))?,
        ),
        None => None,
    };
    let traits: BTreeMap<_, _> = arguments.traits.into_iter().collect();
    let key = &snapshot.program.definition().key;
    let identity = arguments
        .identifier
        .map(|identifier| Identity::new(key, identifier, traits));
    let now = arguments.now.unwrap_or_else(wiring::now);
    let evaluation = EvaluationRecord::of(&snapshot, identity.as_ref(), now, feature);
    if output.is_json() {
        return output.json(&evaluation);
    }
    tree::print(&evaluation, &mut output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trait_is_what_its_text_looks_like() {
        for (text, value) in [
            ("a=pro", TraitValue::Text("pro".into())),
            ("a=31", TraitValue::Integer(31)),
            ("a=1.5", TraitValue::Float(1.5)),
            ("a=true", TraitValue::Bool(true)),
            ("a=\"31\"", TraitValue::Text("31".into())),
            ("a=b=c", TraitValue::Text("b=c".into())),
            ("a=", TraitValue::Text(String::new())),
            ("a=[1]", TraitValue::Text("[1]".into())),
        ] {
            assert_eq!(one_trait(text), Ok(("a".to_owned(), value)), "{text}");
        }
        assert!(one_trait("plan").is_err());
        assert!(one_trait("=pro").is_err());
    }
}
