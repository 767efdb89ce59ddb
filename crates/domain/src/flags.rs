//! The product: features, environments, the flags between them, and the snapshots from which flags are served.
//!
//! [`service`] is the way in for management, [`publisher`] keeps the snapshots current, [`ports`] is what storage
//! implements.

pub mod environment;
pub mod error;
pub mod evaluation;
pub mod feature;
pub mod flag;
pub mod identities;
pub mod ports;
pub mod preview;
pub mod publisher;
pub mod retrievals;
pub mod seed;
pub mod seen;
pub mod service;
pub mod snapshot;
pub mod targeting;
pub mod traits;
pub mod usage;
pub mod usage_service;
pub mod value;

pub use environment::{ChangeEnvironment, CreateEnvironment, Environment};
pub use error::FlagError;
pub use feature::{ChangeFeature, CreateFeature, Feature, FeatureFilter, FeatureKind};
pub use flag::{ChangeFlag, Flag, SplitHash};
pub use identities::{IdentityService, Visit};
pub use ports::{FlagRepository, SnapshotSource, SnapshotUpdate};
pub use preview::{PreviewError, PreviewService, Proposal, Rehearsal, Rehearsed};
pub use publisher::{SnapshotPublisher, SnapshotSubscriber};
pub use retrievals::{RetrievalLog, Retrievals};
pub use seed::{HashKey, Seed, Seeds};
pub use seen::{SeenContext, SeenContexts};
pub use service::FlagService;
pub use snapshot::{Snapshot, SnapshotFlag, Targeting};
pub use traits::{TraitStore, Traits};
pub use usage::{FeatureUse, HourOfUse, UsageLog, UsageQuery};
pub use usage_service::{UsageReport, UsageService};
pub use value::FlagValue;
