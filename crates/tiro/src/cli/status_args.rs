//! Arguments of `tiro status`.

use clap::Args;

use super::{Printing, ServerArgs};

const HELP: &str = "\
Asks a running server for its status. A single-machine server reports readiness, version and uptime. A node of a \
cluster reports the whole cluster: the length of each queue, dead letters, how far the relay and the search index are \
behind, and the nodes.

Examples:
  tiro status
  tiro status --server http://10.0.0.7:3000
  tiro status --json | jq .dead_letters

Exit status:
   0  the server is ready
   1  it is not ready, or does not answer
   2  the command line is wrong";

/// Arguments of `tiro status`.
#[derive(Clone, Debug, Args)]
#[command(after_help = HELP, after_long_help = HELP)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) server: ServerArgs,

    #[command(flatten)]
    pub(crate) printing: Printing,
}
