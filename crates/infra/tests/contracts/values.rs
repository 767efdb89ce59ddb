//! Values of every type come back exactly as they were stored, by whichever port they are read.

use flagstaff_domain::flags::value::VALUE_MAX;
use flagstaff_domain::flags::{CreateFeature, FlagValue};
use flagstaff_domain::json::JsonText;
use flagstaff_domain::state::StateFile;
use flagstaff_domain::write::Precondition;

use crate::samples::*;
use crate::store::Store;

contracts!(
    values_of_every_type_come_back_exactly,
    the_log_is_readable_whatever_a_value_holds,
    a_state_file_carries_every_value,
);

/// A value in which all bits count: -0.0 is not 0.0, nor 1 1.0.
fn exact(value: &FlagValue) -> String {
    match value {
        FlagValue::Float(float) => format!("float {:016x}", float.to_bits()),
        other => format!("{other:?}"),
    }
}

/// JSON as deep as a value may be.
fn deepest() -> String {
    let nested = |depth| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let deepest = (1..=200)
        .rev()
        .map(nested)
        .find(|text| JsonText::parse(text).is_ok());
    deepest.unwrap()
}

fn values() -> Vec<FlagValue> {
    let strings = [
        String::new(),
        "Grüße, 世界 🏁 \u{202e}\u{feff}\u{7f}".to_owned(),
        "line\r\n\ttab \u{1} \"quoted\" \\ 'single' %s ?1".to_owned(),
        "null".to_owned(),
        "x".repeat(VALUE_MAX),
        "ü".repeat(VALUE_MAX / 2),
        // Six bytes for each as JSON.
        "\u{1}".repeat(VALUE_MAX),
    ];
    let floats = [
        1.0,
        1e300,
        -0.0,
        0.1,
        0.1 + 0.2,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        1e15,
        123_456_789.123_456_78,
    ];
    let json = [
        r#"{"big":123456789012345678901234567890,"exact":1.10,"e":1E+300,"ü":"\u00fc\ud83c\udfc1","nul":"\u0000"}"#.to_owned(),
        r#"{"b":1,"a":2,"b":3}"#.to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        format!("[\"{}\"]", "x".repeat(VALUE_MAX - 4)),
        deepest(),
    ];
    let mut values = vec![
        FlagValue::Null,
        FlagValue::Bool(true),
        FlagValue::Bool(false),
    ];
    values.extend([i64::MIN, -1, 0, 1, 1 << 53, (1 << 53) + 1, i64::MAX].map(FlagValue::Integer));
    values.extend(strings.map(|text| FlagValue::of_string(text).unwrap()));
    values.extend(floats.map(FlagValue::Float));
    values.extend(json.map(|text| FlagValue::parse(&text).unwrap()));
    values
}

/// Fills a store with a feature for each value: its initial value, its flag's in one environment, and after a change
/// its flag's in another.
fn fill(store: &Store) -> Vec<FlagValue> {
    store.environment("initial");
    let values = values();
    for (at, value) in values.iter().enumerate() {
        let command = CreateFeature {
            initial_value: value.clone(),
            ..new_feature(&format!("value-{at:02}"))
        };
        store
            .flags
            .create_feature(&command, &seeds(), &stamp())
            .unwrap();
    }
    store.environment("set");
    let (environment, any) = (environment_name("set"), Precondition::Any);
    for (at, value) in values.iter().enumerate() {
        let feature = feature_name(&format!("value-{at:02}"));
        for value in [&FlagValue::String("another".to_owned()), value] {
            let change = set_value(value.clone());
            let written = store
                .flags
                .change_flag(&environment, &feature, &change, &any, &stamp());
            assert_eq!(exact(&written.unwrap().record.value), exact(value));
        }
    }
    values
}

fn values_of_every_type_come_back_exactly(store: &Store) {
    let values = fill(store);
    let served = store.snapshots.load(None).unwrap().snapshots;
    for (at, value) in values.iter().enumerate() {
        let name = feature_name(&format!("value-{at:02}"));
        let feature = store.flags.get_feature(&name).unwrap();
        assert_eq!(exact(&feature.initial_value), exact(value));
        for environment in ["initial", "set"] {
            let flag = store.flag(environment, name.as_str()).unwrap();
            assert_eq!(exact(&flag.value), exact(value), "{environment}");
        }
        for snapshot in &served {
            assert_eq!(exact(&snapshot.flags[at].value), exact(value));
            assert_eq!(
                exact(&snapshot.flags[at].feature.initial_value),
                exact(value)
            );
        }
    }
}

fn the_log_is_readable_whatever_a_value_holds(store: &Store) {
    let values = fill(store);
    let changes = store.changes();
    let set = changes.iter().rev().step_by(2).take(values.len());
    for (change, value) in set.zip(values.iter().rev()) {
        let after = change.after.as_ref().unwrap().as_str();
        assert!(
            after.contains(&format!("\"value\":{},", value.to_json())),
            "{after}"
        );
    }
}

fn a_state_file_carries_every_value(store: &Store) {
    let values = fill(store);
    let file = StateFile::of(&store.state.load().unwrap());
    let text = serde_json::to_string(&file).unwrap();
    let file: StateFile = serde_json::from_str(&text).unwrap();
    let other = store.backstage.another();
    let progress = std::sync::Arc::new(crate::state::Silent);
    other
        .state
        .apply(crate::state::import(&file, false, seeds(), progress))
        .unwrap();
    for (at, value) in values.iter().enumerate() {
        let flag = other.flag("set", &format!("value-{at:02}")).unwrap();
        assert_eq!(exact(&flag.value), exact(value));
    }
}
