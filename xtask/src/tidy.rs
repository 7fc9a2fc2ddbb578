//! The house rules that a program can check, each with its reason.
//!
//! A rule looks at the whole tree and names every place that breaks it. `cargo xtask check` runs the rules, and so
//! do the tests of this crate, so that plain `cargo test` keeps them too.

mod architecture;
mod features;
mod files;
mod licences;
mod text;
mod tree;

use anyhow::{Context, bail};

use tree::Tree;

/// One house rule.
pub(crate) struct Rule {
    /// What it demands, as a sentence.
    name: &'static str,
    /// Why, for whoever has just broken it.
    reason: &'static str,
    /// Finds the places that break it, as `path:line: what`.
    find: fn(&Tree) -> anyhow::Result<Vec<String>>,
}

/// All of them.
const RULES: [&[Rule]; 5] = [
    files::RULES,
    text::RULES,
    architecture::RULES,
    licences::RULES,
    features::RULES,
];

/// Checks the tree against every rule.
pub(crate) fn run() -> anyhow::Result<()> {
    let tree = Tree::read()?;
    let mut complaints = Vec::new();
    for rule in RULES.into_iter().flatten() {
        let places = (rule.find)(&tree).with_context(|| format!("cannot check `{}`", rule.name))?;
        if !places.is_empty() {
            let places = places.join("\n  ");
            complaints.push(format!("{}: {}\n  {places}", rule.name, rule.reason));
        }
    }
    if !complaints.is_empty() {
        bail!("the tree breaks house rules\n{}", complaints.join("\n"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_tree_keeps_the_house_rules() {
        if let Err(error) = run() {
            panic!("{error:#}");
        }
    }
}
