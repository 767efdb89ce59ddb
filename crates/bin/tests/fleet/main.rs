//! Several servers on one PostgreSQL, as an operator runs them: one follows the other, they serve while PostgreSQL is away, and
//! are replaced one by one without a failed read.
//!
//! Each test has a PostgreSQL of its own, so none needs `just test-postgres`; `just fleet` runs them for long.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test fails by panicking, and tells what it measured"
)]

mod away;
mod catalogue;
mod client;
mod instance;
mod ledger;
mod postgres;
#[path = "../command_line/program.rs"]
mod program;
mod proxy;
mod restarts;
mod rolling;
#[path = "../support/server.rs"]
mod server;
mod spread;
mod traffic;
