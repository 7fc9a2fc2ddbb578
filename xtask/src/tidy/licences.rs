//! What deny.toml says about licences and banned crates, checked without cargo-deny.
//!
//! `cargo metadata` names what is built for the platforms in deny.toml; the expressions are SPDX.

use anyhow::{Context, bail};
use serde::Deserialize;
use spdx::{Expression, ParseMode};

use super::Rule;
use super::tree::Tree;
use crate::root::cargo;

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "every licence is one that deny.toml allows",
        reason: "whoever ships Tiro must be able to keep every licence in it",
        find: |tree| Ok(licences_refused(&Policy::read(tree)?, &packages(tree)?)),
    },
    Rule {
        name: "no crate that deny.toml bans",
        reason: "deny.toml says for each crate why, and what to use instead",
        find: |tree| Ok(banned(&Policy::read(tree)?, &packages(tree)?)),
    },
];

/// The part of deny.toml that is checked here.
#[derive(Deserialize)]
struct Policy {
    graph: Graph,
    licenses: Licenses,
    bans: Bans,
}

#[derive(Deserialize)]
struct Graph {
    targets: Vec<String>,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

#[derive(Deserialize)]
struct Bans {
    deny: Vec<Ban>,
}

#[derive(Deserialize)]
struct Ban {
    #[serde(rename = "crate")]
    name: String,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

/// A package that is really built; `packages` also lists what only the lock file names.
#[derive(Deserialize)]
struct Node {
    id: String,
}

#[derive(Clone, Deserialize)]
struct Package {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
}

impl Policy {
    fn read(tree: &Tree) -> anyhow::Result<Policy> {
        let file = tree.files.iter().find(|file| file.path == "deny.toml");
        let file = file.context("deny.toml is missing")?;
        toml::from_str(&file.text).context("deny.toml does not parse")
    }
}

fn packages(tree: &Tree) -> anyhow::Result<Vec<Package>> {
    let policy = Policy::read(tree)?;
    let mut command = cargo(&["metadata", "--format-version", "1", "--locked"]);
    for target in &policy.graph.targets {
        command.args(["--filter-platform", target]);
    }
    let output = command.output().context("cannot start cargo metadata")?;
    if !output.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)?;
    let is_built = |package: &Package| metadata.resolve.nodes.iter().any(|node| node.id == package.id);
    Ok(metadata
        .packages
        .iter()
        .filter(|package| is_built(package))
        .cloned()
        .collect())
}

fn licences_refused(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let allowed = |requirement: &spdx::LicenseReq| policy.licenses.allow.contains(&requirement.to_string());
    let refused = packages.iter().filter_map(|package| {
        let Some(licence) = &package.license else {
            return Some(format!("{} {} names no licence", package.name, package.version));
        };
        match Expression::parse_mode(licence, ParseMode::LAX) {
            Ok(expression) if expression.evaluate(allowed) => None,
            Ok(_) => Some(format!("{} {}: {licence}", package.name, package.version)),
            Err(error) => Some(format!(
                "{} {}: {licence}: {}",
                package.name, package.version, error.reason
            )),
        }
    });
    refused.collect()
}

fn banned(policy: &Policy, packages: &[Package]) -> Vec<String> {
    let is_banned = |package: &&Package| policy.bans.deny.iter().any(|ban| ban.name == package.name);
    let found = packages.iter().filter(is_banned);
    found
        .map(|package| {
            format!(
                "{} {}: `cargo tree -i {}` says who wants it",
                package.name, package.version, package.name
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy() -> Policy {
        toml::from_str(
            "[graph]\ntargets = []\n[licenses]\nallow = [\"MIT\", \"Unicode-3.0\"]\n\
             [bans]\ndeny = [{ crate = \"openssl-sys\" }]\n",
        )
        .unwrap()
    }

    fn package(name: &str, license: Option<&str>) -> Package {
        Package {
            id: name.to_owned(),
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: license.map(str::to_owned),
        }
    }

    #[test]
    fn a_licence_counts_as_allowed_when_its_expression_can_be_kept() {
        let packages = [
            package("choice", Some("MIT OR GPL-3.0-only")),
            package("old-form", Some("MIT/Apache-2.0")),
            package("both", Some("(MIT OR Apache-2.0) AND Unicode-3.0")),
            package("copyleft", Some("GPL-3.0-only")),
            package("one-of-two", Some("MIT AND Apache-2.0")),
            package("none", None),
        ];
        let expected = [
            "copyleft 1.0.0: GPL-3.0-only",
            "one-of-two 1.0.0: MIT AND Apache-2.0",
            "none 1.0.0 names no licence",
        ];
        assert_eq!(licences_refused(&policy(), &packages), expected);
    }

    #[test]
    fn a_banned_crate_is_found() {
        let packages = [
            package("openssl-sys", Some("MIT")),
            package("openssl-probe", Some("MIT")),
        ];
        let found = banned(&policy(), &packages);
        assert_eq!(
            found,
            ["openssl-sys 1.0.0: `cargo tree -i openssl-sys` says who wants it"]
        );
    }
}
