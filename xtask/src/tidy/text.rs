//! Rules about single lines: what may not stand anywhere.
//!
//! The words looked for are put together with `concat!`, so that this file does not hold them itself.

use super::Rule;
use super::tree::{File, Tree};

pub(super) const RULES: &[Rule] = &[
    Rule {
        name: "nothing is left open",
        reason: "finish it, or open an issue: nobody finds a mark in the code again",
        find: left_open,
    },
    Rule {
        name: "no test is ignored",
        reason: "a test that does not run promises what nobody checks",
        find: ignored_tests,
    },
    Rule {
        name: "no test sleeps",
        reason: "wait for the event with a deadline: a sleep is too short on a slow day and too long on all others",
        find: sleeping_tests,
    },
    Rule {
        name: "no failure is thrown away",
        reason: "handle it, hand it on, or `drop` it with a comment that says why it cannot matter",
        find: thrown_away_failures,
    },
    Rule {
        name: "no path of one machine",
        reason: "a clone must work anywhere",
        find: machine_paths,
    },
];

const LEFT_OPEN: [&str; 5] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
];
const IGNORED: [&str; 1] = [concat!("#[", "ignore")];
const SLEEPS: [&str; 1] = [concat!("sleep", "(")];
/// Here the clock is tokio's paused one: a sleep takes no time and is a step of a server's script.
const SIMULATED_TIME: [&str; 1] = ["crates/tiro-client/tests/bounds/scripted.rs"];
/// Here nothing is waited for: how long something lasts (latency, the rests of a load, an outage) is what is tried.
const TIME_IS_TRIED: [&str; 4] = [
    "crates/tiro-conformance/src/proxy.rs",
    "crates/tiro/tests/e2e/cluster/frozen.rs",
    "crates/tiro/tests/load/client.rs",
    "crates/tiro/tests/outages/deeds.rs",
];
const THROWN_AWAY: [&str; 2] = [concat!("let ", "_ ="), concat!(".ok", "();")];
const MACHINE_PATHS: [&str; 5] = [
    concat!("/wo", "rk/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/fa", "rm/"),
    concat!("/tm", "p/"),
];

fn left_open(tree: &Tree) -> anyhow::Result<Vec<String>> {
    Ok(tree
        .rust()
        .flat_map(|file| holding(file, &LEFT_OPEN, 1))
        .collect())
}

fn ignored_tests(tree: &Tree) -> anyhow::Result<Vec<String>> {
    Ok(tree.rust().flat_map(|file| holding(file, &IGNORED, 1)).collect())
}

fn sleeping_tests(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let real_time = tree
        .rust()
        .filter(|file| !SIMULATED_TIME.contains(&file.path.as_str()))
        .filter(|file| !TIME_IS_TRIED.contains(&file.path.as_str()));
    let in_tests = |file: &File| match file.tests_from() {
        Some(first) => holding(file, &SLEEPS, first),
        None => Vec::new(),
    };
    Ok(real_time.flat_map(in_tests).collect())
}

fn thrown_away_failures(tree: &Tree) -> anyhow::Result<Vec<String>> {
    Ok(tree
        .rust()
        .flat_map(|file| holding(file, &THROWN_AWAY, 1))
        .collect())
}

fn machine_paths(tree: &Tree) -> anyhow::Result<Vec<String>> {
    let begins_a_path = |line: &str| {
        MACHINE_PATHS.iter().any(|path| {
            line.match_indices(path).any(|(at, _)| {
                !line[..at].ends_with(|before: char| before.is_alphanumeric() || ".}_-".contains(before))
            })
        })
    };
    let places = tree.files.iter().flat_map(|file| {
        let lines = file.lines().filter(|(_, line)| begins_a_path(line));
        lines
            .map(|(number, line)| place(file, number, line))
            .collect::<Vec<_>>()
    });
    Ok(places.collect())
}

/// The lines from `first` on that hold one of the words.
fn holding(file: &File, words: &[&str], first: usize) -> Vec<String> {
    file.lines()
        .filter(|(number, line)| *number >= first && words.iter().any(|word| line.contains(word)))
        .map(|(number, line)| place(file, number, line))
        .collect()
}

fn place(file: &File, number: usize, line: &str) -> String {
    format!("{}:{number}: {}", file.path, line.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Rust file whose third line holds `word`.
    fn holding_word(path: &'static str, word: &str) -> Tree {
        Tree::of(&[(path, &format!("//! Purpose.\n\n    {word}\n"))])
    }

    #[test]
    fn each_forbidden_word_is_found_with_its_line() {
        for word in LEFT_OPEN {
            let places = left_open(&holding_word("a.rs", word)).unwrap();
            assert_eq!(places, [format!("a.rs:3: {word}")]);
        }
        for word in THROWN_AWAY {
            let places = thrown_away_failures(&holding_word("a.rs", word)).unwrap();
            assert_eq!(places, [format!("a.rs:3: {word}")]);
        }
        for word in IGNORED {
            assert_eq!(ignored_tests(&holding_word("a.rs", word)).unwrap().len(), 1);
        }
        for word in MACHINE_PATHS {
            assert_eq!(machine_paths(&holding_word("a.md", word)).unwrap().len(), 1);
        }
    }

    #[test]
    fn a_sleep_is_found_in_tests_only() {
        let [sleep] = SLEEPS;
        assert_eq!(
            sleeping_tests(&holding_word("crates/a/tests/b.rs", sleep))
                .unwrap()
                .len(),
            1
        );
        assert_eq!(
            sleeping_tests(&holding_word("crates/a/src/b.rs", sleep))
                .unwrap()
                .len(),
            0
        );
        let inline = format!("//! P.\n{sleep}\n#[cfg(test)]\n{sleep}\n");
        let tree = Tree::of(&[("crates/a/src/b.rs", &inline)]);
        assert_eq!(
            sleeping_tests(&tree).unwrap(),
            [format!("crates/a/src/b.rs:4: {sleep}")]
        );
    }

    #[test]
    fn a_path_inside_the_tree_is_not_a_path_of_a_machine() {
        let inside = ["target", MACHINE_PATHS[4], "x"].concat();
        assert_eq!(machine_paths(&holding_word("a.md", &inside)).unwrap().len(), 0);
    }
}
