//! `AccountRepository`: the first account, made once however many try, and found without regard to case.

use std::thread;

use flagstaff_domain::access::{Account, Username};
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    the_first_account_is_read_back_as_it_was_created,
    an_account_is_found_without_regard_to_case,
    there_is_one_first_account_and_a_second_leaves_no_trace,
    of_many_who_try_together_exactly_one_creates_the_first_account,
    no_hash_of_a_password_is_ever_in_the_log,
);

fn find(store: &Store, username: &str) -> Option<Account> {
    store
        .accounts
        .find_account(&Username::parse(username).unwrap())
        .unwrap()
}

fn the_first_account_is_read_back_as_it_was_created(store: &Store) {
    assert!(store.accounts.is_empty().unwrap());
    assert_eq!(find(store, "jay"), None);
    let new = new_account("jay");
    let (created, changes) =
        store.logged(|| store.accounts.create_first_account(&new, &stamp()).unwrap());
    assert!(created);
    assert!(!store.accounts.is_empty().unwrap());

    let account = find(store, "jay").unwrap();
    let expected = Account {
        id: account.id,
        username: new.username,
        role: new.role,
        password_hash: new.password_hash,
        password_changed_at: stamp().at,
        disabled: false,
        created_at: stamp().at,
        last_login_at: None,
        version: changes[0].seq,
    };
    assert_eq!(account, expected);
    assert_eq!(told(&changes), [("account.created", "jay", None)]);
    assert_eq!(
        (changes[0].group, &changes[0].before),
        (changes[0].seq, &None)
    );
    assert_eq!(
        record(&changes[0].after),
        json!({"id": account.id, "username": "jay", "role": "admin", "disabled": false,
            "credentials_changed_at": stamp().at, "created_at": stamp().at, "version": account.version})
    );
}

fn an_account_is_found_without_regard_to_case(store: &Store) {
    store
        .accounts
        .create_first_account(&new_account("JÖRG von Größe"), &stamp())
        .unwrap();
    let account = find(store, "jörg VON GRÖßE").unwrap();
    assert_eq!(account.username.as_str(), "JÖRG von Größe");
    assert_eq!(find(store, "jorg von große"), None);
}

fn there_is_one_first_account_and_a_second_leaves_no_trace(store: &Store) {
    store
        .accounts
        .create_first_account(&new_account("jay"), &stamp())
        .unwrap();
    for name in ["kim", "jay"] {
        let (created, changes) = store.logged(|| {
            store
                .accounts
                .create_first_account(&new_account(name), &later())
                .unwrap()
        });
        assert!(!created);
        assert_eq!(changes, []);
    }
    assert_eq!(find(store, "kim"), None);
    assert_eq!(find(store, "jay").unwrap().created_at, stamp().at);
}

fn of_many_who_try_together_exactly_one_creates_the_first_account(store: &Store) {
    let names: Vec<_> = (0..8).map(|at| format!("admin-{at}")).collect();
    let created: Vec<bool> = thread::scope(|scope| {
        let attempt = |name: &str| {
            store
                .accounts
                .create_first_account(&new_account(name), &stamp())
                .unwrap()
        };
        let threads: Vec<_> = names
            .iter()
            .map(|name| scope.spawn(move || attempt(name)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let found: Vec<bool> = names
        .iter()
        .map(|name| find(store, name).is_some())
        .collect();
    assert_eq!(created, found);
    assert_eq!(created.iter().filter(|&&created| created).count(), 1);
    assert_eq!(store.changes().len(), 1);
}

fn no_hash_of_a_password_is_ever_in_the_log(store: &Store) {
    let account = new_account("jay");
    store
        .accounts
        .create_first_account(&account, &stamp())
        .unwrap();
    let rows = store.backstage.log_rows();
    assert_eq!(rows.len(), 1);
    assert!(!rows[0].contains("argon2"), "{}", rows[0]);
    assert!(
        !rows[0].contains("a-hash-that-nobody-may-see"),
        "{}",
        rows[0]
    );
}
