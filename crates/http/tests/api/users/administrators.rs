//! Disabling, demoting and deleting: it acts at once on whatever somebody is signed in by, and an administrator is always
//! left.

use actix_web::http::Method;
use diesel::connection::SimpleConnection;
use futures_util::future::join;
use serde_json::{Value, json};

use super::{ME, OTHER};
use crate::support::{Api, Ask, PASSWORD};

/// Everything that somebody is signed in by.
struct Entries {
    session: String,
    token: String,
}

impl Entries {
    async fn of(api: &Api, username: &str) -> Self {
        let entries = Self {
            session: api.session(username).await,
            token: api.token(username).await,
        };
        assert_eq!(entries.statuses(api, username).await, [200; 3]);
        entries
    }

    fn asks<'a>(&self, api: &'a Api, username: &str, method: &Method, path: &str) -> [Ask<'a>; 3] {
        let ask = || api.ask(method.clone(), path);
        [
            ask().basic(username, PASSWORD),
            ask().session(&self.session),
            ask().bearer(&self.token),
        ]
    }

    async fn statuses(&self, api: &Api, username: &str) -> [u16; 3] {
        let mut statuses = [0; 3];
        for (at, ask) in self
            .asks(api, username, &Method::GET, ME)
            .into_iter()
            .enumerate()
        {
            statuses[at] = ask.send().await.status;
        }
        statuses
    }
}

async fn patch(api: &Api, path: &str, body: Value) -> u16 {
    let changed = api.manage(Method::PATCH, path).json(body).send().await;
    changed.status
}

#[actix_web::test]
async fn the_last_enabled_administrator_is_neither_deleted_disabled_nor_demoted() {
    let api = Api::empty().await;
    let admin = "/api/admin/users/1";
    let disabled = api.user("kim", "admin").await;
    assert_eq!(patch(&api, &disabled, json!({"disabled": true})).await, 200);
    let before = api.read(admin).await;
    for body in [
        json!({"role": "viewer"}),
        json!({"role": "editor"}),
        json!({"disabled": true}),
        json!({"role": "viewer", "password": OTHER, "current_password": PASSWORD}),
    ] {
        let refused = api.manage(Method::PATCH, admin).json(body).send().await;
        let detail = refused.problem(409, "conflict");
        assert!(detail.contains("last enabled administrator"), "{detail}");
    }
    let refused = api.manage(Method::DELETE, admin).send().await;
    refused.problem(409, "conflict");
    let after = api.read(admin).await;
    assert_eq!((after.etag(), after.json()), (before.etag(), before.json()));

    assert_eq!(
        patch(&api, &disabled, json!({"disabled": false})).await,
        200
    );
    assert_eq!(patch(&api, admin, json!({"role": "viewer"})).await, 200);
    let now = api.manage(Method::DELETE, &disabled).send().await;
    now.problem(403, "forbidden");
}

#[actix_web::test]
async fn two_administrators_who_delete_each_other_leave_one() {
    for _ in 0..5 {
        let api = Api::empty().await;
        let kim = api.user("kim", "admin").await;
        let own = api.ask(Method::GET, ME).basic("kim", PASSWORD);
        assert_eq!(own.send().await.status, 200);
        let (first, second) = join(
            api.manage(Method::DELETE, &kim).send(),
            api.ask(Method::DELETE, "/api/admin/users/1")
                .basic("kim", PASSWORD)
                .send(),
        )
        .await;
        let deleted = [first.status, second.status];
        let won = deleted.iter().filter(|status| **status == 204).count();
        assert_eq!(won, 1, "{deleted:?}");
        assert!(
            deleted.iter().any(|status| matches!(status, 401 | 409)),
            "{deleted:?}"
        );
    }
}

#[actix_web::test]
async fn a_disabled_user_is_out_at_once_and_comes_back_by_password_alone() {
    let api = Api::empty().await;
    let path = api.user("jay", "admin").await;
    let entries = Entries::of(&api, "jay").await;
    assert_eq!(patch(&api, &path, json!({"disabled": true})).await, 200);
    assert_eq!(entries.statuses(&api, "jay").await, [401; 3]);
    let begun = api.begin_session("jay", PASSWORD).send().await;
    begun.problem(401, "unauthenticated");
    for ask in entries.asks(&api, "jay", &Method::DELETE, "/api/admin/users/1") {
        ask.send().await.problem(401, "unauthenticated");
    }
    assert_eq!(patch(&api, &path, json!({"disabled": false})).await, 200);
    assert_eq!(entries.statuses(&api, "jay").await, [200, 401, 401]);
}

#[actix_web::test]
async fn a_deleted_user_is_out_at_once_and_another_of_the_name_is_somebody_else() {
    let api = Api::empty().await;
    let path = api.user("jay", "editor").await;
    let entries = Entries::of(&api, "jay").await;
    let deleted = api.manage(Method::DELETE, &path).send().await;
    assert_eq!(deleted.status, 204);
    assert_eq!(entries.statuses(&api, "jay").await, [401; 3]);
    let again = json!({"username": "jay", "password": OTHER, "role": "admin"});
    api.create("/api/admin/users", again).await;
    assert_eq!(entries.statuses(&api, "jay").await, [401; 3]);
}

#[actix_web::test]
async fn another_role_holds_at_once() {
    let api = Api::empty().await;
    let path = api.user("jay", "admin").await;
    let entries = Entries::of(&api, "jay").await;
    for (role, status) in [("viewer", 403), ("editor", 403), ("admin", 200)] {
        assert_eq!(patch(&api, &path, json!({"role": role})).await, 200);
        for ask in entries.asks(&api, "jay", &Method::GET, &path) {
            assert_eq!(ask.send().await.status, status, "{role}");
        }
    }
}

#[actix_web::test]
async fn what_another_instance_changed_holds_at_once_too() {
    let api = Api::empty().await;
    for (name, change) in [
        ("disabled", "UPDATE accounts SET disabled = true"),
        ("deleted", "DELETE FROM accounts"),
    ] {
        api.user(name, "admin").await;
        let entries = Entries::of(&api, name).await;
        let sql = format!("{change} WHERE username = '{name}'");
        api.backend.connection().batch_execute(&sql).unwrap();
        assert_eq!(entries.statuses(&api, name).await, [401; 3], "{name}");
    }
    api.user("changed", "admin").await;
    let basic = || api.ask(Method::GET, ME).basic("changed", PASSWORD);
    assert_eq!(basic().send().await.status, 200);
    let sql = "UPDATE accounts SET password_hash = '$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' WHERE username = 'changed'";
    api.backend.connection().batch_execute(sql).unwrap();
    basic().send().await.problem(401, "unauthenticated");
}
