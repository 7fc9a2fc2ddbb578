//! The executable `tiro`: serves chats, searches and follows them, and brings them in, out and through a check.
//!
//! The only crate that names an engine. Each command is a module with `run`; [`cli`] has all flags.

mod cli;
mod cluster;
mod connection;
mod dead;
mod exit;
mod export;
mod follow;
mod import;
mod logging;
mod new_epoch;
mod output;
mod progress;
mod reindex;
mod search;
mod serve;
mod signals;
mod status;
mod terminal;
mod verify;
mod worker;

use std::process::ExitCode;

use cli::Command;
use exit::{Exit, Failure};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match cli::parse(std::env::args_os()) {
        Ok(command) => run(&command),
        Err(message) => explain(&message),
    }
}

fn run(command: &Command) -> ExitCode {
    let ended = match command {
        Command::Serve(args) => serve::run(args),
        Command::Import(args) => import::run(args),
        Command::Export(args) => export::run(args),
        Command::Search(args) => search::run(args),
        Command::Follow(args) => follow::run(args),
        Command::Status(args) => status::run(args),
        Command::Verify(args) => verify::run(args),
        Command::Worker(args) => worker::run(args),
        Command::Dead(args) => dead::run(args),
        Command::Reindex(args) => reindex::run(args),
        Command::NewEpoch(args) => new_epoch::run(args),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => tell(&failure),
    }
}

fn tell(failure: &Failure) -> ExitCode {
    progress::note(&format!("tiro: {failure}"));
    failure.exit.into()
}

/// Help and version go to standard output and are fine; everything else is a mistake on the command line.
fn explain(message: &clap::Error) -> ExitCode {
    if let Err(error) = message.print() {
        return tell(&Failure::failed(format!("cannot write: {error}")));
    }
    match message.exit_code() {
        0 => Exit::Fine.into(),
        _ => Exit::Usage.into(),
    }
}
