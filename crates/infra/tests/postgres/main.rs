//! What only PostgreSQL can show: its migrations, the order of the log under several instances, its failures.
//!
//! The ports' contracts run on it in `contracts/`. `just test-postgres` brings the server.

#![cfg(feature = "postgres")]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod copy;
mod faults;
mod integrity;
mod listen;
mod migrations;
#[path = "../support/moving.rs"]
mod moving;
#[path = "../support/older.rs"]
mod older;
mod order;
mod patience;
#[path = "../support/samples.rs"]
mod samples;
#[path = "../support/scratch.rs"]
mod scratch;
#[path = "../support/server.rs"]
mod server;
