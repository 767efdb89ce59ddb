//! Where a follower of the log left off, and whether the log still goes on from there: a copy that had fallen behind, or
//! a backup, may have taken the database's place.

use std::sync::Arc;

use diesel::prelude::*;
use flagstaff_domain::ids::Seq;
use parking_lot::Mutex;

use super::unit;
use crate::db::DbConnection;
use crate::db::schema::changes;

/// A position of the log, with the time of the change there, by which another log is told from it.
type Position = (Seq, Option<i64>);

/// Where a follower of the log left off: where its last reading ended, and, since it may have been given up before it
/// was heard of, where that began.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bookmark(Arc<Mutex<[Option<Position>; 2]>>);

/// What there is to follow.
#[derive(Clone, Copy)]
pub(crate) struct Ahead {
    /// The last change.
    pub(crate) head: Seq,
    /// After which change to go on; `None` where everything has to be read.
    pub(crate) since: Option<Seq>,
}

impl Bookmark {
    /// Looks at the log's end and whether it goes on from `since`, and reads on by `read`, all in the caller's
    /// transaction. What was read becomes the place that is left off at.
    pub(crate) fn resume<T, E: From<diesel::result::Error>>(
        &self,
        connection: &mut DbConnection,
        since: Option<Seq>,
        read: impl FnOnce(&mut DbConnection, &Ahead) -> Result<T, E>,
    ) -> Result<T, E> {
        let head = unit::head(connection)?;
        let places = *self.0.lock();
        let left = places
            .into_iter()
            .flatten()
            .find(|(seq, _)| since == Some(*seq));
        let same = match left {
            Some((seq, at)) => seq <= head && time_of(connection, seq)? == at,
            None => since.is_none_or(|since| since <= head),
        };
        if !same {
            log::warn!(head = head.0; "another log took the place of the one that was followed: everything is read again");
        }
        let since = since.filter(|_| same);
        let read = read(connection, &Ahead { head, since })?;
        if since != Some(head) || left.is_none() {
            *self.0.lock() = [left, Some((head, time_of(connection, head)?))];
        }
        Ok(read)
    }
}

fn time_of(connection: &mut DbConnection, seq: Seq) -> QueryResult<Option<i64>> {
    changes::table
        .find(seq.0)
        .select(changes::at)
        .first(connection)
        .optional()
}
