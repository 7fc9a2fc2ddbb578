//! Arguments of the commands that work on a cluster beside its API nodes.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

use super::serve_args::LogArgs;
use super::{Printing, not_empty};

/// Which cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClusterArgs {
    /// The file with the addresses of MySQL, RabbitMQ, Redis and OpenSearch.
    #[arg(long, env = "TIRO_CLUSTER", value_name = "FILE")]
    pub(crate) cluster: PathBuf,
}

const WORKER_HELP: &str = "\
A worker does the background work of a cluster: it announces committed changes in RabbitMQ, updates the search index, \
carries out asynchronous creates (answered 202), removes the contents of deleted chats and applications, and checks the counts. Any number \
of workers share the work. While none runs, reads and writes go on; searches go on until more than 50,000 changes are \
not indexed.

Examples:
  tiro worker --cluster /etc/tiro/cluster.toml
  TIRO_CLUSTER=/etc/tiro/cluster.toml tiro worker --log-format json

SIGTERM and SIGINT stop the worker after its current work; other workers do the rest.

Exit status:
   0  after SIGTERM or SIGINT
   1  it could not start, or had to stop
   2  a flag, a variable or the file is wrong";

/// Arguments of `tiro worker`.
#[derive(Clone, Debug, Args)]
#[command(after_help = WORKER_HELP, after_long_help = WORKER_HELP)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// Messages taken from a queue at once; they are processed as one piece of work.
    #[arg(long, env = "TIRO_PREFETCH", value_name = "N", default_value_t = 64, value_parser = value_parser!(u16).range(1..=10_000))]
    pub(crate) prefetch: u16,

    /// Partitions indexed at the same time.
    #[arg(long, env = "TIRO_PARTITIONS_AT_ONCE", value_name = "N", default_value_t = 4, value_parser = value_parser!(u16).range(1..=256))]
    pub(crate) partitions_at_once: u16,

    /// Tries before a piece of work becomes a dead letter.
    #[arg(long, env = "TIRO_TRIES_MAX", value_name = "N", default_value_t = 8, value_parser = value_parser!(u32).range(1..=1_000))]
    pub(crate) tries_max: u32,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

const DEAD_HELP: &str = "\
A dead letter is a piece of work that failed at every try. It is kept until you decide: `replay` puts it back into its \
queue as if it had not been tried, `drop` deletes it. Changes that a dead letter should have indexed stay unindexed \
meanwhile; searches read them from MySQL.

Examples:
  tiro dead list --cluster /etc/tiro/cluster.toml
  tiro dead show 5b0c… --cluster /etc/tiro/cluster.toml
  tiro dead replay --all --cluster /etc/tiro/cluster.toml
  TIRO_CLUSTER=/etc/tiro/cluster.toml tiro dead drop 5b0c…

Exit status:
   0  success; also when there are no dead letters
   1  no dead letter has this id, or it failed
   2  a flag, a variable or the file is wrong";

/// Arguments of `tiro dead`.
#[derive(Clone, Debug, Args)]
#[command(after_help = DEAD_HELP, after_long_help = DEAD_HELP, subcommand_required = true)]
pub(crate) struct DeadArgs {
    #[command(subcommand)]
    pub(crate) command: DeadCommand,
}

/// What to do with dead letters.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum DeadCommand {
    /// List dead letters, the oldest first.
    List {
        #[command(flatten)]
        cluster: ClusterArgs,
        /// Most dead letters to list.
        #[arg(long, env = "TIRO_LIMIT", value_name = "N", default_value_t = 100, value_parser = value_parser!(u16).range(1..=10_000))]
        limit: u16,
        #[command(flatten)]
        printing: Printing,
    },
    /// Print one dead letter in full.
    Show {
        #[command(flatten)]
        cluster: ClusterArgs,
        /// The id of the dead letter.
        #[arg(value_parser = not_empty)]
        id: String,
        #[command(flatten)]
        printing: Printing,
    },
    /// Put one dead letter, or all, back into their queues.
    Replay {
        #[command(flatten)]
        cluster: ClusterArgs,
        #[command(flatten)]
        which: WhichLetters,
    },
    /// Delete one dead letter, or all.
    Drop {
        #[command(flatten)]
        cluster: ClusterArgs,
        #[command(flatten)]
        which: WhichLetters,
    },
}

/// One dead letter, or all of them.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct WhichLetters {
    /// The id of the dead letter.
    #[arg(value_parser = not_empty)]
    pub(crate) id: Option<String>,
    /// All dead letters that exist when the command starts.
    #[arg(long)]
    pub(crate) all: bool,
}

const REINDEX_HELP: &str = "\
Builds a new search index from MySQL beside the present one, then switches to it. Searches and writes go on meanwhile. \
After an interruption, run it again: it continues.

Example:
  tiro reindex --cluster /etc/tiro/cluster.toml

Exit status:
   0  the new index is in use
   1  it failed; the old index is still in use
   2  a flag, a variable or the file is wrong";

/// Arguments of `tiro reindex`.
#[derive(Clone, Debug, Args)]
#[command(after_help = REINDEX_HELP, after_long_help = REINDEX_HELP)]
pub(crate) struct ReindexArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
