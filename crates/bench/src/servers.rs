//! The servers that are measured or killed: started by these programs, watched through `/proc`, ended with them.

use std::fs::{self, File, OpenOptions};
use std::io::{Error, Result};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http;

/// The CPU that a measured server runs on; the load runs on the other.
const SERVER_CPU: &str = "0";

/// The variable that names the database.
pub const DATABASE_URL: &str = "FLAGSTAFF__DATABASE__URL";

const START: Duration = Duration::from_secs(30);

/// A process that is killed when nobody holds it any more.
#[derive(Debug)]
pub struct Process(Child);

impl Process {
    /// Starts it in a folder, with what it says in that folder's `server.log` and what it reports in `report.json`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command, folder: &Path) -> Result<Self> {
        let mut log = OpenOptions::new();
        let log = log
            .create(true)
            .append(true)
            .open(folder.join("server.log"))?;
        let child = command
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(File::create(report(folder))?)
            .stderr(log)
            .spawn()?;
        Ok(Self(child))
    }

    /// Kills it with SIGKILL and waits for its end.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn kill(&mut self) -> Result<()> {
        self.0.kill()?;
        self.0.wait().map(|_| ())
    }

    /// Asks it to stop with SIGTERM and waits for its end.
    ///
    /// # Errors
    /// When that cannot be done.
    pub fn stop(mut self) -> Result<ExitStatus> {
        let id = self.0.id().to_string();
        Command::new("kill").args(["-TERM", &id]).status()?;
        self.0.wait()
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.kill();
    }
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    /// Its process.
    pub process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from its start to its first answer.
    pub started_in: Duration,
}

/// The program beside this one.
///
/// # Errors
/// When it is not known where this one is.
pub fn program(name: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// A program without the settings of whoever runs this one.
#[must_use]
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FLAGSTAFF") {
            command.env_remove(name);
        }
    }
    command
}

/// A program that runs on the servers' CPU.
fn pinned(program: &Path) -> Command {
    let mut taskset = command(Path::new("taskset"));
    taskset.args(["-c", SERVER_CPU]).arg(program);
    taskset
}

/// Lets a command of Flagstaff serve on a free port, and report where.
pub fn serve(command: &mut Command) -> &mut Command {
    command
        .args(["serve", "--json"])
        .env("FLAGSTAFF__SERVER__BIND", "127.0.0.1:0")
        .env("FLAGSTAFF__ADMIN__PASSWORD", http::PASSWORD)
}

fn report(folder: &Path) -> PathBuf {
    folder.join("report.json")
}

/// The address in the report, once it is there.
fn reported(folder: &Path) -> Option<SocketAddr> {
    let report: Value = serde_json::from_slice(&fs::read(report(folder)).ok()?).ok()?;
    report["url"]
        .as_str()?
        .strip_prefix("http://")?
        .parse()
        .ok()
}

impl Server {
    /// Starts Flagstaff as shipped, with one worker, pinned, on a database that is there.
    ///
    /// # Errors
    /// When it does not serve.
    pub fn flagstaff(folder: &Path) -> Result<Self> {
        Self::flagstaff_with(folder, &[])
    }

    /// Like [`Server::flagstaff`], with settings of its own.
    ///
    /// # Errors
    /// When it does not serve.
    pub fn flagstaff_with(folder: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let mut command = pinned(&program("flagstaff")?);
        command
            .env("FLAGSTAFF__SERVER__WORKERS", "1")
            .envs(settings.iter().copied());
        Self::start(&mut command, folder)
    }

    /// Starts Flagstaff by this command, which must not say yet what to do.
    ///
    /// # Errors
    /// When it does not serve.
    pub fn start(command: &mut Command, folder: &Path) -> Result<Self> {
        Self::await_start(serve(command), folder, || reported(folder))
    }

    /// Starts the reference with a recorded answer.
    ///
    /// # Errors
    /// When it does not serve.
    pub fn reference(folder: &Path, key: &str, answer: &Path) -> Result<Self> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let mut command = pinned(&program("reference")?);
        command.arg(address.to_string()).arg(key).arg(answer);
        Self::await_start(&mut command, folder, || Some(address))
    }

    fn await_start(
        command: &mut Command,
        folder: &Path,
        find: impl Fn() -> Option<SocketAddr>,
    ) -> Result<Self> {
        let started = Instant::now();
        let mut process = Process::start(command, folder)?;
        loop {
            if let Some(address) = find()
                && http::get(address, "/health/live", "").is_ok()
            {
                return Ok(Self {
                    process,
                    address,
                    started_in: started.elapsed(),
                });
            }
            if let Some(status) = process.0.try_wait()? {
                let log = fs::read_to_string(folder.join("server.log"))?;
                return Err(Error::other(format!("the server ended, {status}:\n{log}")));
            }
            if started.elapsed() > START {
                return Err(Error::other("the server did not start"));
            }
            sleep(Duration::from_micros(500));
        }
    }

    /// CPU time that the server has used.
    ///
    /// # Errors
    /// When `/proc` does not tell.
    pub fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // Fields 14 and 15, in hundredths of a second; the name in field 2 may hold spaces.
        let after_name = stat.rsplit(')').next().unwrap_or_default();
        let fields: Vec<u64> = after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse().ok())
            .collect();
        Ok(Duration::from_millis(10 * fields.iter().sum::<u64>()))
    }

    /// Resident memory in MiB.
    ///
    /// # Errors
    /// When `/proc` does not tell.
    pub fn resident_mib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib: Option<f64> = line
            .and_then(|line| line.split_whitespace().nth(1))
            .and_then(|kib| kib.parse().ok());
        kib.map(|kib| kib / 1024.0)
            .ok_or_else(|| Error::other("no VmRSS"))
    }
}
