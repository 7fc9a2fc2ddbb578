//! What the commands that work on a cluster share: its file, and how failures name it.

use std::fmt::Display;
use std::path::Path;

use tiro_cluster::ClusterConfig;

use crate::exit::Failure;

/// The file of a cluster; the message names the flag.
pub(crate) fn config(file: &Path) -> Result<ClusterConfig, Failure> {
    let config = ClusterConfig::read(file);
    config.map_err(|error| Failure::usage(format!("--cluster {}: {error}", file.display())))
}

/// The error, and the file that says where the systems are.
pub(crate) fn failure(error: &impl Display, file: &Path) -> Failure {
    Failure::failed(format!("{error} (--cluster {})", file.display()))
}

/// Runs a command that works on a cluster.
pub(crate) fn block_on<T>(command: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("no threads can be set up: {error}")))?;
    let ended = runtime.block_on(command);
    runtime.shutdown_background();
    ended
}
