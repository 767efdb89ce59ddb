//! Signing in: [`credentials`] that are right or wrong, [`limits`] on those that are wrong, [`roles`] and what they may.

mod credentials;
mod limits;
mod roles;
