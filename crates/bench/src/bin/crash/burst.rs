//! Clients that write at the same time as fast as they are answered, and one that reads, until the server is killed.

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use flagstaff_bench::http;
use flagstaff_bench::servers::Server;
use parking_lot::Mutex;

use crate::audit::Seen;
use crate::writes::{Ended, Key, Targets, Write};

/// When the server is killed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Moment {
    /// So long after the clients' start.
    After(Duration),
    /// As soon as that many writes are acknowledged, or after so long.
    AtAnswer(usize, Duration),
}

/// A burst of writes.
#[derive(Debug)]
pub(crate) struct Burst {
    /// Begins the names of its writes.
    pub(crate) name: String,
    /// Clients that write.
    pub(crate) clients: usize,
    /// When it ends.
    pub(crate) moment: Moment,
}

impl Burst {
    /// Writes until the server is killed; returns what was written, and notes what was read.
    pub(crate) fn run(
        &self,
        server: &mut Server,
        targets: Targets,
        random: &mut Rng,
        seen: &mut Seen,
    ) -> Result<Vec<Write>> {
        let address = server.address;
        // Hashes the password, once for all.
        http::get(
            address,
            "/api/admin/features?limit=1",
            &http::administrator(),
        )?;
        let read = targets.keys.first().cloned();
        let targets = Mutex::new(targets);
        let (answered, answers) = channel();
        let mut written = Vec::new();
        thread::scope(|scope| {
            let clients: Vec<_> = (0..self.clients)
                .map(|client| {
                    let name = format!("{}-{client:02}", self.name);
                    let (random, answered) = (random.fork(), answered.clone());
                    let targets = &targets;
                    scope.spawn(move || write(address, &name, targets, random, &answered))
                })
                .collect();
            let reader = read.map(|key| scope.spawn(move || read_on(address, &key)));
            self.wait(&answers);
            server.process.kill()?;
            for client in clients {
                written.extend(
                    client
                        .join()
                        .map_err(|_| Error::other("a client panicked"))?,
                );
            }
            if let Some(reader) = reader {
                let read = reader
                    .join()
                    .map_err(|_| Error::other("the reader panicked"))??;
                seen.read(read);
            }
            Result::Ok(written)
        })
    }

    fn wait(&self, answers: &Receiver<()>) {
        let (answers_left, limit) = match self.moment {
            Moment::After(limit) => (usize::MAX, limit),
            Moment::AtAnswer(number, limit) => (number, limit),
        };
        let end = Instant::now() + limit;
        for _ in 0..answers_left {
            let left = end.saturating_duration_since(Instant::now());
            if answers.recv_timeout(left).is_err() {
                return;
            }
        }
    }
}

/// Writes until there is no answer.
fn write(
    address: SocketAddr,
    name: &str,
    targets: &Mutex<Targets>,
    mut random: Rng,
    answered: &Sender<()>,
) -> Vec<Write> {
    let mut written = Vec::new();
    let headers = http::administrator();
    for turn in 0.. {
        let mut write = targets
            .lock()
            .choose(&mut random, format!("{name}-{turn:04}"));
        let answer = http::call(address, write.method, &write.path, &headers, &write.body);
        if let Ok(answer) = &answer {
            write.ended = Ended::told_by(answer);
            if matches!(write.ended, Ended::Acknowledged(_)) {
                let _ = answered.send(());
            }
            targets.lock().learn(&write);
        }
        written.push(write);
        if answer.is_err() {
            break;
        }
    }
    written
}

/// Reads flags until there is no answer; returns the environment and the last of its revisions, which never went back.
fn read_on(address: SocketAddr, key: &Key) -> Result<(String, i64)> {
    let headers = format!("X-Environment-Key: {}\r\n", key.text);
    let mut last = 0;
    // Another status than 200 when the key is deleted meanwhile.
    while let Ok(answer) = http::get(address, "/api/v1/flags/", &headers)
        && answer.status == 200
    {
        let revision = answer.header("x-flagstaff-revision").unwrap_or_default();
        let revision = revision.parse().map_err(Error::other)?;
        if revision < last {
            return Err(Error::other(format!(
                "revision {revision} of {} was read after {last}",
                key.environment
            )));
        }
        last = revision;
        thread::sleep(Duration::from_millis(1));
    }
    Ok((key.environment.clone(), last))
}
