//! Arguments of `tiro status`.

use clap::Args;

use super::{Printing, ServerArgs};

const HELP: &str = "\
Asks a running server how it is. A server that is one process says whether it can serve, and what else its operator \
should know. A node of a cluster tells of the cluster: what waits in each queue, what was given up, how far relay and \
search index are behind, and which nodes take part.

Examples:
  tiro status
  tiro status --server http://10.0.0.7:3000
  tiro status --json | jq .dead_letters

Exit status:
   0  reads and writes can be served
   1  they cannot, or there is no answer
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
