//! `ChangeLog`: both directions, pages and filters; that no change is missed, and none can be altered.

use std::thread;

use flagstaff_domain::access::KeyKind;
use flagstaff_domain::changes::{Change, ChangeQuery, Context, Direction};
use flagstaff_domain::flags::ChangeEnvironment;
use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::Listing;
use flagstaff_domain::write::Precondition;

use crate::samples::*;
use crate::store::Store;

contracts!(
    an_empty_log_has_no_changes,
    changes_are_numbered_from_1_without_a_gap,
    both_directions_go_on_from_where_a_page_ended,
    filters_hold_one_by_one_and_together,
    an_environment_is_found_by_the_name_it_has_and_by_those_it_had,
    a_name_used_twice_finds_the_changes_of_both_environments,
    a_reader_who_follows_the_log_misses_no_change,
    the_log_is_append_only,
);

fn everything(direction: Direction) -> ChangeQuery {
    ChangeQuery {
        direction,
        limit: 1_000,
        context: None,
        subject: None,
        actor: None,
        environment: None,
    }
}

fn list(store: &Store, query: &ChangeQuery) -> Listing<Change> {
    store.log.list(query).unwrap()
}

/// The positions of the changes that a query finds, oldest first.
fn found(store: &Store, narrow: impl FnOnce(&mut ChangeQuery)) -> Vec<i64> {
    let mut query = everything(Direction::OldestFirst(Seq(0)));
    narrow(&mut query);
    list(store, &query)
        .items
        .iter()
        .map(|change| change.seq.0)
        .collect()
}

fn of_environment(store: &Store, name: &str) -> Vec<i64> {
    found(store, |query| query.environment = Some(name.to_owned()))
}

fn rename(store: &Store, from: &str, to: &str) {
    let change = ChangeEnvironment {
        name: Some(environment_name(to)),
        description: None,
    };
    let from = environment_name(from);
    store
        .flags
        .change_environment(&from, &change, &Precondition::Any, &stamp())
        .unwrap();
}

fn delete(store: &Store, environment: &str) {
    let name = environment_name(environment);
    store
        .flags
        .delete_environment(&name, &Precondition::Any, &stamp())
        .unwrap();
}

/// Positions 1 to 6, by two people in two contexts.
fn fill(store: &Store) {
    store.environment("production");
    store.environment("staging");
    store.feature("dark_mode");
    store.key("staging", KeyKind::Client, "a-client-key");
    let (production, feature) = (environment_name("production"), feature_name("dark_mode"));
    store
        .flags
        .change_flag(
            &production,
            &feature,
            &set_enabled(true),
            &Precondition::Any,
            &later(),
        )
        .unwrap();
    store
        .accounts
        .create_first_account(&new_account("staging"), &later())
        .unwrap();
}

fn an_empty_log_has_no_changes(store: &Store) {
    for direction in [
        Direction::NewestFirst(None),
        Direction::NewestFirst(Some(Seq(9))),
        Direction::OldestFirst(Seq(0)),
    ] {
        let listing = list(store, &everything(direction));
        assert_eq!((listing.items, listing.more), (vec![], false));
    }
}

fn changes_are_numbered_from_1_without_a_gap(store: &Store) {
    fill(store);
    // What is refused takes no number.
    store
        .flags
        .create_environment(&new_environment("Production"), &seeds(), &stamp())
        .unwrap_err();
    store.feature("last");
    assert_eq!(found(store, |_| ()), [1, 2, 3, 4, 5, 6, 7]);
    let changes = store.changes();
    let who: Vec<_> = changes
        .iter()
        .map(|change| (change.actor.as_str(), change.at))
        .collect();
    let (jay, kim) = (("user:jay", stamp().at), ("user:kim", later().at));
    assert_eq!(who, [jay, jay, jay, jay, kim, kim, jay]);
}

fn both_directions_go_on_from_where_a_page_ended(store: &Store) {
    fill(store);
    let page = |direction, limit| {
        let listing = list(
            store,
            &ChangeQuery {
                limit,
                ..everything(direction)
            },
        );
        (
            listing
                .items
                .iter()
                .map(|change| change.seq.0)
                .collect::<Vec<_>>(),
            listing.more,
        )
    };
    assert_eq!(
        page(Direction::NewestFirst(None), 4),
        (vec![6, 5, 4, 3], true)
    );
    assert_eq!(
        page(Direction::NewestFirst(Some(Seq(3))), 4),
        (vec![2, 1], false)
    );
    assert_eq!(
        page(Direction::NewestFirst(Some(Seq(3))), 2),
        (vec![2, 1], false)
    );
    assert_eq!(
        page(Direction::NewestFirst(Some(Seq(1))), 2),
        (vec![], false)
    );
    assert_eq!(
        page(Direction::OldestFirst(Seq(0)), 4),
        (vec![1, 2, 3, 4], true)
    );
    assert_eq!(page(Direction::OldestFirst(Seq(4)), 4), (vec![5, 6], false));
    assert_eq!(page(Direction::OldestFirst(Seq(4)), 1), (vec![5], true));
    assert_eq!(page(Direction::OldestFirst(Seq(6)), 1), (vec![], false));

    let staging = ChangeQuery {
        limit: 1,
        environment: Some("staging".to_owned()),
        ..everything(Direction::NewestFirst(None))
    };
    let listing = list(store, &staging);
    assert_eq!((listing.items[0].seq, listing.more), (Seq(4), true));
}

fn filters_hold_one_by_one_and_together(store: &Store) {
    fill(store);
    let text = |text: &str| Some(text.to_owned());
    assert_eq!(
        found(store, |query| query.context = Some(Context::Flags)),
        [1, 2, 3, 5]
    );
    assert_eq!(
        found(store, |query| query.context = Some(Context::Access)),
        [4, 6]
    );
    assert_eq!(
        found(store, |query| query.subject = text("dark_mode")),
        [3, 5]
    );
    assert_eq!(
        found(store, |query| query.subject = text("staging")),
        [2, 6]
    );
    assert_eq!(found(store, |query| query.actor = text("user:kim")), [5, 6]);
    assert_eq!(found(store, |query| query.actor = text("kim")), [0; 0]);
    assert_eq!(of_environment(store, "staging"), [2, 4]);
    assert_eq!(of_environment(store, "nowhere"), [0; 0]);
    let together = |query: &mut ChangeQuery| {
        (query.context, query.actor) = (Some(Context::Flags), text("user:kim"));
        (query.subject, query.environment) = (text("dark_mode"), text("production"));
    };
    assert_eq!(found(store, together), [5]);
    let none = |query: &mut ChangeQuery| {
        together(query);
        query.environment = text("staging");
    };
    assert_eq!(found(store, none), [0; 0]);
}

fn an_environment_is_found_by_the_name_it_has_and_by_those_it_had(store: &Store) {
    store.environment("Größe");
    store.environment("other");
    rename(store, "Größe", "live");
    assert_eq!(of_environment(store, "live"), [1, 3]);
    assert_eq!(of_environment(store, "LIVE"), [1, 3]);
    assert_eq!(of_environment(store, "Größe"), [1]);
    delete(store, "live");
    assert_eq!(of_environment(store, "live"), [3, 4]);
    assert_eq!(of_environment(store, "Größe"), [1]);
}

fn a_name_used_twice_finds_the_changes_of_both_environments(store: &Store) {
    store.environment("staging");
    store.key("staging", KeyKind::Client, "a-client-key");
    delete(store, "staging");
    store.environment("staging");
    assert_eq!(of_environment(store, "staging"), [1, 2, 3, 4, 5]);
}

fn a_reader_who_follows_the_log_misses_no_change(store: &Store) {
    const WRITERS: usize = 4;
    const WRITES: usize = 25;
    let mut last = Seq(0);
    thread::scope(|scope| {
        let write = |writer| {
            for turn in 0..WRITES {
                store.environment(&format!("environment-{writer}-{turn}"));
            }
        };
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| scope.spawn(move || write(writer)))
            .collect();
        loop {
            let written = writers.iter().all(|writer| writer.is_finished());
            for change in list(store, &everything(Direction::OldestFirst(last))).items {
                assert_eq!(change.seq, Seq(last.0 + 1));
                last = change.seq;
            }
            if written {
                break;
            }
        }
    });
    assert_eq!(last.0, i64::try_from(WRITERS * WRITES).unwrap());
}

fn the_log_is_append_only(store: &Store) {
    fill(store);
    let before = store.changes();
    for statement in [
        "UPDATE changes SET actor = 'nobody' WHERE seq = 1",
        "UPDATE changes SET seq = 1000 WHERE seq = 6",
        "UPDATE changes SET after = NULL",
        "DELETE FROM changes WHERE seq = 1",
        "DELETE FROM changes",
    ] {
        let refused = store.backstage.execute(statement).unwrap_err();
        assert!(refused.contains("append-only"), "{statement}: {refused}");
    }
    assert_eq!(store.changes(), before);
}
