//! Reads the change log.

use diesel::prelude::*;
use flagstaff_domain::changes::{Change, ChangeLog, ChangeQuery, Direction};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::json::JsonText;
use flagstaff_domain::page::Listing;
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::Invalid;
use serde_json::value::RawValue;

use crate::db::error::one_more;
use crate::db::schema::changes;
use crate::db::{Db, WorkError};
use crate::flags::names;

/// The change log in the database.
#[derive(Debug, Clone)]
pub struct DieselChangeLog {
    db: Db,
}

impl DieselChangeLog {
    /// The log of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = changes)]
struct ChangeRow {
    seq: i64,
    group_seq: i64,
    at: i64,
    actor: String,
    context: String,
    kind: String,
    subject: String,
    environment: Option<String>,
    before: Option<String>,
    after: Option<String>,
}

impl TryFrom<ChangeRow> for Change {
    type Error = Invalid;

    fn try_from(row: ChangeRow) -> Result<Self, Invalid> {
        let record = |text: Option<String>| text.map(|text| stored(&text)).transpose();
        Ok(Self {
            seq: Seq(row.seq),
            group: Seq(row.group_seq),
            at: crate::db::columns::instant(row.at)?,
            actor: row.actor,
            context: row.context,
            kind: row.kind,
            subject: row.subject,
            environment: row.environment,
            before: record(row.before)?,
            after: record(row.after)?,
        })
    }
}

/// A record as it was written. [`JsonText::parse`] would refuse one around a value of the greatest depth.
fn stored(text: &str) -> Result<JsonText, Invalid> {
    let raw: &RawValue = serde_json::from_str(text)
        .map_err(|error| Invalid::new(format!("stored record: {error}")))?;
    JsonText::of(&raw)
}

impl ChangeLog for DieselChangeLog {
    fn list(&self, query: &ChangeQuery) -> Result<Listing<Change>, StorageError> {
        // No stored text holds this character, and PostgreSQL refuses it even in a question.
        let asked = [&query.subject, &query.actor, &query.environment];
        if asked.into_iter().flatten().any(|text| text.contains('\0')) {
            return Ok(Listing::cut(Vec::new(), query.limit));
        }
        self.db.read(|connection| {
            let mut rows = changes::table.select(ChangeRow::as_select()).into_boxed();
            if let Some(context) = query.context {
                rows = rows.filter(changes::context.eq(context.as_str()));
            }
            if let Some(subject) = &query.subject {
                rows = rows.filter(changes::subject.eq(subject));
            }
            if let Some(actor) = &query.actor {
                rows = rows.filter(changes::actor.eq(actor));
            }
            if let Some(name) = &query.environment {
                rows = match names::find(connection, name)? {
                    Some((id, _)) => rows.filter(
                        changes::environment_id
                            .eq(id.0)
                            .or(changes::environment.eq(name)),
                    ),
                    None => rows.filter(changes::environment.eq(name)),
                };
            }
            rows = match query.direction {
                Direction::NewestFirst(None) => rows.order(changes::seq.desc()),
                Direction::NewestFirst(Some(before)) => rows
                    .filter(changes::seq.lt(before.0))
                    .order(changes::seq.desc()),
                Direction::OldestFirst(after) => rows
                    .filter(changes::seq.gt(after.0))
                    .order(changes::seq.asc()),
            };
            let rows = rows.limit(one_more(query.limit)).load(connection)?;
            let changes: Vec<Change> = rows
                .into_iter()
                .map(Change::try_from)
                .collect::<Result<_, Invalid>>()?;
            Ok::<_, WorkError<StorageError>>(Listing::cut(changes, query.limit))
        })
    }
}
