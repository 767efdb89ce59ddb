//! What an import plans, on small files and small stores.

mod keys;
mod targeting;

use super::*;
use crate::access::{KeyKind, KeyText};
use crate::clock::Timestamp;
use crate::flags::targeting::SplitSeed;
use crate::flags::{ChangeFeature, CreateFeature, FlagValue, HashKey, Seed, SplitHash};
use crate::ids::{EnvironmentId, FeatureId, FlagId, KeyId, OverrideId, Seq};
use crate::text::{Description, KeyName, SegmentName, Tags};

fn at() -> Timestamp {
    Timestamp::from_micros(0).unwrap()
}

fn environment(id: i64, name: &str) -> Environment {
    Environment {
        id: EnvironmentId(id),
        name: EnvironmentName::parse(name).unwrap(),
        description: Description::default(),
        created_at: at(),
        hash_key: HashKey::parse("hash-key").unwrap(),
        revision: Seq(1),
        version: Seq(1),
    }
}

fn feature(id: i64, name: &str) -> Feature {
    CreateFeature::named(FeatureName::parse(name).unwrap()).record(FeatureId(id), at(), Seq(1))
}

fn flag(environment: &Environment, feature: &Feature, enabled: bool) -> Flag {
    Flag {
        id: FlagId(environment.id.0 * 100 + feature.id.0),
        feature_id: feature.id,
        feature: feature.name.clone(),
        environment_id: environment.id,
        environment: environment.name.clone(),
        enabled,
        value: FlagValue::Null,
        variants: Vec::new(),
        killed: false,
        seed: Seed::of([1; 16]),
        hash: SplitHash::Md5,
        updated_at: at(),
        version: Seq(1),
    }
}

fn key(id: i64, environment: &Environment, kind: KeyKind, text: &str) -> EnvironmentKey {
    let text = KeyText::parse(text).unwrap();
    EnvironmentKey {
        id: KeyId(id),
        environment_id: environment.id,
        environment: environment.name.clone(),
        name: KeyName::parse("web").unwrap(),
        kind,
        digest: text.digest(),
        text: (kind == KeyKind::Client).then_some(text),
        created_at: at(),
        expires_at: None,
        is_guid: false,
        version: Seq(1),
    }
}

fn stored() -> CurrentState {
    let production = environment(1, "production");
    let dark_mode = feature(1, "dark_mode");
    CurrentState {
        flags: vec![flag(&production, &dark_mode, true)],
        keys: vec![
            key(1, &production, KeyKind::Client, "client-key"),
            key(2, &production, KeyKind::Server, "server-key"),
        ],
        environments: vec![production],
        features: vec![dark_mode],
        ..CurrentState::default()
    }
}

fn plan(current: &CurrentState, file: &str, prune: bool) -> Result<Plan, StateError> {
    Plan::new(current, &serde_json::from_str(file).unwrap(), prune)
}

/// Environments, features, flags and keys.
fn counts(plan: &Plan) -> Vec<(usize, usize, usize)> {
    let counts = plan.counts().into_iter();
    counts
        .filter(|(what, _)| ["environments", "features", "flags", "keys"].contains(what))
        .map(|(_, count)| (count.create, count.change, count.delete))
        .collect()
}

fn place(result: Result<Plan, StateError>) -> String {
    match result {
        Err(StateError::Invalid { place, .. }) => place,
        other => format!("{other:?}"),
    }
}

#[test]
fn an_export_imports_without_a_step() {
    let current = stored();
    let file = StateFile::of(&current);
    assert_eq!(Plan::new(&current, &file, true).unwrap().steps, []);
}

#[test]
fn an_export_builds_the_same_in_an_empty_store() {
    let file = StateFile::of(&stored());
    let plan = Plan::new(&CurrentState::default(), &file, true).unwrap();
    assert_eq!(counts(&plan), [(1, 0, 0), (1, 0, 0), (1, 0, 0), (2, 0, 0)]);
}

#[test]
fn what_a_file_leaves_out_stays_unless_pruned() {
    let file = r#"{"version":1,"flags":{"environments":[],"features":[]},"access":{"keys":[]}}"#;
    assert_eq!(plan(&stored(), file, false).unwrap().steps, []);
    let pruned = plan(&stored(), file, true).unwrap();
    assert_eq!(
        counts(&pruned),
        [(0, 0, 1), (0, 0, 1), (0, 0, 0), (0, 0, 2)]
    );
    let nothing = plan(&stored(), r#"{"version":1}"#, true).unwrap();
    assert_eq!(nothing.steps, []);
}

#[test]
fn names_match_without_regard_to_case_and_take_the_files_spelling() {
    let file = r#"{"version":1,"flags":{"features":[{"name":"Dark_Mode","flags":{"PRODUCTION":{"enabled":false}}}]}}"#;
    let plan = plan(&stored(), file, false).unwrap();
    assert_eq!(counts(&plan), [(0, 0, 0), (0, 1, 0), (0, 1, 0), (0, 0, 0)]);
}

#[test]
fn a_new_flag_is_set_only_where_it_differs_from_its_features_default() {
    let file = r#"{"version":1,"flags":{"environments":[{"name":"staging"}],"features":[
        {"name":"limit","initial_value":5,"default_enabled":true,
         "flags":{"production":{"enabled":true,"value":5},"staging":{"value":6}}},
        {"name":"dark_mode","flags":{"staging":{"enabled":false}}}]}}"#;
    let plan = plan(&stored(), file, false).unwrap();
    assert_eq!(counts(&plan), [(1, 0, 0), (1, 0, 0), (1, 0, 0), (0, 0, 0)]);
}

#[test]
fn a_file_that_contradicts_itself_or_the_store_is_refused_at_its_place() {
    for (file, expected) in [
        (
            r#"{"version":1,"flags":{"environments":[{"name":"a"},{"name":"A"}]}}"#,
            "flags.environments[1].name",
        ),
        (
            r#"{"version":1,"flags":{"features":[{"name":"a"},{"name":"A"}]}}"#,
            "flags.features[1].name",
        ),
        (
            r#"{"version":1,"flags":{"features":[{"name":"a","flags":{"nowhere":{}}}]}}"#,
            "flags.features[0].flags.nowhere",
        ),
        (
            r#"{"version":1,"access":{"keys":[{"environment":"nowhere","name":"web","kind":"client"}]}}"#,
            "access.keys[0].environment",
        ),
        (
            r#"{"version":1,"flags":{"environments":[{"name":"staging"}]},"access":{"keys":[{"environment":"staging","name":"web","kind":"client","key":"client-key"}]}}"#,
            "access.keys[0]",
        ),
        (
            r#"{"version":1,"access":{"keys":[{"environment":"production","name":"web","kind":"server","key":"client-key"}]}}"#,
            "access.keys[0]",
        ),
        (
            r#"{"version":1,"access":{"keys":[{"environment":"production","name":"a","kind":"client","key":"same-text"},{"environment":"production","name":"b","kind":"client","key":"same-text"}]}}"#,
            "access.keys[1]",
        ),
    ] {
        assert_eq!(place(plan(&stored(), file, false)), expected, "{file}");
    }
}

#[test]
fn a_pruned_environment_can_have_no_flags_in_the_file() {
    let file = r#"{"version":1,"flags":{"environments":[],"features":[{"name":"dark_mode","flags":{"production":{"enabled":false}}}]}}"#;
    assert_eq!(
        place(plan(&stored(), file, true)),
        "flags.features[0].flags.production"
    );
    assert!(plan(&stored(), file, false).is_ok());
}

#[test]
fn a_new_environment_begins_with_what_the_file_says_of_its_features() {
    let file = r#"{"version":1,"flags":{"environments":[{"name":"staging"}],"features":[
        {"name":"dark_mode","default_enabled":true,"flags":{"staging":{"enabled":true}}}]}}"#;
    let plan = plan(&stored(), file, false).unwrap();
    assert!(
        matches!(
            &plan.steps[..],
            [Step::ChangeFeature(..), Step::CreateEnvironment(_)]
        ),
        "{:?}",
        plan.steps
    );
}

#[test]
fn tags_are_replaced_whole() {
    let file = r#"{"version":1,"flags":{"features":[{"name":"dark_mode","tags":["ui"]}]}}"#;
    let plan = plan(&stored(), file, false).unwrap();
    assert!(matches!(&plan.steps[..],
        [Step::ChangeFeature(_, ChangeFeature { tags: Some(tags), .. })] if *tags != Tags::default()));
}
