//! How many files this process may have open, and so how many connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit to what it may be raised to, and returns it; `None` where there is none.
pub(crate) fn raise() -> Option<usize> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    files.and_then(|files| usize::try_from(files).ok())
}
