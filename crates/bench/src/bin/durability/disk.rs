//! A disk that keeps what was synced, and of the rest whatever it likes: sectors of any write, in any order.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};

use fastrand::Rng;
use flagstaff_bench::servers;

use crate::rules::{answers, path, syncs};
use crate::trace::Call;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// What was done to the files, in the order of time.
pub(crate) struct Disk {
    events: Vec<Event>,
}

struct Event {
    began: usize,
    ended: usize,
    what: What,
}

enum What {
    Write {
        file: PathBuf,
        offset: usize,
        bytes: Vec<u8>,
    },
    Truncate {
        file: PathBuf,
        length: usize,
    },
    Remove {
        file: PathBuf,
    },
    Sync {
        file: PathBuf,
    },
    Answer {
        mark: String,
    },
}

/// A file on the disk.
#[derive(Default)]
struct File {
    lasting: Vec<u8>,
    /// Written, not synced: when the call ended, where, what.
    pending: Vec<(usize, usize, Vec<u8>)>,
}

impl File {
    fn put(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.lasting.len() < end {
            self.lasting.resize(end, 0);
        }
        self.lasting[offset..end].copy_from_slice(bytes);
    }

    /// Makes last what was written before then.
    fn sync(&mut self, began: usize) {
        let pending = std::mem::take(&mut self.pending);
        let (done, pending) = pending.into_iter().partition(|(ended, ..)| *ended < began);
        self.pending = pending;
        for (_, offset, bytes) in done {
            self.put(offset, &bytes);
        }
    }

    /// Keeps this share of the sectors that were not synced.
    fn lose(&mut self, random: &mut Rng, kept: f64) {
        for (_, offset, bytes) in std::mem::take(&mut self.pending) {
            for (at, sector) in bytes.chunks(SECTOR).enumerate() {
                if random.f64() < kept {
                    self.put(offset + at * SECTOR, sector);
                }
            }
        }
    }
}

impl Disk {
    /// What the calls did to the database, and which of the marks they answered.
    pub(crate) fn of(calls: &[Call], folder: &Path, marks: &[String]) -> Result<Self> {
        let mut events = Vec::new();
        for call in calls {
            let strange = || {
                Error::other(format!(
                    "a call that is not understood: {} ({})",
                    call.name, call.arguments
                ))
            };
            if let Some(what) = what(call, folder, marks).ok_or_else(strange)? {
                let Call { began, ended, .. } = *call;
                events.push(Event { began, ended, what });
            }
        }
        Ok(Self { events })
    }

    /// Cuts the power at a random moment, and looks for what had been answered by then.
    pub(crate) fn cut(&self, random: &mut Rng, program: &Path) -> Result<()> {
        let moment = self.moment(random);
        let mut answered = Vec::new();
        let mut files: BTreeMap<&Path, File> = BTreeMap::new();
        for event in self.events.iter().take_while(|event| event.began < moment) {
            let over = event.ended < moment;
            match &event.what {
                What::Write {
                    file,
                    offset,
                    bytes,
                } => {
                    let file = files.entry(file).or_default();
                    file.pending.push((event.ended, *offset, bytes.clone()));
                }
                What::Sync { file } if over => files.entry(file).or_default().sync(event.began),
                What::Truncate { file, length } if over => {
                    let file = files.entry(file).or_default();
                    file.sync(usize::MAX);
                    file.lasting.resize(*length, 0);
                }
                What::Remove { file } if over => {
                    files.remove(file.as_path());
                }
                What::Answer { mark } => answered.push(mark),
                What::Sync { .. } | What::Truncate { .. } | What::Remove { .. } => {}
            }
        }
        let kept = [0.0, 0.5, 0.9][random.usize(..3)];
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("data");
        fs::create_dir(&data)?;
        for (path, mut file) in files {
            file.lose(random, kept);
            let name = path
                .file_name()
                .ok_or_else(|| Error::other("a file without a name"))?;
            fs::write(data.join(name), &file.lasting)?;
        }
        look(program, folder.path(), &answered).map_err(|error| {
            Error::other(format!(
                "power cut before line {} of the trace, {kept} of the unsynced kept: {error}",
                moment + 1
            ))
        })
    }

    /// A line of the trace: anywhere, or, where most is at stake, right after an answer began.
    fn moment(&self, random: &mut Rng) -> usize {
        let answers = self
            .events
            .iter()
            .filter(|event| matches!(event.what, What::Answer { .. }));
        let answers: Vec<usize> = answers.map(|event| event.began).collect();
        match random.u8(..3) {
            0 => random.usize(..=self.events.last().map_or(0, |event| event.began)),
            _ => random.choice(answers).map_or(0, |answer| answer + 1),
        }
    }
}

/// What a call does to the disk, if anything. `None` when it is not known what a call to a file of the database does.
fn what(call: &Call, folder: &Path, marks: &[String]) -> Option<Option<What>> {
    if let Some(mark) = marks.iter().find(|mark| answers(call, mark)) {
        return Some(Some(What::Answer { mark: mark.clone() }));
    }
    let file = path(call, folder).or_else(|| call.file().map(PathBuf::from));
    // The shared memory beside the log is made anew after a power cut.
    let database = |file: &PathBuf| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.contains(".db") && !name.ends_with("-shm")
    };
    let Some(file) = file.filter(database) else {
        return Some(None);
    };
    let number = |text: &str| text.rsplit(", ").next()?.parse().ok();
    Some(Some(match call.name.as_str() {
        "pwrite64" => {
            let (bytes, rest) = call.text()?;
            What::Write {
                file,
                offset: number(rest)?,
                bytes,
            }
        }
        "fsync" | "fdatasync" if syncs(call) => What::Sync { file },
        "ftruncate" => What::Truncate {
            file,
            length: number(&call.arguments)?,
        },
        "unlink" => What::Remove { file },
        "open" | "fsync" | "fdatasync" => return Some(None),
        _ => return None,
    }))
}

/// Starts from what is left: it must become a sound database that knows every mark.
fn look(program: &Path, folder: &Path, answered: &[&String]) -> Result<()> {
    run(program, folder, &["migrate"])?;
    run(program, folder, &["check"])?;
    let log = run(program, folder, &["changes", "--json", "--limit", "1000"])?;
    let lost: Vec<_> = answered
        .iter()
        .filter(|mark| !log.contains(&format!("\"{mark}\"")))
        .collect();
    if lost.is_empty() {
        return Ok(());
    }
    Err(Error::other(format!(
        "of {} answered, lost {lost:?}",
        answered.len()
    )))
}

fn run(program: &Path, folder: &Path, arguments: &[&str]) -> Result<String> {
    let output = servers::command(program)
        .args(arguments)
        .current_dir(folder)
        .output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = [output.stdout, output.stderr].concat();
    Err(Error::other(format!(
        "{arguments:?}: {}",
        String::from_utf8_lossy(&said)
    )))
}
