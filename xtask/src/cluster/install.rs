//! What has to be installed before the servers can start: Debian packages, and OpenSearch's jars.

use std::collections::BTreeSet;
use std::process::Command;

use anyhow::Context;

use super::opensearch;
use crate::root::root;
use crate::steps::succeed;
use crate::tools::{Tool, require};

const MARIADB: Tool = Tool {
    program: "mariadbd",
    purpose: "holds the cluster's data",
    install: "apt-get install mariadb-server",
};
const MARIADB_CLIENT: Tool = Tool {
    program: "mariadb",
    purpose: "asks MariaDB whether it is ready",
    install: "apt-get install mariadb-client",
};
const OPENSSL: Tool = Tool {
    program: "openssl",
    purpose: "makes the certificate of MariaDB",
    install: "apt-get install openssl",
};
const RABBITMQ: Tool = Tool {
    program: "rabbitmq-server",
    purpose: "carries the cluster's changes",
    install: "apt-get install rabbitmq-server",
};
const REDIS: Tool = Tool {
    program: "redis-server",
    purpose: "the cluster's cache and doorbell",
    install: "apt-get install redis-server",
};
const JAVA: Tool = Tool {
    program: "javac",
    purpose: "compiles and runs the OpenSearch node",
    install: "apt-get install default-jdk-headless",
};
const MAVEN: Tool = Tool {
    program: "mvn",
    purpose: "fetches OpenSearch once",
    install: "apt-get install maven",
};

/// What the servers need on this machine now.
fn needed() -> anyhow::Result<Vec<&'static Tool>> {
    let mut tools = vec![&MARIADB, &MARIADB_CLIENT, &OPENSSL, &RABBITMQ, &REDIS, &JAVA];
    if opensearch::jars_are_missing()? {
        tools.push(&MAVEN);
    }
    Ok(tools)
}

/// Fails unless all packages are installed; says how to get the others.
pub(crate) fn require_packages() -> anyhow::Result<()> {
    require(&needed()?)
        .context("the servers of the cluster engine are missing (`cargo xtask cluster up` installs them)")
}

/// Installs the packages that are missing, without starting their services.
pub(crate) fn install_packages() -> anyhow::Result<()> {
    let missing: BTreeSet<&str> = needed()?
        .into_iter()
        .filter(|tool| tool.find().is_none())
        .filter_map(|tool| tool.install.strip_prefix("apt-get install "))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.into_iter().collect();
    println!("installing {}", names.join(", "));
    succeed(Command::new(root().join("xtask/install-packages")).args(&names))?;
    require_packages()
}
