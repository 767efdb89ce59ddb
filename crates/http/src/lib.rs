//! Flagstaff over HTTP: routes, JSON, status codes, authentication. It knows the domain and no adapter.
//!
//! [`app`] puts the routes together and [`mod@serve`] runs them. [`sdk`] is what applications call, [`admin`] what people
//! and jobs call, `guid` the register that both read, [`edge`] what every request passes through.

// A new error or state has to be decided on wherever it matters.
#![warn(clippy::wildcard_enum_match_arm)]

pub mod admin;
pub mod app;
pub mod auth;
mod blocking;
mod connection;
pub mod edge;
pub mod error;
mod guid;
pub mod health;
mod instance;
mod json;
pub mod metrics;
pub mod modules;
mod names;
pub mod openapi;
mod paging;
mod precondition;
mod resource;
pub mod sdk;
pub mod serve;
pub mod settings;
pub mod sign_in;
mod wording;

pub use app::{Parts, Services};
pub use instance::Instance;
pub use serve::{Server, Stop, serve};
pub use settings::{AllowedOrigins, HttpSettings, MetricsAccess};
