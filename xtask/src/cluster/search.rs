//! One node of OpenSearch or Elasticsearch.
//!
//! Bound to loopback, the node asks nothing of the system (`vm.max_map_count`).

use std::process::Command;

use anyhow::{Context, bail};

use super::dialogue::{hear, hear_all};
use super::server::{Kind, Place};
use super::settings::write_private;
use super::systems::Origin;

pub(crate) static KIND: Kind = Kind {
    name: "opensearch",
    program: "java",
    port: |ports| ports.opensearch,
    prepare,
    command,
    answers,
    version,
};

/// It waits for one second at most, and a node that answers at all is soon yellow.
const HEALTH: &[u8] = b"GET /_cluster/health?wait_for_status=yellow&timeout=1s HTTP/1.1\r\n\
                        Host: 127.0.0.1\r\nConnection: close\r\n\r\n";
const HEALTHY: &[u8] = b"HTTP/1.1 200";
/// Not `GET /`, which is a plugin of Elasticsearch that Maven Central has not got.
const VERSION: &[u8] = b"GET /_nodes?filter_path=nodes.*.version HTTP/1.1\r\n\
                         Host: 127.0.0.1\r\nConnection: close\r\n\r\n";
const LOG_SETTINGS: &str = "log4j2.properties";

/// Elasticsearch has no log unless it is told where.
fn prepare(place: &Place<'_>) -> anyhow::Result<()> {
    let settings = "appender.console.type = Console\nappender.console.name = console\n\
                    appender.console.layout.type = PatternLayout\n\
                    appender.console.layout.pattern = %d %p %c{1.} %m%n\n\
                    rootLogger.level = info\nrootLogger.appenderRef.console.ref = console\n";
    for folder in ["config", "plugins", "data", "logs"] {
        std::fs::create_dir_all(place.folder.join(folder))?;
    }
    write_private(&place.folder.join(LOG_SETTINGS), settings)
}

fn command(place: &Place<'_>) -> anyhow::Result<Command> {
    let Origin::Jars(jars) = &place.system.origin else {
        bail!("{} does not come as jars", place.system.name);
    };
    let ports = &place.settings.ports;
    let mut command = jars.java(&place.folder)?;
    // Quick to start rather than quick for ever.
    command.args([
        "-Xms512m",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-Xshare:auto",
    ]);
    command.arg("-Dlog4j2.disable.jmx=true");
    command.arg(format!("-Djava.io.tmpdir={}", place.folder.display()));
    let lib = jars.folder().join("lib");
    if jars.is_modular() {
        let settings = place.folder.join(LOG_SETTINGS);
        command.arg(format!("-Dlog4j2.configurationFile={}", settings.display()));
        command.arg("--module-path").arg(lib);
        command.args(["--add-modules", "ALL-MODULE-PATH"]);
    } else {
        command.arg("-cp").arg(lib.join("*"));
    }
    command
        .arg(jars.program())
        .arg(ports.opensearch.to_string())
        .arg(if jars.is_modular() {
            place.folder.clone()
        } else {
            place.folder.join("data")
        })
        .arg(ports.opensearch_transport.to_string())
        .arg(jars.folder().join("modules"));
    Ok(command)
}

fn answers(place: &Place<'_>) -> anyhow::Result<()> {
    let heard = hear(place.settings.ports.opensearch, HEALTH, HEALTHY.len())?;
    if heard != HEALTHY {
        bail!("it answers {:?}", String::from_utf8_lossy(&heard));
    }
    Ok(())
}

fn version(place: &Place<'_>) -> anyhow::Result<String> {
    let heard = hear_all(place.settings.ports.opensearch, VERSION)?;
    let version = heard
        .split_once("\"version\":\"")
        .and_then(|(_, behind)| behind.split('"').next());
    Ok(version
        .with_context(|| format!("it says no version: {heard}"))?
        .to_owned())
}
