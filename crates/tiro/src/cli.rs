//! The command line: commands, flags, their variables and bounds.
//!
//! Every setting is a flag and a variable `TIRO_…` of the same name; what may be repeated is comma-separated in
//! the variable. Without a command, `tiro` serves.

mod client_args;
mod cluster_args;
mod data_args;
mod follow_args;
mod search_args;
mod serve_args;
mod status_args;

use std::ffi::OsString;

use clap::builder::BoolishValueParser;
use clap::{Args, Parser, Subcommand};

pub(crate) use client_args::{ExportArgs, ImportArgs, ServerArgs};
pub(crate) use cluster_args::{ClusterArgs, DeadArgs, DeadCommand, ReindexArgs, WhichLetters, WorkerArgs};
pub(crate) use data_args::{NewEpochArgs, VerifyArgs};
pub(crate) use follow_args::FollowArgs;
pub(crate) use search_args::SearchArgs;
pub(crate) use serve_args::{LogArgs, LogFormat, ServeArgs};
pub(crate) use status_args::StatusArgs;

/// Text that ends the help of `tiro` itself.
const EXAMPLES: &str = "\
Examples:
  tiro                                              serve ./tiro-data on http://127.0.0.1:3000
  tiro import --create support chat.ndjson.gz       import a file of messages into a new application
  tiro export backup.ndjson                         write everything to a file
  tiro import backup.ndjson                         restore it, with the same numbers and tokens
  tiro search --application app_… late parcel       print the messages that contain both words
  tiro follow app_…                                 print the changes of an application, live
  tiro verify --data ./tiro-data                    check the data of a stopped server
  tiro serve --cluster cluster.toml                 start an API node of a cluster

Exit status:
   0  success; also after SIGTERM or SIGINT
   1  a check found something, a search found nothing, or something failed
   2  the command line or a setting is wrong
  70  the storage failed a write: start Tiro again, it recovers (nothing acknowledged is lost)

Each flag has an environment variable: --operator-key is TIRO_OPERATOR_KEY. The flag wins if both are given.
`tiro <command> --help` describes a command.";

/// Tiro stores chats: every message is durable before it is acknowledged, and numbered without gaps or duplicates.
#[derive(Debug, Parser)]
#[command(name = "tiro", version, after_help = EXAMPLES, after_long_help = EXAMPLES)]
#[command(subcommand_required = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Start the server, on a data folder or as an API node of a cluster (the default command).
    Serve(Box<ServeArgs>),
    /// Import messages, or an export, from a file into a server.
    Import(ImportArgs),
    /// Export one application, or all, from a server to a file.
    Export(ExportArgs),
    /// Search messages.
    Search(SearchArgs),
    /// Print the change feed of an application, live.
    Follow(FollowArgs),
    /// Print the status of a server: readiness, queues, indexing lag, nodes.
    Status(StatusArgs),
    /// Check the integrity of a data folder (server stopped) or of a running cluster.
    Verify(VerifyArgs),
    /// Start a worker of a cluster: indexing, asynchronous creates, clean-up, recounts.
    Worker(WorkerArgs),
    /// List, show, replay or drop the dead letters of a cluster.
    Dead(DeadArgs),
    /// Rebuild the search index of a cluster.
    Reindex(ReindexArgs),
    /// Invalidate all cursors after an older backup was restored.
    NewEpoch(NewEpochArgs),
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct Printing {
    /// Print the result as one JSON object on standard output.
    #[arg(long, env = "TIRO_JSON", value_parser = BoolishValueParser::new())]
    pub(crate) json: bool,
}

/// Reads the command line; `tiro` alone, or flags alone, mean `tiro serve`.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, clap::Error> {
    Cli::try_parse_from(with_default_command(arguments)).map(|cli| cli.command)
}

fn with_default_command(arguments: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    let mut arguments: Vec<OsString> = arguments.into_iter().collect();
    if arguments.is_empty() {
        arguments.push(OsString::from("tiro"));
    }
    let serves = match arguments.get(1).map(|first| first.to_string_lossy()) {
        None => true,
        Some(first) => first.starts_with('-') && !matches!(&*first, "-h" | "--help" | "-V" | "--version"),
    };
    if serves {
        arguments.insert(1, OsString::from("serve"));
    }
    arguments
}

/// A text that must say something: an empty variable is a mistake, not a setting.
fn not_empty(text: &str) -> Result<String, String> {
    if text.trim().is_empty() {
        Err("is empty: give a value, or leave out the flag and unset its variable".to_owned())
    } else {
        Ok(text.to_owned())
    }
}

#[cfg(test)]
mod tests;
