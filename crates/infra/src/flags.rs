//! Features, environments, flags and snapshots in the database, and the memory of retrievals.

pub(crate) mod names;
pub mod rehearsal;
pub mod repository;
pub mod retrievals;
pub(crate) mod rows;
pub mod snapshots;
pub(crate) mod variants;
pub(crate) mod work;

pub use rehearsal::DieselRehearsal;
pub use repository::DieselFlagRepository;
pub use retrievals::MemoryRetrievalLog;
pub use snapshots::DieselSnapshotSource;
