//! What developers and CI run: `cargo xtask test`, `check`, `cluster`, `compose`, `bench`, `deny` and `postman`.
//!
//! Each command is one module; what several of them need (the root of the tree, timed steps, tools that must be
//! installed) has a module of its own. An error ends the command with its text and exit status 1.

mod bench;
mod chat_data;
mod check;
mod cluster;
mod compose;
mod deny;
mod postman;
mod root;
mod steps;
mod test;
mod tidy;
mod tools;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Checks, tests and measures Tiro")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that must pass: format, clippy, house rules, then all tests
    Test(test::Arguments),
    /// The fast part of `test`: format, clippy, house rules
    Check,
    /// Measures what is promised in ratios, rates, MiB or ms, on the real server
    Bench(bench::Arguments),
    /// Starts and stops the servers of the cluster engine: MariaDB, RabbitMQ, Redis, OpenSearch
    Cluster(cluster::Arguments),
    /// Runs compose.yaml and the image by a real container engine
    Compose(compose::Arguments),
    /// Licences, banned crates and sources, by cargo-deny
    Deny,
    /// Makes the Postman collections in `docs/postman` from the OpenAPI documents
    Postman,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Test(arguments) => test::run(&arguments),
        Command::Check => check::run(),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::Cluster(arguments) => cluster::run(&arguments),
        Command::Compose(arguments) => compose::run(&arguments),
        Command::Deny => deny::run(),
        Command::Postman => postman::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
