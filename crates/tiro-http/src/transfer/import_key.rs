//! The keys under which plain lines are imported, so that importing them again changes nothing.
//!
//! Derivation, version 1. A chat: `c1.` and the first 16 bytes, in lower-case hexadecimal, of SHA-256 over the
//! length of the source in bytes (8 bytes little-endian), the source, the length of the chat's name and the name.
//! A line: `l1.` and the same over these, followed by the line's ordinal in its chat, from 0 (8 bytes
//! little-endian). Keys are stored for ever: another derivation needs another version.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use tiro_core::IdempotencyKey;

/// The hash that names a chat within a source.
pub(super) type ChatHash = [u8; 16];

/// One source of plain lines, by default a file name.
#[derive(Clone, Debug)]
pub(super) struct Source(Sha256);

/// One chat of a source.
#[derive(Clone, Debug)]
pub(super) struct SourceChat(Sha256);

impl Source {
    pub(super) fn new(name: &str) -> Source {
        Source(Sha256::new().chain_update(length(name)).chain_update(name))
    }

    pub(super) fn chat(&self, name: &str) -> SourceChat {
        SourceChat(self.0.clone().chain_update(length(name)).chain_update(name))
    }
}

impl SourceChat {
    /// What tells it from every other chat.
    pub(super) fn hash(&self) -> ChatHash {
        truncated(self.0.clone())
    }

    /// The key under which the chat is made.
    pub(super) fn key(&self) -> IdempotencyKey {
        key("c1.", &self.hash())
    }

    /// The key of a line, by its ordinal in the chat, from 0.
    pub(super) fn line_key(&self, ordinal: u64) -> IdempotencyKey {
        let hash = truncated(self.0.clone().chain_update(ordinal.to_le_bytes()));
        key("l1.", &hash)
    }
}

fn length(text: &str) -> [u8; 8] {
    (text.len() as u64).to_le_bytes()
}

fn truncated(digest: Sha256) -> [u8; 16] {
    *digest.finalize().first_chunk().expect("SHA-256 has 32 bytes")
}

fn key(prefix: &str, hash: &[u8; 16]) -> IdempotencyKey {
    let text = hash.iter().fold(prefix.to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every write");
        text
    });
    IdempotencyKey::new(&text).expect("the prefix and 32 digits are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_derivation_is_pinned() {
        let chat = Source::new("a.ndjson").chat("general");
        assert_eq!(&*chat.key(), "c1.b98312cb6e7d2f97718728c39c801fb1");
        assert_eq!(&*chat.line_key(0), "l1.8e6ff7841ae479ce8a6680854b69bd61");
    }

    #[test]
    fn names_cannot_flow_into_each_other() {
        let key = |source: &str, chat: &str| Source::new(source).chat(chat).key();
        assert_ne!(key("ab", "c"), key("a", "bc"));
        let chat = Source::new("a").chat("b");
        assert_ne!(chat.line_key(0), chat.line_key(1));
    }
}
