//! What Flagstaff is, without I/O: features, environments, flags, keys, accounts and the change log.
//!
//! Each context is a folder: [`flags`] is the product, [`access`] says who may do what, [`changes`] is the one log.
//! [`serving`] is the read path over them, [`state`] the file that describes a whole installation. Every folder holds
//! its records, its ports (traits that `flagstaff-infra` implements) and its service.

// A new variant has to be decided on wherever it matters; a test may look for one of many.
#![cfg_attr(not(test), warn(clippy::wildcard_enum_match_arm))]

pub mod access;
pub mod changes;
pub mod clock;
pub mod flags;
pub mod ids;
pub mod json;
pub mod modules;
pub mod page;
pub mod serving;
pub mod state;
pub mod storage;
pub mod text;
pub mod write;
