//! The set of grams of a run, and how it gets into the index: as one text, each gram behind its length.
//!
//! A character cannot be a length, so what the index takes for a text is never shown to anyone. Each gram stands in it
//! once: grams of three ASCII characters, or of four letters and spaces, are told apart by a map of bits, the others by
//! a set.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use tantivy::tokenizer::{Token, TokenStream, Tokenizer};
use tiro_core::{Folded, Gram, each_gram};

/// The name under which the index knows the tokenizer.
pub(super) const TOKENIZER: &str = "packed_grams";

/// Bits for all grams of three ASCII characters.
const THREES: u32 = 1 << (3 * 7);
/// Bits for all grams of four letters and spaces.
const FOURS: u32 = 1 << (4 * 5);
/// Both, in words of 64.
const ASCII_WORDS: usize = (THREES + FOURS) as usize / 64;

/// The grams of one run after the other, in memory that is kept.
pub(super) struct GramSet {
    ascii: Box<[u64]>,
    /// Which bits are set, to clear them.
    ascii_seen: Vec<u32>,
    others_seen: HashSet<Gram, RandomState>,
    folded: Folded,
    packed: String,
}

impl GramSet {
    pub(super) fn new() -> GramSet {
        GramSet {
            ascii: vec![0; ASCII_WORDS].into_boxed_slice(),
            ascii_seen: Vec::new(),
            others_seen: HashSet::default(),
            folded: Folded::default(),
            packed: String::new(),
        }
    }

    /// The grams of some bodies together, packed.
    pub(super) fn pack<'a>(&mut self, bodies: impl Iterator<Item = &'a str>) -> &str {
        self.clear();
        for body in bodies {
            self.folded.refold(body);
            let (ascii, seen) = (&mut self.ascii, &mut self.ascii_seen);
            let (others, packed) = (&mut self.others_seen, &mut self.packed);
            each_gram(&self.folded, |gram| {
                let is_new = match ascii_index(gram.as_bytes()) {
                    Some(index) => {
                        let (word, bit) = (&mut ascii[index as usize / 64], 1 << (index % 64));
                        let is_new = *word & bit == 0;
                        if is_new {
                            *word |= bit;
                            seen.push(index);
                        }
                        is_new
                    }
                    None => others.insert(gram),
                };
                if is_new {
                    packed.push(char::from(gram.as_bytes().len() as u8));
                    packed.push_str(gram.as_str());
                }
            });
        }
        &self.packed
    }

    fn clear(&mut self) {
        for index in self.ascii_seen.drain(..) {
            self.ascii[index as usize / 64] = 0;
        }
        self.others_seen.clear();
        self.packed.clear();
    }
}

/// The bit of a gram: seven bits of each character if it is three of ASCII, five of each if it is four letters and
/// spaces.
fn ascii_index(gram: &[u8]) -> Option<u32> {
    match *gram {
        [first, second, third] if gram.is_ascii() => {
            Some(u32::from(first) << 14 | u32::from(second) << 7 | u32::from(third))
        }
        [_, _, _, _] if gram.iter().all(|byte| matches!(byte, b' ' | b'a'..=b'z')) => {
            let bits = |index, byte: &u8| index << 5 | u32::from(byte & 0x1f);
            Some(THREES + gram.iter().fold(0, bits))
        }
        _ => None,
    }
}

/// Takes a packed text apart.
#[derive(Clone, Default)]
pub(super) struct PackedGrams {
    token: Token,
}

/// The grams of one packed text.
pub(super) struct Unpacked<'a> {
    rest: &'a str,
    token: &'a mut Token,
}

impl Tokenizer for PackedGrams {
    type TokenStream<'a> = Unpacked<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Unpacked<'a> {
        self.token.reset();
        // A token that was reset stands before the first place; places are not kept, so all grams stand at the first.
        self.token.position = 0;
        Unpacked {
            rest: text,
            token: &mut self.token,
        }
    }
}

impl TokenStream for Unpacked<'_> {
    fn advance(&mut self) -> bool {
        let Some(length) = self.rest.bytes().next() else {
            return false;
        };
        let (gram, rest) = self.rest[1..].split_at(usize::from(length));
        self.token.text.clear();
        self.token.text.push_str(gram);
        self.rest = rest;
        true
    }

    fn token(&self) -> &Token {
        self.token
    }

    fn token_mut(&mut self) -> &mut Token {
        self.token
    }
}

#[cfg(test)]
mod tests {
    use tiro_core::grams;

    use super::*;

    fn unpacked(text: &str) -> Vec<String> {
        let mut tokenizer = PackedGrams::default();
        let mut stream = tokenizer.token_stream(text);
        let mut found = Vec::new();
        while stream.advance() {
            found.push(stream.token().text.clone());
        }
        found.sort();
        found
    }

    #[test]
    fn the_index_gets_each_gram_of_all_bodies_once_and_none_of_the_run_before() {
        let mut set = GramSet::new();
        set.pack(["something else 世界"].into_iter());
        let packed = set.pack(["aaaa a 世界世界 жa", "AAAA b that", "ab", ""].into_iter());
        let mut expected: Vec<Gram> = Vec::new();
        for body in ["aaaa a 世界世界 жa", "AAAA b that"] {
            expected.extend(grams(&Folded::of(body)));
        }
        let mut expected: Vec<String> = expected.iter().map(|gram| gram.as_str().to_owned()).collect();
        expected.sort();
        expected.dedup();
        assert_eq!(unpacked(packed), expected);
    }
}
