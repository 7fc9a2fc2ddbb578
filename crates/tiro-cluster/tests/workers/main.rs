//! The workers of a cluster on the real systems, which the file that `TIRO_CLUSTER` names says where to find.
//!
//! Every test is a cluster of its own: a database, queues and keys of its own name, removed when it ends.

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod bell;
mod clearing;
mod cluster;
mod dead;
mod index;
mod queues;
mod restoring;
mod upkeep;
mod work;
mod world;
