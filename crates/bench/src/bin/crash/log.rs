//! The change log: read whole, split into units of work, each known by the mark of the write that made it.

use std::collections::BTreeMap;
use std::io::Result;
use std::net::SocketAddr;

use flagstaff_bench::http;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A change, as management answers it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    pub(crate) seq: i64,
    pub(crate) group: i64,
    pub(crate) at: String,
    pub(crate) actor: String,
    pub(crate) context: String,
    pub(crate) kind: String,
    pub(crate) subject: String,
    pub(crate) environment: Option<String>,
    pub(crate) before: Option<Value>,
    pub(crate) after: Option<Value>,
}

impl Change {
    /// A field of the record, as it is after the change or was before it.
    fn field(&self, name: &str) -> String {
        let record = self.after.as_ref().or(self.before.as_ref());
        match record.map(|record| &record[name]) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }
}

/// The whole log, oldest first.
pub(crate) fn read(address: SocketAddr) -> Result<Vec<Change>> {
    let mut log: Vec<Change> = Vec::new();
    loop {
        let after = log.last().map_or(0, |change| change.seq);
        let path = format!("/api/admin/changes?after={after}&limit=1000");
        let answer = http::get(address, &path, &http::administrator())?;
        if answer.status != 200 {
            return Err(answer.unexpected("the change log"));
        }
        let page: Vec<Change> = serde_json::from_slice(&answer.body)?;
        if page.is_empty() {
            return Ok(log);
        }
        log.extend(page);
    }
}

/// The units of work by the marks of their writes; each should have one. What no write can have made is under `None`.
pub(crate) fn units(log: &[Change]) -> BTreeMap<Option<String>, Vec<&[Change]>> {
    let mut units: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for unit in log.chunk_by(|a, b| a.group == b.group) {
        units.entry(mark(unit)).or_default().push(unit);
    }
    units
}

/// The mark of the write that a whole unit of work must come from.
fn mark(unit: &[Change]) -> Option<String> {
    let kinds: Vec<&str> = unit.iter().map(|change| change.kind.as_str()).collect();
    let last = unit.last()?;
    match kinds.as_slice() {
        ["account.created"] => Some(format!("account {}", last.subject)),
        ["environment.created" | "feature.created" | "key.created"] => Some(last.field("name")),
        ["environment.changed" | "feature.changed"] => Some(last.field("description")),
        ["flag.changed"] => Some(last.field("value")),
        ["feature.deleted"] => Some(format!("delete feature {}", last.subject)),
        ["key.changed", "key.created"] => Some(format!("rotate key {}", unit[0].field("id"))),
        ["key.deleted"] => Some(format!("delete key {}", last.field("id"))),
        [keys @ .., "environment.deleted"] if keys.iter().all(|kind| *kind == "key.deleted") => {
            Some(format!("delete environment {}", last.subject))
        }
        _ => None,
    }
}
