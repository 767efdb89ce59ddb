//! The command line from outside: the real program, in a directory of its own, judged by exit code and output.
//!
//! `program.rs` runs it; the other files are one for each family of commands. What needs a running server is in
//! `../serve.rs`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod configuration;
mod database;
mod evaluation;
mod following;
mod guids;
mod keys;
mod program;
mod reading;
mod records;
mod state_files;
mod targeting;
mod tokens;
mod users;
