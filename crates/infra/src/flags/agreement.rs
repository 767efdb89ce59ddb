//! What segments and overrides must agree on, whichever of them was changed: checked at the end of a unit of work.

use diesel::prelude::*;
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::ids::SegmentId;
use flagstaff_domain::text::SegmentName;

use super::overrides;
use super::prerequisites;
use super::work::Work;
use crate::db::DbConnection;
use crate::db::error::{invalid, refuse};
use crate::db::schema::{overrides as rows, segments};

/// Refuses a unit of work after which they do not agree: this segment, or any where none is named.
pub(crate) fn check(connection: &mut DbConnection, segment: Option<SegmentId>) -> Work<()> {
    prerequisites::check(connection)?;
    draws_once(connection, segment)
}

/// Refuses a rollout of a segment that draws a share itself: the share of it would be drawn anew.
pub(super) fn draws_once(connection: &mut DbConnection, segment: Option<SegmentId>) -> Work<()> {
    let mut drawn = rows::table
        .inner_join(segments::table)
        .filter(rows::rollout.is_not_null())
        .filter(segments::rules.like("%\"operator\":\"PERCENTAGE_SPLIT\"%"))
        .select((segments::id, segments::name))
        .order(segments::id)
        .into_boxed();
    if let Some(segment) = segment {
        drawn = drawn.filter(segments::id.eq(segment.0));
    }
    let found: Option<(i64, String)> = drawn.first(connection).optional()?;
    let Some((id, name)) = found else {
        return Ok(());
    };
    refuse(FlagError::DrawnTwice {
        segment: SegmentName::parse(name).map_err(invalid)?,
        users: overrides::rollouts(connection, SegmentId(id))?,
    })
}
