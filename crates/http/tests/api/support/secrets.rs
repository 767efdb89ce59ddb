//! Secrets that a test's thread has used or been given, which nothing may log or keep in a change record.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::thread;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use serde_json::Value;

use super::{Backend, log};

/// Shorter ones may be found by chance, or are none.
const SECRET_MIN: usize = 16;

thread_local! {
    static USED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
}

/// Remembers a secret. The digest of one is none.
pub(super) fn note(secret: &str) {
    if secret.len() >= SECRET_MIN && !secret.starts_with("sha256:") {
        USED.with_borrow_mut(|used| used.insert(secret.to_owned()));
    }
}

/// Remembers the secrets in a JSON body. A `key` is one in the record of an environment's key; OFREP calls flags so.
pub(super) fn note_in(body: &Value) {
    let key = body["kind"].is_string().then_some("key");
    let members = ["password", "current_password", "token", "guid"];
    for member in members.into_iter().chain(key) {
        if let Some(secret) = body[member].as_str() {
            note(secret);
        }
    }
}

#[derive(QueryableByName)]
struct Change {
    #[diesel(sql_type = Text)]
    actor: String,
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Nullable<Text>)]
    before: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    after: Option<String>,
}

impl Drop for Backend {
    /// Looks for every secret that the test used, unless it fails for another reason already.
    fn drop(&mut self) {
        let mut texts = log::take_all();
        if thread::panicking() {
            return;
        }
        // A test may have damaged the database.
        let changes = self.place.try_connection().and_then(|mut connection| {
            let query = diesel::sql_query("SELECT actor, subject, before, after FROM changes");
            query.load::<Change>(&mut connection).ok()
        });
        for change in changes.unwrap_or_default() {
            let texts_of = [change.before, change.after].into_iter().flatten();
            texts.extend(texts_of.chain([change.actor, change.subject]));
        }
        USED.with_borrow(|used| {
            for text in &texts {
                let found = used.iter().find(|secret| text.contains(secret.as_str()));
                assert!(found.is_none(), "{found:?} is a secret, and in {text}");
            }
        });
    }
}
