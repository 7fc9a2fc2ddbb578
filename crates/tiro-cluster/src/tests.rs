//! The writers on a real MySQL: what no other part of the engine is needed to see.
//!
//! The variable `TIRO_CLUSTER` names the file of a running cluster. Every test has a database of its own.

mod database;
mod epochs;
mod failures;
mod forgotten;
mod functions;
mod load;
mod pages;
mod parked;
mod proxy;
pub(crate) mod requests;
mod statements;
mod verify;
mod writes;
