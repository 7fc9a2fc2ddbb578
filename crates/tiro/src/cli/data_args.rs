//! Arguments of the commands that check and repair what is stored.

use std::path::PathBuf;

use clap::Args;
use clap::builder::BoolishValueParser;

use super::Printing;

const VERIFY_HELP: &str = "\
Reads everything that is stored and checks every checksum, number and count. Changes nothing. The server must be \
stopped. Needs as much free space beside the data as the folder `view` takes.

A cluster is checked while it runs: tables against each other and against the change feeds, the search index against \
the tables. --repair corrects what can be derived from other rows.

Examples:
  tiro verify --data /var/lib/tiro
  tiro verify --cluster /etc/tiro/cluster.toml --repair
  tiro verify --data /var/lib/tiro --json

Exit status:
   0  the data is sound
   1  damage was found, or the data cannot be read
   2  the command line is wrong";

/// Arguments of `tiro verify`.
#[derive(Clone, Debug, Args)]
#[command(after_help = VERIFY_HELP, after_long_help = VERIFY_HELP)]
pub(crate) struct VerifyArgs {
    /// The data folder.
    #[arg(long, env = "TIRO_DATA", value_name = "DIR", default_value = "./tiro-data")]
    pub(crate) data: PathBuf,

    /// Check a cluster: the file with the addresses of MySQL, RabbitMQ, Redis and OpenSearch.
    #[arg(long, env = "TIRO_CLUSTER", value_name = "FILE", conflicts_with = "data")]
    pub(crate) cluster: Option<PathBuf>,

    /// Repair the counts of a cluster, and documents that its search index lacks.
    #[arg(long, env = "TIRO_REPAIR", requires = "cluster", value_parser = BoolishValueParser::new())]
    pub(crate) repair: bool,

    #[command(flatten)]
    pub(crate) printing: Printing,
}

const NEW_EPOCH_HELP: &str = "\
After an older backup of a data folder, or of a cluster's MySQL, was restored, clients may hold cursors of entries that \
are gone. A new epoch makes every older cursor answer 409 `history_changed`, so that clients read the feed again from \
the start. Run it once, before the server, or any node, is started on the restored data. Nothing else changes; a \
cluster rebuilds its search index.

Examples:
  tiro new-epoch --data /var/lib/tiro
  tiro new-epoch --cluster /etc/tiro/cluster.toml

Exit status:
   0  success
   1  it failed; run it again
   2  the command line is wrong";

/// Arguments of `tiro new-epoch`.
#[derive(Clone, Debug, Args)]
#[command(after_help = NEW_EPOCH_HELP, after_long_help = NEW_EPOCH_HELP)]
pub(crate) struct NewEpochArgs {
    /// The data folder.
    #[arg(long, env = "TIRO_DATA", value_name = "DIR", default_value = "./tiro-data")]
    pub(crate) data: PathBuf,

    /// A cluster instead: the file with the addresses of MySQL, RabbitMQ, Redis and OpenSearch.
    #[arg(long, env = "TIRO_CLUSTER", value_name = "FILE", conflicts_with = "data")]
    pub(crate) cluster: Option<PathBuf>,
}
