//! `/api/admin/sessions`: the cookie, from whose pages it is taken, and when it ends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use actix_web::http::Method;
use flagstaff_http::HttpSettings;
use serde_json::{Value, json};

use crate::support::{ADMIN, Answer, Api, Ask, PASSWORD, SESSIONS, settings};

const CURRENT: &str = "/api/admin/sessions/current";
const FEATURES: &str = "/api/admin/features";
const ME: &str = "/api/admin/users/me";

/// Checks that there is no such session, and that no browser asks for a password by itself.
#[track_caller]
fn ended(answer: &Answer) {
    answer.problem(401, "unauthenticated");
    let challenge = answer.header("WWW-Authenticate").unwrap();
    assert_eq!(challenge, "Session path=\"/api/admin/sessions\"");
}

fn me<'a>(api: &'a Api, session: &str) -> Ask<'a> {
    api.ask(Method::GET, ME).session(session)
}

#[actix_web::test]
async fn a_session_begins_with_a_cookie_and_the_user() {
    let api = Api::empty().await;
    let begun = api.begin_session("Admin", PASSWORD).send().await;
    assert_eq!(begun.status, 201, "{}", begun.text());
    let session = begun.session();
    assert!(
        session.starts_with("fss_") && session.len() == 68,
        "{session}"
    );
    let cookie = format!("flagstaff={session}; Path=/; HttpOnly; SameSite=Strict");
    assert_eq!(begun.header("Set-Cookie"), Some(cookie.as_str()));
    assert_eq!(begun.header("Cache-Control"), Some("no-store"));
    assert!(!begun.text().contains(&session));
    assert_eq!(begun.json(), me(&api, &session).send().await.json());
}

#[actix_web::test]
async fn behind_tls_the_cookie_is_the_hosts_alone() {
    let api = Api::with(HttpSettings {
        secure_cookie: true,
        ..settings()
    })
    .await;
    let begun = api.begin_session(ADMIN, PASSWORD).send().await;
    let session = begun.session();
    let cookie = format!("__Host-flagstaff={session}; Path=/; HttpOnly; SameSite=Strict; Secure");
    assert_eq!(begun.header("Set-Cookie"), Some(cookie.as_str()));
    let me = |cookie: String| api.ask(Method::GET, ME).header("Cookie", cookie).send();
    assert_eq!(me(format!("__Host-flagstaff={session}")).await.status, 200);
    let tossed = me(format!("flagstaff={session}")).await;
    tossed.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_sign_in_never_takes_over_a_session_that_somebody_else_chose() {
    let api = Api::empty().await;
    let planted = format!("fss_{}", "0".repeat(64));
    ended(&me(&api, &planted).send().await);
    let begun = api.begin_session(ADMIN, PASSWORD).session(&planted);
    let first = begun.send().await.session();
    assert_ne!(first, planted);
    ended(&me(&api, &planted).send().await);
    let begun = api.begin_session(ADMIN, PASSWORD).session(&first);
    let second = begun.send().await.session();
    assert_ne!(second, first);
    ended(&me(&api, &first).send().await);
    assert_eq!(me(&api, &second).send().await.status, 200);
    let elsewhere = api.session(ADMIN).await;
    for session in [&second, &elsewhere] {
        assert_eq!(me(&api, session).send().await.status, 200);
    }
}

#[actix_web::test]
async fn who_signs_out_is_out() {
    let api = Api::empty().await;
    let (session, other) = (api.session(ADMIN).await, api.session(ADMIN).await);
    let out = api.ask(Method::DELETE, CURRENT).session(&session);
    let out = out.send().await;
    assert_eq!((out.status, out.text()), (204, ""));
    let gone = "flagstaff=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
    assert_eq!(out.header("Set-Cookie"), Some(gone));
    ended(&me(&api, &session).send().await);
    let again = api.ask(Method::DELETE, CURRENT).session(&session);
    ended(&again.send().await);
    assert_eq!(me(&api, &other).send().await.status, 200);
}

#[actix_web::test]
async fn without_a_session_there_is_none_to_end() {
    let api = Api::empty().await;
    let token = api.token(ADMIN).await;
    for ask in [
        api.manage(Method::DELETE, CURRENT),
        api.ask(Method::DELETE, CURRENT).bearer(&token),
    ] {
        ask.send().await.problem(404, "not_found");
    }
    let nobody = api.ask(Method::DELETE, CURRENT).send().await;
    nobody.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn pages_of_other_origins_change_nothing() {
    let api = Api::empty().await;
    let session = api.session(ADMIN).await;
    let from = |headers: &[(&str, &str)], name: &str| {
        let ask = api.ask(Method::POST, FEATURES).session(&session);
        let ask = ask.header("Host", "flags.example");
        let ask = headers
            .iter()
            .fold(ask, |ask, (name, value)| ask.header(name, value));
        ask.json(json!({ "name": name })).send()
    };
    for headers in [
        [("Origin", "https://evil.example")].as_slice(),
        &[("Origin", "null")],
        &[("Origin", "https://flags.example.evil.example")],
        &[
            ("Sec-Fetch-Site", "cross-site"),
            ("Origin", "https://flags.example"),
        ],
        &[("Sec-Fetch-Site", "same-site")],
    ] {
        from(headers, "evil").await.problem(403, "forbidden");
    }
    let out = api.ask(Method::DELETE, CURRENT).session(&session);
    let out = out.header("Sec-Fetch-Site", "cross-site").send().await;
    out.problem(403, "forbidden");
    let planted = api.begin_session(ADMIN, PASSWORD);
    let planted = planted.header("Sec-Fetch-Site", "cross-site").send().await;
    planted.problem(403, "forbidden");
    assert_eq!(planted.header("Set-Cookie"), None);

    for (at, headers) in [
        [("Origin", "https://flags.example")].as_slice(),
        &[("Sec-Fetch-Site", "same-origin")],
        &[],
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(from(headers, &format!("own-{at}")).await.status, 201);
    }
    assert_eq!(
        api.read(FEATURES).await.names(),
        ["own-0", "own-1", "own-2"]
    );
    let read = me(&api, &session).header("Origin", "https://evil.example");
    let read = read.send().await;
    assert_eq!(read.status, 200);
    assert_eq!(
        read.header("Access-Control-Allow-Origin"),
        None,
        "which no page may see"
    );
}

#[actix_web::test]
async fn two_cookies_are_refused_and_what_is_no_session_is_none() {
    let api = Api::empty().await;
    let session = api.session(ADMIN).await;
    for cookies in [
        [format!("flagstaff={session}; flagstaff={session}")].as_slice(),
        &[format!("flagstaff={session}"), "flagstaff=".to_owned()],
        &[format!("flagstaff=x;flagstaff={session}")],
    ] {
        let ask = api.ask(Method::GET, ME);
        let ask = cookies
            .iter()
            .fold(ask, |ask, cookie| ask.header("Cookie", cookie));
        ask.send().await.problem(400, "invalid_request");
    }
    for text in [
        "",
        "x",
        &session[1..],
        &session.to_uppercase(),
        &"0".repeat(68),
    ] {
        ended(&me(&api, text).send().await);
    }
    let bytes = api
        .ask(Method::GET, ME)
        .header("Cookie", b"flagstaff=\xff\xfe");
    ended(&bytes.send().await);
    let among = api.ask(Method::GET, ME);
    let among = among.header("Cookie", format!("a=b; flagstaff={session}; c=é"));
    assert_eq!(among.send().await.status, 200);
}

#[actix_web::test]
async fn credentials_that_are_sent_on_purpose_go_before_a_cookie() {
    let api = Api::empty().await;
    api.user("jay", "viewer").await;
    let session = api.session("jay").await;
    let both = api.manage(Method::GET, ME).session(&session).send().await;
    assert_eq!(both.json()["username"], ADMIN);
    let wrong = me(&api, &session).basic(ADMIN, "not the password");
    wrong.send().await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_session_ends_when_it_is_idle_and_at_the_latest_after_its_time() {
    let api = Api::empty().await;
    let idle = Duration::from_secs(SESSIONS.idle_seconds.into());
    let (used, unused) = (api.session(ADMIN).await, api.session(ADMIN).await);
    api.backend.clock.advance(idle - Duration::from_secs(1));
    assert_eq!(me(&api, &used).send().await.status, 200);
    // The note of this use comes before any later write.
    api.feature("a").await;
    api.backend.clock.advance(Duration::from_secs(1));
    ended(&me(&api, &unused).send().await);
    for hour in 1..24 {
        assert_eq!(me(&api, &used).send().await.status, 200, "{hour}");
        api.feature(&format!("after-{hour}")).await;
        // Uses are noted to the minute.
        api.backend.clock.advance(idle - Duration::from_secs(60));
    }
    api.backend.clock.set("2026-11-21T10:00:00Z");
    ended(&me(&api, &used).send().await);
    api.backend.clock.set("2026-11-20T10:00:00Z");
    for session in [&used, &unused] {
        ended(&me(&api, session).send().await);
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
        let answer = api.begin_session(name, password).send().await;
        ended(&answer);
        assert_eq!(answer.header("Set-Cookie"), None);
        answers.push(answer.text().to_owned());
    }
    assert_eq!((&answers[0], &answers[0]), (&answers[1], &answers[2]));
    assert_eq!(
        api.backend.hasher.verified(),
        3,
        "each took the time of a hash"
    );
}

#[actix_web::test]
async fn failures_count_together_with_those_of_http_basic() {
    let api = Api::empty().await;
    for at in 0..5 {
        let guess = format!("guess number {at}");
        ended(&api.begin_session(ADMIN, &guess).send().await);
        let basic = api.ask(Method::GET, ME).basic(ADMIN, &guess).send().await;
        basic.problem(401, "unauthenticated");
    }
    let limited = api.begin_session(ADMIN, PASSWORD).send().await;
    limited.problem(429, "rate_limited");
    assert!(limited.header("Retry-After").is_some());
    assert_eq!(api.backend.hasher.verified(), 10);
    let elsewhere = api.begin_session(ADMIN, PASSWORD).from("192.0.2.2");
    assert_eq!(elsewhere.send().await.status, 201);
}

#[actix_web::test]
async fn what_is_no_sign_in_is_refused_without_a_hash() {
    let api = Api::empty().await;
    let ask = |body: Value| {
        api.ask(Method::POST, "/api/admin/sessions")
            .json(body)
            .send()
    };
    for (body, field) in [
        (
            json!({"username": ADMIN, "password": "x".repeat(129)}),
            "password",
        ),
        (
            json!({"username": ADMIN, "password": "x".repeat(1_000_000)}),
            "password",
        ),
        (
            json!({"username": "x".repeat(151), "password": PASSWORD}),
            "username",
        ),
        (
            json!({"username": ADMIN, "password": 123_456_789_012_i64}),
            "password",
        ),
        (
            json!({"username": ADMIN, "password": PASSWORD, "role": "admin"}),
            "role",
        ),
        (json!({"username": null, "password": PASSWORD}), "username"),
    ] {
        let answer = ask(body).await;
        answer.field(field);
        assert!(!answer.text().contains("123456789012"), "{}", answer.text());
    }
    ask(json!({"username": ADMIN}))
        .await
        .problem(400, "invalid_request");
    ask(json!([ADMIN, PASSWORD]))
        .await
        .problem(400, "invalid_request");
    assert_eq!(api.backend.hasher.verified(), 0);
}

#[actix_web::test]
async fn a_session_that_cannot_be_stored_does_not_begin() {
    let api = Api::empty().await;
    let session = api.session(ADMIN).await;
    let lock = api.backend.lock();
    let refused = api.begin_session(ADMIN, PASSWORD).send().await;
    refused.problem(503, "unavailable");
    assert_eq!(refused.header("Set-Cookie"), None);
    assert_eq!(
        me(&api, &session).send().await.status,
        200,
        "the others go on"
    );
    drop(lock);
}
