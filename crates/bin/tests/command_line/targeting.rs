//! Segments and overrides by command.

use serde_json::json;

use crate::program::{Installation, column};

/// The shop with a segment by plan.
fn paying() -> Installation {
    let here = Installation::shop();
    let segment = ["segment", "create", "paying", "--where"];
    here.json(&[&segment[..], &["plan in pro, team"]].concat());
    here
}

#[test]
fn a_segment_is_written_as_conditions_and_read_back_as_rules() {
    let here = paying();
    let shown = here.json(&["segment", "show", "PAYING"]);
    let condition = json!({"property": "plan", "operator": "IN", "value": "pro, team"});
    let rules = json!([{"type": "ALL", "conditions": [condition], "rules": []}]);
    assert_eq!(shown["rules"], rules);

    here.write("rules.json", &rules.to_string());
    let copy = here.json(&["segment", "create", "copy", "--rules", "rules.json"]);
    assert_eq!(copy["rules"], rules);
    let changed = here.json(&[
        "segment",
        "change",
        "copy",
        "--where-any",
        "age >= 18",
        "--where-any",
        "FLAG dark_mode",
        "--where-none",
        "country IN DE,AT",
        "--name",
        "others",
    ]);
    assert_eq!(column(&changed["rules"], "type"), ["ANY", "NONE"]);
    assert_eq!(changed["name"], "others");
    let told = here.run(&["segment", "show", "others"]).succeeds();
    assert!(told.contains("none of\n  country IN DE,AT"), "{told}");

    here.json(&["segment", "delete", "paying"]);
    let left = here.json(&["segment", "list"]);
    assert_eq!(column(&left, "name"), ["others"]);
}

#[test]
fn a_segment_is_refused_with_what_is_wrong_in_it() {
    let here = paying();
    let refused = |arguments: &[&str], code: i32| here.run(arguments).fails(code);
    let said = refused(&["segment", "create", "a", "--where", "plan pro"], 2);
    assert!(
        said.contains("must be a property, an operator and a value"),
        "{said}"
    );
    let said = refused(&["segment", "create", "a", "--where", "plan ~ ("], 2);
    assert!(
        said.contains("rules[0].conditions[0].value: must be"),
        "{said}"
    );
    here.write(
        "rules.json",
        r#"[{"type": "ALL", "conditions": [{"operator": "LIKE"}]}]"#,
    );
    let said = refused(&["segment", "create", "a", "--rules", "rules.json"], 2);
    assert!(
        said.contains("rules.json: [0].conditions[0].operator: must be one of"),
        "{said}"
    );
    refused(&["segment", "create", "a"], 2);
    refused(&["segment", "create", "Paying", "--where", "a is set"], 4);
    refused(&["segment", "show", "nobody"], 3);
}

#[test]
fn an_override_is_set_changed_ordered_and_deleted() {
    let here = paying();
    here.json(&[
        "segment",
        "create",
        "staff",
        "--where",
        "email ends with @shop.example",
    ]);
    let flag = ["production", "limit"];
    let run = |what: &str, arguments: &[&str]| {
        here.json(&[&["override", what], &flag[..], arguments].concat())
    };
    let made = run("set", &["--segment", "paying", "--on", "--rollout", "12.5"]);
    assert_eq!(
        (
            &made["enabled"],
            &made["value"],
            &made["rollout"],
            &made["priority"]
        ),
        (&json!(true), &json!(5), &json!(12.5), &json!(0))
    );
    let changed = run(
        "set",
        &["--segment", "PAYING", "--no-rollout", "--value", "50"],
    );
    assert_eq!(
        (
            &changed["id"],
            &changed["enabled"],
            &changed["value"],
            &changed["rollout"]
        ),
        (&made["id"], &json!(true), &json!(50), &json!(null))
    );
    run("set", &["--segment", "staff", "--on", "--priority", "0"]);
    run("set", &["--identity", "user-7", "--off"]);
    let listed = here.json(&["override", "list", "production", "limit"]);
    assert_eq!(
        json!(column(&listed, "segment")),
        json!(["staff", "paying", null])
    );
    assert_eq!(json!(column(&listed, "priority")), json!([0, 1, null]));

    let evaluated = here.json(&[
        "eval",
        "production",
        "--identifier",
        "user-1",
        "--trait",
        "plan=pro",
        "--feature",
        "limit",
    ]);
    assert_eq!(evaluated["flags"][0]["value"], 50);
    let used = here.run(&["segment", "delete", "paying"]).fails(4);
    assert!(used.contains(r#""limit" in "production""#), "{used}");

    run("delete", &["--segment", "paying"]);
    let arguments = [
        "override",
        "change",
        "production",
        "limit",
        "--segment",
        "paying",
        "--on",
    ];
    here.run(&arguments).fails(3);
    let both = [
        "override",
        "show",
        "production",
        "limit",
        "--segment",
        "a",
        "--identity",
        "b",
    ];
    here.run(&both).fails(2);
}

#[test]
fn a_move_by_state_file_carries_what_shares_are_made_from() {
    let here = paying();
    let arguments = ["--segment", "paying", "--on", "--rollout", "50"];
    here.json(&[&["override", "set", "production", "limit"], &arguments[..]].concat());
    let exported = here.json(&["export"]);
    let there = Installation::holding(&exported);
    assert_eq!(there.json(&["export"]), exported);
    let overrides = &exported["flags"]["features"][1]["flags"]["production"]["overrides"];
    assert!(
        overrides[0]["rollout_seed"].as_i64() > Some(0),
        "{overrides}"
    );
}
