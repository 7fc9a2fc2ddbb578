//! Rules about whole files: how they open, how long they are, what they are called.

use super::Rule;
use super::tree::Tree;

/// A file that is longer hides something that wants a file of its own.
const LINES_MAX: usize = 400;

/// Files that are longer all the same, with the number of lines they have. A number may only be lowered, and an
/// entry only be removed.
const LONGER: &[(&str, usize)] = &[];

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "every Rust file opens with `//!`",
        reason: "a reader learns what a file is for before reading it",
        find: without_purpose,
    },
    Rule {
        name: "no file is longer than 400 lines",
        reason: "find what it hides and give that a file of its own; xtask/src/tidy/files.rs lists the exceptions",
        find: too_long,
    },
    Rule {
        name: "no file is called manager, helper, util or common",
        reason: "such a name says nothing about what is inside and takes in everything",
        find: named_for_nothing,
    },
];

fn without_purpose(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let opens = |text: &str| {
        text.strip_prefix("//! ")
            .is_some_and(|rest| !rest.trim().is_empty())
    };
    let missing = tree.rust().filter(|file| !opens(&file.text));
    Ok(missing.map(|file| format!("{}:1", file.path)).collect())
}

fn too_long(tree: &Tree) -> anyhow::Result<Vec<String>> {
    Ok(against_the_list(tree, LONGER))
}

fn against_the_list(tree: &Tree, longer: &[(&str, usize)]) -> Vec<String> {
    let mut places = Vec::new();
    for file in tree.rust() {
        let lines = file.text.lines().count();
        let listed = longer.iter().find(|(path, _)| *path == file.path);
        match listed {
            None if lines > LINES_MAX => places.push(format!("{}: {lines} lines", file.path)),
            Some((_, allowed)) if lines > *allowed => {
                places.push(format!("{}: {lines} lines, {allowed} are tolerated", file.path));
            }
            Some((_, allowed)) if lines < *allowed => places.push(format!(
                "{}: {lines} lines are left of {allowed}: lower or remove its entry",
                file.path
            )),
            _ => {}
        }
    }
    let gone = longer
        .iter()
        .filter(|(path, _)| !tree.rust().any(|file| file.path == *path));
    places.extend(gone.map(|(path, _)| format!("{path}: is gone, remove its entry")));
    places
}

fn named_for_nothing(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let empty = ["manager", "helper", "helpers", "util", "utils", "common", "misc"];
    let names_nothing = |path: &str| path.split(['/', '.']).any(|part| empty.contains(&part));
    let places = tree.rust().filter(|file| names_nothing(&file.path));
    Ok(places.map(|file| file.path.clone()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_purpose_is_found() {
        let tree = Tree::of(&[
            ("a.rs", "//! Purpose.\n"),
            ("b.rs", "use x;\n"),
            ("c.rs", "//! \n"),
            ("d.md", ""),
        ]);
        assert_eq!(without_purpose(&tree).unwrap(), ["b.rs:1", "c.rs:1"]);
    }

    #[test]
    fn the_list_of_longer_files_can_only_shrink() {
        let lines = |count: usize| "x\n".repeat(count);
        let (long, grown, shorter) = (lines(401), lines(501), lines(450));
        let tree = Tree::of(&[
            ("fits.rs", &lines(400)),
            ("long.rs", &long),
            ("grown.rs", &grown),
            ("shorter.rs", &shorter),
        ]);
        let list = [("grown.rs", 500), ("shorter.rs", 451), ("gone.rs", 600)];
        let expected = [
            "long.rs: 401 lines",
            "grown.rs: 501 lines, 500 are tolerated",
            "shorter.rs: 450 lines are left of 451: lower or remove its entry",
            "gone.rs: is gone, remove its entry",
        ];
        assert_eq!(against_the_list(&tree, &list), expected);
    }

    #[test]
    fn a_name_that_says_nothing_is_found() {
        let tree = Tree::of(&[
            ("a/utils/b.rs", ""),
            ("a/util.rs", ""),
            ("a/utility_model.rs", ""),
        ]);
        assert_eq!(named_for_nothing(&tree).unwrap(), ["a/utils/b.rs", "a/util.rs"]);
    }
}
