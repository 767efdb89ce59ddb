//! `TokenRepository`: tokens are made for an account as it is, found with it, and deleted by it alone; the log tells of
//! both.

use std::thread::sleep;
use std::time::{Duration, Instant};

use flagstaff_domain::access::{AccessError, Account, AccountUpdate, Role, Token};
use flagstaff_domain::ids::{AccountId, Seq, TokenId};
use flagstaff_domain::page::Page;
use flagstaff_domain::write::Precondition;
use serde_json::json;

use crate::samples::*;
use crate::store::{Store, record, told};

contracts!(
    a_token_is_found_by_its_digest_with_its_account_as_it_is_now,
    an_account_that_has_changed_gets_no_token,
    tokens_are_listed_for_their_account_alone,
    creation_and_deletion_are_logged_with_the_digest,
    a_token_is_deleted_by_its_account_alone,
    a_use_is_noted_without_a_change_and_never_taken_back,
    no_text_of_a_token_is_stored,
);

fn find(store: &Store, text: &str) -> Option<(Token, Account)> {
    store.tokens.find_token(&digest(text)).unwrap()
}

fn delete(store: &Store, account: &Account, token: TokenId) -> Result<Seq, AccessError> {
    store
        .tokens
        .delete_token(account.id, token, &Precondition::Any, &later())
}

fn demoted(store: &Store, account: &Account) -> Account {
    let update = AccountUpdate {
        role: Some(Role::Viewer),
        ..AccountUpdate::default()
    };
    let written = store
        .accounts
        .change_account(account.id, &update, &Precondition::Any, &later());
    written.unwrap().record
}

fn a_token_is_found_by_its_digest_with_its_account_as_it_is_now(store: &Store) {
    store.account("kim");
    let jay = store.account("jay");
    let token = store.token(&jay, "text").unwrap();
    assert_eq!(find(store, "text"), Some((token.clone(), jay.clone())));
    assert_eq!(find(store, "other"), None);
    let expected = Token {
        id: token.id,
        account: jay.id,
        username: jay.username.clone(),
        name: token.name.clone(),
        digest: digest("text"),
        created_at: stamp().at,
        expires_at: Some(later().at),
        last_used_at: None,
        version: store.head(),
    };
    assert_eq!(token, expected);
    let demoted = demoted(store, &jay);
    assert_eq!(find(store, "text"), Some((token, demoted)));
}

fn an_account_that_has_changed_gets_no_token(store: &Store) {
    store.account("kim");
    let jay = store.account("jay");
    let demoted = demoted(store, &jay);
    let nobody = Account {
        id: AccountId(99),
        ..jay.clone()
    };
    let (_, changes) = store.logged(|| {
        for account in [&jay, &nobody] {
            let refused = store.token(account, "text");
            assert!(matches!(refused, Err(AccessError::AccountChanged)));
        }
    });
    assert_eq!(changes, []);
    store.token(&demoted, "text").unwrap();
}

fn tokens_are_listed_for_their_account_alone(store: &Store) {
    let (jay, kim) = (store.account("jay"), store.account("kim"));
    let mine: Vec<Token> = (0..3)
        .map(|at| store.token(&jay, &format!("jay's {at}")).unwrap())
        .collect();
    let theirs = store.token(&kim, "kim's").unwrap();
    let list = |account: &Account, page| store.tokens.list_tokens(account.id, &page).unwrap();
    assert_eq!(list(&jay, Page::first()).items, mine);
    assert_eq!(list(&kim, Page::first()).items, [theirs]);
    let rest = list(&jay, Page::new(1, Some(mine[0].id)).unwrap());
    assert_eq!((rest.items.as_slice(), rest.more), (&mine[1..2], true));
}

fn creation_and_deletion_are_logged_with_the_digest(store: &Store) {
    let jay = store.account("jay");
    let (token, changes) = store.logged(|| store.token(&jay, "text").unwrap());
    assert_eq!(told(&changes), [("token.created", "jay/deploy", None)]);
    let expected = json!({"id": token.id, "username": "jay", "name": "deploy",
        "digest": digest("text").to_string(), "created_at": stamp().at, "expires_at": later().at,
        "version": token.version});
    assert_eq!(record(&changes[0].after), expected);
    assert_eq!(changes[0].before, None);
    let (seq, changes) = store.logged(|| delete(store, &jay, token.id).unwrap());
    assert_eq!(told(&changes), [("token.deleted", "jay/deploy", None)]);
    assert_eq!(record(&changes[0].before), expected);
    assert_eq!((&changes[0].after, changes[0].seq), (&None, seq));
    assert_eq!(find(store, "text"), None);
}

fn a_token_is_deleted_by_its_account_alone(store: &Store) {
    let (jay, kim) = (store.account("jay"), store.account("kim"));
    let token = store.token(&jay, "text").unwrap();
    let (_, changes) = store.logged(|| {
        for (account, id) in [(&kim, token.id), (&jay, TokenId(99))] {
            let refused = delete(store, account, id);
            assert!(matches!(refused, Err(AccessError::TokenNotFound(_))));
        }
        let old = Precondition::OneOf(vec![Seq(token.version.0 - 1)]);
        let refused = store.tokens.delete_token(jay.id, token.id, &old, &later());
        assert!(matches!(refused, Err(AccessError::VersionMismatch(_))));
    });
    assert_eq!(changes, []);
    assert!(find(store, "text").is_some());
}

fn a_use_is_noted_without_a_change_and_never_taken_back(store: &Store) {
    let jay = store.account("jay");
    let token = store.token(&jay, "text").unwrap();
    let used = || find(store, "text").unwrap().0.last_used_at;
    let head = store.head();
    store.tokens.note_token_use(token.id, later().at);
    let deadline = Instant::now() + Duration::from_secs(30);
    while used().is_none() {
        assert!(Instant::now() < deadline, "the note was not written");
        sleep(Duration::from_millis(5));
    }
    assert_eq!(store.head(), head);
    store.tokens.note_token_use(token.id, stamp().at);
    // The next write that is waited for comes after it.
    store.account("kim");
    let expected = Token {
        last_used_at: Some(later().at),
        ..token
    };
    assert_eq!(find(store, "text").unwrap().0, expected);
}

fn no_text_of_a_token_is_stored(store: &Store) {
    let jay = store.account("jay");
    store.token(&jay, "a-text-that-nobody-may-see").unwrap();
    assert!(!store.backstage.holds("a-text-that-nobody-may-see"));
    assert!(
        store
            .backstage
            .holds(&digest("a-text-that-nobody-may-see").to_string())
    );
}
