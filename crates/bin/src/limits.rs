//! What the operating system allows this process: files, and so connections, that may be open.

/// Files that are not connections: the database's, logs, what the runtime needs.
const OTHER_FILES: usize = 64;

/// How many connections may be open, of those that are wanted. The process's limit is raised to what it may be raised to.
#[cfg(unix)]
pub(crate) fn connections(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    let files = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    let files = files.and_then(|files| usize::try_from(files).ok());
    let possible = files.map_or(wanted, |files| files.saturating_sub(OTHER_FILES).max(1));
    if possible < wanted {
        log::warn!(possible, wanted; "the system allows fewer connections than server.connections (ulimit -n)");
    }
    wanted.min(possible)
}

/// How many connections may be open: what is wanted, where no limit is known.
#[cfg(not(unix))]
pub(crate) fn connections(wanted: usize) -> usize {
    wanted
}
