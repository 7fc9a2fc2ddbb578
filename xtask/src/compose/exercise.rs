//! A walk through the API of two nodes of one cluster: what is written at one is read at the other, at once.
//!
//! The steps build on each other, so the first that fails ends the walk. Each prints a line with its time.

mod finding;
mod following;
mod writing;

use std::time::Instant;

use anyhow::{Context, bail};
use serde_json::{Value, json};

use super::node::Node;

/// Longest wait for what happens in its own time: the search index, a parked create.
const OWN_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(60);
const LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(200);

/// What the steps know of each other.
pub(crate) struct Walk {
    nodes: [Node; 2],
    /// The path of the application that all of it happens in.
    application: String,
    token: String,
    /// Messages of the first chat, removed ones included.
    messages: u64,
    /// What stood in the first message before it was changed, and nowhere else.
    former: String,
    /// Where the feed was read to; empty at first.
    cursor: String,
}

type Step = fn(&mut Walk) -> anyhow::Result<String>;

const STEPS: [(&str, Step); 16] = [
    ("both nodes are ready", writing::ready),
    ("an application, found at the other node", writing::application),
    ("three chats", writing::chats),
    (
        "messages of both nodes at once have no hole",
        writing::messages_at_once,
    ),
    ("batches", writing::batches),
    ("the largest body, and one byte more", writing::largest_body),
    ("changes and removals, by ETag", writing::changes),
    ("readers", writing::readers),
    ("search, in the very next request", finding::at_once),
    ("search, once all is indexed", finding::indexed),
    ("the feed, complete and in order", following::feed),
    (
        "a stream at one node tells what the other writes",
        following::stream,
    ),
    ("a parked create", following::parked),
    ("classic routes", writing::classic),
    ("status", following::status),
    ("a chat and an application are removed", writing::removals),
];

/// Walks through all steps, in a new application.
pub(crate) fn walk(nodes: [Node; 2]) -> anyhow::Result<Walk> {
    let mut walk = Walk {
        nodes,
        application: String::new(),
        token: String::new(),
        messages: 0,
        former: String::new(),
        cursor: String::new(),
    };
    for (name, step) in STEPS {
        let begun = Instant::now();
        let note = step(&mut walk).with_context(|| format!("`{name}` does not hold"))?;
        let separator = if note.is_empty() { "" } else { ": " };
        println!(
            "    {:>7.3} s  {name}{separator}{note}",
            begun.elapsed().as_secs_f64()
        );
    }
    Ok(walk)
}

impl Walk {
    /// Everything that was acknowledged is still there, at both nodes, and found.
    pub(crate) fn is_kept(&self) -> anyhow::Result<()> {
        for (at, node) in self.nodes.iter().enumerate() {
            let numbers = self.numbers_of_messages(at, "/chats/1")?;
            same(
                "messages of the first chat",
                numbers,
                (1..=self.messages).collect(),
            )?;
            let changed = node.get(&self.path("/chats/1/messages/1"))?.expect(200)?;
            same("a changed message", &changed["body"], &json!(writing::CHANGED))?;
            same("what search finds", self.search(at, "", "DROP TABLE")?, 1)?;
        }
        Ok(())
    }

    fn path(&self, below: &str) -> String {
        format!("{}{below}", self.application)
    }

    /// The numbers of all messages of a chat, page by page.
    fn numbers_of_messages(&self, node: usize, chat: &str) -> anyhow::Result<Vec<u64>> {
        let mut numbers = Vec::new();
        let mut after = "0".to_owned();
        loop {
            let path = self.path(&format!("{chat}/messages?limit=50&after={after}"));
            let page = self.nodes[node].get(&path)?.expect(200)?;
            let data = page["data"].as_array().context("a page without data")?;
            numbers.extend(data.iter().filter_map(|message| message["number"].as_u64()));
            match &page["next"] {
                Value::String(next) => after.clone_from(next),
                _ => return Ok(numbers),
            }
        }
    }

    /// How many messages a search finds, 100 at most.
    fn search(&self, node: usize, below: &str, query: &str) -> anyhow::Result<usize> {
        let query = super::node::encoded(query);
        let path = self.path(&format!("{below}/search?limit=100&q={query}"));
        let page = self.nodes[node].get(&path)?.expect(200)?;
        Ok(page["data"].as_array().context("a page without data")?.len())
    }
}

/// Fails unless both are the same; `what` says what of.
fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> anyhow::Result<()> {
    if found != expected {
        bail!("{what}: {found:?} in place of {expected:?}");
    }
    Ok(())
}

/// A key that no other request has.
fn fresh_key(what: &str) -> String {
    format!("{what}-{:016x}", fastrand::u64(..))
}
