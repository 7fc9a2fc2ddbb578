//! What scalars fold to, remembered in pages of 256 that are made when a text first needs them.
//!
//! Looking a scalar up in the tables of Unicode costs some hundred nanoseconds, here a few. A page takes 2 KiB, and
//! chat in a handful of scripts needs a few dozen; all that can be remembered takes 2 MiB. What lies above the first
//! four planes (tags, variation selectors, private use) is looked up each time.

use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;

use super::scalar::{fold_scalar, may_join};

/// Scalars of a page.
const PAGE_SCALARS: u32 = 256;
/// Pages of the planes 0 to 3, where all characters are that people write.
const PAGES: usize = 1_024;

static REMEMBERED: [OnceLock<Box<Page>>; PAGES] = [const { OnceLock::new() }; PAGES];

struct Page {
    packed: [Packed; PAGE_SCALARS as usize],
    /// What does not fit into [`Packed`].
    long: Vec<Long>,
}

/// What one scalar folds to: up to three characters of 21 bits each, the first in the lowest bits, and a flag. Or,
/// where the first would be [`TO_LONG`], the second is the place among the long ones of the page.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed(u64);

const CHAR_BITS: u32 = 21;
const CHAR_MASK: u64 = (1 << CHAR_BITS) - 1;
const CHARS_MAX: usize = 3;
/// Set if a character may join its neighbours, so that the text must be composed there.
const JOINS: u64 = 1 << 63;
/// No scalar is as large.
const TO_LONG: u64 = CHAR_MASK;

/// More than three characters.
pub(super) struct Long {
    pub(super) chars: Box<[char]>,
    /// Whether one of them may join its neighbours.
    pub(super) joins: bool,
}

/// What a scalar folds to. Composed already, so that a kana with its voicing or a syllable of Hangul is one character.
pub(super) enum FoldsTo {
    /// These characters, of which none can join another.
    Plain(Packed),
    /// These characters; each may be a mark, or join the one before it.
    Joining(Packed),
    /// These characters.
    Long(&'static Long),
}

impl Packed {
    /// At most [`CHARS_MAX`] characters.
    fn of(chars: &[char]) -> Packed {
        let mut packed = 0;
        for part in chars.iter().rev() {
            packed = packed << CHAR_BITS | u64::from(u32::from(*part));
        }
        let joins = chars.iter().any(|part| may_join(*part));
        Packed(packed | if joins { JOINS } else { 0 })
    }

    fn to_long(place: usize) -> Packed {
        Packed((place as u64) << CHAR_BITS | TO_LONG)
    }

    fn long_place(self) -> Option<usize> {
        (self.0 & CHAR_MASK == TO_LONG).then_some((self.0 >> CHAR_BITS) as usize)
    }

    /// The characters in order.
    pub(super) fn chars(self) -> impl Iterator<Item = char> {
        let mut left = self.0 & !JOINS;
        std::iter::from_fn(move || {
            let part = (left & CHAR_MASK) as u32;
            left >>= CHAR_BITS;
            (part != 0).then_some(part).and_then(char::from_u32)
        })
    }

    fn sorted(self) -> FoldsTo {
        if self.0 & JOINS == 0 {
            FoldsTo::Plain(self)
        } else {
            FoldsTo::Joining(self)
        }
    }
}

impl Page {
    fn make(number: u32) -> Box<Page> {
        let mut long = Vec::new();
        let packed = std::array::from_fn(|index| {
            // Surrogates are no scalars and are never asked for.
            let scalar = char::from_u32(number * PAGE_SCALARS + index as u32);
            let chars = scalar.map(composed).unwrap_or_default();
            if chars.len() <= CHARS_MAX {
                return Packed::of(&chars);
            }
            long.push(Long {
                joins: chars.iter().any(|part| may_join(*part)),
                chars: chars.into(),
            });
            Packed::to_long(long.len() - 1)
        });
        Box::new(Page { packed, long })
    }
}

fn composed(scalar: char) -> Vec<char> {
    let mut decomposed = Vec::new();
    fold_scalar(scalar, |part| decomposed.push(part));
    decomposed.into_iter().nfc().collect()
}

/// What a scalar other than ASCII folds to.
pub(super) fn folds_to(scalar: char) -> FoldsTo {
    let code = u32::from(scalar);
    let (number, index) = (code / PAGE_SCALARS, code % PAGE_SCALARS);
    let Some(remembered) = REMEMBERED.get(number as usize) else {
        return Packed::of(&composed(scalar)).sorted();
    };
    let page = remembered.get_or_init(|| Page::make(number));
    let packed = page.packed[index as usize];
    match packed.long_place() {
        Some(place) => FoldsTo::Long(&page.long[place]),
        None => packed.sorted(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_remembered_is_what_was_looked_up() {
        for scalar in '\u{80}'..=char::MAX {
            let expected = composed(scalar);
            let joins = expected.iter().any(|part| may_join(*part));
            let (found, joining): (Vec<char>, bool) = match folds_to(scalar) {
                FoldsTo::Plain(packed) => (packed.chars().collect(), false),
                FoldsTo::Joining(packed) => (packed.chars().collect(), true),
                FoldsTo::Long(long) => (long.chars.to_vec(), long.joins),
            };
            assert_eq!((found, joining), (expected, joins), "U+{:04X}", u32::from(scalar));
        }
    }
}
