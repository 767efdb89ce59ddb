//! `StateRepository`: an import is one group in the log, idempotent, and whole or not at all.

use std::sync::{Arc, Mutex};

use flagstaff_domain::access::{AccessError, KeyKind};
use flagstaff_domain::flags::{FeatureFilter, FlagValue, Seeds};
use flagstaff_domain::ids::Seq;
use flagstaff_domain::page::Page;
use flagstaff_domain::state::{CurrentState, Import, Plan, Progress, StateError, StateFile};
use flagstaff_domain::write::Precondition;

use crate::samples::*;
use crate::store::{Store, told};

contracts!(
    what_is_loaded_is_what_the_other_ports_tell,
    an_import_is_one_group_in_the_log,
    progress_counts_every_step,
    a_second_import_leaves_no_trace,
    what_is_hashed_comes_with_the_file_and_stays,
    a_split_moves_from_a_variant_that_goes_to_one_that_comes,
    an_export_makes_the_same_in_another_store,
    an_import_changes_what_is_there,
    what_a_file_leaves_out_goes_only_when_pruned,
    a_file_that_is_refused_leaves_no_trace,
    a_rehearsal_is_refused_as_an_import_is_and_leaves_no_trace,
    a_file_whose_last_step_fails_leaves_no_trace,
);

/// Progress that nobody watches.
pub(crate) struct Silent;

impl Progress for Silent {
    fn advanced(&self, _: usize, _: usize) {}
}

fn a_rehearsal_is_refused_as_an_import_is_and_leaves_no_trace(store: &Store) {
    let rehearse = |file: &StateFile| {
        let seeds = file.seeds(seeds());
        store
            .state
            .rehearse(import(file, false, seeds, Arc::new(Silent)))
    };
    let before = load(store);
    let (plan, changes) = store.logged(|| rehearse(&demonstration()).unwrap());
    assert_eq!(changes, []);
    assert_eq!(load(store), before);
    assert_eq!(apply(store, &demonstration(), false).unwrap(), plan);

    // A circle shows only when everything is made.
    let circle = file(
        r#"{"version":1,"flags":{"segments":[{"name":"asks","rules":[
            {"type":"ALL","conditions":[{"property":"limit","operator":"FLAG"}]}]}],
        "features":[{"name":"limit","flags":{"production":{"overrides":[{"segment":"asks","enabled":true}]}}}]}}"#,
    );
    let before = load(store);
    for refused in [rehearse(&circle), apply(store, &circle, false)] {
        let told = refused.unwrap_err().to_string();
        assert!(told.contains("in a circle"), "{told}");
    }
    assert_eq!(load(store), before);
}

#[derive(Default)]
struct Counted(Mutex<Vec<(usize, usize)>>);

impl Progress for Counted {
    fn advanced(&self, done: usize, total: usize) {
        self.0.lock().unwrap().push((done, total));
    }
}

fn file(text: &str) -> StateFile {
    serde_json::from_str(text).unwrap()
}

/// Two environments, two features, a flag that differs from its default, a key of each kind.
fn demonstration() -> StateFile {
    file(
        r#"{"version":1,
        "flags":{
            "environments":[{"name":"production","description":"Live","hash_key":"n9fbf9h3v4fFgH3U3ngWhb"},{"name":"Größe"}],
            "features":[
                {"name":"limit","type":"MULTIVARIATE","initial_value":5,"default_enabled":true,"server_key_only":true,
                 "tags":["ops"],"variants":[{"key":"low","value":1},{"key":"high","value":9}],"archived":true,"stale":true,
                 "flags":{"PRODUCTION":{"value":1.0,"killed":true,"seed":"0e67668e-fb53-41dc-b08d-a705b7035ad2",
                    "variants":[{"variant":"high","weight":12.5},{"variant":"low","weight":30}]}}},
                {"name":"dark_mode","flags":{"größe":{"enabled":true,"value":null}}}]},
        "access":{"keys":[
            {"environment":"production","name":"web","kind":"client","key":"A-KEY-OF-THEIR-OWN"},
            {"environment":"größe","name":"api","kind":"server","expires_at":"2030-01-01T00:00:00Z",
             "digest":"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}]}}"#,
    )
}

pub(crate) fn import(
    file: &StateFile,
    prune: bool,
    seeds: Seeds,
    progress: Arc<dyn Progress>,
) -> Import {
    Import {
        file: file.clone(),
        prune,
        seeds,
        stamp: stamp(),
        progress,
    }
}

fn apply(store: &Store, file: &StateFile, prune: bool) -> Result<Plan, StateError> {
    let seeds = file.seeds(seeds());
    let import = import(file, prune, seeds, Arc::new(Silent));
    store.state.apply(import)
}

fn load(store: &Store) -> CurrentState {
    store.state.load().unwrap()
}

fn what_is_loaded_is_what_the_other_ports_tell(store: &Store) {
    let nothing = load(store);
    assert!(nothing.modules.values().all(Vec::is_empty), "{nothing:?}");
    let without = CurrentState {
        modules: Default::default(),
        ..nothing
    };
    assert_eq!(without, CurrentState::default());
    apply(store, &demonstration(), false).unwrap();
    let state = load(store);
    assert_eq!(
        state.environments,
        store.flags.list_environments(&Page::first()).unwrap().items
    );
    assert_eq!(
        state.features,
        store
            .flags
            .list_features(&Page::first(), FeatureFilter::default())
            .unwrap()
            .items
    );
    for environment in &state.environments {
        let flags = state
            .flags
            .iter()
            .filter(|flag| flag.environment_id == environment.id);
        let listed = store
            .flags
            .list_flags(&environment.name, &Page::first())
            .unwrap()
            .items;
        assert_eq!(flags.cloned().collect::<Vec<_>>(), listed);
        let keys = state
            .keys
            .iter()
            .filter(|key| key.environment_id == environment.id);
        let listed = store
            .keys
            .list_keys(&environment.name, &Page::first())
            .unwrap()
            .items;
        assert_eq!(keys.cloned().collect::<Vec<_>>(), listed);
    }
    assert_eq!((state.flags.len(), state.keys.len()), (4, 2));
}

fn an_import_is_one_group_in_the_log(store: &Store) {
    store.environment("before");
    let (plan, changes) = store.logged(|| apply(store, &demonstration(), false).unwrap());
    assert_eq!(plan.steps.len(), changes.len());
    let (live, size) = (Some("production"), Some("Größe"));
    assert_eq!(
        told(&changes),
        [
            ("feature.created", "limit", None),
            ("feature.created", "dark_mode", None),
            ("environment.created", "production", live),
            ("environment.created", "Größe", size),
            ("flag.changed", "limit", live),
            ("flag.changed", "dark_mode", size),
            ("key.created", "web", live),
            ("key.created", "api", size),
        ]
    );
    for (change, seq) in changes.iter().zip(2..) {
        assert_eq!((change.seq, change.group), (Seq(seq), Seq(2)));
        assert_eq!((change.actor.as_str(), change.at), ("user:jay", stamp().at));
    }
    let limit = store.flag("production", "limit").unwrap();
    assert_eq!((limit.enabled, limit.value), (true, FlagValue::Float(1.0)));
    assert!(store.flag("Größe", "dark_mode").unwrap().enabled);
    assert!(
        store
            .backstage
            .log_rows()
            .iter()
            .all(|row| !row.contains("A-KEY-OF-THEIR-OWN"))
    );
}

fn progress_counts_every_step(store: &Store) {
    let progress = Arc::new(Counted::default());
    let apply = || {
        let progress = Arc::clone(&progress);
        store
            .state
            .apply(import(&demonstration(), false, seeds(), progress))
            .unwrap()
    };
    let total = apply().steps.len();
    apply();
    let expected: Vec<_> = (1..=total).map(|done| (done, total)).collect();
    assert_eq!(*progress.0.lock().unwrap(), expected);
}

fn a_second_import_leaves_no_trace(store: &Store) {
    for prune in [false, true] {
        apply(store, &demonstration(), prune).unwrap();
        let before = load(store);
        let (plan, changes) = store.logged(|| apply(store, &demonstration(), prune).unwrap());
        assert_eq!((plan.steps, changes), (vec![], vec![]));
        assert_eq!(load(store), before);
        let served = store.snapshots.load(Some(store.head())).unwrap();
        assert_eq!(served.snapshots, []);
    }
}

fn what_is_hashed_comes_with_the_file_and_stays(store: &Store) {
    apply(store, &demonstration(), false).unwrap();
    let production = &load(store).environments[1];
    assert_eq!(production.hash_key.as_str(), "n9fbf9h3v4fFgH3U3ngWhb");
    let flag = store.flag("production", "limit").unwrap();
    assert_eq!(flag.seed.as_str(), "0e67668e-fb53-41dc-b08d-a705b7035ad2");
    let drawn = store.flag("Größe", "limit").unwrap().seed;
    assert_eq!(drawn, seeds().flag("größe", "limit"));

    // Another file cannot change what identities are hashed with already.
    let other = file(
        r#"{"version":1,"flags":{"environments":[{"name":"production","hash_key":"another"}],
        "features":[{"name":"limit","flags":{"production":{"seed":"11111111-1111-4111-8111-111111111111"}}}]}}"#,
    );
    assert_eq!(apply(store, &other, false).unwrap().steps, []);
    assert_eq!(store.flag("production", "limit").unwrap(), flag);
}

fn a_split_moves_from_a_variant_that_goes_to_one_that_comes(store: &Store) {
    apply(store, &demonstration(), false).unwrap();
    let moved = |variants: &str, weights: &str| {
        file(&format!(
            r#"{{"version":1,"flags":{{"features":[{{"name":"limit","variants":{variants},
            "flags":{{"production":{{"variants":{weights}}}}}}}]}}}}"#
        ))
    };
    let wanted = moved(
        r#"[{"key":"huge","value":99},{"key":"high","value":9}]"#,
        r#"[{"variant":"huge","weight":5},{"variant":"high","weight":0}]"#,
    );
    let (_, changes) = store.logged(|| apply(store, &wanted, false).unwrap());
    assert_eq!(
        told(&changes),
        [
            ("feature.changed", "limit", None),
            ("flag.changed", "limit", Some("production")),
            ("feature.changed", "limit", None),
        ]
    );
    let limit = &load(store).features[1];
    let keys: Vec<_> = limit.variants.iter().map(|one| one.key.as_str()).collect();
    assert_eq!(keys, ["high", "huge"]);
    let shares = store.flag("production", "limit").unwrap().variants;
    assert_eq!(shares.len(), 1);
    assert_eq!(shares[0].variant.as_str(), "huge");
    assert_eq!(apply(store, &wanted, false).unwrap().steps, []);

    let unknown = moved("[]", r#"[{"variant":"huge","weight":5}]"#);
    let refused = apply(store, &unknown, false).unwrap_err();
    assert!(
        matches!(&refused, StateError::Invalid { place, .. } if place == "flags.features[0].flags.production.variants"),
        "{refused:?}"
    );
    let plain = moved("[]", "[]");
    apply(store, &plain, false).unwrap();
    assert_eq!(load(store).features[1].variants, []);
}

fn an_export_makes_the_same_in_another_store(store: &Store) {
    apply(store, &demonstration(), false).unwrap();
    let exported = StateFile::of(&load(store));
    let other = store.backstage.another();
    let drawn = exported.seeds(seeds_of(1));
    other
        .state
        .apply(import(&exported, true, drawn, Arc::new(Silent)))
        .unwrap();
    assert_eq!(StateFile::of(&load(&other)), exported);
    assert_eq!(apply(&other, &exported, true).unwrap().steps, []);
}

fn an_import_changes_what_is_there(store: &Store) {
    apply(store, &demonstration(), false).unwrap();
    let before = load(store);
    let changed = file(
        r#"{"version":1,
        "flags":{"environments":[{"name":"PRODUCTION","description":"Still live"}],
            "features":[{"name":"Limit","tags":[],"flags":{"production":{"enabled":false}}}]},
        "access":{"keys":[{"environment":"production","name":"renamed","kind":"client","key":"A-KEY-OF-THEIR-OWN"}]}}"#,
    );
    let (_, changes) = store.logged(|| apply(store, &changed, false).unwrap());
    let live = Some("PRODUCTION");
    assert_eq!(
        told(&changes),
        [
            ("feature.changed", "Limit", None),
            ("environment.changed", "PRODUCTION", live),
            ("flag.changed", "Limit", live),
            ("key.changed", "renamed", live),
        ]
    );
    assert!(changes.iter().all(|change| change.group == changes[0].seq));
    let after = load(store);
    let ids = |state: &CurrentState| {
        state
            .flags
            .iter()
            .map(|flag| flag.id)
            .collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(ids(&after), ids(&before));
    let flag = store.flag("production", "limit").unwrap();
    assert_eq!((flag.enabled, flag.value), (false, FlagValue::Float(1.0)));
    assert_eq!(
        (after.keys[0].id, after.keys[0].name.as_str()),
        (before.keys[0].id, "renamed")
    );
}

fn what_a_file_leaves_out_goes_only_when_pruned(store: &Store) {
    apply(store, &demonstration(), false).unwrap();
    let before = load(store);
    let little = file(
        r#"{"version":1,"flags":{"environments":[{"name":"production"}],"features":[{"name":"limit"}]},
        "access":{"keys":[]}}"#,
    );
    assert_eq!(apply(store, &little, false).unwrap().steps, []);
    assert_eq!(load(store), before);

    let (_, changes) = store.logged(|| apply(store, &little, true).unwrap());
    assert!(changes.iter().all(|change| change.group == changes[0].seq));
    let mut kinds: Vec<_> = changes.iter().map(|change| change.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(
        kinds,
        [
            "environment.deleted",
            "feature.deleted",
            "key.deleted",
            "key.deleted"
        ]
    );
    let after = load(store);
    let names = (
        after.environments[0].name.as_str(),
        after.features[0].name.as_str(),
    );
    assert_eq!(names, ("production", "limit"));
    assert_eq!(
        (
            after.environments.len(),
            after.features.len(),
            after.flags.len(),
            after.keys.len()
        ),
        (1, 1, 1, 0)
    );

    // Lists that are missing are not empty lists.
    assert_eq!(
        apply(store, &file(r#"{"version":1}"#), true).unwrap().steps,
        []
    );
}

fn a_file_that_is_refused_leaves_no_trace(store: &Store) {
    apply(store, &demonstration(), false).unwrap();
    let before = load(store);
    let refused = file(
        r#"{"version":1,"flags":{"environments":[{"name":"new"}],
        "features":[{"name":"limit","flags":{"new":{"enabled":true},"nowhere":{}}}]}}"#,
    );
    let (result, changes) = store.logged(|| apply(store, &refused, true));
    assert!(
        matches!(&result, Err(StateError::Invalid { place, .. }) if place == "flags.features[0].flags.nowhere"),
        "{result:?}"
    );
    assert_eq!(changes, []);
    assert_eq!(load(store), before);
}

fn a_file_whose_last_step_fails_leaves_no_trace(store: &Store) {
    store.environment("kept");
    store.feature("kept");
    let flag = store.flag("kept", "kept").unwrap();
    let set = set_enabled(true);
    store
        .flags
        .change_flag(
            &flag.environment,
            &flag.feature,
            &set,
            &Precondition::Any,
            &stamp(),
        )
        .unwrap();
    store.key("kept", KeyKind::Server, "taken-already");
    let before = load(store);

    let mut file = demonstration();
    let keys = file.access.keys.as_mut().unwrap();
    keys[1].digest = None;
    // Text that was generated for it; that it is a key already shows only when it is stored.
    keys[1].candidate = Some(key_text("taken-already"));
    let progress = Arc::new(Counted::default());
    let (result, changes) = store.logged(|| {
        let progress = Arc::clone(&progress);
        store.state.apply(import(&file, false, seeds(), progress))
    });
    assert!(
        matches!(result, Err(StateError::Access(AccessError::KeyExists))),
        "{result:?}"
    );
    let steps = progress.0.lock().unwrap().last().copied();
    assert_eq!(steps, Some((7, 8)), "every step but the last was made");
    assert_eq!(changes, []);
    assert_eq!(load(store), before);
}
