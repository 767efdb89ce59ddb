//! How requests fail: at their [`routes`], in their [`bodies`], [`compressed`] or not, or through [`faults`] of the
//! server's own.

mod bodies;
mod compressed;
mod faults;
mod routes;
