//! `AccountRepository`: accounts are added, changed and deleted, each with its change in the log, and an administrator is
//! always left.

use std::sync::Barrier;
use std::thread;

use flagstaff_domain::access::{
    AccessError, Account, AccountUpdate, NewAccount, PasswordHash, Role, Username,
};
use flagstaff_domain::ids::{AccountId, Seq};
use flagstaff_domain::page::Page;
use flagstaff_domain::write::Precondition;
use serde_json::Value;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    accounts_are_listed_in_the_order_of_their_creation,
    a_name_is_taken_in_any_case,
    a_change_is_stored_and_logged_with_before_and_after,
    what_changes_nothing_leaves_no_trace,
    an_unknown_account_and_another_version_are_refused,
    the_last_enabled_administrator_stays_one,
    of_two_who_take_each_other_away_one_succeeds,
    a_deleted_account_is_gone_and_its_name_free,
    what_an_account_was_entered_by_ends_with_its_password,
    a_sign_in_is_noted_without_a_change_and_never_taken_back,
);

const NEVER: &str = "$argon2id$another-hash-that-nobody-may-see";

fn set_role(role: Role) -> AccountUpdate {
    AccountUpdate {
        role: Some(role),
        ..AccountUpdate::default()
    }
}

fn set_disabled(disabled: bool) -> AccountUpdate {
    AccountUpdate {
        disabled: Some(disabled),
        ..AccountUpdate::default()
    }
}

fn set_password() -> AccountUpdate {
    AccountUpdate {
        password_hash: Some(PasswordHash::new(NEVER.to_owned())),
        ..AccountUpdate::default()
    }
}

fn change(
    store: &Store,
    account: &Account,
    update: &AccountUpdate,
) -> Result<Account, AccessError> {
    let written = store
        .accounts
        .change_account(account.id, update, &Precondition::Any, &later());
    written.map(|written| {
        assert_eq!(written.revision, written.record.version);
        written.record
    })
}

fn delete(store: &Store, account: &Account) -> Result<Seq, AccessError> {
    store
        .accounts
        .delete_account(account.id, &Precondition::Any, &later())
}

fn find(store: &Store, account: &Account) -> Option<Account> {
    store.accounts.find_account_by_id(account.id).unwrap()
}

fn accounts_are_listed_in_the_order_of_their_creation(store: &Store) {
    let made = ["zoe", "Amy", "kim"].map(|name| store.account(name));
    let list = |page| store.accounts.list_accounts(&page).unwrap();
    assert_eq!(list(Page::first()).items, made);
    let first = list(Page::new(2, None).unwrap());
    assert_eq!((first.items.as_slice(), first.more), (&made[..2], true));
    let rest = list(Page::new(2, Some(made[1].id)).unwrap());
    assert_eq!((rest.items.as_slice(), rest.more), (&made[2..], false));
}

fn a_name_is_taken_in_any_case(store: &Store) {
    store.account("JÖRG");
    let (refused, changes) = store.logged(|| {
        store
            .accounts
            .create_account(&new_account("jörg"), &stamp())
    });
    assert!(matches!(refused, Err(AccessError::AccountExists(name)) if name.as_str() == "jörg"));
    assert_eq!(changes, []);
}

fn a_change_is_stored_and_logged_with_before_and_after(store: &Store) {
    let other = store.account("kim");
    let jay = store.account("jay");
    for (update, field, before, after) in [
        (set_role(Role::Viewer), "role", "admin", "viewer"),
        (set_disabled(true), "disabled", "false", "true"),
        (
            set_password(),
            "credentials_changed_at",
            "2026-11-20T10:00:00.123456Z",
            "2026-11-20T11:00:00.654321Z",
        ),
    ] {
        let (changed, changes) = store.logged(|| change(store, &jay, &update).unwrap());
        assert_eq!(told(&changes), [("account.changed", "jay", None)]);
        assert_eq!(find(store, &jay), Some(changed.clone()));
        assert_eq!(changed.version, changes[0].seq);
        let field = |text| match &record(text)[field] {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        assert_eq!(field(&changes[0].before), before);
        assert_eq!(field(&changes[0].after), after);
    }
    assert_eq!(find(store, &other), Some(other));
    for row in store.backstage.log_rows() {
        assert!(!row.contains("argon2"), "{row}");
    }
}

fn what_changes_nothing_leaves_no_trace(store: &Store) {
    let jay = store.account("jay");
    for update in [
        AccountUpdate::default(),
        set_role(Role::Admin),
        set_disabled(false),
    ] {
        let (unchanged, changes) = store.logged(|| change(store, &jay, &update).unwrap());
        assert_eq!((&unchanged, changes), (&jay, vec![]));
    }
}

fn an_unknown_account_and_another_version_are_refused(store: &Store) {
    let jay = store.account("jay");
    store.account("kim");
    let nobody = Account {
        id: AccountId(99),
        ..jay.clone()
    };
    let unknown = |error| matches!(error, AccessError::AccountNotFound(_));
    assert!(change(store, &nobody, &set_disabled(true)).is_err_and(unknown));
    assert!(delete(store, &nobody).is_err_and(unknown));

    let moved = change(store, &jay, &set_role(Role::Editor)).unwrap();
    let old = Precondition::OneOf(vec![jay.version]);
    let refused = store
        .accounts
        .change_account(jay.id, &set_disabled(true), &old, &later());
    assert!(matches!(refused, Err(AccessError::VersionMismatch(at)) if at.actual == moved.version));
    let refused = store.accounts.delete_account(jay.id, &old, &later());
    assert!(matches!(refused, Err(AccessError::VersionMismatch(_))));
    assert_eq!(find(store, &jay), Some(moved));
}

fn the_last_enabled_administrator_stays_one(store: &Store) {
    let jay = store.account("jay");
    let kim = store.account("kim");
    change(store, &kim, &set_disabled(true)).unwrap();
    let (_, changes) = store.logged(|| {
        for update in [set_role(Role::Viewer), set_disabled(true)] {
            let refused = change(store, &jay, &update);
            assert!(matches!(refused, Err(AccessError::LastAdministrator(_))));
        }
        let refused = delete(store, &jay);
        assert!(matches!(refused, Err(AccessError::LastAdministrator(_))));
    });
    assert_eq!((find(store, &jay), changes), (Some(jay.clone()), vec![]));

    change(store, &jay, &set_password()).unwrap();
    change(store, &kim, &set_role(Role::Editor)).unwrap();
    delete(store, &kim).unwrap();
    assert!(change(store, &jay, &set_role(Role::Editor)).is_err());
    store.account("lee");
    change(store, &jay, &set_role(Role::Editor)).unwrap();
}

fn of_two_who_take_each_other_away_one_succeeds(store: &Store) {
    let mut left = store.account("admin-0");
    for round in 1..10 {
        let two = [left, store.account(&format!("admin-{round}"))];
        let barrier = Barrier::new(2);
        let take = |account| {
            barrier.wait();
            match round % 3 {
                0 => delete(store, account).is_ok(),
                1 => change(store, account, &set_disabled(true)).is_ok(),
                _ => change(store, account, &set_role(Role::Viewer)).is_ok(),
            }
        };
        let taken = thread::scope(|scope| {
            let threads = [0, 1].map(|at| {
                let (take, account) = (&take, &two[at]);
                scope.spawn(move || take(account))
            });
            threads.map(|thread| thread.join().unwrap())
        });
        assert_ne!(taken[0], taken[1], "round {round}");
        let [first, second] = two;
        left = if taken[0] { second } else { first };
        assert!(find(store, &left).unwrap().administers());
    }
}

fn a_deleted_account_is_gone_and_its_name_free(store: &Store) {
    store.account("kim");
    let jay = store.account("jay");
    let (seq, changes) = store.logged(|| delete(store, &jay).unwrap());
    assert_eq!(told(&changes), [("account.deleted", "jay", None)]);
    assert_eq!(
        (changes[0].seq, &changes[0].after),
        (seq, &None),
        "{changes:?}"
    );
    assert_eq!(find(store, &jay), None);
    let again = store.account("jay");
    assert!(again.id > jay.id, "an id is never given again");
}

fn what_an_account_was_entered_by_ends_with_its_password(store: &Store) {
    let kim = store.account("kim");
    store.session(&kim, "kim's session").unwrap();
    store.token(&kim, "kim's token").unwrap();
    let updates = [
        (Some(set_password()), true),
        (Some(set_disabled(true)), true),
        (Some(set_role(Role::Viewer)), false),
        (None, true),
    ];
    for (round, (update, ends)) in updates.into_iter().enumerate() {
        let viewer = NewAccount {
            username: Username::parse(format!("jay-{round}")).unwrap(),
            ..new_account("jay")
        };
        let jay = store.accounts.create_account(&viewer, &stamp());
        let jay = jay.unwrap().record;
        store.session(&jay, "a session").unwrap();
        store.token(&jay, "a token").unwrap();
        let (_, changes) = store.logged(|| match &update {
            Some(update) => change(store, &jay, update).map(|_| ()).unwrap(),
            None => delete(store, &jay).map(|_| ()).unwrap(),
        });
        let session = store.sessions.find_session(&digest("a session")).unwrap();
        let token = store.tokens.find_token(&digest("a token")).unwrap();
        assert_eq!((session.is_none(), token.is_none()), (ends, ends));
        let kinds: Vec<_> = told(&changes).into_iter().map(|one| one.0).collect();
        let expected: &[&str] = match round {
            0 | 1 => &["account.changed", "token.deleted"],
            2 => &["account.changed"],
            _ => &["token.deleted", "account.deleted"],
        };
        assert_eq!(kinds, expected);
        assert!(changes.iter().all(|one| one.group == changes[0].seq));
        if !ends {
            delete(store, &jay).unwrap();
        }
    }
    let session = store.sessions.find_session(&digest("kim's session"));
    assert!(session.unwrap().is_some());
    let token = store.tokens.find_token(&digest("kim's token"));
    assert!(token.unwrap().is_some());
}

fn a_sign_in_is_noted_without_a_change_and_never_taken_back(store: &Store) {
    let jay = store.account("jay");
    let note = |at| store.accounts.note_sign_in(jay.id, at).unwrap();
    let (_, changes) = store.logged(|| {
        note(later().at);
        note(stamp().at);
        store
            .accounts
            .note_sign_in(AccountId(99), stamp().at)
            .unwrap();
    });
    assert_eq!(changes, []);
    let expected = Account {
        last_login_at: Some(later().at),
        ..jay.clone()
    };
    assert_eq!(find(store, &jay), Some(expected));
}
