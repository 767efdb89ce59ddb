//! What a trace must show of each acknowledged write: it was written to the log, the log was synced after that, and only
//! then the answer began; and each file and folder it needs was made to last by a sync of the folder above.

use std::path::Path;

use crate::trace::Call;

/// The lines of the account; empty when the rules hold. A client that writes alone must also find nothing else unsynced
/// in the log when it is answered.
pub(crate) fn violations(
    calls: &[Call],
    folder: &Path,
    marks: &[String],
    alone: bool,
) -> Vec<String> {
    let found = marks.iter().filter_map(|mark| {
        let violated = violated(calls, folder, mark, alone)?;
        Some(format!("{mark} was answered, but {violated}"))
    });
    found.collect()
}

fn violated(calls: &[Call], folder: &Path, mark: &str, alone: bool) -> Option<String> {
    let Some(answer) = calls.iter().find(|call| answers(call, mark)) else {
        return Some("the trace does not show it".to_owned());
    };
    let before = || calls.iter().take_while(|call| call.began < answer.began);
    let log = |call: &&Call| call.file().is_some_and(|file| file.ends_with("-wal"));
    let written = |call: &&Call| call.name.starts_with("pwrite");
    let Some(write) = before()
        .filter(log)
        .filter(written)
        .find(|call| call.arguments.contains(mark))
    else {
        return Some("it was not in the log before that".to_owned());
    };
    let synced = |call: &&Call| syncs(call) && call.ended < answer.began;
    let Some(sync) = before()
        .filter(log)
        .filter(synced)
        .filter(|sync| sync.began > write.ended)
        .last()
    else {
        return Some("the log was not synced between that and its writing".to_owned());
    };
    if alone
        && let Some(later) = before()
            .filter(log)
            .filter(written)
            .find(|call| call.began > sync.began)
    {
        return Some(format!(
            "more was written to the log after the sync: {}",
            later.name
        ));
    }
    let lasting = |made: &Made| {
        let syncs = before().filter(synced).filter(|sync| sync.began > made.at);
        syncs
            .filter_map(Call::file)
            .any(|file| Some(Path::new(file)) == made.path.parent())
    };
    let made = made(before(), folder);
    let unsynced = made.iter().find(|made| !lasting(made))?;
    Some(format!(
        "the folder above {} was not synced",
        unsynced.path.display()
    ))
}

/// Whether it begins a successful answer that names the mark.
pub(crate) fn answers(call: &Call, mark: &str) -> bool {
    ["write", "writev", "sendto", "sendmsg"].contains(&call.name.as_str())
        && call.arguments.contains("\"HTTP/1.1 20")
        && call.arguments.contains(mark)
}

/// Whether it is a sync that succeeded.
pub(crate) fn syncs(call: &Call) -> bool {
    ["fsync", "fdatasync"].contains(&call.name.as_str()) && call.result == Some(0)
}

/// Whether it writes the header of the log, at its begin.
pub(crate) fn begins_log(call: &Call) -> bool {
    call.file().is_some_and(|file| file.ends_with("-wal")) && call.arguments.ends_with(", 32, 0")
}

/// A folder or file that came into being.
struct Made {
    path: std::path::PathBuf,
    at: usize,
}

/// What was made and is still there: folders, databases and their logs.
fn made<'a>(calls: impl Iterator<Item = &'a Call>, folder: &Path) -> Vec<Made> {
    let mut made: Vec<Made> = Vec::new();
    for call in calls.filter(|call| call.result.is_some_and(|result| result >= 0)) {
        let Some(path) = path(call, folder) else {
            continue;
        };
        let file = path
            .extension()
            .is_some_and(|end| end == "db" || end == "db-wal");
        match call.name.as_str() {
            "unlink" => made.retain(|made| made.path != path),
            // Opening with O_CREAT makes a file that is not there.
            "open" if !(file && call.arguments.contains("O_CREAT")) => {}
            "mkdir" | "open" if made.iter().all(|made| made.path != path) => {
                made.push(Made {
                    path,
                    at: call.ended,
                });
            }
            _ => {}
        }
    }
    made
}

/// The path that a call names by a text.
pub(crate) fn path(call: &Call, folder: &Path) -> Option<std::path::PathBuf> {
    if !["mkdir", "open", "unlink"].contains(&call.name.as_str()) {
        return None;
    }
    let (text, _) = call.text()?;
    Some(folder.join(String::from_utf8(text).ok()?))
}

#[cfg(test)]
mod tests;
