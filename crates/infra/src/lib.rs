//! Flagstaff's adapters: what the domain's ports are made of.
//!
//! [`db`] is the connection to SQLite with its one writer; [`flags`], [`access`], [`changes`] and [`state`] implement
//! the contexts' ports on it; [`clock`], [`random`] and [`password`] are the
//! system's; [`ending`] waits for threads.

pub mod access;
pub mod changes;
pub mod clock;
pub mod db;
pub mod ending;
pub mod flags;
pub mod modules;
pub mod password;
pub mod random;
pub mod state;
