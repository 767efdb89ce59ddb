//! `CouponRepository`: coupons are written whole and logged once, listed by the moment, and redeemed without loss.

use std::thread;

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::FlagError;
use flagstaff_domain::ids::{FeatureId, Seq};
use flagstaff_domain::modules::coupons::{
    Audience, ChangeCoupon, Coupon, CouponError, CouponId, CouponPlace, CouponQuery,
    CouponRepository, CouponState, Without,
};
use flagstaff_domain::page::Page;
use flagstaff_domain::write::Precondition;
use flagstaff_infra::modules::coupons::DieselCouponRepository;
use serde_json::{Value, json};

use crate::samples::*;
use crate::store::Store;

contracts!(
    a_coupon_is_read_back_as_it_was_created_and_logged_once,
    a_change_keeps_what_it_leaves_out_and_one_that_changes_nothing_leaves_no_trace,
    a_deletion_is_logged_and_takes_the_counts_with_it,
    a_coupon_follows_its_feature_through_a_renaming_and_keeps_it_from_being_deleted,
    a_coupon_whose_feature_is_gone_stays_hidden,
    what_cannot_be_empty_is_taken_away,
    a_write_is_refused_when_the_coupon_has_moved_on,
    a_feature_that_is_not_there_is_refused,
    a_list_by_state_is_decided_by_the_moment_and_ordered_by_expiry,
    a_list_is_read_page_by_page_without_a_gap,
    an_audience_sees_what_is_for_it,
    redemptions_are_counted_per_day_without_loss,
    an_outage_is_never_an_absent_coupon,
);

fn coupons(store: &Store) -> DieselCouponRepository {
    DieselCouponRepository::new(store.db.clone())
}

fn fields(more: Value) -> ChangeCoupon {
    let mut all = json!({
        "couponcode": "60 31261", "title": "20% Off", "published_at": "2026-01-01T00:00:00Z",
        "expire_at": "2026-12-31T00:00:00Z",
    });
    let Value::Object(more) = more else {
        panic!("{more}");
    };
    for (name, value) in more {
        all[name] = value;
    }
    serde_json::from_value(all).unwrap()
}

fn create(store: &Store, more: Value) -> Coupon {
    let written = coupons(store).create(&fields(more), &stamp());
    written.unwrap().record
}

fn expiring(store: &Store, at: &str) -> CouponId {
    create(store, json!({ "expire_at": at })).id
}

fn listed(store: &Store, state: Option<CouponState>, audience: Audience, now: &str) -> Vec<i64> {
    let query = CouponQuery {
        state,
        audience,
        now: instant(now),
        page: Page::first(),
    };
    let listing = coupons(store).list(&query).unwrap();
    assert!(!listing.more);
    listing.items.iter().map(|one| one.id.0).collect()
}

fn a_coupon_is_read_back_as_it_was_created_and_logged_once(store: &Store) {
    store.feature("Offers");
    let all = json!({
        "category": "Food", "description": "Line\nbreak", "merchant": "Größe & Söhne", "amount": "12.50",
        "currency": "USD", "feature": "offers",
        "store": {"lat": 47.66001, "long": -122, "city": "Seattle", "zip": "98105"},
    });
    let (created, changes) = store.logged(|| create(store, all));
    assert_eq!(changes.len(), 1);
    assert_eq!(created.version, changes[0].seq);
    let found = coupons(store).get(created.id).unwrap();
    assert_eq!(found.details, created.details);
    let named = found.feature.unwrap().name.unwrap();
    assert_eq!(named.as_str(), "Offers");
    let change = &changes[0];
    assert_eq!(
        (
            change.context.as_str(),
            change.kind.as_str(),
            change.subject.as_str()
        ),
        ("coupons", "coupon.created", "60 31261")
    );
    let missing = coupons(store).get(CouponId(99)).unwrap_err();
    assert!(matches!(missing, CouponError::NotFound(CouponId(99))));
}

fn a_change_keeps_what_it_leaves_out_and_one_that_changes_nothing_leaves_no_trace(store: &Store) {
    let created = create(store, json!({ "merchant": "Super" }));
    let change = |json: Value| {
        let change = serde_json::from_value(json).unwrap();
        coupons(store).change(created.id, &change, &Precondition::Any, &later())
    };
    let (written, changes) = store.logged(|| change(json!({"title": "30% Off"})).unwrap());
    assert_eq!(changes.len(), 1);
    assert_eq!(changes[0].kind, "coupon.changed");
    assert_eq!(written.record.details.title.as_str(), "30% Off");
    assert_eq!(written.record.details.merchant, created.details.merchant);
    assert_eq!(coupons(store).get(created.id).unwrap(), written.record);
    let (again, changes) = store.logged(|| change(json!({"title": "30% Off"})).unwrap());
    assert_eq!((again.revision, changes.len()), (written.revision, 0));
    let wrong = change(json!({"expire_at": "2025-01-01T00:00:00Z"})).unwrap_err();
    assert!(matches!(
        wrong,
        CouponError::Invalid {
            field: "expire_at",
            ..
        }
    ));
}

fn a_deletion_is_logged_and_takes_the_counts_with_it(store: &Store) {
    let id = create(store, json!({})).id;
    coupons(store).redeem(id, "2026-02-01").unwrap();
    let (seq, changes) = store.logged(|| {
        coupons(store)
            .delete(id, &Precondition::Any, &stamp())
            .unwrap()
    });
    assert_eq!((changes.len(), changes[0].seq), (1, seq));
    assert_eq!(changes[0].kind, "coupon.deleted");
    assert!(coupons(store).redemptions(id).is_err());
    let next = create(store, json!({})).id;
    assert!(next > id, "an id is never given again");
    assert!(
        coupons(store)
            .delete(id, &Precondition::Any, &stamp())
            .is_err()
    );
}

fn a_coupon_follows_its_feature_through_a_renaming_and_keeps_it_from_being_deleted(store: &Store) {
    let feature = store.feature("offers");
    let id = create(store, json!({"feature": "offers"})).id;
    let change = flagstaff_domain::flags::ChangeFeature {
        name: Some(feature_name("deals")),
        ..Default::default()
    };
    let any = Precondition::Any;
    store
        .flags
        .change_feature(&feature.name, &change, &any, &stamp())
        .unwrap();
    let named = coupons(store).get(id).unwrap().feature.unwrap().name;
    assert_eq!(named.unwrap().as_str(), "deals");
    let delete = || {
        let deals = feature_name("deals");
        store.flags.delete_feature(&deals, &any, &stamp())
    };
    let (refused, changes) = store.logged(|| delete().unwrap_err());
    assert!(matches!(refused, FlagError::InUse { .. }), "{refused}");
    let said = refused.to_string();
    assert!(
        said.contains(&format!("coupon {id} (\"60 31261\")")),
        "{said}"
    );
    assert!(changes.is_empty());
    coupons(store).delete(id, &any, &stamp()).unwrap();
    delete().unwrap();
}

fn a_coupon_whose_feature_is_gone_stays_hidden(store: &Store) {
    let gone = create(store, json!({"feature_deleted": true}));
    let feature = coupons(store).get(gone.id).unwrap().feature.unwrap();
    assert_eq!(feature.name, None);
    store.feature("offers");
    let now = "2026-06-01T00:00:00Z";
    let all: Vec<_> = (0..100).map(|id| FeatureId(id + 1)).collect();
    for audience in [Audience::Everybody, Audience::Environment(all)] {
        assert!(listed(store, None, audience, now).is_empty());
    }
    assert_eq!(listed(store, None, Audience::Managers, now), [gone.id.0]);
}

fn what_cannot_be_empty_is_taken_away(store: &Store) {
    store.feature("offers");
    let whole = json!({"feature": "offers", "amount": "1", "currency": "EUR"});
    let id = create(store, whole).id;
    let without = Without {
        price: true,
        feature: true,
    };
    let change = ChangeCoupon {
        without,
        ..ChangeCoupon::default()
    };
    let changed = coupons(store).change(id, &change, &Precondition::Any, &stamp());
    let changed = changed.unwrap().record;
    assert_eq!((&changed.details.price, &changed.feature), (&None, &None));
    assert_eq!(coupons(store).get(id).unwrap(), changed);
}

fn a_write_is_refused_when_the_coupon_has_moved_on(store: &Store) {
    let first = create(store, json!({}));
    let change: ChangeCoupon = serde_json::from_value(json!({"title": "Other"})).unwrap();
    let known = Precondition::OneOf(vec![first.version]);
    let repository = coupons(store);
    let second = repository.change(first.id, &change, &known, &stamp());
    let second = second.unwrap().record;
    let head = store.head();
    for error in [
        repository
            .change(first.id, &change, &known, &stamp())
            .unwrap_err(),
        repository.delete(first.id, &known, &stamp()).unwrap_err(),
    ] {
        assert!(matches!(error, CouponError::VersionMismatch(_)), "{error}");
    }
    assert_eq!(store.head(), head);
    let either = Precondition::OneOf(vec![Seq(1), second.version]);
    repository.delete(first.id, &either, &stamp()).unwrap();
}

fn a_feature_that_is_not_there_is_refused(store: &Store) {
    let head = store.head();
    let refused = coupons(store).create(&fields(json!({"feature": "nothing"})), &stamp());
    assert!(matches!(refused, Err(CouponError::UnknownFeature(_))));
    let id = create(store, json!({})).id;
    let change = serde_json::from_value(json!({"feature": "nothing"})).unwrap();
    let refused = coupons(store).change(id, &change, &Precondition::Any, &stamp());
    assert!(matches!(refused, Err(CouponError::UnknownFeature(_))));
    assert_eq!(store.head().0, head.0 + 1);
}

fn a_list_by_state_is_decided_by_the_moment_and_ordered_by_expiry(store: &Store) {
    let late = expiring(store, "2026-09-01T00:00:00Z").0;
    let early = expiring(store, "2026-03-01T00:00:00Z").0;
    let middle = expiring(store, "2026-06-01T00:00:00Z").0;
    let list = |state, now| listed(store, state, Audience::Everybody, now);
    let (valid, invalid) = (Some(CouponState::Valid), Some(CouponState::Invalid));
    let before = "2026-05-31T23:59:59.999999Z";
    assert_eq!(list(None, before), [late, early, middle]);
    assert_eq!(list(valid, before), [middle, late]);
    assert_eq!(list(invalid, before), [early]);
    let at = "2026-06-01T00:00:00Z";
    assert_eq!(list(valid, at), [late]);
    assert_eq!(list(invalid, at), [early, middle]);
}

fn a_list_is_read_page_by_page_without_a_gap(store: &Store) {
    let mut by_expiry: Vec<(Timestamp, i64)> = Vec::new();
    for (turn, at) in [3, 1, 2, 1, 3, 1].into_iter().enumerate() {
        let at = format!("2026-0{at}-02T00:00:0{}Z", turn % 2);
        by_expiry.push((instant(&at), expiring(store, &at).0));
    }
    by_expiry.sort();
    for state in [None, Some(CouponState::Invalid)] {
        let mut seen = Vec::new();
        let mut after = None;
        loop {
            let query = CouponQuery {
                state,
                audience: Audience::Managers,
                now: instant("2027-01-01T00:00:00Z"),
                page: Page { limit: 2, after },
            };
            let listing = coupons(store).list(&query).unwrap();
            seen.extend(
                listing
                    .items
                    .iter()
                    .map(|one| (one.details.expire_at, one.id.0)),
            );
            let Some(last) = listing.items.last().filter(|_| listing.more) else {
                break;
            };
            after = Some(CouponPlace {
                expire_at: state.map(|_| last.details.expire_at),
                id: last.id,
            });
        }
        if state.is_none() {
            seen.sort();
        }
        assert_eq!(seen, by_expiry);
    }
}

fn an_audience_sees_what_is_for_it(store: &Store) {
    let feature = store.feature("offers");
    let plain = create(store, json!({})).id.0;
    let hidden = create(store, json!({"feature": "offers"})).id.0;
    let future = create(store, json!({"published_at": "2026-10-01T00:00:00Z"}))
        .id
        .0;
    let list = |audience| listed(store, None, audience, "2026-06-01T00:00:00Z");
    assert_eq!(list(Audience::Managers), [plain, hidden, future]);
    assert_eq!(list(Audience::Everybody), [plain, future]);
    assert_eq!(list(Audience::Environment(Vec::new())), [plain]);
    assert_eq!(
        list(Audience::Environment(vec![feature.id, FeatureId(99)])),
        [plain, hidden]
    );
}

fn redemptions_are_counted_per_day_without_loss(store: &Store) {
    let id = create(store, json!({})).id;
    let head = store.head();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    coupons(store).redeem(id, "2026-02-01").unwrap();
                }
            });
        }
    });
    assert_eq!(coupons(store).redeem(id, "2026-01-31").unwrap(), 1);
    let counted = coupons(store).redemptions(id).unwrap();
    let counted: Vec<_> = counted
        .iter()
        .map(|day| (day.date.as_str(), day.count))
        .collect();
    assert_eq!(counted, [("2026-01-31", 1), ("2026-02-01", 40)]);
    assert_eq!(store.head(), head, "a trace of use is no change");
    let missing = coupons(store).redeem(CouponId(99), "2026-02-01");
    assert!(matches!(missing, Err(CouponError::NotFound(_))));
}

fn an_outage_is_never_an_absent_coupon(store: &Store) {
    let away = store.backstage.out_of_reach();
    for error in [
        coupons(&away).get(CouponId(1)).unwrap_err(),
        coupons(&away)
            .delete(CouponId(1), &Precondition::Any, &stamp())
            .unwrap_err(),
    ] {
        assert!(matches!(error, CouponError::Storage(_)), "{error}");
    }
}
