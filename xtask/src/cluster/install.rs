//! What has to be installed before the servers can start.

use anyhow::Context;

use super::systems::{Chosen, Wanted};
use crate::tools::{MARIADB_CLIENT, OPENSSL, Tool, require};

/// What these systems need on this machine now.
pub(crate) fn needed(chosen: &Chosen) -> anyhow::Result<Vec<&'static Tool>> {
    let mut tools = vec![&MARIADB_CLIENT, &OPENSSL];
    for system in chosen.systems() {
        tools.extend(system.needs()?);
    }
    Ok(tools)
}

/// What servers need that are started without flags.
pub(crate) fn needed_here() -> anyhow::Result<Vec<&'static Tool>> {
    needed(&Wanted::of_environment()?.completed())
}

/// Fails unless all packages are installed; says how to get the others.
pub(crate) fn require_packages(chosen: &Chosen) -> anyhow::Result<()> {
    require(&needed(chosen)?)
        .context("the servers of the cluster engine are missing (`cargo xtask cluster up` installs them)")
}
