//! Segments in the database: their rows, and the units of work on them.

use diesel::prelude::*;
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::flags::targeting::{ChangeSegment, CreateSegment, Rule, Segment, SplitSeed};
use flagstaff_domain::ids::{SegmentId, Seq};
use flagstaff_domain::page::{Listing, Page};
use flagstaff_domain::text::{Description, Invalid, SegmentName, fold};
use flagstaff_domain::write::{Precondition, Written};

use super::work::{Work, append, check, unchanged};
use super::{overrides, prerequisites};
use crate::changes::unit::UnitOfWork;
use crate::db::DbConnection;
use crate::db::columns::instant;
use crate::db::error::{invalid, one_more, refuse, unless_taken};
use crate::db::schema::segments;

#[derive(Queryable, Selectable)]
#[diesel(table_name = segments)]
struct SegmentRow {
    id: i64,
    name: String,
    description: String,
    rules: String,
    seed: i64,
    created_at: i64,
    version: i64,
}

impl TryFrom<SegmentRow> for Segment {
    type Error = Invalid;

    /// Rules still have the features' ids in place of their names.
    fn try_from(row: SegmentRow) -> Result<Self, Invalid> {
        let rules = serde_json::from_str(&row.rules);
        Ok(Self {
            id: SegmentId(row.id),
            name: SegmentName::parse(row.name)?,
            description: Description::parse(row.description)?,
            rules: rules.map_err(|error| Invalid::new(format!("stored rules: {error}")))?,
            seed: SplitSeed::try_from(row.seed)?,
            created_at: instant(row.created_at)?,
            version: Seq(row.version),
        })
    }
}

fn rules_to_column(rules: &[Rule]) -> Result<String, Invalid> {
    serde_json::to_string(rules).map_err(|error| Invalid::new(error.to_string()))
}

fn records(rows: Vec<SegmentRow>) -> QueryResult<Vec<Segment>> {
    let records = rows.into_iter().map(Segment::try_from);
    records.collect::<Result<_, _>>().map_err(invalid)
}

/// A page of the segments, sorted by name.
pub(super) fn list(
    connection: &mut DbConnection,
    page: &Page<SegmentName>,
) -> Work<Listing<Segment>> {
    let mut rows = segments::table
        .select(SegmentRow::as_select())
        .order(segments::name)
        .limit(one_more(page.limit))
        .into_boxed();
    if let Some(after) = &page.after {
        rows = rows.filter(segments::name.gt(after.as_str()));
    }
    let mut found = records(rows.load(connection)?)?;
    prerequisites::with_names(connection, &mut found)?;
    Ok(Listing::cut(found, page.limit))
}

/// All segments, in the order of their ids.
pub(crate) fn load_all(connection: &mut DbConnection) -> QueryResult<Vec<Segment>> {
    let rows = segments::table
        .select(SegmentRow::as_select())
        .order(segments::id)
        .load(connection)?;
    let mut found = records(rows)?;
    prerequisites::with_names(connection, &mut found)?;
    Ok(found)
}

/// Those that ask for features, by the features' ids.
pub(super) fn asking(connection: &mut DbConnection) -> QueryResult<Vec<Segment>> {
    let rows = segments::table
        .filter(segments::rules.like("%\"FLAG\"%"))
        .select(SegmentRow::as_select())
        .order(segments::name)
        .load(connection)?;
    records(rows)
}

pub(super) fn get(connection: &mut DbConnection, name: &SegmentName) -> Work<Segment> {
    let row = segments::table
        .filter(segments::name_folded.eq(fold(name.as_str())))
        .select(SegmentRow::as_select())
        .first(connection)
        .optional()?;
    let Some(row) = row else {
        return refuse(FlagError::SegmentNotFound(name.clone()));
    };
    let mut segment = Segment::try_from(row)?;
    prerequisites::with_names(connection, std::slice::from_mut(&mut segment))?;
    Ok(segment)
}

pub(crate) fn create(unit: &mut UnitOfWork<'_>, command: &CreateSegment) -> Work<Written<Segment>> {
    let seq = unit.next_seq()?;
    let mut record = command.record(SegmentId::default(), unit.stamp.at, seq);
    let stored = prerequisites::with_ids(unit.connection, &mut record.rules)?;
    let inserted = diesel::insert_into(segments::table)
        .values((
            segments::name.eq(record.name.as_str()),
            segments::name_folded.eq(fold(record.name.as_str())),
            segments::description.eq(record.description.as_str()),
            segments::rules.eq(rules_to_column(&stored)?),
            segments::seed.eq(record.seed.as_i64()),
            segments::created_at.eq(record.created_at.as_micros()),
            segments::version.eq(seq.0),
        ))
        .returning(segments::id)
        .get_result(unit.connection);
    let id = unless_taken(inserted, || FlagError::SegmentExists(record.name.clone()))?;
    record.id = SegmentId(id);
    append(unit, seq, &NewChange::segment(None, Some(&record))?)?;
    Ok(Written {
        record,
        revision: seq,
    })
}

pub(crate) fn change(
    unit: &mut UnitOfWork<'_>,
    name: &SegmentName,
    change: &ChangeSegment,
    precondition: &Precondition,
) -> Work<Written<Segment>> {
    let before = get(unit.connection, name)?;
    check(precondition, before.version)?;
    let mut after = change.apply(&before);
    let stored = prerequisites::with_ids(unit.connection, &mut after.rules)?;
    if after == before {
        return Ok(unchanged(after.version, after));
    }
    let seq = unit.next_seq()?;
    after.version = seq;
    let updated = diesel::update(segments::table.find(after.id.0))
        .set((
            segments::name.eq(after.name.as_str()),
            segments::name_folded.eq(fold(after.name.as_str())),
            segments::description.eq(after.description.as_str()),
            segments::rules.eq(rules_to_column(&stored)?),
            segments::version.eq(seq.0),
        ))
        .execute(unit.connection);
    unless_taken(updated, || FlagError::SegmentExists(after.name.clone()))?;
    append(unit, seq, &NewChange::segment(Some(&before), Some(&after))?)?;
    Ok(Written {
        record: after,
        revision: seq,
    })
}

pub(crate) fn delete(
    unit: &mut UnitOfWork<'_>,
    name: &SegmentName,
    precondition: &Precondition,
) -> Work<Seq> {
    let before = get(unit.connection, name)?;
    check(precondition, before.version)?;
    let users = overrides::users(unit.connection, before.id)?;
    if !users.is_empty() {
        return refuse(FlagError::InUse {
            what: format!("the segment {:?}", before.name.as_str()),
            users,
        });
    }
    let seq = unit.next_seq()?;
    append(unit, seq, &NewChange::segment(Some(&before), None)?)?;
    diesel::delete(segments::table.find(before.id.0)).execute(unit.connection)?;
    Ok(seq)
}
