//! `/rates/{date}/`: a day's rates, digit by digit.

use actix_web::http::Method;

use flagstaff_http::{AllowedOrigins, HttpSettings};

use crate::support::{ADMIN, Api, Backend, PASSWORD, settings};

const RATES: [(&str, &str); 2] = [("GBP", "0.8508"), ("USD", "1.1208000000000000000000001")];

async fn api() -> Api {
    let api = Api::empty().await;
    api.backend.rates("2026-11-19", &RATES);
    api
}

#[actix_web::test]
async fn a_day_is_answered_with_every_digit_with_and_without_the_last_slash() {
    let api = api().await;
    for path in ["/rates/2026-11-19/", "/rates/2026-11-19"] {
        let answer = api.get(path).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let expected = r#"{"date":"2026-11-19","base":"EUR","rates":{"GBP":0.8508,"USD":1.1208000000000000000000001},"ingested_at":"2026-11-20T06:00:00.000000Z"}"#;
        assert_eq!(answer.text(), expected);
        assert_eq!(answer.header("Content-Type"), Some("application/json"));
        assert_eq!(answer.header("Cache-Control"), Some("public, max-age=60"));
        assert_eq!(api.ask(Method::HEAD, path).send().await.status, 200);
    }
}

#[actix_web::test]
async fn the_list_is_narrowed_and_restated() {
    let api = api().await;
    for (query, rates) in [
        ("symbols=GBP", r#""base":"EUR","rates":{"GBP":0.8508}"#),
        ("symbols=GBP,CHF", r#""base":"EUR","rates":{"GBP":0.8508}"#),
        ("symbols=CHF", r#""base":"EUR","rates":{}"#),
        (
            "symbols=EUR,GBP",
            r#""base":"EUR","rates":{"EUR":1,"GBP":0.8508}"#,
        ),
        (
            "base=EUR&symbols=GBP",
            r#""base":"EUR","rates":{"GBP":0.8508}"#,
        ),
        (
            "base=GBP&symbols=EUR,GBP",
            r#""base":"GBP","rates":{"EUR":1.175364362952515,"GBP":1}"#,
        ),
    ] {
        let answer = api.get(&format!("/rates/2026-11-19/?{query}")).await;
        assert!(answer.text().contains(rates), "{query}: {}", answer.text());
    }
    let refused = api.get("/rates/2026-11-19/?base=CHF").await;
    let detail = refused.problem(404, "not_found");
    assert_eq!(detail, "there is no rate of CHF for 2026-11-19");
}

#[actix_web::test]
async fn an_unchanged_day_is_not_sent_again() {
    let api = api().await;
    let path = "/rates/2026-11-19/";
    let first = api.get(path).await;
    let again = |tag: String| api.ask(Method::GET, path).header("If-None-Match", tag);
    let unchanged = again(first.etag()).send().await;
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    assert_eq!(unchanged.etag(), first.etag());
    let narrowed = api.get("/rates/2026-11-19/?symbols=USD").await;
    assert_ne!(narrowed.etag(), first.etag());
    api.backend.rates("2026-11-19", &[("GBP", "0.86")]);
    let changed = again(first.etag()).send().await;
    assert_eq!(changed.status, 200);
    assert!(changed.text().contains("0.86"));
}

#[actix_web::test]
async fn what_is_no_day_or_has_not_come_is_told_from_what_is_not_stored() {
    let api = api().await;
    for path in [
        "/rates/2026-13-01/",
        "/rates/yesterday",
        "/rates/2026-1-1/",
        "/rates/2023-02-29/",
        "/rates/20261119/",
        "/rates/%00/",
        "/rates/2026-11-19T00:00/",
        "/rates/2026-11-21/",
        "/rates/9999-12-31",
    ] {
        api.get(path).await.field("date");
    }
    let future = api.get("/rates/2026-11-21/").await;
    assert!(
        future.text().contains("in UTC it is 2026-11-20"),
        "{}",
        future.text()
    );
    for path in [
        "/rates/2026-11-20/",
        "/rates/0001-01-01",
        "/rates/2026-11-18/?base=USD",
    ] {
        api.get(path).await.problem(404, "not_found");
    }
    api.backend.clock.set("2026-11-21T00:00:00Z");
    api.get("/rates/2026-11-21/")
        .await
        .problem(404, "not_found");
    for path in ["/rates/", "/rates", "/rates/2026-11-19/USD"] {
        api.get(path).await.problem(404, "not_found");
    }
}

#[actix_web::test]
async fn a_wrong_question_is_told_what_would_be_right() {
    let api = api().await;
    for (query, field) in [
        ("base=euro", "base"),
        ("base=", "base"),
        ("base=usd", "base"),
        ("symbols=", "symbols"),
        ("symbols=USD,,GBP", "symbols"),
        ("symbols=USD%20", "symbols"),
        ("symbols=US%00", "symbols"),
    ] {
        let refused = api.get(&format!("/rates/2026-11-19/?{query}")).await;
        let message = refused.field(field);
        assert!(
            message.contains("three capital letters") || message.contains("NUL"),
            "{message}"
        );
    }
    let unknown = api.get("/rates/2026-11-19/?currency=USD").await;
    unknown.problem(400, "invalid_request");
    let refused = api.ask(Method::POST, "/rates/2026-11-19/").send().await;
    refused.problem(405, "method_not_allowed");
    assert_eq!(refused.header("Allow"), Some("GET, HEAD, OPTIONS"));
}

#[actix_web::test]
async fn a_setting_closes_rates_to_those_without_account_or_key() {
    let api = Api::over(Backend::closed()).await;
    api.backend.serving.refresh().unwrap();
    api.backend.rates("2026-11-19", &RATES);
    let key = api.environment("production").await;
    let path = "/rates/2026-11-19/";
    let refused = api.get(path).await;
    let detail = refused.problem(401, "unauthenticated");
    assert!(detail.contains("X-Environment-Key"), "{detail}");
    let wrong = api.ask(Method::GET, path).key("nobodys-key").send().await;
    wrong.problem(401, "unauthenticated");
    let signed_in = api.ask(Method::GET, path).basic(ADMIN, PASSWORD);
    for ask in [signed_in, api.ask(Method::GET, path).key(&key)] {
        let answer = ask.send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("Cache-Control"), Some("private, no-cache"));
        assert!(answer.header("Vary").unwrap().contains("Authorization"));
    }
}

#[actix_web::test]
async fn pages_of_other_origins_read_rates_and_caches_are_told_of_listed_ones() {
    let listed = |origins: AllowedOrigins| HttpSettings {
        allowed_origins: origins,
        ..settings()
    };
    let shop = "https://shop.example";
    for (origins, allowed) in [
        (AllowedOrigins::Any, "*"),
        (AllowedOrigins::Only(vec![shop.to_owned()]), shop),
    ] {
        let api = Api::with(listed(origins)).await;
        api.backend.rates("2026-11-19", &RATES);
        for method in [Method::GET, Method::OPTIONS] {
            let ask = api.ask(method, "/rates/2026-11-19/");
            let answer = ask.header("Origin", shop).send().await;
            let origin = answer.header("Access-Control-Allow-Origin");
            assert_eq!(origin, Some(allowed));
            let varies = answer
                .header("Vary")
                .is_some_and(|vary| vary.contains("Origin"));
            assert_eq!(varies, allowed != "*");
        }
    }
}

#[actix_web::test]
async fn a_stored_day_is_one_change_and_leaves_flags_as_they_are() {
    let (api, key) = Api::production().await;
    let before = api.flags(&key).await.etag();
    api.backend.rates("2026-11-19", &RATES);
    assert_eq!(api.flags(&key).await.etag(), before);
    let log = api.read("/api/admin/changes?context=rates").await.json();
    assert_eq!(log.as_array().unwrap().len(), 1);
    assert_eq!(
        (&log[0]["kind"], &log[0]["subject"], &log[0]["actor"]),
        (
            &"rates.stored".into(),
            &"2026-11-19".into(),
            &"job:rates".into()
        )
    );
}

#[actix_web::test]
async fn without_its_database_rates_are_unavailable() {
    let api = api().await;
    api.backend.damage();
    let answer = api.get("/rates/2026-11-19/").await;
    assert!([500, 503].contains(&answer.status), "{}", answer.text());
}

#[actix_web::test]
async fn the_description_promises_no_double() {
    let api = Api::empty().await;
    let description = api.get("/openapi.json").await.json();
    let rate = &description["components"]["schemas"]["Rate"];
    assert_eq!(rate["type"], "number");
    assert!(rate.get("format").is_none(), "{rate}");
}
