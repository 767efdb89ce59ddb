//! Which stored key each entry of a file means, and the steps that follow from it.
//!
//! A text or a digest leaves no doubt and is matched first, wherever in the file it stands. An entry with neither means
//! one of the keys of its name and kind that are left.

use std::collections::HashSet;

use super::{Planner, Step};
use crate::access::{EnvironmentKey, KeyDigest, KeyKind, NewKey};
use crate::ids::KeyId;
use crate::state::error::StateError;
use crate::state::file::{KeyEntry, StateFile};
use crate::text::{EnvironmentName, fold};

/// An entry on its way to the key that it means.
struct Wanted<'a> {
    entry: &'a KeyEntry,
    /// Where it stands in the file.
    place: String,
    /// The digest that it gives, or that of the text that it gives.
    digest: Option<KeyDigest>,
    /// The stored key that it means; none where it makes a key.
    stored: Option<&'a EnvironmentKey>,
}

impl<'a> Planner<'a> {
    pub(super) fn keys(&mut self, file: &'a StateFile, prune: bool) -> Result<(), StateError> {
        let Some(entries) = &file.access.keys else {
            return Ok(());
        };
        let mut wanted = Vec::with_capacity(entries.len());
        for (at, entry) in entries.iter().enumerate() {
            let place = format!("access.keys[{at}]");
            self.must_exist(&entry.environment, || format!("{place}.environment"))?;
            wanted.push(Wanted::new(entry, place)?);
        }
        let mut claimed = HashSet::new();
        self.match_by_digest(&mut wanted, &mut claimed)?;
        self.match_by_name(&mut wanted, &mut claimed)?;
        for one in &wanted {
            self.lead_to(one)?;
        }
        if prune {
            let keys = self.current.keys.iter();
            let left_out = keys.filter(|key| !claimed.contains(&key.id));
            self.steps.extend(left_out.map(delete));
        }
        Ok(())
    }

    fn match_by_digest(
        &self,
        wanted: &mut [Wanted<'a>],
        claimed: &mut HashSet<KeyId>,
    ) -> Result<(), StateError> {
        let mut digests = HashSet::new();
        for one in wanted {
            let Some(digest) = one.digest else {
                continue;
            };
            if !digests.insert(digest) {
                return Err(one.invalid("names a key for the second time"));
            }
            one.stored = self.current.keys.iter().find(|key| key.digest == digest);
            let Some(key) = one.stored else {
                continue;
            };
            if !opens(key, &one.entry.environment) && self.stays(&key.environment) {
                let environment = key.environment.as_str();
                return Err(one.invalid(format!("is a key of {environment:?} already")));
            }
            if key.kind != one.entry.kind {
                return Err(one.invalid(format!("is a {} key already", key.kind.as_str())));
            }
            claimed.insert(key.id);
        }
        Ok(())
    }

    fn match_by_name(
        &self,
        wanted: &mut [Wanted<'a>],
        claimed: &mut HashSet<KeyId>,
    ) -> Result<(), StateError> {
        let mut named = HashSet::new();
        for one in wanted.iter_mut().filter(|one| one.digest.is_none()) {
            let entry = one.entry;
            // Two such entries would make two keys, between which the next import of the file could not tell.
            if !named.insert((fold(entry.environment.as_str()), &entry.name, entry.kind)) {
                return Err(one.invalid(
                    "names a key for the second time; give the text or the digest of one of them",
                ));
            }
            let mut alike: Vec<_> = self
                .current
                .keys
                .iter()
                .filter(|key| key.name == entry.name && key.kind == entry.kind)
                .filter(|key| opens(key, &entry.environment) && !claimed.contains(&key.id))
                .collect();
            // A rotation leaves the retired key with an expiry beside its replacement, which has none.
            if alike.iter().any(|key| key.expires_at.is_none()) {
                alike.retain(|key| key.expires_at.is_none());
            }
            if alike.len() > 1 {
                return Err(one.invalid(format!(
                    "could mean any of {} keys; give the text of the one that is meant in \"key\", or its \"digest\"",
                    alike.len()
                )));
            }
            one.stored = alike.pop();
            claimed.extend(one.stored.map(|key| key.id));
        }
        Ok(())
    }

    /// Whether there is an environment of this name after the import.
    fn stays(&self, environment: &EnvironmentName) -> bool {
        self.known.contains(&fold(environment.as_str()))
    }

    /// Adds the steps from the stored key to the wanted one.
    fn lead_to(&mut self, wanted: &Wanted<'_>) -> Result<(), StateError> {
        let entry = wanted.entry;
        let Some(key) = wanted.stored else {
            self.steps.push(create(wanted)?);
            return Ok(());
        };
        if !opens(key, &entry.environment) {
            // Its environment goes, but only after the keys: of one digest there can be one key at a time.
            self.steps.push(delete(key));
            self.steps.push(create(wanted)?);
            return Ok(());
        }
        let expires_at = entry.expires_at.unwrap_or(key.expires_at);
        if key.name != entry.name || key.expires_at != expires_at {
            self.steps.push(Step::ChangeKey {
                environment: key.environment.clone(),
                id: key.id,
                name: entry.name.clone(),
                expires_at,
            });
        }
        Ok(())
    }
}

impl<'a> Wanted<'a> {
    fn new(entry: &'a KeyEntry, place: String) -> Result<Self, StateError> {
        let digest = match (&entry.key, entry.digest) {
            (Some(_), Some(_)) => {
                return Err(StateError::invalid(
                    place,
                    "must have \"key\" or \"digest\", not both",
                ));
            }
            (Some(text), None) => Some(text.digest()),
            (None, digest) => digest,
        };
        Ok(Self {
            entry,
            place,
            digest,
            stored: None,
        })
    }

    fn invalid(&self, message: impl Into<String>) -> StateError {
        StateError::invalid(self.place.clone(), message)
    }
}

/// Whether the key is one of this environment.
fn opens(key: &EnvironmentKey, environment: &EnvironmentName) -> bool {
    fold(key.environment.as_str()) == fold(environment.as_str())
}

fn delete(key: &EnvironmentKey) -> Step {
    Step::DeleteKey(key.environment.clone(), key.id, key.name.clone())
}

/// A key that is new, or new in its environment; the latter keeps what the file does not tell of it.
fn create(wanted: &Wanted<'_>) -> Result<Step, StateError> {
    let entry = wanted.entry;
    let text = entry
        .key
        .as_ref()
        .or(entry.candidate.as_ref())
        .or(wanted.stored.and_then(|key| key.text.as_ref()));
    let expires_at = entry
        .expires_at
        .unwrap_or(wanted.stored.and_then(|key| key.expires_at));
    let (name, kind) = (entry.name.clone(), entry.kind);
    let key = match (wanted.digest, text) {
        (Some(digest), None) if kind == KeyKind::Client => {
            return Err(wanted.invalid(format!(
                "a new client key needs its text in \"key\"; {digest} alone opens nothing that can be shown"
            )));
        }
        (Some(digest), None) => NewKey {
            name,
            kind,
            digest,
            text: None,
            expires_at,
        },
        (_, Some(text)) => NewKey::of(name, kind, text, expires_at),
        (None, None) => return Err(wanted.invalid("has neither \"key\" nor \"digest\"")),
    };
    Ok(Step::CreateKey {
        environment: entry.environment.clone(),
        key,
        generated: entry.candidate.clone().filter(|_| wanted.digest.is_none()),
    })
}
