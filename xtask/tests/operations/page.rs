//! `docs/operations.md` as blocks of code, each named by the comment in its first line.

use std::fs;
use std::path::Path;

pub(crate) struct Page {
    blocks: Vec<Block>,
}

struct Block {
    /// What stands behind the fence, such as `ini`.
    language: String,
    /// The comment in the first line.
    label: String,
    text: String,
}

impl Page {
    pub(crate) fn read() -> Page {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = fs::read_to_string(root.join("docs/operations.md")).unwrap();
        let fenced = text.split("\n```").skip(1).step_by(2);
        let blocks = fenced.map(|fenced| {
            let (language, text) = fenced.split_once('\n').unwrap();
            let first = text.lines().next().unwrap();
            Block {
                language: language.to_owned(),
                label: first.trim_start_matches(['#', '-', ' ']).to_owned(),
                text: text.to_owned(),
            }
        });
        Page {
            blocks: blocks.collect(),
        }
    }

    /// The one block of this language with this label.
    pub(crate) fn block(&self, language: &str, label: &str) -> &str {
        self.one(language, label, |known| known == label)
    }

    /// The one whose label begins so.
    pub(crate) fn block_that_begins(&self, language: &str, label: &str) -> &str {
        self.one(language, label, |known| known.starts_with(label))
    }

    fn one(&self, language: &str, wanted: &str, is_wanted: impl Fn(&str) -> bool) -> &str {
        let mut found = self
            .blocks
            .iter()
            .filter(|block| block.language == language && is_wanted(&block.label));
        let (first, second) = (found.next(), found.next());
        assert!(second.is_none(), "two blocks are called {wanted:?}");
        &first
            .unwrap_or_else(|| panic!("no block of {language} is called {wanted:?}"))
            .text
    }
}
