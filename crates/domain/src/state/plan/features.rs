//! The steps of an import that make or change features, and what their flags then begin with.

use super::{Planner, Step};
use crate::flags::targeting::Variant;
use crate::flags::{ChangeFeature, CreateFeature, Feature, FlagValue};
use crate::state::file::FeatureEntry;

/// What a feature is from now on, as far as its flags go.
pub(super) struct Basis {
    pub(super) enabled: bool,
    pub(super) value: FlagValue,
    pub(super) variants: Vec<Variant>,
}

impl Planner<'_> {
    pub(super) fn create(&mut self, entry: &FeatureEntry) -> Basis {
        let create = create_of(entry);
        let basis = Basis {
            enabled: create.default_enabled,
            value: create.initial_value.clone(),
            variants: create.variants.to_vec(),
        };
        self.steps.push(Step::CreateFeature(create));
        basis
    }

    /// A variant may only go where it has no share any more: first it stays beside the new ones, then flags change.
    pub(super) fn change(&mut self, stored: &Feature, entry: &FeatureEntry) -> Basis {
        let change = change_of(entry);
        let changed = change.apply(stored);
        let beside = change
            .variants
            .as_ref()
            .map(|wanted| wanted.beside(&stored.variants));
        let first = ChangeFeature {
            // With variants it is multivariate, whatever a file says.
            kind: change.kind.filter(|_| {
                beside
                    .as_ref()
                    .map_or(stored.variants.is_empty(), |all| all.is_empty())
            }),
            variants: beside,
            ..change.clone()
        };
        let between = first.apply(stored);
        if between != *stored {
            self.steps
                .push(Step::ChangeFeature(stored.name.clone(), first));
        }
        if changed != between {
            let taking = ChangeFeature {
                kind: change.kind.filter(|_| changed.variants.is_empty()),
                variants: change.variants,
                ..ChangeFeature::default()
            };
            self.takings
                .push(Step::ChangeFeature(changed.name.clone(), taking));
        }
        Basis {
            enabled: changed.default_enabled,
            value: changed.initial_value,
            variants: changed.variants,
        }
    }
}

fn change_of(entry: &FeatureEntry) -> ChangeFeature {
    ChangeFeature {
        name: Some(entry.name.clone()),
        description: entry.description.clone(),
        kind: entry.kind,
        initial_value: entry.initial_value.clone(),
        default_enabled: entry.default_enabled,
        server_key_only: entry.server_key_only,
        tags: entry.tags.clone(),
        variants: entry.variants.clone(),
        archived: entry.archived,
        stale: entry.stale,
    }
}

fn create_of(entry: &FeatureEntry) -> CreateFeature {
    CreateFeature {
        name: entry.name.clone(),
        description: entry.description.clone().unwrap_or_default(),
        kind: entry.kind.unwrap_or_default(),
        initial_value: entry.initial_value.clone().unwrap_or_default(),
        default_enabled: entry.default_enabled.unwrap_or_default(),
        server_key_only: entry.server_key_only.unwrap_or_default(),
        tags: entry.tags.clone().unwrap_or_default(),
        variants: entry.variants.clone().unwrap_or_default(),
        archived: entry.archived.unwrap_or_default(),
        stale: entry.stale.unwrap_or_default(),
        enabled_in: Vec::new(),
    }
}
