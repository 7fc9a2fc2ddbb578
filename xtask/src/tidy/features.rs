//! The rule that one crate has one set of features, whatever is built: the program, its tests or xtask.

use std::collections::BTreeMap;

use anyhow::{Context, bail};

use super::Rule;
use super::tree::Tree;
use crate::root::cargo;

pub(super) const RULES: &[Rule] = &[Rule {
    name: "`cargo run`, `cargo xtask` and the tests build a crate with the same features",
    reason: "a crate with other features is another crate, and all that depends on it is compiled twice; \
             name the features that all of them need in crates/tiro-features/Cargo.toml",
    find: differing_features,
}];

/// What people and CI build: everything with its tests, the program, xtask, and what has bugs to switch on.
const EVERYTHING: &[&str] = &["--workspace", "--edges=normal,build,dev"];
const PARTS: [&[&str]; 3] = [
    &["--package=tiro", "--edges=normal,build"],
    &["--package=xtask", "--edges=normal,build"],
    &[
        "--package=tiro",
        "--package=tiro-embedded",
        "--edges=normal,build,dev",
    ],
];

/// The sets of features of each package; more than one where it is also built for build scripts and macros.
type Features = BTreeMap<String, Vec<String>>;

fn differing_features(_: &Tree) -> anyhow::Result<Vec<String>> {
    let everything = features_of(EVERYTHING)?;
    let mut places = Vec::new();
    for part in PARTS {
        places.extend(differences(part, &features_of(part)?, &everything));
    }
    Ok(places)
}

fn features_of(selection: &[&str]) -> anyhow::Result<Features> {
    let mut tree = cargo(&["tree", "--locked", "--quiet", "--prefix=none", "--format={p}|{f}"]);
    let output = tree.args(selection).output().context("cannot start cargo tree")?;
    if !output.status.success() {
        bail!("cargo tree: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(parsed(&String::from_utf8(output.stdout)?))
}

/// Lines of `name v1.2.3 (what it is)|its,features (*)`; the mark stands where dependencies are not shown again.
fn parsed(lines: &str) -> Features {
    let mut features = Features::new();
    for (package, set) in lines.lines().filter_map(|line| line.split_once('|')) {
        let sets = features.entry(package.to_owned()).or_default();
        let set = set.trim_end_matches(" (*)").to_owned();
        if !sets.contains(&set) {
            sets.push(set);
            sets.sort();
        }
    }
    features
}

fn differences(part: &[&str], of_part: &Features, of_everything: &Features) -> Vec<String> {
    let differing = of_part.iter().filter_map(|(package, sets)| {
        let all = of_everything.get(package)?;
        let lacks: Vec<&String> = sets.iter().filter(|set| !all.contains(set)).collect();
        (!lacks.is_empty())
            .then(|| format!("{}: {package} with {lacks:?} in place of {all:?}", part.join(" ")))
    });
    differing.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_that_tests_build_with_more_features_is_named() {
        let run = parsed("a v1.0.0|default,std\nb v2.0.0 (proc-macro)|\na v1.0.0|default,std (*)\n");
        let all = parsed("a v1.0.0|default,std,test\nb v2.0.0 (proc-macro)|\nc v1.0.0|\n");
        let found = differences(&["--package=p"], &run, &all);
        assert_eq!(
            found,
            [r#"--package=p: a v1.0.0 with ["default,std"] in place of ["default,std,test"]"#]
        );
        assert!(differences(&["--package=p"], &run, &run).is_empty());
    }
}
