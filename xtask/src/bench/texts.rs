//! What the bench writes: lines that people wrote where the corpus is at hand, else what the generator makes.
//!
//! Each text is the JSON of one create; the same lines in the same order in every run on the same source.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::json;
use tiro_conformance::generator::Generator;

use crate::chat_data::{CORPUS_FILE, corpus};

/// Lines taken from either source; a row that wants more begins again at the first.
const LINES_MAX: usize = 100_000;
const GENERATOR_SEED: u64 = 1;
/// Longer bodies of the generator are left out, so that both sources are of one kind: lines of chat.
const GENERATED_BODY_BYTES_MAX: usize = 400;

/// Texts of creates and where they come from.
pub(crate) struct Texts {
    creates: Vec<String>,
    source: String,
}

/// A line of the corpus; what else it has is not used.
#[derive(Deserialize)]
pub(crate) struct Line {
    pub(crate) chat: String,
    pub(crate) sender: String,
    pub(crate) body: String,
}

impl Texts {
    /// The texts of this machine.
    ///
    /// # Errors
    /// The corpus is there but cannot be read.
    pub(crate) fn at_hand() -> anyhow::Result<Texts> {
        match corpus()? {
            Some(folder) => Texts::of_corpus(&folder.join(CORPUS_FILE)),
            None => Ok(Texts::generated()),
        }
    }

    fn of_corpus(file: &Path) -> anyhow::Result<Texts> {
        let lines = corpus_lines(file, LINES_MAX)?;
        Ok(Texts {
            creates: lines
                .iter()
                .map(|said| create(&said.sender, &said.body))
                .collect(),
            source: format!("the corpus ({CORPUS_FILE})"),
        })
    }

    fn generated() -> Texts {
        let lines = generated_lines(LINES_MAX);
        Texts {
            creates: lines
                .iter()
                .map(|said| create(&said.sender, &said.body))
                .collect(),
            source: format!("the generator (seed {GENERATOR_SEED})"),
        }
    }

    /// So many of them, from the first on.
    pub(crate) fn creates(&self, count: usize) -> Vec<String> {
        self.creates.iter().cycle().take(count).cloned().collect()
    }
}

/// Where they come from and how long they are.
impl std::fmt::Display for Texts {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let bytes = self.creates.iter().map(String::len).sum::<usize>() / self.creates.len();
        write!(
            formatter,
            "messages from {}, {bytes} bytes of JSON each on average",
            self.source
        )
    }
}

/// The first lines of the corpus, at most so many and at least one.
pub(crate) fn corpus_lines(file: &Path, count_max: usize) -> anyhow::Result<Vec<Line>> {
    let opened = File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    let lines = BufReader::new(GzDecoder::new(opened)).lines();
    let read = |line: std::io::Result<String>| anyhow::Ok(serde_json::from_str(&line?)?);
    let lines: anyhow::Result<Vec<Line>> = lines.take(count_max).map(read).collect();
    let lines = lines.with_context(|| format!("cannot read {}", file.display()))?;
    anyhow::ensure!(!lines.is_empty(), "{} holds no line", file.display());
    Ok(lines)
}

/// So many lines of the generator, all of one chat.
pub(crate) fn generated_lines(count: usize) -> Vec<Line> {
    let mut generator = Generator::new(GENERATOR_SEED);
    std::iter::repeat_with(|| generator.message())
        .filter(|said| said.body.len() <= GENERATED_BODY_BYTES_MAX)
        .take(count)
        .map(|said| Line {
            chat: "generated".to_owned(),
            sender: said.sender,
            body: said.body,
        })
        .collect()
}

/// The JSON of a create.
pub(crate) fn create(sender: &str, body: &str) -> String {
    json!({"sender": sender, "body": body}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_texts_than_there_are_begin_again_at_the_first() {
        let texts = Texts::generated();
        let creates = texts.creates(LINES_MAX + 2);
        assert_eq!(creates.len(), LINES_MAX + 2);
        assert_eq!(creates[LINES_MAX..], creates[..2]);
        assert!(creates.iter().all(|create| create.contains(r#""body""#)));
    }
}
