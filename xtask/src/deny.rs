//! `cargo xtask deny`: what deny.toml says, judged by cargo-deny itself.

use crate::root::cargo;
use crate::steps::succeed;
use crate::tools::{CARGO_DENY, require};

pub(crate) fn run() -> anyhow::Result<()> {
    require(&[&CARGO_DENY])?;
    println!(
        "advisories are left out: their database has to be fetched from the network (`cargo deny check advisories`)"
    );
    succeed(&mut cargo(&["deny", "check", "bans", "licenses", "sources"]))
}
