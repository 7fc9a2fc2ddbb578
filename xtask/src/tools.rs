//! Programs that have to be installed, what each is needed for, and how to get it: the one list of them.
//!
//! `provide` installs what is missing where that can be done without asking, or by asking once.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal, Write};
use std::path::PathBuf;
use std::process::Command;

use anyhow::bail;

use crate::root::root;
use crate::steps::succeed;

/// A program that is not ours.
pub(crate) struct Tool {
    /// The name it is started by.
    pub(crate) program: &'static str,
    /// What it is needed for.
    pub(crate) purpose: &'static str,
    pub(crate) origin: Origin,
}

/// How a program is to be had.
pub(crate) enum Origin {
    /// Debian's packages of these names.
    Debian(&'static [&'static str]),
    /// `cargo install --locked`.
    Cargo(&'static str),
}

pub(crate) const C_COMPILER: Tool = debian(
    "cc",
    "builds the C parts of ring and mimalloc",
    &["build-essential"],
);
pub(crate) const CURL: Tool = debian(
    "curl",
    "tests paste the README's lines into it",
    &["curl", "ca-certificates"],
);
pub(crate) const STRACE: Tool = debian(
    "strace",
    "a test records every write to a data folder with it",
    &["strace"],
);
pub(crate) const JQ: Tool = debian("jq", "a test runs the example of docs/clients/curl.md", &["jq"]);
pub(crate) const PYTHON: Tool = debian(
    "python3",
    "a test runs the example of docs/clients/python.md",
    &["python3"],
);
pub(crate) const NODE: Tool = debian(
    "node",
    "a test runs the example of docs/clients/javascript.md",
    &["nodejs"],
);
pub(crate) const GO: Tool = debian("go", "a test runs the example of docs/clients/go.md", &["golang"]);
pub(crate) const MARIADB: Tool = debian("mariadbd", "holds the cluster's data", &["mariadb-server"]);
pub(crate) const MARIADB_CLIENT: Tool = debian(
    "mariadb",
    "asks MariaDB or MySQL whether it is ready",
    &["mariadb-client"],
);
pub(crate) const OPENSSL: Tool = debian(
    "openssl",
    "makes the certificate of the MySQL server",
    &["openssl"],
);
pub(crate) const RABBITMQ: Tool = debian(
    "rabbitmq-server",
    "carries the cluster's changes",
    &["rabbitmq-server"],
);
pub(crate) const REDIS: Tool = debian(
    "redis-server",
    "the cluster's cache and doorbell",
    &["redis-server"],
);
pub(crate) const JAVA: Tool = debian(
    "javac",
    "compiles and runs the search node",
    &["default-jdk-headless"],
);
pub(crate) const MAVEN: Tool = debian("mvn", "fetches the search server once", &["maven"]);
pub(crate) const STRIP: Tool = debian(
    "strip",
    "leaves out of the archive's executable what only a debugger reads",
    &["binutils"],
);
pub(crate) const TAR: Tool = debian("tar", "packs the archive", &["tar"]);
pub(crate) const DEBOOTSTRAP: Tool = debian(
    "debootstrap",
    "makes what the container engine of `cargo xtask compose test` runs in",
    &["debootstrap"],
);
pub(crate) const CARGO_DENY: Tool = Tool {
    program: "cargo-deny",
    purpose: "checks licences, banned crates and sources",
    origin: Origin::Cargo("cargo-deny"),
};

/// What the tests start, besides the servers of the cluster engine.
pub(crate) const OF_TESTS: [&Tool; 7] = [&C_COMPILER, &CURL, &STRACE, &JQ, &PYTHON, &NODE, &GO];

const fn debian(program: &'static str, purpose: &'static str, packages: &'static [&'static str]) -> Tool {
    Tool {
        program,
        purpose,
        origin: Origin::Debian(packages),
    }
}

impl Tool {
    /// Where it is on the search path, if anywhere, or where Debian has what only the system starts.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join(self.program))
            .find(|file| file.is_file())
    }

    /// The line to paste.
    pub(crate) fn how_to_get_it(&self) -> String {
        match self.origin {
            Origin::Debian(packages) => format!("{INSTALL} {}", packages.join(" ")),
            Origin::Cargo(name) => format!("cargo install --locked {name}"),
        }
    }
}

/// Installs packages without starting the services in them; becomes root by sudo.
const INSTALL: &str = "xtask/install-packages";

/// Fails with one line for each tool that is missing.
pub(crate) fn require(tools: &[&Tool]) -> anyhow::Result<()> {
    let missing: Vec<String> = tools
        .iter()
        .filter(|tool| tool.find().is_none())
        .map(|tool| {
            format!(
                "`{}` is missing ({}): {}",
                tool.program,
                tool.purpose,
                tool.how_to_get_it()
            )
        })
        .collect();
    if !missing.is_empty() {
        bail!("{}", missing.join("\n"));
    }
    Ok(())
}

/// Installs what is missing: as root at once, else with sudo if whoever sits at the terminal agrees.
///
/// # Errors
/// There is nobody to ask, or nobody agrees: the text ends with the one line to paste.
pub(crate) fn provide(tools: &[&'static Tool]) -> anyhow::Result<()> {
    let packages = missing_packages(tools);
    if packages.is_empty() {
        return require(tools);
    }
    let line = format!("{INSTALL} {}", packages.join(" "));
    println!("these Debian packages are missing: {}", packages.join(" "));
    if !rustix::process::getuid().is_root() && !is_agreed_to(&line)? {
        bail!("what is missing is installed by this line, which asks sudo for the right to:\n{line}");
    }
    succeed(Command::new(root().join(INSTALL)).args(&packages))?;
    require(tools)
}

/// In the order of the list, each once.
fn missing_packages(tools: &[&Tool]) -> Vec<&'static str> {
    let mut seen = BTreeSet::new();
    tools
        .iter()
        .filter(|tool| tool.find().is_none())
        .flat_map(|tool| match tool.origin {
            Origin::Debian(packages) => packages,
            Origin::Cargo(_) => &[],
        })
        .copied()
        .filter(|package| seen.insert(*package))
        .collect()
}

/// Asks at the terminal, if there is one and a sudo to do it with.
fn is_agreed_to(line: &str) -> anyhow::Result<bool> {
    const SUDO: Tool = debian("sudo", "installs packages for those who are not root", &["sudo"]);
    let stdin = std::io::stdin();
    if !stdin.is_terminal() || SUDO.find().is_none() {
        return Ok(false);
    }
    print!("Install them now (sudo {line})? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABSENT: Tool = debian("no-such-program-anywhere", "nothing", &["nothing", "more"]);
    const ALSO_ABSENT: Tool = debian("no-such-program-either", "nothing", &["more", "less"]);

    #[test]
    fn a_missing_tool_is_named_with_the_way_to_get_it() {
        let error = require(&[&C_COMPILER, &ABSENT]).unwrap_err().to_string();
        assert_eq!(
            error,
            "`no-such-program-anywhere` is missing (nothing): xtask/install-packages nothing more"
        );
    }

    #[test]
    fn packages_of_missing_tools_are_installed_once_each() {
        assert_eq!(
            missing_packages(&[&C_COMPILER, &ABSENT, &ALSO_ABSENT]),
            ["nothing", "more", "less"]
        );
        assert!(provide(&[&C_COMPILER]).is_ok());
    }
}
