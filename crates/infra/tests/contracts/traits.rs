//! `TraitStore`: remembers at once, stores later, and takes over what others stored.

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::evaluation::TraitValue;
use flagstaff_domain::flags::{FlagError, TraitStore, Traits};
use flagstaff_domain::ids::{EnvironmentId, Seq};
use flagstaff_domain::write::Precondition;
use flagstaff_infra::flags::MokaTraitStore;

use crate::samples::*;
use crate::store::Store;

contracts!(
    what_is_remembered_is_known_at_once_and_after_a_start,
    changes_of_two_instances_come_together,
    what_is_forgotten_is_forgotten_everywhere,
    identities_of_environments_that_are_gone_are_not_stored,
    a_deletion_that_is_refused_forgets_nobody,
    identities_that_were_not_seen_are_purged_and_then_those_beyond_the_room,
    what_could_not_be_stored_is_stored_the_next_time,
    the_longest_identifier_is_stored,
    the_log_tells_nothing_of_identities,
);

/// An instance's memory.
fn instance(store: &Store) -> MokaTraitStore {
    MokaTraitStore::new(store.db.clone(), 10)
}

fn at(seconds: u32) -> Timestamp {
    stamp().at.plus_seconds(seconds)
}

fn traits(pairs: &[(&str, TraitValue)]) -> Traits {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect()
}

fn text(text: &str) -> TraitValue {
    TraitValue::Text(text.to_owned())
}

fn environment(store: &Store) -> EnvironmentId {
    let created =
        store
            .flags
            .create_environment(&new_environment("production"), &seeds(), &stamp());
    created.unwrap().record.id
}

fn what_is_remembered_is_known_at_once_and_after_a_start(store: &Store) {
    let production = environment(store);
    let first = instance(store);
    let told = traits(&[
        ("plan", text("pro \u{0} \"quoted\" ü")),
        ("age", TraitValue::Integer(i64::MIN)),
        ("score", TraitValue::Float(1.0)),
        ("beta", TraitValue::Bool(true)),
    ]);
    assert_eq!(*first.remember(production, "user-1", &told, at(0)), told);
    assert_eq!(*first.find(production, "user-1"), told);
    assert_eq!(first.write(10, at(1)).unwrap(), 1);
    assert_eq!(first.write(10, at(1)).unwrap(), 0);

    let second = instance(store);
    assert_eq!(*second.find(production, "user-1"), Traits::new());
    assert_eq!(second.load().unwrap(), 1);
    assert_eq!(*second.find(production, "user-1"), told);
    assert_eq!(*second.find(production, "user-2"), Traits::new());
    // What says nothing new is not written, but for the visit, within an hour.
    second.remember(production, "user-1", &told, at(3_600));
    assert_eq!(second.write(10, at(3_600)).unwrap(), 0);
    second.remember(production, "user-1", &Traits::new(), at(3_601));
    assert_eq!(second.write(10, at(3_601)).unwrap(), 1);
    assert_eq!(*second.find(production, "user-1"), told);
}

fn changes_of_two_instances_come_together(store: &Store) {
    let production = environment(store);
    let (one, other) = (instance(store), instance(store));
    one.remember(
        production,
        "user-1",
        &traits(&[("plan", text("pro"))]),
        at(0),
    );
    other.remember(
        production,
        "user-1",
        &traits(&[("age", TraitValue::Integer(5))]),
        at(0),
    );
    assert_eq!(one.write(10, at(1)).unwrap(), 1);
    assert_eq!(other.write(10, at(2)).unwrap(), 1);
    let both = traits(&[("plan", text("pro")), ("age", TraitValue::Integer(5))]);
    assert_eq!(*other.find(production, "user-1"), both);
    assert_eq!(one.follow(10, at(6)).unwrap(), 0);
    assert_eq!(one.follow(10, at(7)).unwrap(), 1);
    assert_eq!(one.follow(10, at(7)).unwrap(), 0);
    assert_eq!(*one.find(production, "user-1"), both);
    // What was told since stays.
    other.remember(
        production,
        "user-1",
        &traits(&[("age", TraitValue::Integer(6))]),
        at(8),
    );
    one.remember(
        production,
        "user-1",
        &traits(&[("age", TraitValue::Integer(7))]),
        at(8),
    );
    other.write(10, at(9)).unwrap();
    one.follow(10, at(20)).unwrap();
    assert_eq!(
        one.find(production, "user-1").get("age"),
        Some(&TraitValue::Integer(7))
    );
}

/// An environment, and an instance that has stored the plan of `user-1`.
fn with_user_1(store: &Store) -> (EnvironmentId, MokaTraitStore) {
    let production = environment(store);
    let one = instance(store);
    one.remember(
        production,
        "user-1",
        &traits(&[("plan", text("pro"))]),
        at(0),
    );
    one.write(10, at(1)).unwrap();
    (production, one)
}

fn what_is_forgotten_is_forgotten_everywhere(store: &Store) {
    let (production, one) = with_user_1(store);
    let other = instance(store);
    // It does not know the identity, and forgets all the same.
    let forgets = traits(&[("plan", TraitValue::Null)]);
    assert_eq!(
        *other.remember(production, "user-1", &forgets, at(2)),
        Traits::new()
    );
    assert_eq!(other.write(10, at(3)).unwrap(), 1);
    one.follow(10, at(8)).unwrap();
    assert_eq!(*one.find(production, "user-1"), Traits::new());
    let third = instance(store);
    third.load().unwrap();
    assert_eq!(*third.find(production, "user-1"), Traits::new());
}

fn identities_of_environments_that_are_gone_are_not_stored(store: &Store) {
    let production = environment(store);
    let one = instance(store);
    let told = traits(&[("plan", text("a-plan-nobody-may-see"))]);
    one.remember(production, "stored", &told, at(0));
    one.write(10, at(0)).unwrap();
    one.remember(production, "user-1", &told, at(0));
    store
        .flags
        .delete_environment(
            &environment_name("production"),
            &Precondition::Any,
            &stamp(),
        )
        .unwrap();
    assert_eq!(one.write(10, at(1)).unwrap(), 1);
    assert_eq!(one.write(10, at(1)).unwrap(), 0);
    assert_eq!(instance(store).load().unwrap(), 0);
}

fn a_deletion_that_is_refused_forgets_nobody(store: &Store) {
    with_user_1(store);
    let name = environment_name("production");
    let other = Precondition::OneOf(vec![Seq(99)]);
    let refused = store.flags.delete_environment(&name, &other, &stamp());
    assert!(
        matches!(refused, Err(FlagError::VersionMismatch { .. })),
        "{refused:?}"
    );
    assert_eq!(instance(store).load().unwrap(), 1);
}

fn identities_that_were_not_seen_are_purged_and_then_those_beyond_the_room(store: &Store) {
    let production = environment(store);
    let one = MokaTraitStore::new(store.db.clone(), 1);
    let told = traits(&[("plan", text("pro"))]);
    for number in 0..14 {
        one.remember(production, &format!("user-{number}"), &told, at(0));
        one.write(1, at(number)).unwrap();
    }
    assert_eq!(one.purge(at(3), 2).unwrap(), 2);
    assert_eq!(one.purge(at(3), 2).unwrap(), 1);
    let all = instance(store);
    assert_eq!(all.load().unwrap(), 11);
    assert_eq!(one.purge(at(3), 2).unwrap(), 1);
    assert_eq!(one.purge(at(3), 2).unwrap(), 0);
    assert_eq!(
        all.find(production, "user-13").get("plan"),
        Some(&text("pro"))
    );
}

fn what_could_not_be_stored_is_stored_the_next_time(store: &Store) {
    let production = environment(store);
    let away = store.backstage.out_of_reach();
    let one = instance(&away);
    let told = traits(&[("plan", text("pro"))]);
    one.remember(production, "user-1", &told, at(0));
    for _ in 0..2 {
        assert!(one.write(10, at(1)).is_err());
    }
    assert_eq!(*one.find(production, "user-1"), told);
}

fn the_longest_identifier_is_stored(store: &Store) {
    let production = environment(store);
    let one = instance(store);
    let told = traits(&[("plan", text("pro"))]);
    let mut number = 1_u32;
    // No two alike, so that nothing makes it shorter.
    let longest = std::iter::repeat_with(|| {
        number = number.wrapping_mul(48_271) % 0x7fff_ffff;
        char::from_u32(0x1_0000 + number % 0x8_0000).unwrap()
    });
    let longest: String = longest.take(2_000).collect();
    one.remember(production, &longest, &told, at(0));
    assert_eq!(one.write(10, at(1)).unwrap(), 1);
    let other = instance(store);
    other.load().unwrap();
    assert_eq!(*other.find(production, &longest), told);
}

fn the_log_tells_nothing_of_identities(store: &Store) {
    let production = environment(store);
    let one = instance(store);
    let (_, changes) = store.logged(|| {
        one.remember(
            production,
            "user-1",
            &traits(&[("plan", text("pro"))]),
            at(0),
        );
        one.write(10, at(1)).unwrap()
    });
    assert_eq!(changes, vec![]);
}
