//! Coupons from outside: by command, in the demonstration, and in state files.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "command_line/program.rs"]
mod program;
#[path = "support/server.rs"]
mod server;

use program::{Installation, column};
use serde_json::{Value, json};
use server::{Server, address_of, call};

const WINDOW: [&str; 4] = [
    "--published-at",
    "2026-01-01T00:00:00Z",
    "--expire-at",
    "2099-01-01T00:00:00Z",
];

fn create(here: &Installation, more: &[&str]) -> Value {
    let arguments = ["coupon", "create"].iter().chain(&WINDOW).chain(more);
    here.json(&arguments.copied().collect::<Vec<_>>())
}

#[test]
fn a_coupon_is_created_shown_set_and_deleted() {
    let here = Installation::shop();
    let created = create(
        &here,
        &[
            "--code",
            "A 1",
            "--title",
            "-10 % on all",
            "--amount",
            "1.50",
            "--currency",
            "EUR",
            "--feature",
            "dark_mode",
        ],
    );
    assert_eq!(
        (&created["id"], &created["feature"]),
        (&json!(1), &json!("dark_mode"))
    );
    assert_eq!(here.json(&["coupon", "show", "1"]), created);
    let set = here.json(&["coupon", "set", "1", "--store", r#"{"city": "Seattle"}"#]);
    assert_eq!(
        (&set["store"]["city"], &set["amount"]),
        (&json!("Seattle"), &json!("1.50"))
    );
    assert_eq!(column(&here.json(&["coupon", "list"]), "id"), [1]);
    assert_eq!(
        here.json(&["coupon", "list", "--state", "invalid"]),
        json!([])
    );
    let table = here.run(&["coupon", "show", "1"]).succeeds();
    assert!(table.contains("1.50 EUR"), "{table}");
    here.run(&["coupon", "delete", "1"]).succeeds();
    here.run(&["coupon", "show", "1"]).fails(3);
    let changes = here.json(&["changes", "--context", "coupons"]);
    assert_eq!(
        column(&changes, "kind"),
        ["coupon.deleted", "coupon.changed", "coupon.created"]
    );
    for (wrong, code) in [
        (&["coupon", "show", "0"][..], 2),
        (&["coupon", "show", "abc"], 2),
        (&["coupon", "create", "--code", "A"], 2),
        (&["coupon", "set", "1", "--amount", "-1"], 2),
        (&["coupon", "list", "--state", "expired"], 2),
        (&["coupon", "delete", "99"], 3),
    ] {
        here.run(wrong).fails(code);
    }
}

#[test]
fn coupons_move_house_in_a_state_file_and_a_second_import_does_nothing() {
    let here = Installation::shop();
    for (code, title) in [("A", "One"), ("A", "Two"), ("B", "Three")] {
        create(
            &here,
            &["--code", code, "--title", title, "--feature", "limit"],
        );
    }
    let file = here.run(&["export"]).json();
    assert_eq!(column(&file["coupons"], "title"), ["One", "Two", "Three"]);
    let there = Installation::holding(&file);
    assert_eq!(there.run(&["export"]).json()["coupons"], file["coupons"]);
    let head = there.head();
    there.write("file.json", &file.to_string());
    let said = there.run(&["import", "file.json", "--prune"]).succeeds();
    assert!(said.starts_with("nothing to do"), "{said}");
    assert_eq!(there.head(), head);

    let mut other = file.clone();
    other["coupons"] = json!([file["coupons"][1], file["coupons"][2]]);
    other["coupons"][1]["title"] = json!("Four");
    there.write("other.json", &other.to_string());
    let plan = there.json(&["import", "other.json", "--prune", "--dry-run"]);
    assert_eq!(
        plan["plan"]["coupons"],
        json!({"create": 0, "change": 1, "delete": 1})
    );
    there.run(&["import", "other.json", "--prune"]).succeeds();
    assert_eq!(
        column(&there.json(&["coupon", "list"]), "title"),
        ["Two", "Four"]
    );

    other["coupons"][0]["expire_at"] = json!("2000-01-01T00:00:00Z");
    there.write("wrong.json", &other.to_string());
    let said = there.run(&["import", "wrong.json"]).fails(2);
    assert!(
        said.contains("coupons[0]: expire_at must not be before"),
        "{said}"
    );
    here.write("unknown.json", r#"{"version": 1, "vouchers": []}"#);
    let said = here.run(&["import", "unknown.json"]).fails(2);
    assert!(
        said.contains("unknown field `vouchers`, expected one of") && said.contains("`coupons`"),
        "{said}"
    );
    for (coupons, wrong) in [
        (json!({}), "coupons: must be a list"),
        (json!([["A", "One"]]), "coupons[0]: must be an object"),
        (
            json!([with_store(&json!([1, 2]))]),
            "coupons[0]: invalid type",
        ),
    ] {
        let file = json!({"version": 1, "coupons": coupons});
        here.write("wrong.json", &file.to_string());
        let said = here.run(&["import", "wrong.json", "--dry-run"]).fails(2);
        assert!(said.contains(wrong), "{said}");
    }
}

fn with_store(store: &Value) -> Value {
    json!({"couponcode": "A", "title": "One", "published_at": "2026-01-01T00:00:00Z",
           "expire_at": "2099-01-01T00:00:00Z", "store": store})
}

#[test]
fn an_entry_of_a_state_file_is_the_whole_coupon_and_an_export_of_none_prunes_all() {
    let here = Installation::shop();
    let nothing = here.run(&["export"]).json();
    assert_eq!(nothing["coupons"], json!([]));
    let all = [
        "--code",
        "A",
        "--title",
        "One",
        "--merchant",
        "Super",
        "--amount",
        "1",
        "--currency",
        "EUR",
        "--feature",
        "limit",
        "--store",
        r#"{"city": "Seattle"}"#,
    ];
    create(&here, &all);
    let told = here.run(&["export", "file.json"]).succeeds();
    assert!(told.contains(" and 1 coupon to"), "{told}");
    let least = json!({"version": 1, "coupons": [with_store(&Value::Null)]});
    here.write("least.json", &least.to_string());
    let plan = here.json(&["import", "least.json"]);
    assert_eq!(plan["plan"]["coupons"]["change"], 1);
    let shown = here.json(&["coupon", "show", "1"]);
    for (field, left) in [("merchant", &Value::Null), ("store", &Value::Null)] {
        assert_eq!(shown[field], *left, "{shown}");
    }
    assert!(shown.get("amount").is_none() && shown.get("feature").is_none());
    let again = here.run(&["import", "least.json"]).succeeds();
    assert!(again.starts_with("nothing to do"), "{again}");
    here.write("nothing.json", &nothing.to_string());
    let plan = here.json(&["import", "nothing.json", "--prune"]);
    let deleted = json!({"create": 0, "change": 0, "delete": 1});
    assert_eq!(plan["plan"]["coupons"], deleted);
    assert_eq!(here.json(&["coupon", "list"]), json!([]));
}

#[test]
fn an_import_whose_coupons_name_a_feature_that_there_is_not_is_refused_and_names_the_entry() {
    let here = Installation::shop();
    create(
        &here,
        &["--code", "A", "--title", "One", "--feature", "limit"],
    );
    let file = here.run(&["export"]).json();
    let head = here.head();
    let refused = |file: &Value, said: &str| {
        here.write("file.json", &file.to_string());
        for more in [&["--dry-run"][..], &[]] {
            let import = ["import", "file.json", "--prune"];
            let arguments: Vec<_> = import.iter().chain(more).copied().collect();
            let refused = here.run(&arguments).fails(2);
            assert!(refused.contains(said), "{refused}");
        }
    };
    let mut unknown = file.clone();
    unknown["coupons"][0]["feature"] = json!("nothing");
    refused(
        &unknown,
        "coupons[0].feature: names \"nothing\", which is no feature",
    );
    // The feature goes with this import.
    let mut gone = file.clone();
    let features = gone["flags"]["features"].as_array_mut().unwrap();
    features.retain(|one| one["name"] != "limit");
    refused(&gone, "coupons[0].feature: names \"limit\"");
    gone.as_object_mut().unwrap().remove("coupons");
    refused(
        &gone,
        "flags.features: leaves out \"limit\", which \"A\" of coupons names",
    );
    assert_eq!(here.head(), head);
    gone["coupons"] = json!([]);
    here.write("file.json", &gone.to_string());
    here.run(&["import", "file.json", "--prune"]).succeeds();
    let said = here.run(&["feature", "delete", "dark_mode"]);
    said.succeeds();
}

#[test]
fn a_coupon_whose_feature_is_gone_moves_house_hidden_and_is_pruned_as_any_other() {
    let there = Installation::shop();
    let gone = json!({"couponcode": "A", "title": "One", "published_at": "2026-01-01T00:00:00Z",
                      "expire_at": "2099-01-01T00:00:00Z", "feature_deleted": true});
    let file = json!({"version": 1, "coupons": [gone]});
    there.write("file.json", &file.to_string());
    let create = json!({"create": 1, "change": 0, "delete": 0});
    let plan = there.json(&["import", "file.json"]);
    assert_eq!(plan["plan"]["coupons"], create);
    let shown = there.json(&["coupon", "show", "1"]);
    assert_eq!(shown.get("feature"), Some(&Value::Null), "hidden: {shown}");
    let exported = there.run(&["export"]).json();
    assert_eq!(exported["coupons"][0]["feature_deleted"], true);
    there.write("exported.json", &exported.to_string());
    let said = there
        .run(&["import", "exported.json", "--prune"])
        .succeeds();
    assert!(said.starts_with("nothing to do"), "{said}");
    // Known by its code: there is no second coupon.
    let mut shown = exported.clone();
    shown["coupons"][0]
        .as_object_mut()
        .unwrap()
        .remove("feature_deleted");
    there.write("shown.json", &shown.to_string());
    there.run(&["import", "shown.json"]).succeeds();
    let list = there.json(&["coupon", "list"]);
    assert_eq!(column(&list, "id"), [1]);
    assert!(list[0].get("feature").is_none(), "{list}");
}

#[test]
fn what_a_coupon_can_be_without_is_cleared() {
    let here = Installation::shop();
    let all = [
        "--code",
        "A",
        "--title",
        "One",
        "--merchant",
        "Super",
        "--amount",
        "1",
        "--currency",
        "EUR",
        "--feature",
        "limit",
    ];
    create(&here, &all);
    here.run(&["feature", "delete", "limit"]).fails(4);
    let clear = [
        "--clear", "feature", "--clear", "amount", "--clear", "merchant",
    ];
    let set: Vec<_> = ["coupon", "set", "1"]
        .iter()
        .chain(&clear)
        .copied()
        .collect();
    let shown = here.json(&set);
    assert!(shown.get("amount").is_none() && shown.get("feature").is_none());
    assert_eq!(shown["merchant"], Value::Null);
    here.run(&["feature", "delete", "limit"]).succeeds();
    for wrong in [
        &["coupon", "set", "1", "--clear", "title"][..],
        &[
            "coupon",
            "set",
            "1",
            "--clear",
            "merchant",
            "--merchant",
            "Other",
        ],
    ] {
        here.run(wrong).fails(2);
    }
}

#[test]
fn the_demonstration_has_coupons_and_one_of_them_is_shown_by_a_feature() {
    let here = Installation::empty();
    let mut server = Server::start(&here, &["serve", "--demo", "--json"]);
    let report = server.report();
    let address = address_of(&report);
    let get = |path: &str, header: (&str, &str)| {
        let (status, body) = call(address, "GET", path, header, "").unwrap();
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()
    };
    let none = ("Accept", "*/*");
    assert_eq!(get("/coupons", none).as_array().unwrap().len(), 2);
    assert_eq!(
        get("/coupons?state=valid", none).as_array().unwrap().len(),
        1
    );
    let key = report["environments"][0]["key"].as_str().unwrap();
    let list = || {
        get("/coupons", ("X-Environment-Key", key))
            .as_array()
            .unwrap()
            .len()
    };
    let environment = report["environments"][0]["name"].as_str().unwrap();
    here.run(&["flag", "set", environment, "spring_sale", "--off"])
        .succeeds();
    let started = std::time::Instant::now();
    while list() != 2 {
        assert!(started.elapsed() < server::DEADLINE);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    here.run(&["flag", "set", environment, "spring_sale", "--on"])
        .succeeds();
    while list() != 3 {
        assert!(started.elapsed() < server::DEADLINE);
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    if cfg!(feature = "rates") {
        let worth = get("/coupons?currency=USD&state=valid", none);
        assert_eq!(worth[0]["converted"]["amount"], "10.84");
    }
}
