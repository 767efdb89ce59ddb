//! What the operating system allows this process: files, and so connections, that may be open, and how long a file may be.

#[cfg(unix)]
use crate::open_files;
use crate::settings::Settings;

/// Files that are not connections: the database's, logs, what the runtime needs.
#[cfg(unix)]
fn other_files(settings: &Settings, workers: usize) -> usize {
    64 + 4 * workers + usize::try_from(2 * settings.database.readers).unwrap_or(usize::MAX)
}

/// How many connections may be open, of those that are wanted. The process's limit is raised to what it may be raised to.
#[cfg(unix)]
pub(crate) fn connections(settings: &Settings, workers: usize) -> usize {
    let wanted = settings.server.connections;
    let others = other_files(settings, workers);
    let possible =
        open_files::raise().map_or(wanted, |files| files.saturating_sub(others).max(files / 4));
    if possible < wanted {
        log::warn!(possible, wanted; "the system allows fewer connections than server.connections (ulimit -n)");
    }
    wanted.min(possible)
}

/// How many connections may be open: what is wanted, where no limit is known.
#[cfg(not(unix))]
pub(crate) fn connections(settings: &Settings, _: usize) -> usize {
    settings.server.connections
}

/// Where a file may not grow (`ulimit -f`), writing to it fails as on a full disk; without this it would end the process.
/// To be called on the runtime that serves.
#[cfg(unix)]
pub(crate) fn survive_file_size() {
    use actix_web::rt::signal::unix::{SignalKind, signal};

    // Whoever listens to a signal once has taken its effect away for good.
    let kind = SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw());
    if let Err(error) = signal(kind) {
        log::warn!(error:%; "a limit on the size of files would end this process");
    }
}

/// Other systems know no such limit.
#[cfg(not(unix))]
pub(crate) fn survive_file_size() {}
