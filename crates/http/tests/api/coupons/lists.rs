//! Lists of coupons: by the moment, page by page, in another currency.

use serde_json::json;

use super::{COUPONS, create, ids, valid, with};
use crate::support::{Api, Backend};

#[actix_web::test]
async fn a_list_without_coupons_is_empty() {
    let api = Api::empty().await;
    for path in [COUPONS, "/coupons?state=valid", "/coupons?state=invalid"] {
        let answer = api.get(path).await;
        assert_eq!((answer.status, answer.text()), (200, "[]"), "{path}");
    }
}

#[actix_web::test]
async fn a_coupon_is_valid_until_the_moment_of_its_expiry() {
    let api = Api::empty().await;
    let gone = create(&api, with(&json!({}))).await;
    let there = create(&api, valid(&json!({}))).await;
    let lists = || async {
        let mut lists = Vec::new();
        for path in [COUPONS, "/coupons?state=valid", "/coupons?state=invalid"] {
            lists.push(ids(&api.get(path).await));
        }
        lists
    };
    assert_eq!(lists().await, [vec![gone, there], vec![there], vec![gone]]);
    api.backend.clock.set("2026-12-30T23:59:59.999999Z");
    assert_eq!(lists().await[1], [there]);
    api.backend.clock.set("2026-12-31T00:00:00Z");
    assert_eq!(
        lists().await,
        [vec![gone, there], vec![], vec![gone, there]]
    );
}

#[actix_web::test]
async fn a_wrong_question_is_told_what_would_be_right() {
    let api = Api::empty().await;
    for (query, field) in [
        ("state=expired", "state"),
        ("state=", "state"),
        ("state=VALID", "state"),
        ("currency=QQQ", "currency"),
        ("currency=usd", "currency"),
        ("currency=", "currency"),
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1000000000", "limit"),
        ("limit=x", "limit"),
        ("after=x", "after"),
        ("after=1.2", "after"),
        ("state=valid&after=7", "after"),
        ("hidden=maybe", "hidden"),
    ] {
        api.get(&format!("/coupons?{query}")).await.field(field);
    }
    api.get("/coupons?colour=red")
        .await
        .problem(400, "invalid_request");
    api.get("/coupons?key=A")
        .await
        .problem(401, "unauthenticated");
}

#[actix_web::test]
async fn a_long_list_is_read_page_by_page() {
    let api = Api::empty().await;
    let mut all = Vec::new();
    for month in [3, 1, 2, 1, 3] {
        let expires = json!({"expire_at": format!("2026-0{month}-01T00:00:00Z")});
        all.push(create(&api, with(&expires)).await);
    }
    for (start, order) in [
        ("/coupons?limit=2", all.clone()),
        (
            "/coupons?state=invalid&limit=2",
            vec![all[1], all[3], all[2], all[0], all[4]],
        ),
    ] {
        let (mut path, mut seen) = (start.to_owned(), Vec::new());
        for _ in 0..3 {
            let answer = api.get(&path).await;
            seen.extend(ids(&answer));
            let Some(link) = answer.header("Link") else {
                path.clear();
                break;
            };
            let target = link.strip_prefix('<').and_then(|rest| rest.split_once('>'));
            let (target, relation) = target.unwrap();
            assert_eq!(relation, "; rel=\"next\"");
            target.clone_into(&mut path);
        }
        assert_eq!((seen, path.as_str()), (order, ""), "{start}");
    }
}

#[cfg(feature = "rates")]
#[actix_web::test]
async fn what_a_coupon_is_worth_is_told_where_a_rate_allows_it() {
    let api = Api::empty().await;
    let euros = create(&api, valid(&json!({"amount": "10", "currency": "EUR"}))).await;
    let pounds = create(&api, valid(&json!({"amount": "8.508", "currency": "GBP"}))).await;
    let other = create(&api, valid(&json!({"amount": "1", "currency": "CHF"}))).await;
    let none = create(&api, valid(&json!({}))).await;
    let list = api.get("/coupons?currency=USD").await.json();
    assert!(
        list.as_array()
            .unwrap()
            .iter()
            .all(|one| one.get("converted").is_none()),
        "{list}"
    );
    api.backend
        .rates("2026-11-18", &[("USD", "9"), ("GBP", "9")]);
    api.backend
        .rates("2026-11-19", &[("USD", "1.1208"), ("GBP", "0.8508")]);
    let list = api.get("/coupons?currency=USD").await;
    assert_eq!(ids(&list), [euros, pounds, other, none]);
    let list = list.json();
    let worth = |amount| json!({"amount": amount, "currency": "USD", "rate_date": "2026-11-19"});
    assert_eq!(list[0]["converted"], worth("11.21"));
    assert_eq!(list[1]["converted"], worth("11.21"));
    assert_eq!(
        (list[2].get("converted"), list[3].get("converted")),
        (None, None)
    );
    let one = api.get(&format!("/coupons/{euros}?currency=JPY")).await;
    assert_eq!(one.json().get("converted"), None, "no rate for it");
    assert_eq!(api.get(COUPONS).await.json()[0].get("converted"), None);
}

#[actix_web::test]
async fn without_its_database_a_list_is_unavailable_and_not_empty() {
    let api = Api::over(Backend::start(crate::support::settings())).await;
    create(&api, valid(&json!({}))).await;
    let _lock = api.backend.is_a_file().then(|| api.backend.lock());
    assert_eq!(
        api.get(COUPONS).await.status,
        200,
        "reads wait for no writer"
    );
}
