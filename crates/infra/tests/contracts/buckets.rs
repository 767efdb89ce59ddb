//! Nobody moves to another bucket: whatever is edited of a feature, an environment or its keys, each identity keeps the
//! variant that it has. Over random splits and edits; `FLAGSTAFF_SEED` repeats a run.

use std::cell::Cell;
use std::collections::BTreeMap;

use flagstaff_domain::access::{KeyKind, NewKey};
use flagstaff_domain::flags::evaluation::{Choice, Identity, Subject};
use flagstaff_domain::flags::targeting::{Percentage, Share, Split, Variant};
use flagstaff_domain::flags::{
    ChangeEnvironment, ChangeFeature, ChangeFlag, CreateFeature, FlagValue,
};
use flagstaff_domain::ids::VariantId;
use flagstaff_domain::text::{EnvironmentName, FeatureName, VariantKey};
use flagstaff_domain::write::Precondition;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestRunner};

use crate::samples::*;
use crate::store::Store;

contracts!(nobody_moves_to_another_bucket);

const IDENTITIES: usize = 200;

/// What may be done without moving anybody.
#[derive(Debug, Clone, Copy)]
enum Edit {
    RenameFeature,
    DescribeFeature,
    TagFeature,
    RenameEnvironment,
    DescribeEnvironment,
    RotateKey,
    AppendVariant,
    ReverseVariants,
    Archive,
    MarkStale,
    ChangeValue,
    SwitchOffAndOn,
    KillAndRevive,
    SplitAgain,
}

const EDITS: [Edit; 14] = [
    Edit::RenameFeature,
    Edit::DescribeFeature,
    Edit::TagFeature,
    Edit::RenameEnvironment,
    Edit::DescribeEnvironment,
    Edit::RotateKey,
    Edit::AppendVariant,
    Edit::ReverseVariants,
    Edit::Archive,
    Edit::MarkStale,
    Edit::ChangeValue,
    Edit::SwitchOffAndOn,
    Edit::KillAndRevive,
    Edit::SplitAgain,
];

/// Weights in ten-thousandths of a percent, of which as many are taken as fit.
fn weights() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(1_u32..600_000, 1..6).prop_map(|parts| {
        let mut left = 1_000_000;
        let fit = parts.into_iter().map(|part| {
            let part = part.min(left);
            left -= part;
            f64::from(part) / 10_000.0
        });
        fit.collect()
    })
}

fn variant(at: usize) -> Variant {
    Variant {
        id: VariantId::default(),
        key: VariantKey::parse(format!("variant-{at}")).unwrap(),
        value: FlagValue::Integer(i64::try_from(at).unwrap()),
    }
}

/// One feature, split in one environment.
struct Place<'a> {
    store: &'a Store,
    environment: EnvironmentName,
    feature: FeatureName,
    edits: usize,
    split: Split,
}

impl<'a> Place<'a> {
    fn new(store: &'a Store, number: usize, random: u8, weights: &[f64]) -> Self {
        let seeds = seeds_of(random);
        let environment = environment_name(&format!("environment-{number}"));
        let feature = feature_name(&format!("feature-{number}"));
        let environment_command = new_environment(environment.as_str());
        store
            .flags
            .create_environment(&environment_command, &seeds, &stamp())
            .unwrap();
        let variants: Vec<_> = (0..weights.len()).map(variant).collect();
        let command = CreateFeature {
            default_enabled: true,
            variants: variants.try_into().unwrap(),
            ..CreateFeature::named(feature.clone())
        };
        store
            .flags
            .create_feature(&command, &seeds, &stamp())
            .unwrap();
        let shares = weights.iter().enumerate().map(|(at, weight)| Share {
            variant: variant(at).key,
            weight: Percentage::new(*weight).unwrap(),
        });
        let split = Split::try_from(shares.collect::<Vec<_>>()).unwrap();
        let place = Self {
            store,
            environment,
            feature,
            edits: 0,
            split,
        };
        place.set(&place.splitting());
        place
    }

    fn splitting(&self) -> ChangeFlag {
        ChangeFlag {
            variants: Some(self.split.clone()),
            ..ChangeFlag::default()
        }
    }

    /// What each identity is served: the variant's key, or nothing.
    fn served(&self) -> Vec<Option<String>> {
        let update = self.store.snapshots.load(None).unwrap();
        let mut snapshots = update.snapshots.iter();
        let snapshot = snapshots.find(|one| one.name == self.environment).unwrap();
        let at = snapshot.program.find(self.feature.as_str()).unwrap();
        let key = &snapshot.program.definition().key;
        let identities = (0..IDENTITIES).map(|one| {
            let identity = Identity::new(key, format!("user-{one}"), BTreeMap::new());
            let subject = Subject {
                identity: Some(&identity),
                now: stamp().at,
            };
            let answer = snapshot.program.evaluate(subject).answer(at).unwrap();
            assert!(answer.enabled());
            match answer.choice {
                Choice::Variant(chosen) => chosen.key.clone(),
                Choice::None | Choice::Control => None,
            }
        });
        identities.collect()
    }

    fn set(&self, change: &ChangeFlag) {
        let any = Precondition::Any;
        self.store
            .flags
            .change_flag(&self.environment, &self.feature, change, &any, &later())
            .unwrap();
    }

    fn change(&self, change: &ChangeFeature) {
        let any = Precondition::Any;
        self.store
            .flags
            .change_feature(&self.feature, change, &any, &later())
            .unwrap();
    }

    fn change_environment(&self, change: &ChangeEnvironment) {
        let any = Precondition::Any;
        self.store
            .flags
            .change_environment(&self.environment, change, &any, &later())
            .unwrap();
    }

    fn variants(&self) -> Vec<Variant> {
        self.store
            .flags
            .get_feature(&self.feature)
            .unwrap()
            .variants
    }

    fn make(&mut self, edit: Edit) {
        self.edits += 1;
        let text = format!("edit-{}", self.edits);
        let nothing = ChangeFeature::default();
        match edit {
            Edit::RenameFeature => {
                let name = feature_name(&format!("{}-{text}", self.feature));
                self.change(&ChangeFeature {
                    name: Some(name.clone()),
                    ..nothing
                });
                self.feature = name;
            }
            Edit::DescribeFeature => self.change(&ChangeFeature {
                description: Some(description(&text)),
                ..nothing
            }),
            Edit::TagFeature => self.change(&ChangeFeature {
                tags: Some(tags(&[&text])),
                ..nothing
            }),
            Edit::RenameEnvironment => {
                let name = environment_name(&format!("{}-{text}", self.environment));
                self.change_environment(&ChangeEnvironment {
                    name: Some(name.clone()),
                    ..ChangeEnvironment::default()
                });
                self.environment = name;
            }
            Edit::DescribeEnvironment => self.change_environment(&ChangeEnvironment {
                description: Some(description(&text)),
                ..ChangeEnvironment::default()
            }),
            Edit::RotateKey => self.rotate_key(&text),
            Edit::AppendVariant => {
                let mut variants = self.variants();
                variants.push(variant(variants.len()));
                self.wanting(variants);
            }
            Edit::ReverseVariants => {
                let mut variants = self.variants();
                variants.reverse();
                self.wanting(variants);
            }
            Edit::Archive => self.change(&ChangeFeature {
                archived: Some(self.edits.is_multiple_of(2)),
                ..nothing
            }),
            Edit::MarkStale => self.change(&ChangeFeature {
                stale: Some(self.edits.is_multiple_of(2)),
                ..nothing
            }),
            Edit::ChangeValue => self.set(&set_value(FlagValue::String(text))),
            Edit::SwitchOffAndOn => {
                self.set(&set_enabled(false));
                self.set(&set_enabled(true));
            }
            Edit::KillAndRevive => {
                for killed in [true, false] {
                    self.set(&ChangeFlag {
                        killed: Some(killed),
                        ..ChangeFlag::default()
                    });
                }
            }
            Edit::SplitAgain => {
                self.set(&ChangeFlag {
                    variants: Some(Split::default()),
                    ..ChangeFlag::default()
                });
                self.set(&self.splitting());
            }
        }
    }

    fn wanting(&self, variants: Vec<Variant>) {
        self.change(&ChangeFeature {
            variants: Some(variants.try_into().unwrap()),
            ..ChangeFeature::default()
        });
    }

    fn rotate_key(&self, text: &str) {
        let new = |at: &str| {
            let text = format!("{}-{text}-{at}", self.environment);
            new_key("web", KeyKind::Client, &text)
        };
        let keys = &self.store.keys;
        let create = |key: &NewKey| keys.create_key(&self.environment, key, &stamp()).unwrap();
        let old = create(&new("old")).record;
        create(&new("new"));
        keys.delete_key(&self.environment, old.id, &Precondition::Any, &later())
            .unwrap();
    }
}

fn nobody_moves_to_another_bucket(store: &Store) {
    let seed = std::env::var("FLAGSTAFF_SEED");
    let seed = seed.map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    let mut runner = TestRunner::new(Config {
        cases: 24,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_shrink_iters: 100,
        ..Config::default()
    });
    let cases = Cell::new(0);
    let strategy = (
        any::<u8>(),
        weights(),
        prop::collection::vec(prop::sample::select(&EDITS[..]), 1..8),
    );
    let result = runner.run(&strategy, |(random, weights, edits)| {
        cases.set(cases.get() + 1);
        let mut place = Place::new(store, cases.get(), random, &weights);
        let before = place.served();
        for edit in edits {
            place.make(edit);
            prop_assert_eq!(&place.served(), &before, "after {:?}", edit);
        }
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("FLAGSTAFF_SEED={seed}: {failure}"));
}
