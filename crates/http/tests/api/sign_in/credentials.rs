//! Who is let in with HTTP Basic, and what the others are told.

use actix_web::http::Method;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::support::{ADMIN, Answer, Api, PASSWORD};

const PATH: &str = "/api/admin/features";

/// Checks that nobody was let in.
#[track_caller]
fn refused(answer: &Answer) -> String {
    let challenge = answer.header("WWW-Authenticate").unwrap_or_default();
    let known = ["Basic realm=", "Bearer realm="];
    assert!(
        known.iter().any(|one| challenge.starts_with(one)),
        "{challenge}"
    );
    answer.problem(401, "unauthenticated")
}

#[actix_web::test]
async fn the_administrator_enters_whatever_the_case_of_the_name() {
    let api = Api::empty().await;
    for name in [ADMIN, "Admin", "ADMIN"] {
        let answer = api
            .ask(Method::GET, PATH)
            .basic(name, PASSWORD)
            .send()
            .await;
        assert_eq!(answer.status, 200, "{name}");
    }
    let scheme = STANDARD.encode(format!("{ADMIN}:{PASSWORD}"));
    let lower = api
        .ask(Method::GET, PATH)
        .header("Authorization", format!("basic {scheme}"));
    assert_eq!(lower.send().await.status, 200, "a scheme has no case");
}

#[actix_web::test]
async fn there_is_no_default_password() {
    let api = Api::empty().await;
    for (name, password) in [
        ("admin", "admin"),
        ("admin", ""),
        ("admin", "password"),
        ("", ""),
        ("root", "root"),
    ] {
        let answer = api
            .ask(Method::GET, PATH)
            .basic(name, password)
            .send()
            .await;
        refused(&answer);
    }
}

#[actix_web::test]
async fn an_environments_key_is_forbidden_to_manage() {
    let (api, client) = Api::production().await;
    let server = api.key("production", "server").await;
    for key in [client.as_str(), &server, "not-a-key"] {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            let answer = api.ask(method, PATH).key(key).send().await;
            answer.problem(403, "forbidden");
        }
        let as_password = api.ask(Method::GET, PATH).basic(ADMIN, key).send().await;
        refused(&as_password);
    }
    for (key, opens) in [
        (client.as_str(), true),
        (&server, true),
        ("not-a-key", false),
    ] {
        let bearer = api
            .ask(Method::GET, PATH)
            .header("Authorization", format!("Bearer {key}"));
        let answer = bearer.send().await;
        match opens {
            true => drop(answer.problem(403, "forbidden")),
            false => drop(refused(&answer)),
        }
    }
}

#[actix_web::test]
async fn an_unknown_user_and_a_wrong_password_get_the_same_answer() {
    let api = Api::empty().await;
    api.backend.account("gone", "admin", true);
    let mut answers = Vec::new();
    for (name, password) in [
        (ADMIN, "wrong password"),
        ("nobody", PASSWORD),
        ("gone", PASSWORD),
    ] {
        let answer = api
            .ask(Method::GET, PATH)
            .basic(name, password)
            .send()
            .await;
        refused(&answer);
        let mut headers: Vec<_> = answer
            .headers
            .iter()
            .filter(|(name, _)| name.as_str() != "x-request-id")
            .map(|(name, value)| format!("{name}: {value:?}"))
            .collect();
        headers.sort();
        answers.push((answer.status, answer.text().to_owned(), headers));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(
        answers[0], answers[2],
        "nor is a disabled account told apart"
    );
    assert_eq!(
        api.backend.hasher.verified(),
        3,
        "each took the time of a hash"
    );
}

#[actix_web::test]
async fn two_authorization_headers_are_refused() {
    let api = Api::empty().await;
    for (first, second) in [("admin", "admin"), ("admin", "other"), ("other", "admin")] {
        let both = api
            .ask(Method::GET, PATH)
            .basic(first, PASSWORD)
            .basic(second, PASSWORD);
        both.send().await.problem(400, "invalid_request");
    }
    assert_eq!(api.backend.hasher.verified(), 0);
}

#[actix_web::test]
async fn credentials_that_cannot_be_read_are_refused_without_a_hash() {
    let api = Api::empty().await;
    let right = STANDARD.encode(format!("{ADMIN}:{PASSWORD}"));
    let no_colon = STANDARD.encode("admin");
    let no_utf8 = STANDARD.encode(b"admin:\xff\xfe");
    for value in [
        String::new(),
        "Basic".to_owned(),
        "Basic ".to_owned(),
        "Basic !!!".to_owned(),
        format!("Basic {no_colon}"),
        format!("Basic {no_utf8}"),
        format!("Bearer {right}"),
        format!("Digest {right}"),
        right.clone(),
        format!("Basic{right}"),
        format!("Basic {right} {right}"),
    ] {
        let answer = api
            .ask(Method::GET, PATH)
            .header("Authorization", &value)
            .send()
            .await;
        refused(&answer);
    }
    let bytes = api
        .ask(Method::GET, PATH)
        .header("Authorization", b"Basic \xff\xfe");
    refused(&bytes.send().await);
    assert_eq!(api.backend.hasher.verified(), 0);
}

#[actix_web::test]
async fn names_and_passwords_longer_than_any_are_refused_without_a_hash() {
    let api = Api::empty().await;
    let long = "x".repeat(11_000);
    for (name, password) in [
        (ADMIN, long.as_str()),
        (&long, PASSWORD),
        (ADMIN, &long[..129]),
    ] {
        let answer = api
            .ask(Method::GET, PATH)
            .basic(name, password)
            .send()
            .await;
        refused(&answer);
    }
    assert_eq!(api.backend.hasher.verified(), 0);
    refused(
        &api.ask(Method::GET, PATH)
            .basic(ADMIN, &long[..128])
            .send()
            .await,
    );
    assert_eq!(
        api.backend.hasher.verified(),
        1,
        "128 characters may be a password"
    );
}

#[actix_web::test]
async fn a_password_is_hashed_once_for_many_calls() {
    let api = Api::empty().await;
    for _ in 0..50 {
        assert_eq!(api.read(PATH).await.status, 200);
    }
    let together = (0..50).map(|_| api.read(PATH));
    for answer in futures_util::future::join_all(together).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(api.backend.hasher.verified(), 1);
}

#[actix_web::test]
async fn of_calls_that_come_together_one_hashes() {
    let api = Api::empty().await;
    let together = (0..50).map(|_| api.read(PATH));
    for answer in futures_util::future::join_all(together).await {
        assert_eq!(answer.status, 200);
    }
    assert_eq!(api.backend.hasher.verified(), 1);
}

#[actix_web::test]
async fn what_is_remembered_belongs_to_one_name_and_password() {
    let api = Api::empty().await;
    assert_eq!(api.read(PATH).await.status, 200);
    let (name, password) = PASSWORD.split_at(1);
    for (name, password) in [
        ("admi", format!("n{PASSWORD}")),
        ("adminc", PASSWORD[1..].to_owned()),
        (ADMIN, format!("{PASSWORD} ")),
        (ADMIN, PASSWORD.to_uppercase()),
        (name, password.to_owned()),
    ] {
        refused(
            &api.ask(Method::GET, PATH)
                .basic(name, &password)
                .send()
                .await,
        );
    }
}

#[actix_web::test]
async fn an_outage_is_not_called_a_wrong_password() {
    let api = Api::empty().await;
    api.backend.damage();
    api.read(PATH).await.problem(500, "internal");
}
