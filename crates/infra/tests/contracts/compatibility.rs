//! A program that a newer one has overtaken: it changes nothing it may not understand, and goes on where the newer schema
//! says that it can.

use std::thread;
use std::time::{Duration, Instant};

use flagstaff_domain::flags::FlagError;
use flagstaff_domain::page::Page;
use flagstaff_domain::storage::Outage;

use crate::samples::*;
use crate::store::Store;

fn wait_for(store: &Store, outage: Option<Outage>) {
    let started = Instant::now();
    while store.monitor.outage() != outage {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{outage:?} never came"
        );
        thread::sleep(Duration::from_millis(20));
    }
}

contracts! {
    a_schema_beyond_the_program_ends_its_changes_until_it_is_declared_compatible,
}

fn a_schema_beyond_the_program_ends_its_changes_until_it_is_declared_compatible(store: &Store) {
    let create = |name: &str| {
        store
            .flags
            .create_environment(&new_environment(name), &seeds(), &stamp())
    };
    create("before").unwrap();
    store
        .backstage
        .execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('29990101000000')")
        .unwrap();
    wait_for(store, Some(Outage::Newer));
    assert!(matches!(create("beyond"), Err(FlagError::Storage(_))));
    let left = store.flags.list_environments(&Page::first()).unwrap();
    assert_eq!(left.items.len(), 1);

    store
        .backstage
        .execute("INSERT INTO compatible_migrations (version) VALUES ('29990101000000')")
        .unwrap();
    wait_for(store, None);
    create("beside").unwrap();
}
