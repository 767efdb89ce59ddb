//! `RateRepository` and `IngestTurns`: a day is one record and one change, and one instance at a time ingests.

use std::collections::BTreeMap;
use std::thread;

use flagstaff_domain::modules::rates::{
    Currency, DayRates, IngestStatus, IngestTurns, Rate, RateDate, RateRepository, Stored,
    StoredRates,
};
use flagstaff_domain::storage::StorageError;
use flagstaff_infra::modules::rates::{DieselIngestTurns, DieselRateRepository};

use crate::samples::*;
use crate::store::Store;

contracts!(
    a_day_is_read_back_digit_by_digit_and_logged_once,
    newer_data_replaces_the_whole_day,
    the_same_rates_again_leave_no_trace,
    what_the_source_made_later_stays,
    the_nearest_day_is_the_last_before_or_else_the_first_after,
    the_latest_days_come_newest_first,
    an_outage_is_never_an_absent_day,
    of_many_instances_one_gets_the_turn,
    a_turn_ends_by_itself_and_what_was_carried_out_is_not_due_again,
    a_success_and_the_newest_day_are_remembered,
);

fn rates(store: &Store) -> DieselRateRepository {
    DieselRateRepository::new(store.db.clone())
}

fn turns(store: &Store) -> DieselIngestTurns {
    DieselIngestTurns::new(store.db.clone())
}

fn date(text: &str) -> RateDate {
    RateDate::parse(text).unwrap()
}

fn day(on: &str, made_at: Option<i64>, rates: &[(&str, &str)]) -> DayRates {
    let rates = rates.iter().map(|(code, rate)| {
        let currency = Currency::parse(code).unwrap();
        (currency, Rate::parse(rate).unwrap())
    });
    DayRates {
        date: date(on),
        base: Currency::parse("EUR").unwrap(),
        rates: rates.collect::<BTreeMap<_, _>>(),
        made_at,
    }
}

const EXACT: [(&str, &str); 2] = [
    ("USD", "1.370000000000000000000000001"),
    ("BTC", "0.0000150"),
];

fn a_day_is_read_back_digit_by_digit_and_logged_once(store: &Store) {
    let day = day("2024-02-29", Some(1_709_251_199), &EXACT);
    let (stored, changes) = store.logged(|| rates(store).store(&day, &stamp()).unwrap());
    assert_eq!(stored, Stored::New);
    assert_eq!(changes.len(), 1);
    let expected = StoredRates {
        day: day.clone(),
        ingested_at: stamp().at,
        version: changes[0].seq,
    };
    assert_eq!(rates(store).find(day.date).unwrap(), Some(expected));
    assert_eq!(rates(store).find(date("2024-02-28")).unwrap(), None);
    let change = &changes[0];
    assert_eq!(
        (
            change.context.as_str(),
            change.kind.as_str(),
            change.subject.as_str()
        ),
        ("rates", "rates.stored", "2024-02-29")
    );
    assert_eq!((&change.before, &change.environment), (&None, &None));
    let after = change.after.as_ref().unwrap().as_str();
    assert!(
        after.contains(r#""USD":1.370000000000000000000000001"#),
        "{after}"
    );
}

fn newer_data_replaces_the_whole_day(store: &Store) {
    let first = day("2024-02-29", Some(1), &EXACT);
    let second = day("2024-02-29", Some(2), &[("USD", "1.38")]);
    rates(store).store(&first, &stamp()).unwrap();
    let (stored, changes) = store.logged(|| rates(store).store(&second, &later()).unwrap());
    assert_eq!((stored, changes.len()), (Stored::Replaced, 1));
    let found = rates(store).find(second.date).unwrap().unwrap();
    assert_eq!((found.day, found.ingested_at), (second, later().at));
    assert!(changes[0].before.as_ref().unwrap().as_str().contains("BTC"));
    assert!(!changes[0].after.as_ref().unwrap().as_str().contains("BTC"));
}

fn the_same_rates_again_leave_no_trace(store: &Store) {
    rates(store)
        .store(&day("2024-02-29", Some(1), &EXACT), &stamp())
        .unwrap();
    let again = day("2024-02-29", Some(2), &EXACT);
    let (stored, changes) = store.logged(|| rates(store).store(&again, &later()).unwrap());
    assert_eq!((stored, changes.len()), (Stored::Unchanged, 0));
}

fn what_the_source_made_later_stays(store: &Store) {
    let known = day("2024-02-29", Some(2), &EXACT);
    rates(store).store(&known, &stamp()).unwrap();
    let older = day("2024-02-29", Some(1), &[("USD", "1.38")]);
    let (stored, changes) = store.logged(|| rates(store).store(&older, &later()).unwrap());
    assert_eq!((stored, changes.len()), (Stored::Newer, 0));
    assert_eq!(rates(store).find(known.date).unwrap().unwrap().day, known);
    let silent = day("2024-02-29", None, &[("USD", "1.38")]);
    assert_eq!(
        rates(store).store(&silent, &later()).unwrap(),
        Stored::Replaced
    );
}

fn three_days(store: &Store) {
    for on in ["2023-12-31", "2024-02-28", "2024-03-01"] {
        rates(store)
            .store(&day(on, None, &EXACT), &stamp())
            .unwrap();
    }
}

fn the_nearest_day_is_the_last_before_or_else_the_first_after(store: &Store) {
    assert_eq!(rates(store).find_nearest(date("2024-01-01")).unwrap(), None);
    three_days(store);
    for (asked, nearest) in [
        ("2024-02-28", "2024-02-28"),
        ("2024-02-27", "2023-12-31"),
        ("2030-01-01", "2024-03-01"),
        ("1999-01-01", "2023-12-31"),
    ] {
        let found = rates(store).find_nearest(date(asked)).unwrap().unwrap();
        assert_eq!(found.day.date, date(nearest), "{asked}");
    }
}

fn the_latest_days_come_newest_first(store: &Store) {
    three_days(store);
    let latest = |on, limit| -> Vec<String> {
        let days = rates(store).latest(date(on), limit).unwrap();
        days.iter().map(|one| one.day.date.to_string()).collect()
    };
    assert_eq!(latest("2024-03-01", 2), ["2024-03-01", "2024-02-28"]);
    assert_eq!(latest("2024-02-29", 9), ["2024-02-28", "2023-12-31"]);
    assert!(latest("2023-12-30", 9).is_empty());
}

fn an_outage_is_never_an_absent_day(store: &Store) {
    let away = store.backstage.out_of_reach();
    let unavailable = |error: StorageError| matches!(error, StorageError::Unavailable(_));
    assert!(unavailable(
        rates(&away).find(date("2024-01-01")).unwrap_err()
    ));
    let day = day("2024-01-01", None, &EXACT);
    assert!(unavailable(rates(&away).store(&day, &stamp()).unwrap_err()));
}

fn of_many_instances_one_gets_the_turn(store: &Store) {
    let (due, now, until) = (
        instant("2024-03-01T06:30:00Z"),
        instant("2024-03-01T06:30:05Z"),
        instant("2024-03-01T06:40:05Z"),
    );
    let taken = thread::scope(|scope| {
        let instances: Vec<_> = (0..8)
            .map(|one| {
                scope.spawn(move || {
                    let holder = format!("instance {one}");
                    turns(store).take(&holder, due, now, until).unwrap()
                })
            })
            .collect();
        let taken = instances.into_iter().map(|one| one.join().unwrap());
        taken.filter(|taken| *taken).count()
    });
    assert_eq!(taken, 1);
    assert_eq!(turns(store).status().unwrap().held_until, Some(until));
}

fn a_turn_ends_by_itself_and_what_was_carried_out_is_not_due_again(store: &Store) {
    let turns = turns(store);
    let due = instant("2024-03-01T06:30:00Z");
    let at = |minute: &str| instant(&format!("2024-03-01T06:{minute}:00Z"));
    assert!(turns.take("one", due, at("30"), at("40")).unwrap());
    assert!(!turns.take("two", due, at("39"), at("49")).unwrap());
    assert!(turns.extend("one", at("41")).unwrap());
    assert!(!turns.extend("two", at("59")).unwrap());
    assert!(!turns.take("two", due, at("40"), at("50")).unwrap());
    assert!(turns.take("two", due, at("41"), at("51")).unwrap());
    assert!(!turns.extend("one", at("59")).unwrap(), "it lost its turn");
    turns.finish("one", due).unwrap();
    assert_eq!(
        turns.status().unwrap().carried_out,
        None,
        "it was not the holder"
    );
    turns.finish("two", due).unwrap();
    let status = turns.status().unwrap();
    assert_eq!((status.carried_out, status.held_until), (Some(due), None));
    assert!(!turns.take("three", due, at("59"), at("59")).unwrap());
    let tomorrow = instant("2024-03-02T06:30:00Z");
    assert!(turns.take("three", tomorrow, tomorrow, tomorrow).unwrap());
}

fn a_success_and_the_newest_day_are_remembered(store: &Store) {
    let turns = turns(store);
    assert_eq!(turns.status().unwrap(), IngestStatus::default());
    three_days(store);
    let head = store.head();
    turns.succeeded(stamp().at).unwrap();
    let status = turns.status().unwrap();
    assert_eq!(status.last_success, Some(stamp().at));
    assert_eq!(status.newest, Some(date("2024-03-01")));
    assert_eq!(store.head(), head, "a trace of use is no change");
}
