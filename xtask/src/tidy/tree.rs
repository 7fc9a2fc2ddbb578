//! The text files of the tree, read once.

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::root::root;

/// Folders that hold nothing written by people, as paths from the root.
const LEFT_OUT: [&str; 3] = [".git", "target", "tiro-data"];

/// One text file.
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// Every text file, by path.
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

impl Tree {
    /// Reads the tree that this program was built from.
    pub(crate) fn read() -> anyhow::Result<Tree> {
        let mut files = Vec::new();
        read_folder(root(), "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Tree { files })
    }

    /// A tree made up for a test of a rule.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        let file = |&(path, text): &(&str, &str)| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        Tree {
            files: files.iter().map(file).collect(),
        }
    }

    /// The Rust files.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }
}

fn read_folder(folder: &Path, path: &str, files: &mut Vec<File>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if path.is_empty() {
            name
        } else {
            format!("{path}/{name}")
        };
        let kind = entry.file_type()?;
        if kind.is_dir() && !LEFT_OUT.contains(&path.as_str()) {
            read_folder(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            let bytes = fs::read(entry.path()).with_context(|| format!("cannot read {path}"))?;
            // What is not UTF-8 is data of a test, not text that rules speak of.
            if let Ok(text) = String::from_utf8(bytes) {
                files.push(File { path, text });
            }
        }
    }
    Ok(())
}

impl File {
    /// Its lines with their numbers, from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }

    /// The number of the first line that is a test: 1 in a folder of tests, else that of `#[cfg(test)]`.
    pub(crate) fn tests_from(&self) -> Option<usize> {
        if self.path.contains("/tests/") || self.path.starts_with("crates/tiro-conformance/") {
            return Some(1);
        }
        self.lines()
            .find(|(_, line)| line.trim_start().starts_with("#[cfg(test)]"))
            .map(|(number, _)| number)
    }
}
