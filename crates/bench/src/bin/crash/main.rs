//! `just crash`: kills the server with SIGKILL in the midst of writes, starts it again, and looks for what it had
//! acknowledged. Every such write must be there once, with its change; any other whole or not at all.
//!
//! `life.rs` is what is done to one database, `burst.rs` the clients, `writes.rs` what they write, `audit.rs` what must
//! hold then; `log.rs` and `records.rs` read the change log and the records. The seed replays the choices, not the
//! timing of threads. A kill cannot show a missing fsync: `bin/durability` does.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that reports what it found"
)]

mod audit;
mod burst;
mod life;
mod log;
mod records;
mod writes;

use std::io::Result;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use flagstaff_bench::arguments::Trial;

use life::{Life, Totals};

/// How many cycles a database lives: few enough that reading all of it after each kill stays quick.
const CYCLES_OF_A_LIFE: u32 = 20;

/// Kills the server in the midst of writes and looks for what it had acknowledged
#[derive(Debug, Parser)]
struct Arguments {
    /// How often to kill it
    #[arg(long, default_value_t = 200)]
    cycles: u32,
    #[command(flatten)]
    trial: Trial,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let seed = arguments.trial.seed;
    println!("seed {seed}");
    let started = Instant::now();
    let server = arguments.trial.program()?;
    let mut random = arguments.trial.random();
    let mut totals = Totals::default();
    while totals.cycles < arguments.cycles {
        let cycles = CYCLES_OF_A_LIFE.min(arguments.cycles - totals.cycles);
        let mut life = Life::new(&server, random.fork())?;
        let ended = (0..cycles).try_for_each(|_| life.cycle());
        life.count(&mut totals);
        if let Err(failure) = ended {
            eprintln!(
                "{failure}\nthe database is kept in {}",
                life.keep().display()
            );
            println!("{totals} (seed {seed})");
            return Ok(ExitCode::FAILURE);
        }
        if totals.databases.is_multiple_of(25) && totals.cycles < arguments.cycles {
            println!("{totals}");
        }
    }
    println!("{totals}, in {} s", started.elapsed().as_secs());
    if totals.acknowledged == 0 {
        eprintln!("no write was acknowledged, so nothing is shown");
        return Ok(ExitCode::FAILURE);
    }
    Ok(ExitCode::SUCCESS)
}
