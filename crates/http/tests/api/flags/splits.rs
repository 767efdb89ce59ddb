//! How a flag is split among variants, and its kill switch.

use actix_web::http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Api};

const FLAG: &str = "/api/admin/environments/production/flags/theme";

async fn change(api: &Api, body: Value) -> Answer {
    api.manage(Method::PATCH, FLAG).json(body).send().await
}

/// An environment with its key, and a feature with three variants.
async fn themed() -> (Api, String) {
    let (api, key) = Api::production().await;
    let body = json!({"name": "theme", "initial_value": "plain", "default_enabled": true, "variants": [
        {"key": "blue", "value": "b"}, {"key": "green", "value": "g"}, {"key": "red", "value": "r"},
    ]});
    api.create("/api/admin/features", body).await;
    (api, key)
}

#[actix_web::test]
async fn a_split_is_answered_in_the_order_of_the_variants() {
    let (api, key) = themed().await;
    let before = api.flags(&key).await;
    let body = json!({"variants": [
        {"variant": "red", "weight": 0.0001}, {"variant": "green", "weight": 0}, {"variant": "blue", "weight": 30.0},
    ]});
    let changed = change(&api, body.clone()).await;
    assert_eq!(changed.status, 200);
    assert!(changed.text().contains(
        r#""variants":[{"variant":"blue","weight":30},{"variant":"red","weight":0.0001}],"killed":false"#
    ));
    assert_eq!(api.read(FLAG).await.body, changed.body);
    assert_eq!(change(&api, body).await.etag(), changed.etag());
    // Without an identity there is no split.
    assert_eq!(api.flags(&key).await.json(), before.json());
}

#[actix_web::test]
async fn what_cannot_be_a_split_is_refused_by_its_place() {
    let (api, _) = themed().await;
    let share = |variant: &str, weight: Value| json!({"variant": variant, "weight": weight});
    for (shares, place) in [
        (
            json!([share("blue", json!(60)), share("red", json!(40.5))]),
            "variants",
        ),
        (
            json!([share("blue", json!(1)), share("blue", json!(1))]),
            "variants",
        ),
        (
            json!([share("blue", json!(1)), share("black", json!(1))]),
            "variants",
        ),
        (json!([share("blue", json!(-1))]), "variants[0].weight"),
        (json!([share("blue", json!(100.5))]), "variants[0].weight"),
        (json!([share("blue", json!("1"))]), "variants[0].weight"),
        (
            json!([share("red", json!(1)), share("blue", json!(0.00001))]),
            "variants[1].weight",
        ),
        (
            json!([{"variant": "blue", "weight": 1, "key": 1}]),
            "variants[0].key",
        ),
        (json!({"blue": 1}), "variants"),
    ] {
        change(&api, json!({"variants": shares})).await.field(place);
    }
    assert_eq!(api.read(FLAG).await.json()["variants"], json!([]));
}

#[actix_web::test]
async fn a_killed_flag_is_off_for_everybody_and_comes_back_as_it_was() {
    let (api, key) = themed().await;
    change(
        &api,
        json!({"variants": [{"variant": "blue", "weight": 100}]}),
    )
    .await;
    let evaluated = async || {
        let body = json!({"context": {"targetingKey": "somebody"}});
        let ask = api.ask(Method::POST, "/ofrep/v1/evaluate/flags/theme");
        ask.key(&key).json(body).send().await.json()
    };
    let before = (api.flags(&key).await.json(), evaluated().await);
    assert_eq!(before.1["value"], "b");

    let killed = change(&api, json!({"killed": true})).await.json();
    assert_eq!(
        (&killed["killed"], &killed["enabled"]),
        (&json!(true), &json!(true))
    );
    assert_eq!(api.flags(&key).await.json()[0]["enabled"], false);
    assert_eq!(evaluated().await["reason"], "DISABLED");
    // What is set meanwhile waits.
    change(&api, json!({"enabled": true, "value": "other"})).await;
    assert_eq!(api.flags(&key).await.json()[0]["enabled"], false);

    change(&api, json!({"killed": false, "value": "plain"})).await;
    let mut after = evaluated().await;
    // The revision has gone on.
    after["metadata"] = before.1["metadata"].clone();
    assert_eq!(after, before.1);
    assert_eq!(api.flags(&key).await.json(), before.0);
}
