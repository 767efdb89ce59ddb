//! Segments and overrides in a file: what they become, and what is refused with its place.

use super::*;
use crate::flags::targeting::{Priority, SegmentTarget, Target};
use crate::ids::SegmentId;

fn segment(id: i64, name: &str) -> Segment {
    Segment {
        id: SegmentId(id),
        name: SegmentName::parse(name).unwrap(),
        description: Description::default(),
        rules: Vec::new(),
        seed: SplitSeed::of([1; 16]),
        created_at: at(),
        version: Seq(1),
    }
}

fn of_segment(id: i64, segment: &Segment, priority: u32) -> Override {
    let flag = flag(
        &environment(1, "production"),
        &feature(1, "dark_mode"),
        true,
    );
    Override {
        id: OverrideId(id),
        feature_id: flag.feature_id,
        feature: flag.feature,
        environment_id: flag.environment_id,
        environment: flag.environment,
        target: Target::Segment(SegmentTarget {
            id: segment.id,
            name: segment.name.clone(),
            priority: Priority::try_from(priority).unwrap(),
            rollout: None,
            rollout_seed: SplitSeed::of([2; 16]),
        }),
        enabled: true,
        value: FlagValue::Null,
        variants: Vec::new(),
        seed: Seed::of([2; 16]),
        hash: SplitHash::Md5,
        updated_at: at(),
        version: Seq(1),
    }
}

/// The segments a and b with an override of dark_mode each, and c without one.
fn targeted() -> CurrentState {
    let [a, b, c] = [(1, "a"), (2, "b"), (3, "c")].map(|(id, name)| segment(id, name));
    CurrentState {
        overrides: vec![of_segment(1, &a, 0), of_segment(2, &b, 1)],
        segments: vec![a, b, c],
        ..stored()
    }
}

fn with_overrides(overrides: &str) -> String {
    format!(
        r#"{{"version":1,"flags":{{"features":[{{"name":"dark_mode","flags":{{"production":{{"overrides":{overrides}}}}}}}]}}}}"#
    )
}

fn steps(overrides: &str, prune: bool) -> Vec<Step> {
    plan(&targeted(), &with_overrides(overrides), prune)
        .unwrap()
        .steps
}

#[test]
fn an_export_of_segments_and_overrides_imports_without_a_step() {
    let file = StateFile::of(&targeted());
    assert_eq!(Plan::new(&targeted(), &file, true).unwrap().steps, []);
    let text = serde_json::to_string(&file).unwrap();
    assert_eq!(serde_json::from_str::<StateFile>(&text).unwrap(), file);
    let built = Plan::new(&CurrentState::default(), &file, true).unwrap();
    let made = built.counts().into_iter().map(|(_, count)| count.create);
    // Modules count theirs behind these.
    assert_eq!(Vec::from_iter(made.take(6)), [1, 1, 1, 3, 2, 2]);
}

#[test]
fn priorities_change_places_without_a_detour() {
    let steps = steps(
        r#"[{"segment":"B","priority":0},{"segment":"a","priority":1},{"segment":"c"},{"identity":"u"}]"#,
        true,
    );
    let told: Vec<_> = steps
        .iter()
        .map(|step| match step {
            Step::ChangeOverride { id, change, .. } => (id.0, change.priority.map(u32::from)),
            Step::CreateOverride { new, .. } => (0, new.priority.map(u32::from)),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(told, [(2, Some(0)), (1, Some(1)), (0, Some(2)), (0, None)]);
}

#[test]
fn overrides_that_a_list_leaves_out_go_when_the_import_prunes() {
    assert_eq!(steps("[]", false), []);
    let told: Vec<_> = steps(r#"[{"segment":"b"}]"#, true)
        .iter()
        .map(|step| {
            matches!(
                step,
                Step::DeleteOverride {
                    id: OverrideId(1),
                    ..
                }
            )
        })
        .collect();
    assert_eq!(told, [true]);
}

#[test]
fn what_goes_is_taken_apart_first() {
    let file = r#"{"version":1,"flags":{"features":[],"segments":[]}}"#;
    let steps = plan(&targeted(), file, true).unwrap().steps;
    let told: Vec<_> = steps
        .iter()
        .map(|step| match step {
            Step::DeleteOverride { .. } => "override",
            Step::DeleteSegment(_) => "segment",
            Step::DeleteFeature(_) => "feature",
            other => panic!("{other:?}"),
        })
        .collect();
    let expected = [
        "override", "override", "segment", "segment", "segment", "feature",
    ];
    assert_eq!(told, expected);
}

#[test]
fn a_segment_does_not_go_while_a_flag_that_stays_has_an_override_of_it() {
    let file = |overrides: &str| {
        format!(
            r#"{{"version":1,"flags":{{"features":[{{"name":"dark_mode","flags":{{"production":{{{overrides}}}}}}}],"segments":[]}}}}"#
        )
    };
    let refused = plan(&targeted(), &file(""), true).unwrap_err().to_string();
    assert!(
        refused.contains(r#"leaves out "a", of which "dark_mode" has an override in "production""#),
        "{refused}"
    );
    let listed = plan(&targeted(), &file(r#""overrides":[]"#), true).unwrap();
    assert_eq!(listed.steps.len(), 5);
}

#[test]
fn conditions_name_features_as_they_are_written_from_now_on() {
    let file = r#"{"version":1,"flags":{"features":[{"name":"Dark_Mode"},{"name":"new"}],"segments":[
        {"name":"d","rules":[{"type":"ALL","conditions":[{"property":"NEW","operator":"FLAG"}]}]}]}}"#;
    let steps = plan(&targeted(), file, false).unwrap().steps;
    let rules = steps.iter().find_map(|step| match step {
        Step::CreateSegment { rules, .. } => Some(rules[0].conditions[0].property.clone()),
        _ => None,
    });
    assert_eq!(rules.as_deref(), Some("new"));
}

#[test]
fn mistakes_about_segments_and_overrides_are_told_with_their_place() {
    let rules = |condition: &str| {
        format!(
            r#"{{"version":1,"flags":{{"segments":[{{"name":"a","rules":[{{"type":"ALL","conditions":[{condition}]}}]}}]}}}}"#
        )
    };
    for (file, expected) in [
        (
            r#"{"version":1,"flags":{"segments":[{"name":"a"},{"name":"A"}]}}"#.to_owned(),
            "flags.segments[1].name",
        ),
        (
            rules(r#"{"property":"a","operator":"REGEX","value":"("}"#),
            "flags.segments[0].rules[0].conditions[0].value",
        ),
        (
            rules(r#"{"property":"nothing","operator":"FLAG"}"#),
            "flags.segments[0].rules[0].conditions[0].property",
        ),
    ] {
        assert_eq!(place(plan(&targeted(), &file, false)), expected);
    }
    let list = "flags.features[0].flags.production.overrides";
    for (overrides, at) in [
        (r#"[{"enabled":true}]"#, "[0]"),
        (r#"[{"segment":"a","identity":"u"}]"#, "[0]"),
        (r#"[{"segment":"nobody"}]"#, "[0].segment"),
        (r#"[{"segment":"a"},{"segment":"A"}]"#, "[1]"),
        (r#"[{"segment":"a","priority":1},{"segment":"b"}]"#, "[1]"),
        (r#"[{"segment":"c","priority":1}]"#, "[0]"),
        (r#"[{"identity":"u","priority":1}]"#, "[0]"),
        (
            r#"[{"segment":"a","variants":[{"variant":"blue","weight":1}]}]"#,
            "[0]",
        ),
    ] {
        let refused = place(plan(&targeted(), &with_overrides(overrides), false));
        assert_eq!(refused, format!("{list}{at}"), "{overrides}");
    }
}
