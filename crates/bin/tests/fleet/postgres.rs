//! A PostgreSQL server of a test's own, made from Debian's binaries: it is stopped, killed, copied and promoted as the test likes.
//!
//! It listens on an address of its own on the loopback, and on a socket in its folder for what the test itself asks. It
//! ends with the test, also with one that is killed (`setpriv --pdeathsig`), so it is started by the test's own thread.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

use crate::server::DEADLINE;

const PORT: u16 = 5432;
/// Whom Flagstaff is; it is no superuser, so that it can be kept out.
pub(crate) const ROLE: &str = "flagstaff";
/// Flagstaff's database.
const DATABASE: &str = "flags";
/// Who made the server, and that one's database.
const SUPERUSER: &str = "postgres";

/// How a server ends.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    /// It closes its connections and writes down what it knows.
    Fast,
    /// It lets everything fall, and recovers when it starts.
    Immediate,
    /// It is not even asked.
    Kill,
}

/// A server, and its folder, which goes with it.
#[derive(Debug)]
pub(crate) struct Postgres {
    directory: TempDir,
    address: SocketAddr,
    process: Option<Child>,
}

impl Postgres {
    /// A running server with Flagstaff's database, in which there is nothing yet.
    pub(crate) fn start() -> Self {
        let mut server = Self::made();
        let data = server.data();
        let made = command("initdb", server.directory.path())
            .args(["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--no-sync"])
            .args(["--locale=C.UTF-8", "-D", data.to_str().unwrap()])
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb");
        server.run();
        server.sql(&format!("CREATE ROLE {ROLE} LOGIN"));
        server.sql(&format!("CREATE DATABASE {DATABASE} OWNER {ROLE}"));
        server
    }

    /// A folder and an address, on which nothing listens.
    fn made() -> Self {
        static MADE: AtomicU8 = AtomicU8::new(1);
        let directory = TempDir::new().unwrap();
        if let Some((user, group)) = other_user() {
            std::os::unix::fs::chown(directory.path(), Some(user), Some(group)).unwrap();
        }
        // No client is given such an address, so that the port is never taken while the server is away.
        let [.., high, low] = std::process::id().to_be_bytes();
        let address = Ipv4Addr::new(127, MADE.fetch_add(1, Ordering::Relaxed), high, low);
        Self {
            directory,
            address: SocketAddr::from((address, PORT)),
            process: None,
        }
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of Flagstaff's database on this server.
    pub(crate) fn url(&self) -> String {
        url(&[self.address], "")
    }

    /// Starts, and returns when it answers.
    pub(crate) fn run(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        // The processes of a server that was killed may need a moment to notice.
        while !self.try_run() {
            assert!(Instant::now() < deadline, "{}", self.log());
        }
    }

    fn try_run(&mut self) -> bool {
        let folder = self.directory.path();
        let log = File::options()
            .create(true)
            .append(true)
            .open(folder.join("log"))
            .unwrap();
        let settings = [
            format!("listen_addresses={}", self.address.ip()),
            format!("unix_socket_directories={}", folder.display()),
            "shared_buffers=16MB".to_owned(),
            "max_connections=40".to_owned(),
            "wal_keep_size=64MB".to_owned(),
        ];
        let mut process = command("postgres", folder)
            .arg("-D")
            .arg(self.data())
            .args(settings.iter().flat_map(|one| ["-c", one]))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        while process.try_wait().unwrap().is_none() {
            if self.try_sql("SELECT 1").is_some() {
                self.process = Some(process);
                return true;
            }
            sleep(Duration::from_millis(10));
        }
        false
    }

    /// Ends it, and returns when it is gone.
    pub(crate) fn stop(&mut self, end: End) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let signal = match end {
            End::Fast => Signal::INT,
            End::Immediate => Signal::QUIT,
            End::Kill => Signal::KILL,
        };
        kill_process(Pid::from_child(&process), signal).unwrap();
        process.wait().unwrap();
    }

    /// Runs SQL as the superuser, beside Flagstaff's database; returns what it answers.
    pub(crate) fn sql(&self, sql: &str) -> String {
        let answer = self.try_sql(sql);
        answer.unwrap_or_else(|| panic!("{sql}: {}", self.log()))
    }

    fn try_sql(&self, sql: &str) -> Option<String> {
        let said = command("psql", self.directory.path())
            .args(["-X", "-q", "-A", "-t", "-w", "-U", SUPERUSER, "-h"])
            .arg(self.directory.path())
            .args(["-d", SUPERUSER, "-c", sql])
            .output()
            .unwrap();
        let text = String::from_utf8(said.stdout).unwrap();
        said.status.success().then(|| text.trim().to_owned())
    }

    /// Waits until a question is answered with `t`.
    pub(crate) fn until(&self, question: &str) {
        let deadline = Instant::now() + DEADLINE;
        while self.sql(question) != "t" {
            assert!(Instant::now() < deadline, "{question}: {}", self.log());
            sleep(Duration::from_millis(20));
        }
    }

    /// Ends the sessions of Flagstaff that this condition chooses.
    pub(crate) fn terminate(&self, condition: &str) -> usize {
        let ended = self.sql(&format!(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE usename = '{ROLE}' AND {condition}"
        ));
        ended.parse().unwrap()
    }

    /// A running copy, which has every commit before it is answered.
    pub(crate) fn copy(&self) -> Self {
        let mut copy = Self::made();
        copy.follow(self);
        copy
    }

    /// Becomes a copy of another server, whatever it was.
    pub(crate) fn follow(&mut self, other: &Self) {
        self.stop(End::Kill);
        let data = self.data();
        let _ = fs::remove_dir_all(&data);
        let copied = command("pg_basebackup", self.directory.path())
            .args(["-U", SUPERUSER, "-h"])
            .arg(other.directory.path())
            .args(["-R", "-X", "stream", "-c", "fast", "--no-sync", "-D"])
            .arg(&data)
            .status();
        assert!(copied.unwrap().success(), "pg_basebackup");
        self.run();
        other.until("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE state = 'streaming')");
        other.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        other.sql("SELECT pg_reload_conf()");
        other.until("SELECT EXISTS (SELECT FROM pg_stat_replication WHERE sync_state = 'sync')");
    }

    /// Lets a copy take over.
    pub(crate) fn promote(&self) {
        assert_eq!(self.sql("SELECT pg_promote()"), "t");
    }

    /// What it said.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop(End::Immediate);
    }
}

/// The URL of Flagstaff's database on the first of these servers that suits the parameters.
pub(crate) fn url(servers: &[SocketAddr], parameters: &str) -> String {
    let servers: Vec<_> = servers.iter().map(SocketAddr::to_string).collect();
    format!(
        "postgres://{ROLE}@{}/{DATABASE}{parameters}",
        servers.join(",")
    )
}

/// One of PostgreSQL's programs, run in a folder as whom it may be: none of them runs as root.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.current_dir(folder).args(["--pdeathsig", "QUIT"]);
    if let Some((user, group)) = other_user() {
        command.args([format!("--reuid={user}"), format!("--regid={group}")]);
        command.arg("--clear-groups");
    }
    command.arg("--").arg(binaries().join(program));
    command
}

/// The user and group that the server belongs to where they are not the test's.
fn other_user() -> Option<(u32, u32)> {
    if !geteuid().is_root() {
        return None;
    }
    let users = fs::read_to_string("/etc/passwd").unwrap();
    let field = |name: &str, at: usize| {
        let mut lines = users.lines().map(|line| line.split(':'));
        let mut line = lines.find(|line| line.clone().next() == Some(name))?;
        line.nth(at)?.parse().ok()
    };
    let of = |name: &str| Some((field(name, 2)?, field(name, 3)?));
    of("postgres").or_else(|| of("nobody"))
}

/// Where the newest version that is installed keeps its programs.
fn binaries() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").unwrap_or_else(|_| {
        panic!("there is no PostgreSQL server here; on Debian: apt-get install postgresql")
    });
    let folders = versions.map(|version| version.unwrap().path());
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = folders.max_by_key(number).unwrap();
    newest.join("bin")
}
