//! What must hold after a start: all that was acknowledged is there once, all that was refused is not, and the log, the
//! records and what is served tell the same story, which goes on from what was seen before.

use std::collections::{BTreeMap, HashSet};
use std::io::Result;
use std::net::SocketAddr;

use flagstaff_bench::http;
use serde::Serialize;
use serde_json::Value;

use crate::log::{self, Change};
use crate::records::{self, Records, Subject};
use crate::writes::{Ended, Key, Stored, Targets, Write};

/// What was seen of a database, which must not go back.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    log: Vec<Change>,
    records: Records,
    revisions: BTreeMap<String, i64>,
}

impl Seen {
    /// Notes a revision that was served.
    pub(crate) fn read(&mut self, (environment, revision): (String, i64)) {
        let last = self.revisions.entry(environment).or_default();
        *last = revision.max(*last);
    }

    /// What there is to write to.
    pub(crate) fn targets(&self) -> Targets {
        let mut targets = Targets::default();
        for (subject, record) in &self.records {
            match subject {
                Subject::Environment(name) => targets.environments.push(name.clone()),
                Subject::Feature(name) => targets.features.push(name.clone()),
                Subject::Key(environment, id) => {
                    // One that was rotated has an end.
                    if let (Some(text), true) =
                        (record["key"].as_str(), record["expires_at"].is_null())
                    {
                        targets.keys.push(Key {
                            environment: environment.clone(),
                            id: *id,
                            text: text.to_owned(),
                        });
                    }
                }
                Subject::Account(_) | Subject::Flag(..) => {}
            }
        }
        targets
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Audit {
    /// Writes that were acknowledged and are not there, or not as they were answered.
    pub(crate) lost: Vec<String>,
    /// Whatever else must not be.
    wrong: Vec<String>,
    /// Writes that are there although nobody was told.
    pub(crate) stored_unacknowledged: usize,
}

impl Audit {
    /// Looks at everything, and keeps what it saw.
    pub(crate) fn of(address: SocketAddr, history: &[Write], seen: &mut Seen) -> Result<Self> {
        let log = log::read(address)?;
        let listed = records::read(address)?;
        let mut audit = Self::default();
        audit.compare(history, &log);
        audit.go_on(&seen.log, &log);
        let (told, wrong) = records::told_by(&log);
        audit.wrong.extend(wrong);
        audit.wrong.extend(records::differences(&told, &listed));
        seen.log = log;
        seen.records = listed;
        audit.revisions(seen);
        audit.served(address, seen)?;
        Ok(audit)
    }

    /// What is wrong, a line each; empty when nothing is.
    pub(crate) fn account(&self) -> String {
        let lost = self.lost.iter().map(|line| format!("LOST: {line}\n"));
        let wrong = self.wrong.iter().map(|line| format!("WRONG: {line}\n"));
        lost.chain(wrong).collect()
    }

    /// Every write against the log.
    fn compare(&mut self, history: &[Write], log: &[Change]) {
        let units = log::units(log);
        for write in history {
            let mark = Some(write.mark.clone());
            let units = units.get(&mark).map_or(&[][..], Vec::as_slice);
            let told = |said| format!("{} ({} {}) {said}", write.mark, write.method, write.path);
            match verdict(&write.ended, units) {
                Verdict::Right => {}
                Verdict::Unacknowledged => self.stored_unacknowledged += 1,
                Verdict::Lost(said) => self.lost.push(told(said)),
                Verdict::Wrong(said) => self.wrong.push(told(said)),
            }
        }
        let sent: HashSet<&str> = history.iter().map(|write| write.mark.as_str()).collect();
        for (mark, units) in units {
            let administrator = mark.as_deref() == Some("account admin") && units.len() == 1;
            if !administrator && !mark.as_deref().is_some_and(|mark| sent.contains(mark)) {
                self.wrong.push(format!("nobody has sent {}", json(&units)));
            }
        }
    }

    /// The log has no gaps and begins as it did.
    fn go_on(&mut self, seen: &[Change], log: &[Change]) {
        for (change, number) in log.iter().zip(1..) {
            if change.seq != number {
                self.wrong.push(format!("change {number} is missing"));
                break;
            }
        }
        let mut before = seen.iter().enumerate();
        if let Some((at, change)) = before.find(|(at, change)| log.get(*at) != Some(change)) {
            let (was, is) = (json(change), json(&log.get(at)));
            self.wrong
                .push(format!("the log had {was}, now it has {is}"));
        }
    }

    /// No environment has a revision before one that was seen, or one that the log does not reach.
    fn revisions(&mut self, seen: &mut Seen) {
        let head = seen.log.last().map_or(0, |change| change.seq);
        for (subject, record) in &seen.records {
            let Subject::Environment(name) = subject else {
                continue;
            };
            let revision = record["revision"].as_i64().unwrap_or(-1);
            let last = seen.revisions.insert(name.clone(), revision).unwrap_or(0);
            if !(last..=head).contains(&revision) {
                self.wrong.push(format!(
                    "{name} is at revision {revision}, after {last} was seen, and the log ends at {head}"
                ));
            }
        }
    }

    /// Each environment's flags are served as they are listed, to one of its keys.
    fn served(&mut self, address: SocketAddr, seen: &Seen) -> Result<()> {
        let mut environments = HashSet::new();
        for key in seen.targets().keys {
            if !environments.insert(key.environment.clone()) {
                continue;
            }
            let headers = format!("X-Environment-Key: {}\r\n", key.text);
            let answer = http::get(address, "/api/v1/flags/", &headers)?;
            let served = answer.json()?;
            let served = served.as_array().map_or(&[][..], Vec::as_slice);
            let right = answer.status == 200
                && answer.header("x-flagstaff-revision").map(str::to_owned)
                    == seen.revisions.get(&key.environment).map(i64::to_string)
                && serves(served, &key.environment, &seen.records);
            if !right {
                let said = answer.unexpected(&format!("{} is served as", key.environment));
                self.wrong.push(said.to_string());
            }
        }
        Ok(())
    }
}

/// What the log says of a write.
enum Verdict {
    Right,
    Unacknowledged,
    Lost(String),
    Wrong(String),
}

fn verdict(ended: &Ended, units: &[&[Change]]) -> Verdict {
    match (ended, units) {
        (Ended::Astray(said), _) => Verdict::Wrong(said.clone()),
        (_, [_, _, ..]) => Verdict::Wrong(format!("was stored more than once: {}", json(&units))),
        (Ended::Acknowledged(stored), []) => {
            Verdict::Lost(format!("was answered with {}", json(stored)))
        }
        (Ended::Acknowledged(stored), [unit]) if !fits(stored, unit) => {
            let (said, is) = (json(stored), json(unit));
            Verdict::Lost(format!("was answered with {said}, but the log has {is}"))
        }
        (Ended::Refused(status), [_]) => {
            Verdict::Wrong(format!("was refused with {status}, but stored"))
        }
        (Ended::Unanswered, [_]) => Verdict::Unacknowledged,
        (Ended::Acknowledged(_), [_]) | (Ended::Unanswered | Ended::Refused(_), []) => {
            Verdict::Right
        }
    }
}

fn json(what: &impl Serialize) -> String {
    serde_json::to_string(what).unwrap_or_default()
}

/// Whether an answer told the end of its unit of work.
fn fits(stored: &Stored, unit: &[Change]) -> bool {
    let Some(last) = unit.last() else {
        return false;
    };
    let record = last.after.as_ref().unwrap_or(&Value::Null);
    stored.revision == last.seq && records::agree(record, &stored.record)
}

fn serves(served: &[Value], environment: &str, records: &Records) -> bool {
    let features = records
        .keys()
        .filter(|one| matches!(one, Subject::Feature(_)));
    served.len() == features.count()
        && served.iter().all(|flag| {
            let feature = flag["feature"]["name"].as_str().unwrap_or_default();
            let subject = Subject::Flag(environment.to_owned(), feature.to_owned());
            records.get(&subject).is_some_and(|record| {
                record["enabled"] == flag["enabled"]
                    && record["value"] == flag["feature_state_value"]
            })
        })
}

#[cfg(test)]
mod tests;
