//! Arguments of the commands that work on a cluster beside its API nodes.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};

use super::serve_args::LogArgs;
use super::{Printing, not_empty};

/// Which cluster.
#[derive(Clone, Debug, Args)]
pub(crate) struct ClusterArgs {
    /// The file that says where the cluster's systems are.
    #[arg(long, env = "TIRO_CLUSTER", value_name = "FILE")]
    pub(crate) cluster: PathBuf,
}

const WORKER_HELP: &str = "\
A worker does what follows a write and nobody waits for: it tells the queues of new changes, brings the search index \
after the database, removes what lies below deleted things, and recounts. Any number of workers share the work; while \
none runs, reads and writes go on, and searches go on until they would have to read too much by themselves.

Examples:
  tiro worker --cluster /etc/tiro/cluster.toml
  TIRO_CLUSTER=/etc/tiro/cluster.toml tiro worker --log-format json

SIGTERM and SIGINT let work in hand finish and then end it; what was not finished is done by another worker.

Exit status:
   0  after SIGTERM or SIGINT
   1  it could not start or go on
   2  a flag, a variable or the file is wrong";

/// Arguments of `tiro worker`.
#[derive(Clone, Debug, Args)]
#[command(after_help = WORKER_HELP, after_long_help = WORKER_HELP)]
pub(crate) struct WorkerArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,

    /// Messages of one queue that are held at once, and become one piece of work.
    #[arg(long, env = "TIRO_PREFETCH", value_name = "N", default_value_t = 64, value_parser = value_parser!(u16).range(1..=10_000))]
    pub(crate) prefetch: u16,

    /// Partitions that are indexed at once.
    #[arg(long, env = "TIRO_PARTITIONS_AT_ONCE", value_name = "N", default_value_t = 4, value_parser = value_parser!(u16).range(1..=256))]
    pub(crate) partitions_at_once: u16,

    /// Tries of a piece of work before it becomes a dead letter.
    #[arg(long, env = "TIRO_TRIES_MAX", value_name = "N", default_value_t = 8, value_parser = value_parser!(u32).range(1..=1_000))]
    pub(crate) tries_max: u32,

    #[command(flatten)]
    pub(crate) log: LogArgs,
}

const DEAD_HELP: &str = "\
Dead letters are pieces of work that failed at every try. They are kept until somebody decides: `replay` gives them back \
to their queue as if they had not been tried, `drop` removes them for good. What a dead letter was to index stays \
unindexed meanwhile, and searches read it from the database.

Examples:
  tiro dead list --cluster /etc/tiro/cluster.toml
  tiro dead show 5b0c… --cluster /etc/tiro/cluster.toml
  tiro dead replay --all --cluster /etc/tiro/cluster.toml
  TIRO_CLUSTER=/etc/tiro/cluster.toml tiro dead drop 5b0c…

Exit status:
   0  done; also when there are none
   1  there is none of this id, or it failed
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
    /// Print a line for each, the oldest first.
    List {
        #[command(flatten)]
        cluster: ClusterArgs,
        /// Most lines.
        #[arg(long, env = "TIRO_LIMIT", value_name = "N", default_value_t = 100, value_parser = value_parser!(u16).range(1..=10_000))]
        limit: u16,
        #[command(flatten)]
        printing: Printing,
    },
    /// Print one of them in full.
    Show {
        #[command(flatten)]
        cluster: ClusterArgs,
        /// Its id.
        #[arg(value_parser = not_empty)]
        id: String,
        #[command(flatten)]
        printing: Printing,
    },
    /// Give one of them, or all, back to their queues.
    Replay {
        #[command(flatten)]
        cluster: ClusterArgs,
        #[command(flatten)]
        which: WhichLetters,
    },
    /// Remove one of them, or all, for good.
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
    /// The id of one.
    #[arg(value_parser = not_empty)]
    pub(crate) id: Option<String>,
    /// All that are there when it begins.
    #[arg(long)]
    pub(crate) all: bool,
}

const REINDEX_HELP: &str = "\
Makes the search index anew from the database, beside the one that serves; searches and writes go on, and the new index \
takes over without a pause. One that was interrupted is gone on with.

Example:
  tiro reindex --cluster /etc/tiro/cluster.toml

Exit status:
   0  the new index serves
   1  it failed; the old one still serves
   2  a flag, a variable or the file is wrong";

/// Arguments of `tiro reindex`.
#[derive(Clone, Debug, Args)]
#[command(after_help = REINDEX_HELP, after_long_help = REINDEX_HELP)]
pub(crate) struct ReindexArgs {
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}
