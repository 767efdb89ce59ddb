//! The servers that are measured: started on one CPU, watched through `/proc`, ended with the run.

use std::fs;
use std::io::{Error, Read, Result, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// The CPU that a measured server runs on; the load runs on the other.
pub(crate) const SERVER_CPU: &str = "0";

const START: Duration = Duration::from_secs(30);

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// How long it took from its start to its first answer.
    pub(crate) started_in: Duration,
}

/// The program beside this one.
pub(crate) fn program(name: &str) -> Result<PathBuf> {
    Ok(std::env::current_exe()?.with_file_name(name))
}

/// A port that is free at the moment.
pub(crate) fn free_address() -> Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

impl Server {
    /// Starts Flagstaff as shipped, with one worker, on a database that is there.
    pub(crate) fn flagstaff(folder: &Path, settings: &[(&str, &str)]) -> Result<Self> {
        let address = free_address()?;
        let mut command = pinned(&program("flagstaff")?);
        command
            .arg("serve")
            .current_dir(folder)
            .env("FLAGSTAFF__SERVER__BIND", address.to_string())
            .env("FLAGSTAFF__SERVER__WORKERS", "1")
            .env("FLAGSTAFF__ADMIN__PASSWORD", PASSWORD);
        for (name, value) in settings {
            command.env(name, value);
        }
        Self::start(&mut command, address, folder)
    }

    /// Starts the reference with a recorded answer.
    pub(crate) fn reference(folder: &Path, key: &str, answer: &Path) -> Result<Self> {
        let address = free_address()?;
        let mut command = pinned(&program("reference")?);
        command.arg(address.to_string()).arg(key).arg(answer);
        Self::start(&mut command, address, folder)
    }

    fn start(command: &mut Command, address: SocketAddr, folder: &Path) -> Result<Self> {
        let log = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join("server.log"))?;
        let started = Instant::now();
        let child = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut server = Self {
            child,
            address,
            started_in: Duration::ZERO,
        };
        loop {
            if get(address, "/health/live", "").is_ok() {
                server.started_in = started.elapsed();
                return Ok(server);
            }
            if let Some(status) = server.child.try_wait()? {
                return Err(Error::other(format!("the server ended: {status}")));
            }
            if started.elapsed() > START {
                return Err(Error::other("the server did not start"));
            }
            sleep(Duration::from_micros(500));
        }
    }

    /// CPU time that the server has used.
    pub(crate) fn cpu(&self) -> Result<Duration> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
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
    pub(crate) fn resident_mib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let kib: Option<f64> = line
            .and_then(|line| line.split_whitespace().nth(1))
            .and_then(|kib| kib.parse().ok());
        kib.map(|kib| kib / 1024.0)
            .ok_or_else(|| Error::other("no VmRSS"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The administrator's password in measured servers.
pub(crate) const PASSWORD: &str = "bench-bench-bench";

fn pinned(program: &Path) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", SERVER_CPU]).arg(program);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FLAGSTAFF") {
            command.env_remove(name);
        }
    }
    command
}

/// One GET on a connection of its own; returns head and body of the answer.
pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> Result<(String, Vec<u8>)> {
    call(address, "GET", path, headers, "")
}

/// One request on a connection of its own; returns head and body of the answer.
pub(crate) fn call(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &str,
    body: &str,
) -> Result<(String, Vec<u8>)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {}\r\n{headers}\r\n{body}",
        body.len()
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| Error::other("no answer"))?;
    let body = answer.split_off(end + 4);
    Ok((String::from_utf8_lossy(&answer).into_owned(), body))
}
