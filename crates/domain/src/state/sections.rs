//! The sections that optional modules have in a state file: a list of records each, which the module knows how to read.
//!
//! Records are known by a key of theirs. Where several have the same, they are matched in their order, the equal ones
//! first, so that a second import of a file has nothing to do.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::StateError;
use crate::modules;
use crate::text::fold;

/// How a module reads its section.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name in the file: what its records are called.
    pub name: &'static str,
    /// What one of them is called.
    pub one: &'static str,
    /// A record in its one form; what is wrong with it otherwise.
    pub read: fn(&Value) -> Result<Value, String>,
    /// What a record is known by.
    pub key: fn(&Value) -> String,
    /// The feature that a record in its one form names.
    pub feature: fn(&Value) -> Option<String>,
}

/// What is stored, by section: each record with its id.
pub type StoredSections = BTreeMap<&'static str, Vec<(i64, Value)>>;

/// One change that an import makes to a module's records.
#[derive(Debug, Clone, PartialEq)]
pub struct SectionStep {
    /// The section.
    pub section: &'static str,
    /// What is done.
    pub change: RecordChange,
}

/// What is done to a record.
#[derive(Debug, Clone, PartialEq)]
pub enum RecordChange {
    /// It is added.
    Create(Value),
    /// The one of this id becomes this.
    Change(i64, Value),
    /// The one of this id is deleted.
    Delete(i64),
}

impl SectionStep {
    /// How many records it creates, changes and deletes.
    pub(super) fn counted(&self) -> (usize, usize, usize) {
        match self.change {
            RecordChange::Create(_) => (1, 0, 0),
            RecordChange::Change(..) => (0, 1, 0),
            RecordChange::Delete(_) => (0, 0, 1),
        }
    }
}

/// The section of this name, in builds that have it.
pub(super) fn find(name: &str) -> Option<&'static Section> {
    modules::SECTIONS
        .iter()
        .find(|section| section.name == name)
}

/// The names of all members that a state file of this build has.
pub(super) fn members() -> String {
    let core = ["version", "flags", "access"].into_iter();
    let all = core.chain(modules::SECTIONS.iter().map(|section| section.name));
    let quoted: Vec<_> = all.map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}

/// Refuses records that name a feature which there is not once the import is done. `stays` knows by its name, folded,
/// which there are; `wanted` is what the file says of the section.
pub(super) fn check_features(
    section: &Section,
    stored: &[(i64, Value)],
    wanted: Option<&Value>,
    steps: &[SectionStep],
    stays: impl Fn(&str) -> bool,
) -> Result<(), StateError> {
    let missing = |record: &Value| (section.feature)(record).filter(|name| !stays(&fold(name)));
    for (at, entry) in wanted
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .enumerate()
    {
        if let Some(name) = missing(entry) {
            return Err(StateError::invalid(
                format!("{}[{at}].feature", section.name),
                format!("names {name:?}, which is no feature once the file is imported"),
            ));
        }
    }
    let touched = |id: &i64| {
        let mut changes = steps.iter().map(|step| &step.change);
        changes.any(|change| match change {
            RecordChange::Change(other, _) | RecordChange::Delete(other) => other == id,
            RecordChange::Create(_) => false,
        })
    };
    for (_, record) in stored.iter().filter(|(id, _)| !touched(id)) {
        if let Some(name) = missing(record) {
            let (section, key) = (section.name, (section.key)(record));
            return Err(StateError::invalid(
                "flags.features",
                format!("leaves out {name:?}, which {key:?} of {section} names"),
            ));
        }
    }
    Ok(())
}

/// The steps for one section of a file.
pub(super) fn plan(
    section: &Section,
    stored: &[(i64, Value)],
    wanted: &Value,
    prune: bool,
) -> Result<Vec<SectionStep>, StateError> {
    let Some(entries) = wanted.as_array() else {
        return Err(StateError::invalid(section.name, "must be a list"));
    };
    let mut left: Vec<&(i64, Value)> = stored.iter().collect();
    let mut changed = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        // An array would be read as the fields in their order.
        let read = match entry.is_object() {
            true => (section.read)(entry),
            false => Err("must be an object".to_owned()),
        };
        let entry = read
            .map_err(|message| StateError::invalid(format!("{}[{at}]", section.name), message))?;
        match left.iter().position(|(_, known)| *known == entry) {
            Some(same) => drop(left.remove(same)),
            None => changed.push(entry),
        }
    }
    let mut steps = Vec::new();
    for entry in changed {
        let key = (section.key)(&entry);
        let known = left
            .iter()
            .position(|(_, known)| (section.key)(known) == key);
        steps.push(match known {
            Some(known) => RecordChange::Change(left.remove(known).0, entry),
            None => RecordChange::Create(entry),
        });
    }
    if prune {
        steps.extend(left.into_iter().map(|(id, _)| RecordChange::Delete(*id)));
    }
    let section = section.name;
    Ok(steps
        .into_iter()
        .map(|change| SectionStep { section, change })
        .collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECTION: Section = Section {
        name: "things",
        one: "thing",
        read: |value| match value.get("code") {
            Some(_) => Ok(value.clone()),
            None => Err("code is required".to_owned()),
        },
        key: |value| value["code"].to_string(),
        feature: |value| value["feature"].as_str().map(str::to_owned),
    };

    fn steps(wanted: &Value, prune: bool) -> Vec<RecordChange> {
        let stored = [
            (1, json!({"code": "a", "size": 1})),
            (2, json!({"code": "a", "size": 2, "note": "there"})),
            (3, json!({"code": "b", "size": 3})),
        ];
        let steps = plan(&SECTION, &stored, wanted, prune).unwrap();
        steps.into_iter().map(|step| step.change).collect()
    }

    #[test]
    fn what_is_there_already_needs_no_step_in_whatever_order() {
        let same = json!([{"code": "b", "size": 3}, {"code": "a", "size": 2, "note": "there"}, {"code": "a", "size": 1}]);
        assert_eq!(steps(&same, true), []);
    }

    #[test]
    fn an_entry_is_the_whole_record() {
        let noteless = json!({"code": "a", "size": 2});
        let wanted = json!([{"code": "a", "size": 1}, noteless]);
        assert_eq!(steps(&wanted, false), [RecordChange::Change(2, noteless)]);
    }

    #[test]
    fn a_record_names_a_feature_that_there_is_in_the_end() {
        let stored = [
            (1, json!({"code": "a", "feature": "Kept"})),
            (2, json!({"code": "b", "feature": "gone"})),
        ];
        let check = |wanted: Value, prune| {
            let steps = plan(&SECTION, &stored, &wanted, prune).unwrap();
            let checked = check_features(&SECTION, &stored, Some(&wanted), &steps, |name| {
                name == "kept"
            });
            checked.map_err(|error| error.to_string())
        };
        assert_eq!(
            check(json!([{"code": "b", "feature": "KEPT"}]), false),
            Ok(())
        );
        assert_eq!(check(json!([]), true), Ok(()));
        let said = check(json!([]), false).unwrap_err();
        assert!(
            said.contains(r#""gone", which "\"b\"" of things"#),
            "{said}"
        );
        let said = check(
            json!([{"code": "c"}, {"code": "d", "feature": "gone"}]),
            true,
        );
        let said = said.unwrap_err();
        assert!(
            said.starts_with(r#"things[1].feature: names "gone""#),
            "{said}"
        );
    }

    #[test]
    fn records_are_matched_by_their_key_and_the_rest_is_made_or_deleted() {
        let new = json!({"code": "c"});
        let other = json!({"code": "a", "size": 9});
        let same = json!({"code": "a", "size": 2, "note": "there"});
        let wanted = json!([same, other, new]);
        let expected = [
            RecordChange::Change(1, other),
            RecordChange::Create(new),
            RecordChange::Delete(3),
        ];
        assert_eq!(steps(&wanted, true), expected);
        assert_eq!(steps(&wanted, false), expected[..2]);
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        for (wanted, said) in [
            (json!([{"code": 1}, {}]), "things[1]: code is required"),
            (json!([{"code": 1}, [2]]), "things[1]: must be an object"),
            (json!({}), "things: must be a list"),
        ] {
            assert_eq!(
                plan(&SECTION, &[], &wanted, false).unwrap_err().to_string(),
                said
            );
        }
    }
}
