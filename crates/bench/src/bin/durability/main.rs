//! `just durability`: what a kill cannot show. The server runs under strace while clients write; then the trace must show
//! a sync of the log before each answer (`rules.rs`), and a disk that loses at random moments what was not synced must
//! still hold all that had been answered (`disk.rs`). `trace.rs` reads the trace.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports what it found"
)]

mod disk;
mod rules;
mod trace;

use std::io::{Error, Result};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread;

use clap::Parser;
use flagstaff_bench::arguments::Trial;
use flagstaff_bench::http;
use flagstaff_bench::servers::{self, Server};
use serde_json::json;

use disk::Disk;

/// Clients that write at the same time, after one has written alone, and how much each of them writes: enough that the
/// log is moved into the database and begun anew.
const CLIENTS: [(usize, usize); 2] = [(1, 100), (8, 60)];
/// The calls that matter: those by which files, folders and sockets change, as far as this machine knows them.
const CALLS: &str = "trace=?mkdir,?mkdirat,?open,?openat,?unlink,?unlinkat,?ftruncate,?pwrite64,?pwritev,?write,?writev,\
                     ?sendto,?sendmsg,?fsync,?fdatasync";
/// How many violations are told one by one.
const SHOWN: usize = 10;

/// Traces the server and shows that no answer precedes the sync of what it acknowledges
#[derive(Debug, Parser)]
struct Arguments {
    /// How often to cut the power
    #[arg(long, default_value_t = 200)]
    cuts: usize,
    #[command(flatten)]
    trial: Trial,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    println!("seed {}", arguments.trial.seed);
    let program = arguments.trial.program()?;
    let mut random = arguments.trial.random();
    let folder = tempfile::tempdir()?;
    let written = traced(&program, folder.path())?;
    let calls = trace::read(&folder.path().join("trace"))?;
    let logs = calls.iter().filter(|call| rules::begins_log(call)).count();
    // One in the migration, one for the server.
    if logs < 3 {
        return Err(Error::other(
            "too little was written for the log to begin anew",
        ));
    }

    let mut failed = false;
    for phase in &written {
        let alone = phase.clients == 1;
        let violations = rules::violations(&calls, folder.path(), &phase.marks, alone);
        println!(
            "{} at a time: {} writes acknowledged, without a sync before the answer: {}",
            phase.clients,
            phase.marks.len(),
            violations.len()
        );
        failed |= !violations.is_empty();
        for line in violations.iter().take(SHOWN) {
            eprintln!("{line}");
        }
    }

    let marks: Vec<String> = written.into_iter().flat_map(|phase| phase.marks).collect();
    let disk = Disk::of(&calls, folder.path(), &marks)?;
    let mut lost = 0;
    for _ in 0..arguments.cuts {
        if let Err(error) = disk.cut(&mut random, &program) {
            eprintln!("{error}");
            lost += 1;
        }
    }
    println!(
        "{} power cuts, after which something was lost: {lost}",
        arguments.cuts
    );
    failed |= lost > 0;
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// What so many clients wrote and were told that it is stored.
struct Phase {
    clients: usize,
    marks: Vec<String>,
}

/// Runs the server under strace, with the trace in the folder, and writes.
fn traced(program: &Path, folder: &Path) -> Result<Vec<Phase>> {
    let strace = Command::new("strace")
        .arg("-V")
        .stdout(Stdio::null())
        .status();
    if !strace.is_ok_and(|status| status.success()) {
        return Err(Error::other(
            "strace is missing; the Debian package is `strace`",
        ));
    }
    let mut command = servers::command(Path::new("strace"));
    // As a grandchild, so that what is stopped and killed here is the server; files with their paths, data whole.
    command.args([
        "-D",
        "-f",
        "--seccomp-bpf",
        "-y",
        "-s",
        "100000",
        "-e",
        CALLS,
        "-o",
        "trace",
    ]);
    let server = Server::start(command.arg(program), folder)?;
    let written = CLIENTS
        .iter()
        .map(|&(clients, writes)| write(server.address, clients, writes))
        .collect::<Result<_>>()?;
    let id = server.process.id();
    server.process.stop()?;
    trace::await_end(&folder.join("trace"), id)?;
    Ok(written)
}

fn write(address: SocketAddr, clients: usize, writes: usize) -> Result<Phase> {
    let mut marks = Vec::new();
    let prepare = |path: &str| {
        let body = json!({"name": format!("by-{clients}")}).to_string();
        send(address, "POST", path, &body)
    };
    prepare("/api/admin/environments")?;
    prepare("/api/admin/features")?;
    thread::scope(|scope| {
        let threads: Vec<_> = (0..clients)
            .map(|client| scope.spawn(move || write_one_by_one(address, clients, client, writes)))
            .collect();
        for thread in threads {
            let written = thread
                .join()
                .map_err(|_| Error::other("a client panicked"))?;
            marks.extend(written?);
        }
        Result::Ok(Phase { clients, marks })
    })
}

fn write_one_by_one(
    address: SocketAddr,
    clients: usize,
    client: usize,
    writes: usize,
) -> Result<Vec<String>> {
    let marks = (0..writes).map(|turn| format!("mark-{clients:02}-{client:02}-{turn:04}"));
    marks
        .enumerate()
        .map(|(turn, mark)| {
            if turn % 8 == 7 {
                let body = json!({"name": mark}).to_string();
                send(address, "POST", "/api/admin/features", &body)?;
            } else {
                let path = format!("/api/admin/environments/by-{clients}/flags/by-{clients}");
                send(address, "PATCH", &path, &json!({"value": mark}).to_string())?;
            }
            Ok(mark)
        })
        .collect()
}

fn send(address: SocketAddr, method: &str, path: &str, body: &str) -> Result<()> {
    let answer = http::call(address, method, path, &http::administrator(), body)?;
    match answer.status {
        200 | 201 => Ok(()),
        _ => Err(answer.unexpected(path)),
    }
}
