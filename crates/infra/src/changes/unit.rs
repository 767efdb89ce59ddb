//! A unit of work: numbers its changes and appends them to the log, all under the number of the first.

use diesel::prelude::*;
use flagstaff_domain::changes::{ChangeKind, NewChange};
use flagstaff_domain::ids::{EnvironmentId, Seq};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::write::Stamp;

use crate::db::schema::{changes, log_head};
use crate::db::{Db, DbConnection, WorkError};

/// One unit of work inside a writing transaction.
pub(crate) struct UnitOfWork<'a> {
    pub(crate) connection: &'a mut DbConnection,
    pub(crate) stamp: &'a Stamp,
    group: Option<Seq>,
}

impl<'a> UnitOfWork<'a> {
    pub(crate) fn new(connection: &'a mut DbConnection, stamp: &'a Stamp) -> Self {
        Self {
            connection,
            stamp,
            group: None,
        }
    }

    /// The number of the next change. The counter's row is locked until the commit, so numbers are committed in order.
    pub(crate) fn next_seq(&mut self) -> QueryResult<Seq> {
        diesel::update(log_head::table)
            .set(log_head::seq.eq(log_head::seq + 1))
            .execute(self.connection)?;
        head(self.connection)
    }

    /// Appends a change under a number from [`UnitOfWork::next_seq`].
    pub(crate) fn append(&mut self, seq: Seq, change: &NewChange) -> QueryResult<()> {
        let group = *self.group.get_or_insert(seq);
        diesel::insert_into(changes::table)
            .values((
                changes::seq.eq(seq.0),
                changes::group_seq.eq(group.0),
                changes::at.eq(self.stamp.at.as_micros()),
                changes::actor.eq(self.stamp.actor.to_string()),
                changes::context.eq(change.kind.context().as_str()),
                changes::kind.eq(change.kind.as_str()),
                changes::subject.eq(&change.subject),
                changes::environment_id.eq(change.environment.as_ref().map(|(id, _)| id.0)),
                changes::environment.eq(change.environment.as_ref().map(|(_, name)| name.as_str())),
                changes::before.eq(change.before.as_ref().map(|record| record.as_str())),
                changes::after.eq(change.after.as_ref().map(|record| record.as_str())),
            ))
            .execute(self.connection)
            .map(|_| ())
    }
}

/// Runs a unit of work on copies of what it was given, since it runs on the writer's thread.
pub(crate) fn write<T, E>(
    db: &Db,
    stamp: &Stamp,
    work: impl FnOnce(&mut UnitOfWork<'_>) -> Result<T, WorkError<E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    let stamp = stamp.clone();
    db.write(move |connection| work(&mut UnitOfWork::new(connection, &stamp)))
}

/// Runs a unit of work and takes it back.
pub(crate) fn rehearse<T, E>(
    db: &Db,
    stamp: &Stamp,
    work: impl FnOnce(&mut UnitOfWork<'_>) -> Result<T, WorkError<E>> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StorageError> + Send + 'static,
{
    let stamp = stamp.clone();
    db.rehearse(move |connection| work(&mut UnitOfWork::new(connection, &stamp)))
}

/// What a change affects, for those who follow the log.
pub(crate) struct Followed {
    /// `None` for a kind that only a newer program knows, which may concern everything.
    pub(crate) kind: Option<ChangeKind>,
    /// `None` where it concerns all environments, or none.
    pub(crate) environment: Option<EnvironmentId>,
}

/// The changes after a position, oldest first.
pub(crate) fn since(connection: &mut DbConnection, since: Seq) -> QueryResult<Vec<Followed>> {
    let rows: Vec<(String, Option<i64>)> = changes::table
        .filter(changes::seq.gt(since.0))
        .order(changes::seq)
        .select((changes::kind, changes::environment_id))
        .load(connection)?;
    let followed = rows.into_iter().map(|(kind, environment)| Followed {
        kind: ChangeKind::try_from(kind.as_str()).ok(),
        environment: environment.map(EnvironmentId),
    });
    Ok(followed.collect())
}

/// The records that changes of these kinds after a position tell of, oldest first: as they are now, or were last.
pub(crate) fn records_since(
    connection: &mut DbConnection,
    since: Seq,
    kinds: &[ChangeKind],
) -> QueryResult<Vec<String>> {
    let kinds: Vec<&str> = kinds.iter().map(|kind| kind.as_str()).collect();
    let rows: Vec<(Option<String>, Option<String>)> = changes::table
        .filter(changes::seq.gt(since.0))
        .filter(changes::kind.eq_any(kinds))
        .order(changes::seq)
        .select((changes::before, changes::after))
        .load(connection)?;
    Ok(rows
        .into_iter()
        .filter_map(|(before, after)| after.or(before))
        .collect())
}

/// The number of the last change; 0 in an empty log.
pub(crate) fn head(connection: &mut DbConnection) -> QueryResult<Seq> {
    log_head::table
        .select(log_head::seq)
        .first(connection)
        .map(Seq)
}
