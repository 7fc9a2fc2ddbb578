//! Which pages a node was asked for lately, and in which state of their chat it read them.
//!
//! So a page that is read once costs Redis nothing, and one of a chat that changes between any two reads is not put there.
//! It is a guess in bounded memory: places are shared, and who comes later takes one over.

use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;

/// Pages that are remembered: 512 KiB.
const PLACES: usize = 65_536;

/// One place a page: half of its hash above, half of the position below; 0 is empty.
pub(super) struct Asked {
    places: Vec<AtomicU64>,
    hasher: RandomState,
}

impl Default for Asked {
    fn default() -> Asked {
        Asked {
            places: std::iter::repeat_with(|| AtomicU64::new(0))
                .take(PLACES)
                .collect(),
            hasher: RandomState::default(),
        }
    }
}

const LOWER: u64 = u32::MAX as u64;

impl Asked {
    pub(super) fn hash(&self, key: &str) -> u64 {
        self.hasher.hash_one(key)
    }

    fn place(&self, hash: u64) -> &AtomicU64 {
        &self.places[hash as usize % PLACES]
    }

    /// Whether the page was read lately.
    pub(super) fn is_known(&self, hash: u64) -> bool {
        let noted = self.place(hash).load(Ordering::Relaxed);
        noted != 0 && noted & !LOWER == hash & !LOWER
    }

    /// The page was read in this state; answers whether that was so the last time, too.
    pub(super) fn note(&self, hash: u64, position: u64) -> bool {
        let now = hash & !LOWER | position & LOWER;
        self.place(hash).swap(now, Ordering::Relaxed) == now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_known_once_it_was_read_and_again_once_it_was_read_twice_in_one_state() {
        let asked = Asked::default();
        let (one, other) = (asked.hash("one"), asked.hash("other"));
        assert!(!asked.is_known(one));
        assert!(!asked.note(one, 7));
        assert!(asked.is_known(one));
        assert!(!asked.note(one, 8));
        assert!(asked.note(one, 8));
        assert!(!asked.is_known(other));
    }
}
