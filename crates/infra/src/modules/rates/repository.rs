//! Rates in the database, a row a day.

use std::collections::BTreeSet;

use diesel::prelude::*;
use flagstaff_domain::changes::NewChange;
use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::ids::Seq;
use flagstaff_domain::modules::rates::day::DayRecord;
use flagstaff_domain::modules::rates::{
    Currency, DayRates, RateDate, RateRepository, STORED, Stored, StoredRates,
};
use flagstaff_domain::storage::StorageError;
use flagstaff_domain::text::Invalid;
use flagstaff_domain::write::Stamp;

use crate::changes::unit::UnitOfWork;
use crate::db::columns::instant;
use crate::db::schema::rate_days;
use crate::db::{Db, DbConnection, WorkError};

/// Rates in the database.
#[derive(Debug, Clone)]
pub struct DieselRateRepository {
    db: Db,
}

impl DieselRateRepository {
    /// The rates of this database.
    #[must_use]
    pub fn new(db: Db) -> Self {
        Self { db }
    }
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = rate_days)]
struct DayRow {
    date: String,
    base: String,
    rates: String,
    made_at: Option<i64>,
    ingested_at: i64,
    version: i64,
}

impl TryFrom<DayRow> for StoredRates {
    type Error = Invalid;

    fn try_from(row: DayRow) -> Result<Self, Invalid> {
        let rates = serde_json::from_str(&row.rates)
            .map_err(|error| Invalid::new(format!("stored rates: {error}")))?;
        Ok(Self {
            day: DayRates {
                date: RateDate::parse(&row.date)?,
                base: Currency::parse(&row.base)?,
                rates,
                made_at: row.made_at,
            },
            ingested_at: instant(row.ingested_at)?,
            version: Seq(row.version),
        })
    }
}

type Work<T> = Result<T, WorkError<StorageError>>;

fn find(connection: &mut DbConnection, date: RateDate) -> Work<Option<StoredRates>> {
    let row = rate_days::table
        .find(date.to_string())
        .select(DayRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(StoredRates::try_from).transpose()?)
}

fn latest(connection: &mut DbConnection, date: RateDate, limit: i64) -> Work<Vec<StoredRates>> {
    let rows = rate_days::table
        .filter(rate_days::date.le(date.to_string()))
        .order(rate_days::date.desc())
        .limit(limit)
        .select(DayRow::as_select())
        .load(connection)?;
    let days = rows.into_iter().map(StoredRates::try_from);
    Ok(days.collect::<Result<_, Invalid>>()?)
}

fn beside(connection: &mut DbConnection, date: RateDate) -> Work<Vec<StoredRates>> {
    let mut days = latest(connection, date, 1)?;
    let after = rate_days::table
        .filter(rate_days::date.gt(date.to_string()))
        .order(rate_days::date)
        .select(DayRow::as_select())
        .first(connection)
        .optional()?;
    days.extend(after.map(StoredRates::try_from).transpose()?);
    Ok(days)
}

/// When the source made it, in seconds, where that can be: not before it is stored.
fn made_at(day: &DayRates, stored_at: Timestamp) -> Option<i64> {
    let seconds = stored_at.as_micros().div_euclid(1_000_000);
    day.made_at.filter(|made| *made <= seconds)
}

/// Notes that the source told of a day which stays as it is: a trace of use, for a run that was cut off.
fn note_told(unit: &mut UnitOfWork<'_>, day: &DayRates, made_at: Option<i64>) -> QueryResult<()> {
    let told_at = unit.stamp.at.as_micros();
    diesel::update(rate_days::table.find(day.date.to_string()))
        .set((
            rate_days::made_at.eq(made_at),
            rate_days::told_at.eq(told_at),
        ))
        .execute(unit.connection)?;
    Ok(())
}

fn store(unit: &mut UnitOfWork<'_>, mut day: DayRates) -> Work<Stored> {
    day.made_at = made_at(&day, unit.stamp.at);
    let known = find(unit.connection, day.date)?;
    if let Some(known) = &known {
        let known_at = made_at(&known.day, known.ingested_at);
        if day.made_at.is_some() && day.made_at < known_at {
            note_told(unit, &day, known_at)?;
            return Ok(Stored::Newer);
        }
        if (&day.base, &day.rates) == (&known.day.base, &known.day.rates) {
            note_told(unit, &day, day.made_at)?;
            return Ok(Stored::Unchanged);
        }
    }
    let seq = unit.next_seq()?;
    let rates = serde_json::to_string(&day.rates)
        .map_err(|error| Invalid::new(format!("rates to be stored: {error}")))?;
    let columns = (
        rate_days::base.eq(day.base.to_string()),
        rate_days::rates.eq(rates),
        rate_days::made_at.eq(day.made_at),
        rate_days::ingested_at.eq(unit.stamp.at.as_micros()),
        rate_days::told_at.eq(unit.stamp.at.as_micros()),
        rate_days::version.eq(seq.0),
    );
    let date = day.date.to_string();
    if known.is_some() {
        diesel::update(rate_days::table.find(&date))
            .set(columns)
            .execute(unit.connection)?;
    } else {
        diesel::insert_into(rate_days::table)
            .values((rate_days::date.eq(&date), columns))
            .execute(unit.connection)?;
    }
    let stored = StoredRates {
        day,
        ingested_at: unit.stamp.at,
        version: seq,
    };
    let change = NewChange::of_module(
        STORED,
        date,
        known.as_ref().map(DayRecord::from),
        Some(DayRecord::from(&stored)),
    )?;
    unit.append(seq, &change)?;
    Ok(if known.is_some() {
        Stored::Replaced
    } else {
        Stored::New
    })
}

impl RateRepository for DieselRateRepository {
    fn find(&self, date: RateDate) -> Result<Option<StoredRates>, StorageError> {
        self.db.read(|connection| find(connection, date))
    }

    fn beside(&self, date: RateDate) -> Result<Vec<StoredRates>, StorageError> {
        self.db.read(|connection| beside(connection, date))
    }

    fn told_since(
        &self,
        first: RateDate,
        last: RateDate,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<BTreeSet<RateDate>, StorageError> {
        self.db.read(|connection| {
            let told: Vec<String> = rate_days::table
                .filter(rate_days::date.between(first.to_string(), last.to_string()))
                .filter(rate_days::told_at.between(since.as_micros(), now.as_micros()))
                .select(rate_days::date)
                .load(connection)?;
            let dates = told.iter().map(|date| RateDate::parse(date));
            Ok::<_, WorkError<StorageError>>(dates.collect::<Result<_, Invalid>>()?)
        })
    }

    fn latest(&self, date: RateDate, limit: usize) -> Result<Vec<StoredRates>, StorageError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        self.db.read(|connection| latest(connection, date, limit))
    }

    fn store(&self, day: &DayRates, stamp: &Stamp) -> Result<Stored, StorageError> {
        let (day, stamp) = (day.clone(), stamp.clone());
        self.db
            .write(move |connection| store(&mut UnitOfWork::new(connection, &stamp), day))
    }
}
