//! The sections that optional modules have in a state file: a list of records each, which the module knows how to read.
//!
//! Records are known by a key of theirs. Where several have the same, they are matched in their order, the equal ones
//! first, so that a second import of a file has nothing to do.

use std::collections::BTreeMap;

use serde_json::Value;

use super::error::StateError;
use crate::modules;

/// How a module reads its section.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Its name in the file.
    pub name: &'static str,
    /// A record in its one form; what is wrong with it otherwise.
    pub read: fn(&Value) -> Result<Value, String>,
    /// What a record is known by.
    pub key: fn(&Value) -> String,
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
    /// The one of this id gets these fields.
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
        let entry = (section.read)(entry)
            .map_err(|message| StateError::invalid(format!("{}[{at}]", section.name), message))?;
        match left.iter().position(|(_, known)| holds(known, &entry)) {
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

/// Whether a stored record has everything that an entry says; what the entry leaves out stays.
fn holds(stored: &Value, entry: &Value) -> bool {
    let fields = entry.as_object().into_iter().flatten();
    fields
        .into_iter()
        .all(|(name, value)| stored.get(name) == Some(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SECTION: Section = Section {
        name: "things",
        read: |value| match value.get("code") {
            Some(_) => Ok(value.clone()),
            None => Err("code is required".to_owned()),
        },
        key: |value| value["code"].to_string(),
    };

    fn steps(wanted: &Value, prune: bool) -> Vec<RecordChange> {
        let stored = [
            (1, json!({"code": "a", "size": 1})),
            (2, json!({"code": "a", "size": 2, "note": "kept"})),
            (3, json!({"code": "b", "size": 3})),
        ];
        let steps = plan(&SECTION, &stored, wanted, prune).unwrap();
        steps.into_iter().map(|step| step.change).collect()
    }

    #[test]
    fn what_is_there_already_needs_no_step_in_whatever_order() {
        let same =
            json!([{"code": "b", "size": 3}, {"code": "a", "size": 2}, {"code": "a", "size": 1}]);
        assert_eq!(steps(&same, true), []);
    }

    #[test]
    fn records_are_matched_by_their_key_and_the_rest_is_made_or_deleted() {
        let new = json!({"code": "c"});
        let other = json!({"code": "a", "size": 9});
        let wanted = json!([{"code": "a", "size": 2}, other, new]);
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
            (json!({}), "things: must be a list"),
        ] {
            assert_eq!(
                plan(&SECTION, &[], &wanted, false).unwrap_err().to_string(),
                said
            );
        }
    }
}
