//! The HTTP API as its clients see it: every test sends requests through the whole application, on the real adapters
//! and a database of its own.
//!
//! One file for each resource; [`support`] starts an application and asks it, [`sockets`] does so over TCP.

mod changes;
#[cfg(feature = "coupons")]
mod coupons;
mod environment_document;
mod environments;
mod errors;
mod evaluation;
mod features;
mod flags;
mod flags_list;
mod guid;
mod health_metrics;
mod identities;
mod keys;
mod logs;
mod ofrep;
mod openapi;
mod overrides;
mod permissions;
mod preview;
#[cfg(feature = "rates")]
mod rates;
mod retrievals;
mod secrets;
mod segments;
mod sessions;
mod sign_in;
mod sockets;
mod support;
mod tokens;
mod usage;
mod users;
