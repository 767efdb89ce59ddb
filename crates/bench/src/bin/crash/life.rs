//! One database from its creation on: written to, killed, started, looked at, over and over.

use std::fmt;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use fastrand::Rng;
use flagstaff_bench::servers::{self, Process, Server};
use tempfile::TempDir;

use crate::audit::{Audit, Seen};
use crate::burst::{Burst, Moment};
use crate::writes::{Ended, Targets, Write};

/// What a run came to.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) databases: u32,
    pub(crate) cycles: u32,
    starts_killed: u32,
    pub(crate) acknowledged: usize,
    refused: usize,
    stored_unacknowledged: usize,
    lost: usize,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} cycles on {} databases, {} more kills during a start; writes acknowledged {}, refused {}, \
             stored but unacknowledged {}, lost: {}",
            self.cycles,
            self.databases,
            self.starts_killed,
            self.acknowledged,
            self.refused,
            self.stored_unacknowledged,
            self.lost
        )
    }
}

/// A database, everything that was sent to it, and what was last seen of it.
pub(crate) struct Life {
    folder: TempDir,
    program: PathBuf,
    random: Rng,
    server: Option<Server>,
    cycles: u32,
    starts_killed: u32,
    history: Vec<Write>,
    targets: Targets,
    seen: Seen,
    audit: Audit,
}

impl Life {
    /// A folder without a database.
    pub(crate) fn new(program: &Path, random: Rng) -> Result<Self> {
        Ok(Self {
            folder: tempfile::tempdir()?,
            program: program.to_owned(),
            random,
            server: None,
            cycles: 0,
            starts_killed: 0,
            history: Vec::new(),
            targets: Targets::default(),
            seen: Seen::default(),
            audit: Audit::default(),
        })
    }

    /// Creates the database by starting the server, which is killed a few times on the way.
    fn begin(&mut self) -> Result<Server> {
        for _ in 0..self.random.u32(..4) {
            self.kill_a_start(Duration::from_millis(80))?;
        }
        self.start()
    }

    /// A burst of writes, a kill, a start, and a look at all that was ever written.
    pub(crate) fn cycle(&mut self) -> Result<()> {
        self.cycles += 1;
        self.burst()?;
        let before_start = self.random.bool();
        if before_start {
            self.check()?;
        }
        while self.random.u32(..4) == 0 {
            self.kill_a_start(Duration::from_millis(30))?;
        }
        let server = self.server.insert(self.start()?);
        self.audit = Audit::of(server.address, &self.history, &mut self.seen)?;
        self.targets = self.seen.targets();
        let wrong = self.audit.account();
        if !wrong.is_empty() {
            let cycle = self.cycles;
            return Err(Error::other(format!(
                "after kill {cycle} of this database:\n{wrong}"
            )));
        }
        if !before_start {
            self.check()?;
        }
        Ok(())
    }

    fn burst(&mut self) -> Result<()> {
        let limit = Duration::from_millis(self.random.u64(3..=120));
        let burst = Burst {
            name: format!("c{:02}", self.cycles),
            clients: [1, 8, 32][self.random.usize(..3)],
            moment: match self.random.bool() {
                true => Moment::After(limit),
                false => Moment::AtAnswer(self.random.usize(1..=60), limit),
            },
        };
        let mut server = match self.server.take() {
            Some(server) => server,
            None => self.begin()?,
        };
        let targets = std::mem::take(&mut self.targets);
        let written = burst.run(&mut server, targets, &mut self.random, &mut self.seen)?;
        self.history.extend(written);
        Ok(())
    }

    fn command(&self) -> std::process::Command {
        servers::command(&self.program)
    }

    fn start(&self) -> Result<Server> {
        Server::start(&mut self.command(), self.folder.path())
    }

    /// Starts the server and kills it before long: in its migration, while it signs its administrator up, or serving.
    fn kill_a_start(&mut self, longest: Duration) -> Result<()> {
        let micros = self.random.u64(..longest.as_micros() as u64);
        let mut command = self.command();
        let mut process = Process::start(servers::serve(&mut command), self.folder.path())?;
        sleep(Duration::from_micros(micros));
        self.starts_killed += 1;
        process.kill()
    }

    /// Lets `flagstaff check` look, which recovers what a kill has left where no server has done so.
    fn check(&self) -> Result<()> {
        let output = self
            .command()
            .arg("check")
            .current_dir(self.folder.path())
            .output()?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stdout, output.stderr].concat();
        Err(Error::other(String::from_utf8_lossy(&said).into_owned()))
    }

    /// Adds what it came to.
    pub(crate) fn count(&self, totals: &mut Totals) {
        let ended = |wanted: fn(&Ended) -> bool| {
            let writes = self.history.iter();
            writes.filter(|write| wanted(&write.ended)).count()
        };
        totals.databases += 1;
        totals.cycles += self.cycles;
        totals.starts_killed += self.starts_killed;
        totals.acknowledged += ended(|end| matches!(end, Ended::Acknowledged(_)));
        totals.refused += ended(|end| matches!(end, Ended::Refused(_)));
        totals.stored_unacknowledged += self.audit.stored_unacknowledged;
        totals.lost += self.audit.lost.len();
    }

    /// Ends it, and leaves its folder to whoever wants to know why.
    pub(crate) fn keep(self) -> PathBuf {
        drop(self.server);
        self.folder.keep()
    }
}
