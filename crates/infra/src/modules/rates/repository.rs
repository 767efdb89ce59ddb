//! Rates in the database, a row a day.

use diesel::prelude::*;
use flagstaff_domain::changes::NewChange;
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

fn find_nearest(connection: &mut DbConnection, date: RateDate) -> Work<Option<StoredRates>> {
    if let Some(earlier) = latest(connection, date, 1)?.pop() {
        return Ok(Some(earlier));
    }
    let row = rate_days::table
        .filter(rate_days::date.gt(date.to_string()))
        .order(rate_days::date)
        .select(DayRow::as_select())
        .first(connection)
        .optional()?;
    Ok(row.map(StoredRates::try_from).transpose()?)
}

fn store(unit: &mut UnitOfWork<'_>, day: DayRates) -> Work<Stored> {
    let known = find(unit.connection, day.date)?;
    if let Some(known) = &known {
        let made = |day: &DayRates| day.made_at.unwrap_or(i64::MAX);
        if made(&day) < made(&known.day) {
            return Ok(Stored::Newer);
        }
        if (&day.base, &day.rates) == (&known.day.base, &known.day.rates) {
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

    fn find_nearest(&self, date: RateDate) -> Result<Option<StoredRates>, StorageError> {
        self.db.read(|connection| find_nearest(connection, date))
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
