//! `Rehearsal`: what would be served after a change, without making it.

use flagstaff_domain::flags::targeting::{NewOverride, Split, TargetName};
use flagstaff_domain::flags::{ChangeFlag, FlagError, FlagValue, Proposal, Rehearsal};
use flagstaff_domain::text::SegmentName;
use flagstaff_infra::flags::DieselRehearsal;

use crate::samples::*;
use crate::store::Store;

contracts!(
    a_rehearsal_tells_what_would_be_served_and_leaves_nothing_behind,
    changes_are_rehearsed_one_after_the_other,
    a_new_segment_and_its_override_are_rehearsed_and_leave_nothing_behind,
    what_would_be_refused_is_refused,
    a_store_out_of_reach_is_told_from_a_change_that_is_refused,
);

fn rehearsal(store: &Store) -> DieselRehearsal {
    DieselRehearsal::new(store.db.clone())
}

fn change(feature: &str, change: ChangeFlag) -> Proposal {
    Proposal::ChangeFlag {
        feature: feature_name(feature),
        change,
    }
}

fn value(value: i64) -> ChangeFlag {
    ChangeFlag {
        value: Some(FlagValue::Integer(value)),
        ..ChangeFlag::default()
    }
}

fn a_rehearsal_tells_what_would_be_served_and_leaves_nothing_behind(store: &Store) {
    store.environment("staging");
    store.environment("production");
    store.feature("limit");
    let served = || store.snapshots.load(None).unwrap();
    let (before, log) = (served(), store.backstage.log_rows());

    let proposals = [change("limit", set_enabled(true))];
    let rehearsed = rehearsal(store)
        .rehearse(&environment_name("Production"), &proposals, &stamp())
        .unwrap();

    assert_eq!(rehearsed.before.name, environment_name("production"));
    assert!(before.snapshots.contains(&rehearsed.before));
    let enabled = |snapshot: &flagstaff_domain::flags::Snapshot| snapshot.flags[0].enabled;
    assert!(!enabled(&rehearsed.before) && enabled(&rehearsed.after));
    assert_eq!((served(), store.backstage.log_rows()), (before, log));
}

fn changes_are_rehearsed_one_after_the_other(store: &Store) {
    store.environment("production");
    store.feature("limit");
    let proposals = [
        change("limit", value(1)),
        change("limit", set_enabled(true)),
        change("limit", value(2)),
    ];
    let rehearsed = rehearsal(store)
        .rehearse(&environment_name("production"), &proposals, &stamp())
        .unwrap();
    let flag = &rehearsed.after.flags[0];
    assert_eq!((flag.enabled, &flag.value), (true, &FlagValue::Integer(2)));
}

fn a_new_segment_and_its_override_are_rehearsed_and_leave_nothing_behind(store: &Store) {
    store.environment("production");
    store.feature("limit");
    let name = SegmentName::parse("paying").unwrap();
    let new = NewOverride {
        target: TargetName::Segment(name.clone()),
        enabled: true,
        value: None,
        variants: Split::default(),
        priority: None,
        rollout: None,
    };
    let proposals = [
        Proposal::CreateSegment {
            name,
            rules: Vec::new(),
        },
        Proposal::CreateOverride {
            feature: feature_name("limit"),
            new,
        },
    ];
    let rehearse = || {
        let environment = environment_name("production");
        let rehearsed = rehearsal(store).rehearse(&environment, &proposals, &stamp());
        rehearsed.unwrap().after
    };
    let (served, log) = (
        store.snapshots.load(None).unwrap(),
        store.backstage.log_rows(),
    );
    let after = rehearse();
    let segments = &after.program.definition().segments;
    assert!(
        segments
            .iter()
            .any(|one| one.name == "paying" && one.overrides.len() == 1)
    );
    assert_eq!(rehearse().program, after.program);
    assert_eq!(store.snapshots.load(None).unwrap(), served);
    assert_eq!(store.backstage.log_rows(), log);
}

fn what_would_be_refused_is_refused(store: &Store) {
    store.environment("production");
    store.feature("limit");
    let refused = |environment: &str, feature: &str| {
        let proposals = [change("limit", value(1)), change(feature, value(1))];
        let environment = environment_name(environment);
        let end = rehearsal(store).rehearse(&environment, &proposals, &stamp());
        end.unwrap_err()
    };
    assert!(matches!(
        refused("elsewhere", "limit").error,
        FlagError::EnvironmentNotFound(_)
    ));
    assert!(matches!(
        refused("production", "nothing").error,
        FlagError::FeatureNotFound(_)
    ));
}

fn a_store_out_of_reach_is_told_from_a_change_that_is_refused(store: &Store) {
    let away = store.backstage.out_of_reach();
    let end = rehearsal(&away).rehearse(&environment_name("production"), &[], &stamp());
    assert!(matches!(end.unwrap_err().error, FlagError::Storage(_)));
}
