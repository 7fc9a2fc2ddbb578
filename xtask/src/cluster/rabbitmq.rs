//! RabbitMQ, without its management plugin, with an `epmd` of its own.
//!
//! The script in Debian's search path switches to another user, who cannot write to our folder; so the script behind
//! it is called. Under systemd it becomes the broker itself, else it would stay as its parent.

use std::process::Command;

use anyhow::{Context, bail};

use super::dialogue::hear;
use super::server::{Kind, Place};
use super::settings::{USER, write_private};

pub(crate) static KIND: Kind = Kind {
    name: "rabbitmq",
    program: "beam.smp",
    port: |ports| ports.rabbitmq,
    prepare,
    command,
    answers,
    version,
};

const SCRIPT: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";
const TOOL_SCRIPT: &str = "/usr/lib/rabbitmq/bin/rabbitmqctl";
/// Beside `cluster.toml`.
const TOOL: &str = "rabbitmqctl";
/// AMQP 0-9-1, section 4.2.2: what a client begins with.
const PROTOCOL_HEADER: &[u8] = b"AMQP\x00\x00\x09\x01";
/// A method's frame (type 1) on channel 0; its length; Connection.Start (class 10, method 10).
const METHOD_FRAME: [u8; 3] = [1, 0, 0];
const CONNECTION_START: [u8; 4] = [0, 10, 0, 10];
const FRAME_HEADER_BYTES: usize = 7;
const VERSION_PROPERTY: &[u8] = b"\x07versionS";

fn prepare(place: &Place<'_>) -> anyhow::Result<()> {
    let (port, password) = (place.settings.ports.rabbitmq, &place.settings.rabbitmq_password);
    let settings = format!(
        "listeners.tcp.1 = 127.0.0.1:{port}\n\
         default_user = {USER}\ndefault_pass = {password}\nloopback_users = none\n\
         disk_free_limit.absolute = 50MB\n\
         log.console = true\nlog.console.use_colors = off\nlog.file = false\n"
    );
    write_private(&place.folder.join("rabbitmq.conf"), &settings)?;
    write_private(&place.folder.join("enabled_plugins"), "[].\n")?;
    write_private(&place.folder.with_file_name(TOOL), &tool(place))
}

/// A script that is RabbitMQ's own tool, for this broker.
fn tool(place: &Place<'_>) -> String {
    let (folder, ports) = (place.folder.display(), &place.settings.ports);
    format!(
        "# rabbitmqctl of this cluster's broker: sh {TOOL} list_queues\n\
         export RABBITMQ_NODENAME={} ERL_EPMD_PORT={} HOME={folder}\n\
         export RABBITMQ_CONF_ENV_FILE={folder}/no-env.conf\n\
         exec {TOOL_SCRIPT} \"$@\"\n",
        node_name(place),
        ports.epmd
    )
}

/// The port is part of the name: names are what keeps brokers of one machine apart.
fn node_name(place: &Place<'_>) -> String {
    format!("tiro{}@localhost", place.settings.ports.rabbitmq)
}

fn command(place: &Place<'_>) -> anyhow::Result<Command> {
    let ports = &place.settings.ports;
    let inside = |name: &str| place.folder.join(name);
    let mut command = place.run(SCRIPT);
    command
        .env("RUNNING_UNDER_SYSTEMD", "1")
        .env("RABBITMQ_NODENAME", node_name(place))
        .env("RABBITMQ_NODE_PORT", ports.rabbitmq.to_string())
        .env("RABBITMQ_DIST_PORT", ports.rabbitmq_distribution.to_string())
        .env("ERL_EPMD_PORT", ports.epmd.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-kernel inet_dist_use_interface {127,0,0,1}",
        )
        .env("RABBITMQ_CONFIG_FILE", inside("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", inside("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", inside("data"))
        .env("RABBITMQ_LOG_BASE", inside("log"))
        // Neither is there; else those of the system's own broker would be read.
        .env("RABBITMQ_CONF_ENV_FILE", inside("no-env.conf"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", inside("no-advanced.config"))
        .env("HOME", &place.folder);
    Ok(command)
}

/// A property of the server in Connection.Start: a short string, the type of its value (`S`), the value's length and bytes.
fn version(place: &Place<'_>) -> anyhow::Result<String> {
    let port = place.settings.ports.rabbitmq;
    let header = hear(port, PROTOCOL_HEADER, FRAME_HEADER_BYTES)?;
    let length = u32::from_be_bytes([header[3], header[4], header[5], header[6]]) as usize;
    let frame = hear(port, PROTOCOL_HEADER, FRAME_HEADER_BYTES + length)?;
    version_of(&frame).context("Connection.Start says no version")
}

fn version_of(frame: &[u8]) -> Option<String> {
    let name = frame
        .windows(VERSION_PROPERTY.len())
        .position(|bytes| bytes == VERSION_PROPERTY)?;
    let (length, value) = frame
        .get(name + VERSION_PROPERTY.len()..)?
        .split_first_chunk::<4>()?;
    let value = value.get(..u32::from_be_bytes(*length) as usize)?;
    String::from_utf8(value.to_vec()).ok()
}

fn answers(place: &Place<'_>) -> anyhow::Result<()> {
    let heard = hear(place.settings.ports.rabbitmq, PROTOCOL_HEADER, 11)?;
    if heard[..3] != METHOD_FRAME || heard[7..] != CONNECTION_START {
        bail!("it answers {heard:?} in place of Connection.Start");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_value_of_its_property_and_no_more() {
        let frame = b"\x01\0\0...\x07productS\0\0\0\x08RabbitMQ\x07versionS\0\0\0\x054.0.5\x04more";
        assert_eq!(version_of(frame).as_deref(), Some("4.0.5"));
        assert_eq!(version_of(b"\x07versionS\0\0\0\x094.0"), None);
    }
}
