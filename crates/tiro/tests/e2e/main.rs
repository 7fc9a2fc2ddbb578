//! End to end, on the real executable: what a person at a terminal and a supervisor see.

#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

mod bare;
mod classic;
mod cluster;
mod command_line;
mod counts;
mod examples;
mod exporting;
mod follow;
mod histories;
mod importing;
mod key_file;
mod kill;
mod limiting;
mod limits;
#[path = "../load/mod.rs"]
mod load;
mod memory;
mod must_hold;
mod pasting;
mod readme;
mod refusing;
mod requests;
mod search;
mod searching;
mod stopping;
mod support;
mod verifying;
