//! Snapshots as client protocols read them: each protocol renders a view of its own when a snapshot is published.

use std::fmt;
use std::sync::Arc;

use flagstaff_domain::flags::{Snapshot, SnapshotSubscriber};
use flagstaff_domain::ids::EnvironmentId;
use foldhash::HashMap;
use parking_lot::RwLock;

/// What a protocol makes of a snapshot.
pub trait Rendered: Send + Sync {
    /// The snapshot as the protocol reads it.
    fn render(snapshot: Arc<Snapshot>) -> Self;
}

/// One protocol's views of all environments.
pub struct Views<V> {
    views: RwLock<HashMap<EnvironmentId, Arc<V>>>,
}

impl<V> Views<V> {
    /// The environment as it is served now.
    pub(crate) fn find(&self, environment: EnvironmentId) -> Option<Arc<V>> {
        self.views.read().get(&environment).map(Arc::clone)
    }
}

impl<V> Default for Views<V> {
    fn default() -> Self {
        Self {
            views: RwLock::default(),
        }
    }
}

impl<V: Rendered> SnapshotSubscriber for Views<V> {
    fn published(&self, snapshot: &Arc<Snapshot>) {
        let view = Arc::new(V::render(Arc::clone(snapshot)));
        self.views.write().insert(snapshot.environment, view);
    }

    fn removed(&self, environment: EnvironmentId) {
        self.views.write().remove(&environment);
    }
}

impl<V> fmt::Debug for Views<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Views").finish_non_exhaustive()
    }
}
