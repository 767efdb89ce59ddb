//! Features, environments, flags, segments, overrides and snapshots in the database, and the memory of retrievals.

pub(crate) mod agreement;
pub(crate) mod feature_work;
pub(crate) mod identity_rows;
pub(crate) mod names;
pub(crate) mod overrides;
pub(crate) mod prerequisites;
pub mod rehearsal;
pub mod repository;
pub mod retrievals;
pub(crate) mod rows;
pub(crate) mod segments;
pub mod snapshots;
pub mod targeting;
pub mod traits;
pub mod usage;
pub(crate) mod variants;
pub(crate) mod work;

pub use rehearsal::DieselRehearsal;
pub use repository::DieselFlagRepository;
pub use retrievals::MemoryRetrievalLog;
pub use snapshots::DieselSnapshotSource;
pub use targeting::DieselTargetingRepository;
pub use traits::MokaTraitStore;
pub use usage::DieselUsageLog;
