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

/// Refuses a unit of work after which they do not agree.
pub(crate) fn check(connection: &mut DbConnection) -> Work<()> {
    prerequisites::check(connection)?;
    draws_once(connection)
}

/// Refuses a rollout of a segment that is a share itself.
fn draws_once(connection: &mut DbConnection) -> Work<()> {
    let found: Option<(i64, String)> = rows::table
        .inner_join(segments::table)
        .filter(rows::rollout.is_not_null())
        .filter(segments::rules.like("%\"operator\":\"PERCENTAGE_SPLIT\"%"))
        .select((segments::id, segments::name))
        .order(segments::id)
        .first(connection)
        .optional()?;
    let Some((id, name)) = found else {
        return Ok(());
    };
    refuse(FlagError::DrawnTwice {
        segment: SegmentName::parse(name).map_err(invalid)?,
        users: overrides::rollouts(connection, SegmentId(id))?,
    })
}
