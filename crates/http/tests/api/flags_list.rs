//! `GET /api/v1/flags/`: what applications read. [`body`] is what they get, [`access`] who gets it, [`caching`] how it
//! is kept and coded on the way, [`cors`] how a browser asks.

mod access;
mod body;
mod caching;
mod cors;
