//! Redis or Valkey, which keep nothing on disk: what they hold for Tiro can be made again.

use std::process::Command;

use anyhow::{Context, bail};

use super::dialogue::{hear, hear_all};
use super::server::{Kind, Place};
use super::settings::write_private;

pub(crate) static REDIS: Kind = Kind {
    name: "redis",
    program: "redis-server",
    port: |ports| ports.redis,
    prepare,
    command: |place| command(place, "redis-server"),
    answers,
    version: |place| version(place, "redis_version:"),
};
pub(crate) static VALKEY: Kind = Kind {
    name: "redis",
    program: "valkey-server",
    port: |ports| ports.redis,
    prepare,
    command: |place| command(place, "valkey-server"),
    answers,
    version: |place| version(place, "valkey_version:"),
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

fn command(place: &Place<'_>, program: &str) -> anyhow::Result<Command> {
    let mut command = place.run(program);
    command.arg(place.folder.join("redis.conf"));
    Ok(command)
}

fn version(place: &Place<'_>, member: &str) -> anyhow::Result<String> {
    let heard = hear_all(place.settings.ports.redis, b"INFO server\r\nQUIT\r\n")?;
    let version = heard.lines().find_map(|line| line.strip_prefix(member));
    Ok(version
        .with_context(|| format!("it says no {member} {heard}"))?
        .to_owned())
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
