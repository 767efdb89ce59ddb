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
    a_time_of_making_that_cannot_be_is_none_and_what_is_stored_later_is_newer,
    the_days_beside_one_are_the_last_up_to_it_and_the_first_after,
    what_the_source_told_of_since_is_known_also_where_it_replaced_nothing,
    the_latest_days_come_newest_first,
    an_outage_is_never_an_absent_day,
    of_many_instances_one_gets_the_turn,
    a_turn_ends_by_itself_and_what_was_carried_out_is_not_due_again,
    a_turn_that_is_given_up_is_free_at_once_and_not_carried_out,
    a_clock_that_was_set_back_stops_no_turn,
    trying_out_writes_and_changes_nothing,
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
    // What it confirmed is as new as that.
    let between = day("2024-02-29", Some(1), &[("USD", "1.38")]);
    assert_eq!(
        rates(store).store(&between, &later()).unwrap(),
        Stored::Newer
    );
}

fn a_time_of_making_that_cannot_be_is_none_and_what_is_stored_later_is_newer(store: &Store) {
    let future = later().at.as_micros() / 1_000_000 + 86_400;
    let firsts = [None, Some(future), Some(i64::MAX)];
    let seconds = [None, Some(future), Some(1)];
    let pairs = firsts.map(|first| seconds.map(|second| (first, second)));
    for ((first, second), on) in pairs.into_iter().flatten().zip(1..) {
        let on = format!("2020-01-0{on}");
        rates(store)
            .store(&day(&on, first, &EXACT), &stamp())
            .unwrap();
        let newer = day(&on, second, &[("USD", "1.38")]);
        let stored = rates(store).store(&newer, &later()).unwrap();
        assert_eq!(stored, Stored::Replaced, "{first:?} {second:?}");
    }
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

fn the_days_beside_one_are_the_last_up_to_it_and_the_first_after(store: &Store) {
    assert_eq!(rates(store).beside(date("2024-01-01")).unwrap(), []);
    three_days(store);
    let days: [(&str, &[&str]); 4] = [
        ("2024-02-28", &["2024-02-28", "2024-03-01"]),
        ("2024-02-27", &["2023-12-31", "2024-02-28"]),
        ("2030-01-01", &["2024-03-01"]),
        ("1999-01-01", &["2023-12-31"]),
    ];
    for (asked, beside) in days {
        let found = rates(store).beside(date(asked)).unwrap();
        let found: Vec<_> = found.iter().map(|one| one.day.date.to_string()).collect();
        assert_eq!(found, beside, "{asked}");
    }
}

fn what_the_source_told_of_since_is_known_also_where_it_replaced_nothing(store: &Store) {
    let told = |first, last, since, now| -> Vec<String> {
        let told = rates(store).told_since(date(first), date(last), since, now);
        told.unwrap().iter().map(ToString::to_string).collect()
    };
    three_days(store);
    let (first, last) = ("2023-12-31", "2024-03-01");
    let (early, late) = (stamp().at, later().at);
    assert_eq!(told(first, last, early, late).len(), 3);
    assert_eq!(
        told("2024-01-01", "2024-02-28", early, late),
        ["2024-02-28"]
    );
    assert!(told(first, last, late, late).is_empty());
    let again = day("2024-02-28", None, &EXACT);
    assert_eq!(
        rates(store).store(&again, &later()).unwrap(),
        Stored::Unchanged
    );
    assert_eq!(told(first, last, late, late), ["2024-02-28"]);
    assert!(
        !told(first, last, early, early).contains(&"2024-02-28".to_owned()),
        "what is in the future was told before the clock was set back"
    );
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

fn a_turn_that_is_given_up_is_free_at_once_and_not_carried_out(store: &Store) {
    let turns = turns(store);
    let due = instant("2024-03-01T06:30:00Z");
    let until = instant("2024-03-01T06:40:00Z");
    assert!(turns.take("one", due, due, until).unwrap());
    turns.give_up("two").unwrap();
    assert!(!turns.take("two", due, due, until).unwrap());
    turns.give_up("one").unwrap();
    let status = turns.status().unwrap();
    assert_eq!((status.carried_out, status.held_until), (None, None));
    assert!(!turns.extend("one", until).unwrap());
    assert!(turns.take("two", due, due, until).unwrap());
}

fn a_clock_that_was_set_back_stops_no_turn(store: &Store) {
    let turns = turns(store);
    let at = |year: &str, minute: &str| instant(&format!("{year}-03-01T06:{minute}:00Z"));
    let later = |minute| at("2025", minute);
    assert!(
        turns
            .take("one", later("30"), later("30"), later("40"))
            .unwrap()
    );
    let now = |minute| at("2024", minute);
    assert!(turns.take("two", now("30"), now("30"), now("40")).unwrap());
    turns.finish("two", later("30")).unwrap();
    assert!(
        turns
            .take("three", now("30"), now("31"), now("41"))
            .unwrap()
    );
    // Clocks that differ a little are no such thing.
    turns.finish("three", now("32")).unwrap();
    assert!(!turns.take("four", now("30"), now("31"), now("41")).unwrap());
}

fn trying_out_writes_and_changes_nothing(store: &Store) {
    let turns = turns(store);
    let due = instant("2024-03-01T06:30:00Z");
    turns.try_out().unwrap();
    assert_eq!(turns.status().unwrap(), IngestStatus::default());
    assert!(
        turns
            .take("one", due, due, instant("2024-03-01T06:40:00Z"))
            .unwrap()
    );
    let before = turns.status().unwrap();
    turns.try_out().unwrap();
    assert_eq!(turns.status().unwrap(), before);
    assert!(
        turns.extend("one", due).unwrap(),
        "it is still the holder's"
    );
    let away = store.backstage.out_of_reach();
    let error = DieselIngestTurns::new(away.db.clone())
        .try_out()
        .unwrap_err();
    assert!(matches!(error, StorageError::Unavailable(_)), "{error}");
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
