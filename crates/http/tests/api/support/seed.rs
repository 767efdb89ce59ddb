//! The records that tests begin with: made through the front door, except what has no door there yet.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::thread;

use actix_web::http::Method;
use diesel::connection::SimpleConnection;
use flagstaff_domain::access::{CreateKey, KeyKind, KeyText};
use flagstaff_domain::changes::Actor;
use flagstaff_domain::flags::CreateFeature;
use flagstaff_domain::text::{EnvironmentName, FeatureName, KeyName};
use parking_lot::Mutex;
use serde_json::{Value, json};

use super::{ADMIN, Api, Ask, Backend, PASSWORD};

impl Api {
    /// With the environment `production`; the text is a client key to it.
    pub(crate) async fn production() -> (Self, String) {
        let api = Self::empty().await;
        let key = api.environment("production").await;
        (api, key)
    }

    /// Adds an environment, and returns the text of a client key to it.
    pub(crate) async fn environment(&self, name: &str) -> String {
        self.create("/api/admin/environments", json!({ "name": name }))
            .await;
        self.key(name, "client").await
    }

    /// Adds a key, and returns its text.
    pub(crate) async fn key(&self, environment: &str, kind: &str) -> String {
        let path = format!("/api/admin/environments/{environment}/keys");
        let record = self
            .create(&path, json!({ "name": "a key", "kind": kind }))
            .await;
        record["key"].as_str().unwrap().to_owned()
    }

    /// Adds a feature.
    pub(crate) async fn feature(&self, name: &str) -> Value {
        self.create("/api/admin/features", json!({ "name": name }))
            .await
    }

    /// Adds a user with the administrator's password, and returns the path of the record.
    pub(crate) async fn user(&self, username: &str, role: &str) -> String {
        let user = json!({ "username": username, "password": PASSWORD, "role": role });
        let record = self.create("/api/admin/users", user).await;
        format!("/api/admin/users/{}", record["id"])
    }

    /// Begins a session of somebody who has the administrator's password, and returns its text.
    pub(crate) async fn session(&self, username: &str) -> String {
        let begun = self.begin_session(username, PASSWORD).send().await;
        assert_eq!(begun.status, 201, "{}", begun.text());
        begun.session()
    }

    /// The request that begins a session.
    pub(crate) fn begin_session(&self, username: &str, password: &str) -> Ask<'_> {
        let credentials = json!({ "username": username, "password": password });
        self.ask(Method::POST, "/api/admin/sessions")
            .json(credentials)
    }

    /// Makes a token of somebody who has the administrator's password, and returns its text.
    pub(crate) async fn token(&self, username: &str) -> String {
        let made = self.ask(Method::POST, "/api/admin/tokens");
        let made = made.basic(username, PASSWORD);
        let made = made.json(json!({ "name": "deploy" })).send().await;
        assert_eq!(made.status, 201, "{}", made.text());
        made.json()["token"].as_str().unwrap().to_owned()
    }

    /// Adds a record, and returns it.
    pub(crate) async fn create(&self, path: &str, body: Value) -> Value {
        let answer = self.manage(Method::POST, path).json(body).send().await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        answer.json()
    }

    /// Sets the value of a feature's flag in production.
    pub(crate) async fn set(&self, feature: &str, value: Value) {
        let path = format!("/api/admin/environments/production/flags/{feature}");
        let body = json!({ "value": value });
        let answer = self.manage(Method::PATCH, &path).json(body).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

impl Backend {
    /// Adds `feature-0001` to that number, past the HTTP API, where one request each would take long. Those that
    /// wait for the writer together share a commit.
    pub(crate) fn many_features(&self, count: usize) {
        let flags = &self.services.flags;
        let numbers = Mutex::new(1..=count);
        let create = || {
            while let Some(number) = { numbers.lock().next() } {
                let name = FeatureName::parse(format!("feature-{number:04}")).unwrap();
                flags
                    .create_feature(&Actor::Import, &CreateFeature::named(name))
                    .unwrap();
            }
        };
        thread::scope(|scope| {
            for _ in 0..32 {
                scope.spawn(create);
            }
        });
    }

    /// Adds a key whose text the caller chose, as the command line and the state file do.
    pub(crate) fn own_key(&self, environment: &str, kind: KeyKind, text: &str) {
        let command = CreateKey {
            name: KeyName::parse("a key of ones own").unwrap(),
            kind,
            expires_at: None,
            text: Some(KeyText::parse(text).unwrap()),
        };
        let environment = EnvironmentName::parse(environment).unwrap();
        let keys = &self.services.keys;
        keys.create(&Actor::CommandLine, &environment, command)
            .unwrap();
    }

    /// Adds an account past the services, with the administrator's password.
    pub(crate) fn account(&self, username: &str, role: &str, disabled: bool) {
        let insert = format!(
            "INSERT INTO accounts (username, username_folded, role, password_hash, disabled, created_at, version)
             SELECT '{username}', '{username}', '{role}', password_hash, {disabled}, 0, 1
             FROM accounts WHERE username = '{ADMIN}'"
        );
        self.connection().batch_execute(&insert).unwrap();
    }
}
