//! One OpenSearch node, from the jars that Maven Central has.
//!
//! The jars are the same for every folder, so they are fetched once into the target folder. Bound to loopback, the
//! node asks nothing of the system (`vm.max_map_count`).

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

use super::dialogue::hear;
use super::server::{Kind, Place};
use crate::root::{root, target_folder};
use crate::steps::succeed;

pub(crate) const KIND: Kind = Kind {
    name: "opensearch",
    program: "java",
    port: |ports| ports.opensearch,
    prepare: |_| Ok(()),
    command,
    answers,
};

/// The version that `opensearch/pom.xml` names.
const VERSION: &str = "2.19.1.0";
const COPY_JARS: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
const FETCHES_MAX: u32 = 3;
/// In seconds: 53 MB, and Maven's own parts.
const FETCH_MAX: &str = "600";
const BETWEEN_FETCHES: Duration = Duration::from_secs(3);
/// It waits for one second at most, and a node that answers at all is soon yellow.
const HEALTH: &[u8] = b"GET /_cluster/health?wait_for_status=yellow&timeout=1s HTTP/1.1\r\n\
                        Host: 127.0.0.1\r\nConnection: close\r\n\r\n";
const HEALTHY: &[u8] = b"HTTP/1.1 200";

fn folder_of_jars() -> PathBuf {
    target_folder().join(format!("opensearch-{VERSION}")).join("lib")
}

/// The folder of the jars, which are fetched where they are missing.
pub(crate) fn jars() -> anyhow::Result<PathBuf> {
    if jars_are_missing()? {
        fetch_jars()?;
    }
    Ok(folder_of_jars())
}

/// Whether the jars have yet to be fetched.
pub(crate) fn jars_are_missing() -> anyhow::Result<bool> {
    Ok(!folder_of_jars().try_exists()?)
}

/// Fetches the jars; safe to do from several processes at once.
pub(crate) fn fetch_jars() -> anyhow::Result<()> {
    let jars = folder_of_jars();
    let parent = jars.parent().context("the folder of jars is in no folder")?;
    fs::create_dir_all(parent)?;
    let fetched = tempfile::Builder::new().prefix("lib-").tempdir_in(parent)?;
    println!("opensearch: fetching {VERSION} with Maven (53 MB, once)");
    for attempt in 1..=FETCHES_MAX {
        let Err(error) = succeed(&mut maven(fetched.path().display())) else {
            break;
        };
        if attempt == FETCHES_MAX {
            return Err(error).context(
                "cannot fetch OpenSearch from Maven Central: see above; when the network is well, run this again",
            );
        }
        println!("opensearch: attempt {attempt} of {FETCHES_MAX} failed: {error:#}");
        thread::sleep(BETWEEN_FETCHES * attempt);
    }
    match fs::rename(fetched.path(), &jars) {
        // Somebody else has fetched them meanwhile.
        Err(_) if jars.try_exists()? => Ok(()),
        done => done.with_context(|| format!("cannot make {}", jars.display())),
    }
}

fn maven(into: impl std::fmt::Display) -> Command {
    let mut command = Command::new("timeout");
    // Strict: a jar whose checksum is wrong is not taken.
    command.args([
        FETCH_MAX,
        "mvn",
        "--quiet",
        "--batch-mode",
        "--strict-checksums",
        "-Dstyle.color=never",
        "--file",
    ]);
    command
        .arg(root().join("xtask/opensearch/pom.xml"))
        .arg(COPY_JARS);
    command
        .arg(format!("-DoutputDirectory={into}"))
        .arg("-DincludeScope=runtime");
    command
}

fn command(place: &Place<'_>) -> Command {
    let ports = &place.settings.ports;
    let mut command = Command::new("java");
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
    command.arg("-cp").arg(folder_of_jars().join("*"));
    command.arg(root().join("xtask/opensearch/OpenSearchNode.java"));
    command
        .arg(ports.opensearch.to_string())
        .arg(place.folder.join("data"));
    command.arg(ports.opensearch_transport.to_string());
    command
}

fn answers(place: &Place<'_>) -> anyhow::Result<()> {
    let heard = hear(place.settings.ports.opensearch, HEALTH, HEALTHY.len())?;
    if heard != HEALTHY {
        bail!("it answers {:?}", String::from_utf8_lossy(&heard));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_the_one_that_is_fetched() {
        let pom = fs::read_to_string(root().join("xtask/opensearch/pom.xml")).unwrap();
        assert!(pom.contains(&format!("<version>{VERSION}</version>")), "{pom}");
    }
}
