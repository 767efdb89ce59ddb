//! Failures are limited, for an account from one address and for an address.

use actix_web::http::Method;
use futures_util::future::join_all;

use crate::support::{ADMIN, Answer, Api, Ask, PASSWORD, settings};

const PATH: &str = "/api/admin/features";

fn guess<'a>(api: &'a Api, name: &str, guess: usize) -> Ask<'a> {
    api.ask(Method::GET, PATH)
        .basic(name, &format!("guess number {guess}"))
}

/// Checks that the answer asks to wait for up to a minute.
#[track_caller]
fn limited(answer: &Answer) {
    answer.problem(429, "rate_limited");
    let wait = answer
        .header("Retry-After")
        .and_then(|wait| wait.parse().ok());
    assert!(
        wait.is_some_and(|wait: u64| (1..=60).contains(&wait)),
        "{wait:?}"
    );
}

#[actix_web::test]
async fn ten_failures_a_minute_are_the_limit() {
    let api = Api::empty().await;
    for at in 0..10 {
        guess(&api, ADMIN, at)
            .send()
            .await
            .problem(401, "unauthenticated");
    }
    for at in 10..13 {
        limited(&guess(&api, ADMIN, at).send().await);
    }
    assert_eq!(
        api.backend.hasher.verified(),
        10,
        "what is over the limit costs no hash"
    );
    let right = api.read(PATH).await;
    limited(&right);
}

#[actix_web::test]
async fn the_right_password_still_enters_from_another_address() {
    let api = Api::empty().await;
    for at in 0..11 {
        guess(&api, ADMIN, at).send().await;
    }
    limited(&api.read(PATH).await);
    for address in ["192.0.2.2", "2001:db8::1"] {
        let elsewhere = api.manage(Method::GET, PATH).from(address).send().await;
        assert_eq!(elsewhere.status, 200, "{address}");
    }
}

#[actix_web::test]
async fn another_account_still_enters_from_the_same_address() {
    let api = Api::empty().await;
    api.backend.account("jay", "viewer", false);
    for at in 0..11 {
        guess(&api, ADMIN, at).send().await;
    }
    let jay = api
        .ask(Method::GET, PATH)
        .basic("jay", PASSWORD)
        .send()
        .await;
    assert_eq!(jay.status, 200);
}

#[actix_web::test]
async fn a_right_password_does_not_stand_out_among_guesses_even_where_it_is_remembered() {
    let api = Api::empty().await;
    assert_eq!(api.read(PATH).await.status, 200);
    for at in 0..11 {
        guess(&api, ADMIN, at).send().await;
    }
    api.read(PATH).await.problem(429, "rate_limited");
}

#[actix_web::test]
async fn parallel_failures_are_all_counted() {
    let api = Api::empty().await;
    let together = (0..50).map(|at| guess(&api, ADMIN, at).send());
    let mut statuses: Vec<u16> = join_all(together)
        .await
        .iter()
        .map(|one| one.status)
        .collect();
    statuses.retain(|status| *status != 429);
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert_eq!(looked_at, api.backend.hasher.verified());
    // On a machine that is busy with something else, some may not get their turn in time.
    if statuses.contains(&503) {
        assert!(looked_at <= 10, "{statuses:?}");
        return;
    }
    assert_eq!(statuses, [401; 10]);
    limited(&api.read(PATH).await);
}

#[actix_web::test]
async fn parallel_failures_with_one_password_are_all_counted() {
    let api = Api::empty().await;
    let together = (0..50).map(|_| guess(&api, ADMIN, 0).send());
    for answer in join_all(together).await {
        assert!(matches!(answer.status, 401 | 429), "{}", answer.status);
    }
    limited(&guess(&api, ADMIN, 1).send().await);
}

#[actix_web::test]
async fn the_case_of_a_name_does_not_help() {
    let api = Api::empty().await;
    for (at, name) in ["admin", "Admin", "aDmin", "adMin", "admIn", "admiN"]
        .iter()
        .cycle()
        .take(10)
        .enumerate()
    {
        guess(&api, name, at)
            .send()
            .await
            .problem(401, "unauthenticated");
    }
    limited(&guess(&api, "ADMIN", 10).send().await);
}

#[actix_web::test]
async fn headers_that_name_another_address_do_not_help() {
    let api = Api::empty().await;
    let from = |at: usize| {
        guess(&api, ADMIN, at)
            .header("X-Forwarded-For", format!("198.51.100.{at}"))
            .header("Forwarded", format!("for=198.51.100.{at}"))
            .header("X-Real-IP", format!("198.51.100.{at}"))
            .header("True-Client-IP", format!("198.51.100.{at}"))
    };
    for at in 0..10 {
        from(at).send().await.problem(401, "unauthenticated");
    }
    limited(&from(10).send().await);
}

#[actix_web::test]
async fn an_address_that_tries_many_names_is_limited_too() {
    let mut settings = settings();
    settings.failures_per_address = 15;
    let api = Api::with(settings).await;
    for at in 0..15 {
        guess(&api, &format!("user {at}"), at)
            .send()
            .await
            .problem(401, "unauthenticated");
    }
    limited(&guess(&api, "user 15", 15).send().await);
    limited(&api.read(PATH).await);
    let elsewhere = api.manage(Method::GET, PATH).from("192.0.2.2").send().await;
    assert_eq!(elsewhere.status, 200);
}

#[actix_web::test]
async fn success_does_not_count() {
    let api = Api::empty().await;
    for at in 0..12 {
        let name = format!("user{at}");
        api.backend.account(&name, "viewer", false);
        let answer = api
            .ask(Method::GET, PATH)
            .basic(&name, PASSWORD)
            .send()
            .await;
        assert_eq!(answer.status, 200);
        let again = api
            .ask(Method::GET, PATH)
            .basic(&name.to_uppercase(), PASSWORD)
            .send()
            .await;
        assert_eq!(again.status, 200);
    }
    for at in 0..10 {
        guess(&api, "user0", at)
            .send()
            .await
            .problem(401, "unauthenticated");
    }
}

#[actix_web::test]
async fn the_limit_holds_for_the_metrics_as_well() {
    let api = Api::empty().await;
    for at in 0..10 {
        let guess = api
            .ask(Method::GET, "/metrics")
            .basic(ADMIN, &format!("guess number {at}"));
        guess.send().await.problem(401, "unauthenticated");
    }
    limited(&api.manage(Method::GET, "/metrics").send().await);
    limited(&api.read(PATH).await);
}

#[actix_web::test]
async fn flags_are_served_whatever_the_number_of_failures() {
    let (api, key) = Api::production().await;
    for at in 0..20 {
        guess(&api, "nobody", at).send().await;
    }
    for _ in 0..20 {
        api.flags("not-a-key").await.problem(401, "unauthenticated");
    }
    assert_eq!(api.flags(&key).await.status, 200);
}
