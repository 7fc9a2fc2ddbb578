//! No statement calls a function that a version of MySQL or MariaDB took away: MySQL 9.6 took SHA1 and MD5, and nodes did not start.

use std::path::{Path, PathBuf};

/// Functions and words that were removed since MySQL 5.7, or that one of the two does not have. `VALUES(column)` is not among them:
/// MySQL deprecates it, and MariaDB knows no other form.
const GONE: [&str; 24] = [
    "SHA1",
    "SHA",
    "MD5",
    "PASSWORD",
    "OLD_PASSWORD",
    "ENCODE",
    "DECODE",
    "ENCRYPT",
    "DES_ENCRYPT",
    "DES_DECRYPT",
    "FOUND_ROWS",
    "SQL_CALC_FOUND_ROWS",
    "SQL_CACHE",
    "SQL_NO_CACHE",
    "WAIT_FOR_EXECUTED_GTID_SET",
    "WAIT_UNTIL_SQL_THREAD_AFTER_GTIDS",
    "MASTER_POS_WAIT",
    "MASTER_GTID_WAIT",
    "GLENGTH",
    "UUID_TO_BIN",
    "BIN_TO_UUID",
    "ANY_VALUE",
    "GROUPING",
    "LATERAL",
];

/// The sources and tests of this crate, but for this file, whose list has them all.
fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder is read") {
        let path = entry.expect("an entry is read").path();
        if path.is_dir() {
            sources(&path, found);
        } else if !path.ends_with("tests/functions.rs") {
            found.push(path);
        }
    }
}

/// Where a function of that name is called, or a word stands, in capitals as all of our SQL: lines from 1 on.
fn lines_with(text: &str, word: &str) -> Vec<usize> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let has = |line: &str| {
        line.match_indices(word).any(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + word.len()..]);
            !before.ends_with(is_part) && !after.starts_with(is_part)
        })
    };
    let lines = text.lines().enumerate();
    let code = lines.filter(|(_, line)| !line.trim_start().starts_with("//"));
    code.filter(|(_, line)| has(line)).map(|(at, _)| at + 1).collect()
}

#[test]
fn no_statement_calls_what_a_version_took_away() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in ["src", "tests"] {
        sources(&here.join(folder), &mut files);
    }
    assert!(files.iter().any(|file| file.ends_with("mysql/schema.sql")));
    let mut found = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source is text");
        for word in GONE {
            let lines = lines_with(&text, word);
            found.extend(
                lines
                    .iter()
                    .map(|line| format!("{}:{line}: {word}", file.display())),
            );
        }
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn a_call_is_found_and_a_name_that_only_looks_alike_is_not() {
    let text = "SELECT SHA2(a, 256), SHA1_OF, xSHA1\n// SHA1(a)\nSELECT GET_LOCK(SHA1(DATABASE()), 1)";
    assert_eq!(lines_with(text, "SHA1"), [3]);
}
