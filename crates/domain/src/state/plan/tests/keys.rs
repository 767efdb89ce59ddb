//! Which stored key an entry means, and what becomes of it.

use super::*;
use crate::access::KeyDigest;

fn expiry() -> Timestamp {
    at().plus_seconds(3_600)
}

/// A store in which the server key was rotated: the retired one comes first and expires.
fn rotated() -> CurrentState {
    let mut current = stored();
    current.keys[1].expires_at = Some(expiry());
    let replacement = key(
        3,
        &current.environments[0],
        KeyKind::Server,
        "the-replacement",
    );
    current.keys.push(replacement);
    current
}

/// The steps for a file with these entries for keys.
fn steps(current: &CurrentState, keys: &str, prune: bool) -> Vec<Step> {
    let file = format!(r#"{{"version":1,"access":{{"keys":[{keys}]}}}}"#);
    plan(current, &file, prune).unwrap().steps
}

/// The ids of the keys that are changed or deleted, with what becomes of their expiry.
fn touched(steps: &[Step]) -> Vec<(i64, Option<Option<Timestamp>>)> {
    let touched = steps.iter().filter_map(|step| match step {
        Step::ChangeKey { id, expires_at, .. } => Some((id.0, Some(*expires_at))),
        Step::DeleteKey(_, id, _) => Some((id.0, None)),
        _ => None,
    });
    touched.collect()
}

const WEB: &str = r#"{"environment":"production","name":"web","kind":"client"}"#;
const SERVER: &str = r#"{"environment":"production","name":"web","kind":"server"}"#;

#[test]
fn a_key_is_known_by_its_text_its_digest_or_its_name() {
    let digest = KeyDigest::of(b"server-key");
    let file = format!(
        r#"{{"version":1,"access":{{"keys":[
        {{"environment":"production","name":"renamed","kind":"client","key":"client-key"}},
        {{"environment":"production","name":"web","kind":"server","digest":"{digest}"}}]}}}}"#
    );
    let by_text = plan(&stored(), &file, true).unwrap();
    assert_eq!(counts(&by_text)[3], (0, 1, 0));

    let by_name = r#"{"version":1,"access":{"keys":[
        {"environment":"production","name":"web","kind":"client"},
        {"environment":"production","name":"web","kind":"server"}]}}"#;
    assert_eq!(plan(&stored(), by_name, true).unwrap().steps, []);
}

#[test]
fn a_new_key_without_a_text_gets_the_candidate() {
    let mut file: StateFile = serde_json::from_str(
        r#"{"version":1,"access":{"keys":[{"environment":"production","name":"new","kind":"server"}]}}"#,
    )
    .unwrap();
    let candidate = KeyText::parse("a-generated-key").unwrap();
    file.access.keys.as_mut().unwrap()[0].candidate = Some(candidate.clone());
    let plan = Plan::new(&stored(), &file, false).unwrap();
    assert!(matches!(&plan.steps[..],
        [Step::CreateKey { generated: Some(text), key, .. }] if *text == candidate && key.text.is_none()));
}

#[test]
fn an_entry_by_name_means_the_key_that_replaced_a_rotated_one() {
    assert_eq!(steps(&rotated(), SERVER, false), []);
    let both = format!("{WEB},{SERVER}");
    assert_eq!(touched(&steps(&rotated(), &both, true)), [(2, None)]);
}

#[test]
fn an_entry_without_an_expiry_leaves_the_stored_one_and_null_clears_it() {
    let mut current = rotated();
    current.keys.pop();
    assert_eq!(steps(&current, SERVER, false), []);
    let cleared = r#"{"environment":"production","name":"web","kind":"server","expires_at":null}"#;
    assert_eq!(touched(&steps(&current, cleared, false)), [(2, Some(None))]);
}

#[test]
fn an_entry_by_name_that_could_mean_several_keys_is_refused() {
    let mut several = rotated();
    several.keys[1].expires_at = None;
    let mut retired = rotated();
    retired.keys[2].expires_at = retired.keys[1].expires_at;
    for current in [several, retired] {
        let file = format!(r#"{{"version":1,"access":{{"keys":[{WEB},{SERVER}]}}}}"#);
        assert_eq!(place(plan(&current, &file, true)), "access.keys[1]");
    }
    // Twice the same name would make two keys, and a second import could not tell them apart.
    let file = format!(r#"{{"version":1,"access":{{"keys":[{SERVER},{SERVER}]}}}}"#);
    assert_eq!(
        place(plan(
            &CurrentState {
                keys: vec![],
                ..stored()
            },
            &file,
            false
        )),
        "access.keys[1]"
    );
}

#[test]
fn a_text_or_digest_is_matched_before_a_name_wherever_it_stands() {
    let given = r#"{"environment":"production","name":"web","kind":"server","key":"server-key"}"#;
    for keys in [format!("{SERVER},{given}"), format!("{given},{SERVER}")] {
        assert_eq!(steps(&rotated(), &keys, false), [], "{keys}");
        // Where the text names the only key, the name alone asks for another.
        let file = format!(r#"{{"version":1,"access":{{"keys":[{keys}]}}}}"#);
        let mut file: StateFile = serde_json::from_str(&file).unwrap();
        for entry in file.access.keys.iter_mut().flatten() {
            entry.candidate = entry
                .key
                .is_none()
                .then(|| KeyText::parse("a-generated-key").unwrap());
        }
        let plan = Plan::new(&stored(), &file, false).unwrap();
        assert_eq!(counts(&plan)[3], (1, 0, 0), "{keys}");
    }
}

#[test]
fn a_key_moves_along_when_its_environment_is_deleted() {
    let digest = KeyDigest::of(b"server-key");
    let file = |digest_of_client: KeyDigest| {
        format!(
            r#"{{"version":1,"flags":{{"environments":[{{"name":"live"}}]}},"access":{{"keys":[
            {{"environment":"live","name":"web","kind":"client","digest":"{digest_of_client}"}},
            {{"environment":"live","name":"api","kind":"server","digest":"{digest}"}}]}}}}"#
        )
    };
    let file = file(KeyDigest::of(b"client-key"));
    let mut current = stored();
    current.keys[1].expires_at = Some(expiry());
    let steps = plan(&current, &file, true).unwrap().steps;
    let [
        Step::CreateEnvironment(_),
        Step::DeleteKey(_, KeyId(1), _),
        Step::CreateKey { key: client, .. },
        Step::DeleteKey(_, KeyId(2), _),
        Step::CreateKey {
            environment,
            key: server,
            generated: None,
        },
        Step::DeleteEnvironment(_),
    ] = &steps[..]
    else {
        panic!("{steps:?}");
    };
    assert_eq!(client.text, current.keys[0].text);
    assert_eq!(
        (environment.as_str(), server.name.as_str(), server.digest),
        ("live", "api", digest)
    );
    assert_eq!(server.expires_at, current.keys[1].expires_at);
    // Where its environment stays, one key would open two.
    assert_eq!(place(plan(&current, &file, false)), "access.keys[0]");
}
