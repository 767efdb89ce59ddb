//! `UsageLog`: counts at once, adds to what is stored later, and tells of both.

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::{FeatureUse, HourOfUse, UsageLog, UsageQuery};
use flagstaff_domain::ids::{EnvironmentId, FeatureId};
use flagstaff_domain::write::Precondition;
use flagstaff_infra::flags::DieselUsageLog;

use crate::samples::*;
use crate::store::Store;

contracts!(
    uses_of_two_instances_are_added_by_the_hour,
    where_a_feature_was_used_is_told_the_latest_first,
    what_is_gone_is_not_counted,
    old_hours_are_purged,
    what_could_not_be_stored_is_stored_the_next_time,
);

const HOUR: u32 = 3_600;

/// Ten minutes and that many seconds after ten.
fn at(seconds: u32) -> Timestamp {
    instant("2026-11-20T10:10:00Z").plus_seconds(seconds)
}

/// The environments production and staging with the features a and b.
fn catalogue(store: &Store) -> ([EnvironmentId; 2], [FeatureId; 2]) {
    let environments = ["production", "staging"].map(|name| {
        let created = store
            .flags
            .create_environment(&new_environment(name), &seeds(), &stamp());
        created.unwrap().record.id
    });
    let features = ["a", "b"].map(|name| {
        let created = store
            .flags
            .create_feature(&new_feature(name), &seeds(), &stamp());
        created.unwrap().record.id
    });
    (environments, features)
}

fn list(
    log: &DieselUsageLog,
    environment: EnvironmentId,
    feature: Option<FeatureId>,
) -> Vec<HourOfUse> {
    let query = UsageQuery {
        environment,
        feature,
        from: instant("2026-11-20T10:00:00Z"),
        to: instant("2026-11-20T12:00:00Z"),
    };
    log.list(&query).unwrap()
}

fn used(feature: &str, hour: &str, count: u64) -> HourOfUse {
    HourOfUse {
        feature: feature_name(feature),
        hour: instant(hour),
        count,
    }
}

fn uses_of_two_instances_are_added_by_the_hour(store: &Store) {
    let ([production, staging], [a, b]) = catalogue(store);
    let (one, other) = (
        DieselUsageLog::new(store.db.clone()),
        DieselUsageLog::new(store.db.clone()),
    );
    one.count(production, b, 1, at(0));
    one.count(production, a, 2, at(0));
    one.count(production, a, 3, at(HOUR));
    one.count(staging, a, 100, at(0));
    one.count(production, a, 100, at(2 * HOUR));
    other.count(production, a, 10, at(1));
    let (ten, eleven) = ("2026-11-20T10:00:00Z", "2026-11-20T11:00:00Z");
    let own = vec![used("a", ten, 2), used("a", eleven, 3), used("b", ten, 1)];
    assert_eq!(list(&one, production, None), own);
    assert_eq!((one.write(3).unwrap(), one.write(3).unwrap()), (3, 2));
    assert_eq!(one.write(3).unwrap(), 0);
    assert_eq!(list(&one, production, None), own);
    // Stored and waiting together.
    let both = [used("a", ten, 12), used("a", eleven, 3)];
    assert_eq!(list(&other, production, Some(a)), both);
    assert_eq!(other.write(10).unwrap(), 1);
    one.count(production, a, 1, at(2));
    let more = [used("a", ten, 13), used("a", eleven, 3)];
    assert_eq!(list(&one, production, Some(a)), more);
}

fn where_a_feature_was_used_is_told_the_latest_first(store: &Store) {
    let ([production, staging], [a, b]) = catalogue(store);
    let log = DieselUsageLog::new(store.db.clone());
    log.count(production, a, 1, at(0));
    log.count(production, a, 2, at(HOUR));
    log.write(10).unwrap();
    log.count(staging, a, 4, at(HOUR + 1));
    let use_in = |environment: &str, count, last_used_at| FeatureUse {
        feature: feature_name("a"),
        environment: environment_name(environment),
        count,
        last_used_at,
    };
    let uses = log.uses(a, at(0)).unwrap();
    let expected = [
        use_in("staging", 4, at(HOUR + 1)),
        use_in("production", 3, at(HOUR)),
    ];
    assert_eq!(uses, expected);
    let uses = log.uses(a, at(HOUR + 1)).unwrap();
    assert_eq!(uses, expected[..1]);
    assert_eq!(log.uses(a, at(HOUR + 2)).unwrap(), []);
    assert_eq!(log.uses(b, at(0)).unwrap(), []);
}

fn what_is_gone_is_not_counted(store: &Store) {
    let ([production, staging], [a, b]) = catalogue(store);
    let log = DieselUsageLog::new(store.db.clone());
    for environment in [production, staging] {
        for feature in [a, b] {
            log.count(environment, feature, 1, at(0));
        }
    }
    let any = Precondition::Any;
    store
        .flags
        .delete_feature(&feature_name("b"), &any, &stamp())
        .unwrap();
    store
        .flags
        .delete_environment(&environment_name("staging"), &any, &stamp())
        .unwrap();
    assert_eq!(log.uses(b, at(0)).unwrap(), []);
    assert_eq!(log.uses(a, at(0)).unwrap().len(), 1);
    assert_eq!(log.write(10).unwrap(), 4);
    assert_eq!(log.write(10).unwrap(), 0);
    assert_eq!(
        list(&log, production, None),
        [used("a", "2026-11-20T10:00:00Z", 1)]
    );
    store
        .flags
        .delete_feature(&feature_name("a"), &any, &stamp())
        .unwrap();
    assert_eq!(list(&log, production, None), []);
}

fn old_hours_are_purged(store: &Store) {
    let ([production, _], [a, b]) = catalogue(store);
    let log = DieselUsageLog::new(store.db.clone());
    for (feature, seconds) in [(a, 0), (b, 0), (a, HOUR), (a, 2 * HOUR)] {
        log.count(production, feature, 1, at(seconds));
    }
    log.write(10).unwrap();
    let before = instant("2026-11-20T12:00:00Z");
    let purged: Vec<usize> = (0..3).map(|_| log.purge(before, 2).unwrap()).collect();
    assert_eq!(purged, [2, 1, 0]);
    assert_eq!(list(&log, production, None), []);
    assert_eq!(log.uses(a, at(0)).unwrap().len(), 1);
}

fn what_could_not_be_stored_is_stored_the_next_time(store: &Store) {
    let ([production, _], [a, _]) = catalogue(store);
    let away = DieselUsageLog::new(store.backstage.out_of_reach().db);
    away.count(production, a, 1, at(0));
    assert!(away.write(10).is_err());
    assert!(away.write(10).is_err());
}
