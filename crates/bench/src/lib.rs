//! What the measuring and trying programs share: the servers that they start (`servers.rs`), single calls to them (`http.rs`)
//! and arguments (`arguments.rs`).
//!
//! `main.rs` measures, `bin/crash` kills, `bin/durability` traces; each says at its top what it is for.

pub mod arguments;
pub mod http;
pub mod servers;
