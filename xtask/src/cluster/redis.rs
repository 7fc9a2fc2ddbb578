//! Redis, which keeps nothing on disk: what it holds for Tiro can be made again.

use std::process::Command;

use anyhow::bail;

use super::dialogue::hear;
use super::server::{Kind, Place};
use super::settings::write_private;

pub(crate) const KIND: Kind = Kind {
    name: "redis",
    program: "redis-server",
    port: |ports| ports.redis,
    prepare,
    command,
    answers,
};

fn prepare(place: &Place<'_>) -> anyhow::Result<()> {
    let (folder, port) = (place.folder.display(), place.settings.ports.redis);
    // The title is what the process is known by later.
    let settings = format!(
        "bind 127.0.0.1\nport {port}\ndir {folder}\nsave \"\"\nappendonly no\n\
         proc-title-template \"{{title}} {{listen-addr}} {{config-file}}\"\n"
    );
    write_private(&place.folder.join("redis.conf"), &settings)
}

fn command(place: &Place<'_>) -> Command {
    let mut command = Command::new("redis-server");
    command.arg(place.folder.join("redis.conf"));
    command
}

fn answers(place: &Place<'_>) -> anyhow::Result<()> {
    let heard = hear(place.settings.ports.redis, b"PING\r\n", 7)?;
    if heard != b"+PONG\r\n" {
        bail!(
            "it answers {:?} in place of PONG",
            String::from_utf8_lossy(&heard)
        );
    }
    Ok(())
}
