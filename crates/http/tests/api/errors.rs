//! How requests fail: at their [`routes`], in their [`bodies`], [`compressed`] or not, or through [`faults`] of the
//! server's own, or while its database is away ([`outages`]).

mod bodies;
mod compressed;
mod faults;
mod outages;
mod routes;
