//! How requests fail: at their [`routes`], in their [`bodies`], or through [`faults`] of the server's own.

mod bodies;
mod faults;
mod routes;
