//! The images of compose.yaml and the Dockerfile: stand-ins for the official ones, and the project's own.

use std::fs;

use anyhow::{Context, bail};

use super::engine::Engine;
use super::roots::{DEBIAN, ENGINE, RUST, Root, SERVERS};
use crate::cluster::opensearch_jars;
use crate::root::target_folder;

/// The image that compose.yaml builds.
pub(crate) const OWN: &str = "tiro";
/// Its last stage begins with this one.
const BASE: &str = "debian:bookworm-slim";
/// How much larger it may be, in bytes.
const OVER_BASE_MAX: u64 = 60_000_000;

/// Images that are a root file system as it is.
const IMPORTED: [(&Root, &str); 3] = [
    (&DEBIAN, BASE),
    (&RUST, "tiro-base/rust"),
    (&SERVERS, "tiro-base/servers"),
];
/// What stands in for an official image.
struct StandIn {
    /// The stage of `xtask/compose/standins/Dockerfile`.
    stage: &'static str,
    image: &'static str,
    /// What it really is, and the command that says of which version.
    made_of: &'static str,
    version: &'static [&'static str],
}

const STAND_INS: [StandIn; 5] = [
    StandIn {
        stage: "rust",
        image: "rust:1.95.0-slim-bookworm",
        made_of: "Debian bookworm, with this machine's toolchain and the sources of all crates",
        version: &["rustc", "--version"],
    },
    StandIn {
        stage: "mysql",
        image: "mysql:8.4",
        made_of: "Debian's mysql-server-core",
        version: &["mysqld", "--version"],
    },
    StandIn {
        stage: "rabbitmq",
        image: "rabbitmq:4",
        made_of: "Debian's rabbitmq-server",
        version: &["dpkg-query", "--show", "rabbitmq-server"],
    },
    StandIn {
        stage: "redis",
        image: "redis:8",
        made_of: "Debian's redis-server",
        version: &["redis-server", "--version"],
    },
    StandIn {
        stage: "opensearch",
        image: "opensearchproject/opensearch:2.19.1",
        made_of: "the jars of Maven Central, on Debian's Java",
        version: &["java", "--version"],
    },
];
/// What the stages copy from outside their folder, as the engine's clients see it.
const TOOLCHAIN: &str = "toolchain=/toolchain";
const VENDOR: &str = "vendor=/target/compose/vendor";

/// Imports the bases, those that are not there.
pub(crate) fn import_bases(engine: &Engine) -> anyhow::Result<String> {
    let notes = ENGINE.folder().join("data/imported");
    fs::create_dir_all(&notes)?;
    for (root, image) in IMPORTED {
        let note = notes.join(root.name);
        let imported = fs::read_to_string(&note).is_ok_and(|noted| noted == root.made_of());
        if !imported || engine.docker(&["image", "inspect", image]).is_err() {
            engine.import(&root.folder(), image)?;
            fs::write(&note, root.made_of())?;
        }
    }
    Ok(format!("{BASE}: what debootstrap makes of bookworm"))
}

/// Builds the stand-ins and names each with what it is.
pub(crate) fn build_stand_ins(engine: &Engine) -> anyhow::Result<String> {
    let jars = opensearch_jars()?;
    let jars = jars
        .strip_prefix(target_folder())
        .context("the jars are not in the target folder")?;
    let jars = format!("jars=/target/{}", jars.display());
    let mut told = Vec::new();
    for StandIn {
        stage,
        image,
        made_of,
        version,
    } in STAND_INS
    {
        let mut arguments = vec!["build", "--quiet", "--target", stage, "--tag", image];
        for context in [TOOLCHAIN, VENDOR, &jars] {
            arguments.extend(["--build-context", context]);
        }
        arguments.push("xtask/compose/standins");
        engine.docker(&arguments)?;
        let (program, flags) = version.split_first().context("no program")?;
        let run = [
            "run",
            "--rm",
            "--network",
            "none",
            "--entrypoint",
            *program,
            image,
        ];
        let said = engine.docker(&[&run[..], flags].concat())?;
        let version = said.lines().next().unwrap_or_default();
        told.push(format!("\n               {image}: {made_of} ({version})"));
    }
    Ok(told.concat())
}

/// Builds the project's own image, as compose.yaml says.
pub(crate) fn build_own(engine: &Engine) -> anyhow::Result<String> {
    engine.compose(&["build"])?;
    let bytes = |image| -> anyhow::Result<u64> {
        let size = engine.docker(&["image", "inspect", "--format", "{{.Size}}", image])?;
        size.trim()
            .parse()
            .with_context(|| format!("the size of {image} is {size}"))
    };
    let over = bytes(OWN)?.saturating_sub(bytes(BASE)?);
    if over > OVER_BASE_MAX {
        bail!("the image is {over} bytes over its base: {OVER_BASE_MAX} are allowed");
    }
    Ok(format!("{:.1} MB over its base", over as f64 / 1e6))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::root::root;

    #[test]
    fn every_image_that_is_named_has_a_stand_in() {
        let named = ["Dockerfile", "compose.yaml"].map(|file| fs::read_to_string(root().join(file)).unwrap());
        let named: BTreeSet<&str> = named
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.strip_prefix("FROM ").or(line.trim().strip_prefix("image: ")))
            .filter_map(|named| named.split(' ').next())
            .filter(|image| *image != OWN)
            .collect();
        let stand_ins = STAND_INS.iter().map(|stand_in| stand_in.image);
        assert_eq!(named, stand_ins.chain([BASE]).collect());
    }
}
