//! Programs that have to be installed, and how to get them.

use std::path::PathBuf;

use anyhow::bail;

/// A program that is not ours.
pub(crate) struct Tool {
    /// The name it is started by.
    pub(crate) program: &'static str,
    /// What it is needed for.
    pub(crate) purpose: &'static str,
    /// How a person gets it.
    pub(crate) install: &'static str,
}

/// The C compiler: some crates hold C.
pub(crate) const C_COMPILER: Tool = Tool {
    program: "cc",
    purpose: "builds the C parts of ring and mimalloc",
    install: "apt-get install build-essential",
};
/// The client that people paste our examples into.
pub(crate) const CURL: Tool = Tool {
    program: "curl",
    purpose: "tests paste the README's lines into it",
    install: "apt-get install curl",
};
/// The recorder of system calls.
pub(crate) const STRACE: Tool = Tool {
    program: "strace",
    purpose: "a test records every write to a data folder with it",
    install: "apt-get install strace",
};
/// What people read JSON with in a shell.
pub(crate) const JQ: Tool = Tool {
    program: "jq",
    purpose: "a test runs the example of docs/clients/curl.md",
    install: "apt-get install jq",
};
/// Runs one of the examples.
pub(crate) const PYTHON: Tool = Tool {
    program: "python3",
    purpose: "a test runs the example of docs/clients/python.md",
    install: "apt-get install python3",
};
/// Runs one of the examples.
pub(crate) const NODE: Tool = Tool {
    program: "node",
    purpose: "a test runs the example of docs/clients/javascript.md",
    install: "apt-get install nodejs",
};
/// Runs one of the examples.
pub(crate) const GO: Tool = Tool {
    program: "go",
    purpose: "a test runs the example of docs/clients/go.md",
    install: "apt-get install golang",
};
/// Makes root file systems of Debian.
pub(crate) const DEBOOTSTRAP: Tool = Tool {
    program: "debootstrap",
    purpose: "makes what the container engine of `cargo xtask compose test` runs in",
    install: "apt-get install debootstrap",
};
/// The judge of licences and sources.
pub(crate) const CARGO_DENY: Tool = Tool {
    program: "cargo-deny",
    purpose: "checks licences, banned crates and sources",
    install: "cargo install --locked cargo-deny",
};

impl Tool {
    /// Where it is on the search path, if anywhere, or where Debian has what only the system starts.
    pub(crate) fn find(&self) -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path)
            .chain([PathBuf::from("/usr/sbin")])
            .map(|folder| folder.join(self.program))
            .find(|file| file.is_file())
    }
}

/// Fails with one line for each tool that is missing.
pub(crate) fn require(tools: &[&Tool]) -> anyhow::Result<()> {
    let missing: Vec<String> = tools
        .iter()
        .filter(|tool| tool.find().is_none())
        .map(|tool| {
            format!(
                "`{}` is missing ({}): {}",
                tool.program, tool.purpose, tool.install
            )
        })
        .collect();
    if !missing.is_empty() {
        bail!("{}", missing.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_tool_is_named_with_the_way_to_get_it() {
        let absent = Tool {
            program: "no-such-program-anywhere",
            purpose: "nothing",
            install: "apt-get install nothing",
        };
        let error = require(&[&C_COMPILER, &absent]).unwrap_err().to_string();
        assert_eq!(
            error,
            "`no-such-program-anywhere` is missing (nothing): apt-get install nothing"
        );
    }
}
