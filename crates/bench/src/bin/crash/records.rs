//! The records: as management lists them, and as the change log says that they must be.

use std::collections::BTreeMap;
use std::io::Result;
use std::net::SocketAddr;

use flagstaff_bench::http;
use serde_json::{Value, json};

use crate::log::Change;

/// Which record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    Account(String),
    Environment(String),
    Feature(String),
    /// Of an environment and a feature.
    Flag(String, String),
    /// Of an environment, by its id.
    Key(String, i64),
}

/// Every record.
pub(crate) type Records = BTreeMap<Subject, Value>;

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn flag(record: &Value) -> Subject {
    Subject::Flag(text(&record["environment"]), text(&record["feature"]))
}

/// What management lists.
pub(crate) fn read(address: SocketAddr) -> Result<Records> {
    let mut records = Records::new();
    for feature in list(address, "features")? {
        records.insert(Subject::Feature(text(&feature["name"])), feature);
    }
    for environment in list(address, "environments")? {
        let name = text(&environment["name"]);
        for record in list(address, &format!("environments/{name}/flags"))? {
            records.insert(flag(&record), record);
        }
        for key in list(address, &format!("environments/{name}/keys"))? {
            let id = key["id"].as_i64().unwrap_or_default();
            records.insert(Subject::Key(name.clone(), id), key);
        }
        records.insert(Subject::Environment(name), environment);
    }
    Ok(records)
}

fn list(address: SocketAddr, what: &str) -> Result<Vec<Value>> {
    let answer = http::get(
        address,
        &format!("/api/admin/{what}"),
        &http::administrator(),
    )?;
    if answer.status != 200 {
        return Err(answer.unexpected(what));
    }
    Ok(serde_json::from_slice(&answer.body)?)
}

/// What the change log makes of nothing, and where a change does not go on from those before it.
pub(crate) fn told_by(log: &[Change]) -> (Records, Vec<String>) {
    let mut records = Records::new();
    let mut wrong = Vec::new();
    for change in log {
        apply(change, &mut records, &mut wrong);
    }
    (records, wrong)
}

fn apply(change: &Change, records: &mut Records, wrong: &mut Vec<String>) {
    let seq = change.seq;
    let Some(subject) = subject(change) else {
        wrong.push(format!("change {seq} is of no known kind: {}", change.kind));
        return;
    };
    let [(before, flags_before), (after, flags_after)] =
        [&change.before, &change.after].map(|record| parts(record.as_ref()));
    for (subject, before) in flags_before.into_iter().chain([(subject.clone(), before)]) {
        let here = records.remove(&subject).unwrap_or_default();
        if !agree(&here, &before) {
            wrong.push(format!(
                "change {seq} found {subject:?} as {before}, not as {here}"
            ));
        }
    }
    let flags_after = match &subject {
        Subject::Environment(name) if change.before.is_none() => flags_of(name, &after, records),
        _ => flags_after,
    };
    for (subject, after) in flags_after.into_iter().chain([(subject, after)]) {
        if !after.is_null() {
            if after["version"] != seq {
                wrong.push(format!(
                    "change {seq} left {subject:?} at another version: {after}"
                ));
            }
            records.insert(subject, after);
        }
    }
}

fn subject(change: &Change) -> Option<Subject> {
    let environment = || change.environment.clone().unwrap_or_default();
    let record = change.after.as_ref().or(change.before.as_ref())?;
    let name = change.subject.clone();
    Some(match change.kind.split_once('.')?.0 {
        "account" => Subject::Account(name),
        "environment" => Subject::Environment(name),
        "feature" => Subject::Feature(name),
        "flag" => Subject::Flag(environment(), name),
        "key" => Subject::Key(environment(), record["id"].as_i64()?),
        _ => return None,
    })
}

/// The flags of a new environment, which the log does not repeat: one for every feature, as that one's defaults are.
fn flags_of(name: &str, environment: &Value, records: &Records) -> Vec<(Subject, Value)> {
    let features = records
        .iter()
        .filter_map(|(subject, feature)| match subject {
            Subject::Feature(_) => Some(json!({
                "feature": feature["name"],
                "environment": name,
                "enabled": feature["default_enabled"],
                "value": feature["initial_value"],
                "variants": [],
                "killed": false,
                "updated_at": environment["created_at"],
                "version": environment["version"],
            })),
            _ => None,
        });
    features.map(|record| (flag(&record), record)).collect()
}

/// A record of the log, and apart from it the flags that come or go with it.
fn parts(record: Option<&Value>) -> (Value, Vec<(Subject, Value)>) {
    let mut record = record.cloned().unwrap_or_default();
    let flags = record
        .as_object_mut()
        .and_then(|fields| fields.shift_remove("flags"));
    let flags = flags
        .and_then(|flags| flags.as_array().cloned())
        .unwrap_or_default();
    let flags = flags.into_iter().map(|one| (flag(&one), one));
    (record, flags.collect())
}

/// Whether two shapes of a record say the same, as far as both say something.
pub(crate) fn agree(a: &Value, b: &Value) -> bool {
    match (a.as_object(), b.as_object()) {
        (Some(a), Some(b)) => b
            .iter()
            .all(|(field, value)| a.get(field).is_none_or(|other| other == value)),
        _ => a == b,
    }
}

/// Where the records differ from what the log tells.
pub(crate) fn differences(told: &Records, listed: &Records) -> Vec<String> {
    let mut wrong = Vec::new();
    for (subject, record) in told {
        match listed.get(subject) {
            // Accounts are not listed.
            None if matches!(subject, Subject::Account(_)) => {}
            None => wrong.push(format!(
                "{subject:?} is in the log, but not there: {record}"
            )),
            Some(listed) if !agree(record, listed) => {
                wrong.push(format!("{subject:?} is {listed}, in the log {record}"));
            }
            Some(_) => {}
        }
    }
    let untold = listed
        .iter()
        .filter(|(subject, _)| !told.contains_key(subject));
    wrong.extend(untold.map(|(subject, record)| format!("{subject:?} is in no log: {record}")));
    wrong
}

#[cfg(test)]
mod tests;
