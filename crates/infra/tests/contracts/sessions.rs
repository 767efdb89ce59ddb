//! `SessionRepository`: sessions begin for an account as it was verified, are found with it as it is, and end.

use std::thread::sleep;
use std::time::{Duration, Instant};

use flagstaff_domain::access::{
    Account, AccountUpdate, EndedSessions, NewSession, Role, Session, SignInError,
};
use flagstaff_domain::ids::{AccountId, SessionId};
use flagstaff_domain::write::Precondition;

use crate::samples::*;
use crate::store::Store;

contracts!(
    a_session_is_found_by_its_digest_with_its_account_as_it_is_now,
    a_sign_in_moves_with_the_session_and_leaves_no_change,
    an_account_that_has_changed_begins_no_session,
    a_session_ends_with_the_one_that_replaces_it,
    an_ended_session_is_gone_and_the_others_stay,
    a_use_is_noted_and_never_taken_back,
    what_has_ended_is_forgotten_in_turns,
    no_text_of_a_session_is_stored,
);

fn find(store: &Store, text: &str) -> Option<Session> {
    store.sessions.find_session(&digest(text)).unwrap()
}

fn update(store: &Store, account: &Account, update: &AccountUpdate) -> Account {
    let written = store
        .accounts
        .change_account(account.id, update, &Precondition::Any, &later());
    written.unwrap().record
}

fn demote() -> AccountUpdate {
    AccountUpdate {
        role: Some(Role::Viewer),
        ..AccountUpdate::default()
    }
}

/// Waits until a note is written that the repository does not wait for.
fn written(holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "the note was not written");
        sleep(Duration::from_millis(5));
    }
}

fn a_session_is_found_by_its_digest_with_its_account_as_it_is_now(store: &Store) {
    store.account("kim");
    let jay = store.account("jay");
    let entered = store.session(&jay, "text").unwrap();
    let found = find(store, "text").unwrap();
    assert_eq!(found.account, entered);
    assert_eq!(
        (found.created_at, found.last_used_at),
        (stamp().at, stamp().at)
    );
    assert_eq!(find(store, "other"), None);
    let demoted = update(store, &jay, &demote());
    let now = find(store, "text").unwrap();
    assert_eq!((now.id, now.account), (found.id, demoted));
}

fn a_sign_in_moves_with_the_session_and_leaves_no_change(store: &Store) {
    let jay = store.account("jay");
    let (entered, changes) = store.logged(|| store.session(&jay, "text").unwrap());
    let expected = Account {
        last_login_at: Some(stamp().at),
        ..jay
    };
    assert_eq!((&entered, changes), (&expected, vec![]));
    let stored = store.accounts.find_account_by_id(entered.id).unwrap();
    assert_eq!(stored, Some(entered));
}

fn an_account_that_has_changed_begins_no_session(store: &Store) {
    store.account("kim");
    let jay = store.account("jay");
    let nobody = Account {
        id: AccountId(99),
        ..jay.clone()
    };
    let demoted = update(store, &jay, &demote());
    for account in [&jay, &nobody] {
        let refused = store.session(account, "text");
        assert!(matches!(refused, Err(SignInError::Refused)));
    }
    store.session(&demoted, "text").unwrap();
    let disabled = update(
        store,
        &jay,
        &AccountUpdate {
            disabled: Some(true),
            ..AccountUpdate::default()
        },
    );
    assert!(store.session(&disabled, "another").is_err());
    assert_eq!((find(store, "text"), find(store, "another")), (None, None));
}

fn a_session_ends_with_the_one_that_replaces_it(store: &Store) {
    let jay = store.account("jay");
    store.session(&jay, "old").unwrap();
    store.session(&jay, "elsewhere").unwrap();
    let begun = store.sessions.begin_session(&NewSession {
        replaces: Some(digest("old")),
        ..new_session(&jay, "new")
    });
    begun.unwrap();
    let found = ["old", "new", "elsewhere"].map(|text| find(store, text).is_some());
    assert_eq!(found, [false, true, true]);
}

fn an_ended_session_is_gone_and_the_others_stay(store: &Store) {
    let jay = store.account("jay");
    store.session(&jay, "one").unwrap();
    store.session(&jay, "two").unwrap();
    let one = find(store, "one").unwrap();
    for _ in 0..2 {
        store.sessions.end_session(one.id).unwrap();
    }
    let found = ["one", "two"].map(|text| find(store, text).is_some());
    assert_eq!(found, [false, true]);
}

fn a_use_is_noted_and_never_taken_back(store: &Store) {
    let jay = store.account("jay");
    store.session(&jay, "text").unwrap();
    let id = find(store, "text").unwrap().id;
    let used = || find(store, "text").unwrap().last_used_at;
    store.sessions.note_session_use(id, later().at);
    written(|| used() == later().at);
    store.sessions.note_session_use(id, stamp().at);
    store.sessions.note_session_use(SessionId(99), later().at);
    // The next write that is waited for comes after both.
    store.account("kim");
    assert_eq!(used(), later().at);
}

fn what_has_ended_is_forgotten_in_turns(store: &Store) {
    let jay = store.account("jay");
    for number in 0..5 {
        store.session(&jay, &format!("session {number}")).unwrap();
    }
    let first = find(store, "session 0").unwrap();
    store.sessions.note_session_use(first.id, later().at);
    written(|| find(store, "session 0").unwrap().last_used_at == later().at);
    let before = instant("2026-11-20T09:00:00Z");
    let purge = |created_at, last_used_at, limit| {
        let ended = EndedSessions {
            created_at,
            last_used_at,
        };
        store.sessions.purge_sessions(&ended, limit).unwrap()
    };
    assert_eq!(purge(before, before, 100), 0);
    assert_eq!(purge(before, stamp().at, 3), 3);
    assert_eq!(purge(before, stamp().at, 3), 1);
    assert_eq!(purge(before, stamp().at, 3), 0);
    assert!(find(store, "session 0").is_some());
    assert_eq!(purge(stamp().at, before, 3), 1);
    assert_eq!(find(store, "session 0"), None);
}

fn no_text_of_a_session_is_stored(store: &Store) {
    let jay = store.account("jay");
    store.session(&jay, "a-text-that-nobody-may-see").unwrap();
    assert!(!store.backstage.holds("a-text-that-nobody-may-see"));
    let digest = digest("a-text-that-nobody-may-see").to_string();
    assert!(store.backstage.holds(&digest));
    for row in store.backstage.log_rows() {
        assert!(!row.contains(&digest), "{row}");
    }
}
