//! What the measuring programs share: the servers that they start (`servers.rs`) and single calls to them (`http.rs`).
//!
//! `main.rs` measures, `bin/crash` kills, `bin/durability` traces; each says at its top what it is for.

pub mod http;
pub mod servers;
