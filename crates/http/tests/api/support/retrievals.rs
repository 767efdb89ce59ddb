//! The memory of retrievals, which panics when a test says so: as a handler with a mistake in it does.

use std::sync::atomic::{AtomicBool, Ordering};

use flagstaff_domain::clock::Timestamp;
use flagstaff_domain::flags::{RetrievalLog, Retrievals};
use flagstaff_domain::ids::EnvironmentId;
use flagstaff_infra::flags::MemoryRetrievalLog;

#[derive(Debug, Default)]
pub(crate) struct TestRetrievals {
    memory: MemoryRetrievalLog,
    panics: AtomicBool,
}

impl TestRetrievals {
    /// Whether whoever retrieves flags from now on runs into a panic.
    pub(crate) fn panic(&self, panics: bool) {
        self.panics.store(panics, Ordering::SeqCst);
    }
}

impl RetrievalLog for TestRetrievals {
    fn record(&self, environment: EnvironmentId, at: Timestamp) {
        assert!(
            !self.panics.load(Ordering::SeqCst),
            "a secret of the handler"
        );
        self.memory.record(environment, at);
    }

    fn find(&self, environment: EnvironmentId) -> Option<Retrievals> {
        self.memory.find(environment)
    }
}
