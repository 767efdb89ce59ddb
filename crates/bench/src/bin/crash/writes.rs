//! What the clients write: a mix of all that management can change. Each write has a mark of its own, by which the change
//! log tells it from any other.

use fastrand::Rng;
use flagstaff_bench::http::Answer;
use serde::Serialize;
use serde_json::{Value, json};

/// A write, and how it ended.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    /// What the change log must have once, if it has been stored.
    pub(crate) mark: String,
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) body: String,
    pub(crate) ended: Ended,
}

/// How a write ended, as its client knows.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ended {
    /// Answered with success: must be stored.
    Acknowledged(Stored),
    /// Answered with a status that says that nothing was changed: must not be stored.
    Refused(u16),
    /// Not answered, or answered that nobody knows: may be stored.
    Unanswered,
    /// Answered as it never should be.
    Astray(String),
}

/// What an answer said.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Stored {
    /// The change that it made.
    pub(crate) revision: i64,
    /// The record; null where it was deleted.
    pub(crate) record: Value,
}

impl Ended {
    /// What an answer to a write means.
    pub(crate) fn told_by(answer: &Answer) -> Self {
        let revision = answer.header("x-flagstaff-revision");
        match (answer.status, revision.and_then(|text| text.parse().ok())) {
            (200 | 201 | 204, Some(revision)) => match answer.json() {
                Ok(record) => Self::Acknowledged(Stored { revision, record }),
                Err(error) => Self::Astray(format!("{}{error}", answer.head)),
            },
            // Another client has deleted what this one would change.
            (404, None) => Self::Refused(404),
            (503, None) if answer.header("retry-after").is_some() => Self::Refused(503),
            (503, None) => Self::Unanswered,
            _ => Self::Astray(answer.unexpected("answered").to_string()),
        }
    }
}

/// A key of an environment.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    pub(crate) environment: String,
    pub(crate) id: i64,
    pub(crate) text: String,
}

/// What there is to write to, as far as is known.
#[derive(Debug, Clone, Default)]
pub(crate) struct Targets {
    pub(crate) environments: Vec<String>,
    pub(crate) features: Vec<String>,
    pub(crate) keys: Vec<Key>,
}

impl Targets {
    /// Chooses a write that is called `name`. What it deletes or rotates is chosen once.
    pub(crate) fn choose(&mut self, random: &mut Rng, name: String) -> Write {
        let (environments, features) = (self.environments.len(), self.features.len());
        match random.u32(..100) {
            _ if environments < 2 => create("/environments", name),
            _ if features < 4 => create("/features", name),
            0..=7 if features < 12 => create("/features", name),
            8..=13 => change(&format!("/features/{}", some(&self.features, random)), name),
            14..=19 if features > 6 => delete("feature", &take(&mut self.features, random)),
            20..=22 if environments < 5 => create("/environments", name),
            23..=26 => change(&self.environment(random), name),
            27..=28 if environments > 3 => self.delete_environment(random),
            29..=34 if self.keys.len() < 12 => create_key(&self.environment(random), name),
            35..=36 if !self.keys.is_empty() => rotate(&take(&mut self.keys, random)),
            37..=39 if self.keys.len() > 4 => delete_key(&take(&mut self.keys, random)),
            _ => self.change_flag(random, name),
        }
    }

    fn environment(&self, random: &mut Rng) -> String {
        format!("/environments/{}", some(&self.environments, random))
    }

    fn delete_environment(&mut self, random: &mut Rng) -> Write {
        let name = take(&mut self.environments, random);
        self.keys.retain(|key| key.environment != name);
        delete("environment", &name)
    }

    fn change_flag(&self, random: &mut Rng, name: String) -> Write {
        let feature = some(&self.features, random);
        let path = format!("{}/flags/{feature}", self.environment(random));
        let body = json!({"value": name, "enabled": random.bool()});
        Write::new(name, "PATCH", &path, &body)
    }

    /// Adds what an acknowledged write has created.
    pub(crate) fn learn(&mut self, write: &Write) {
        let Ended::Acknowledged(Stored { record, .. }) = &write.ended else {
            return;
        };
        let text = |field: &str| record[field].as_str().map(str::to_owned);
        let segments: Vec<&str> = write.path.split('/').skip(3).collect();
        match (write.method, segments.as_slice()) {
            ("POST", ["environments"]) => self.environments.extend(text("name")),
            ("POST", ["features"]) => self.features.extend(text("name")),
            ("POST", ["environments", environment, "keys", ..]) => {
                if let (Some(id), Some(text)) = (record["id"].as_i64(), text("key")) {
                    let environment = (*environment).to_owned();
                    self.keys.push(Key {
                        environment,
                        id,
                        text,
                    });
                }
            }
            _ => {}
        }
    }
}

impl Write {
    fn new(mark: String, method: &'static str, path: &str, body: &Value) -> Self {
        Self {
            mark,
            method,
            path: format!("/api/admin{path}"),
            body: if body.is_null() {
                String::new()
            } else {
                body.to_string()
            },
            ended: Ended::Unanswered,
        }
    }
}

fn create(path: &str, name: String) -> Write {
    let body = json!({"name": name, "description": "created"});
    Write::new(name, "POST", path, &body)
}

fn change(path: &str, name: String) -> Write {
    let body = json!({"description": name});
    Write::new(name, "PATCH", path, &body)
}

fn delete(what: &str, name: &str) -> Write {
    let path = match what {
        "environment" => format!("/environments/{name}?force=true"),
        _ => format!("/features/{name}"),
    };
    Write::new(
        format!("delete {what} {name}"),
        "DELETE",
        &path,
        &Value::Null,
    )
}

fn create_key(environment: &str, name: String) -> Write {
    let body = json!({"name": name, "kind": "client"});
    Write::new(name, "POST", &format!("{environment}/keys"), &body)
}

fn rotate(
    Key {
        environment, id, ..
    }: &Key,
) -> Write {
    let path = format!("/environments/{environment}/keys/{id}/rotate");
    Write::new(
        format!("rotate key {id}"),
        "POST",
        &path,
        &json!({"grace_seconds": 3600}),
    )
}

fn delete_key(
    Key {
        environment, id, ..
    }: &Key,
) -> Write {
    let path = format!("/environments/{environment}/keys/{id}");
    Write::new(format!("delete key {id}"), "DELETE", &path, &Value::Null)
}

fn some<'a>(names: &'a [String], random: &mut Rng) -> &'a str {
    &names[random.usize(..names.len())]
}

fn take<T>(from: &mut Vec<T>, random: &mut Rng) -> T {
    from.swap_remove(random.usize(..from.len()))
}
