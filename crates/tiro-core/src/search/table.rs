//! What scalars fold to, remembered in pages of 256 that are made when a text first needs them.
//!
//! Looking a scalar up in the tables of Unicode costs some hundred nanoseconds, here a few. A page takes 2 KiB, and
//! chat in a handful of scripts needs a few dozen. Scalars above the first two planes are not remembered.

use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;

use super::scalar::{fold_scalar, may_join};

/// Scalars of a page.
const PAGE_SCALARS: u32 = 256;
/// Pages of the Basic and the Supplementary Multilingual Plane.
const PAGES: usize = 512;

type Page = [Packed; PAGE_SCALARS as usize];

static REMEMBERED: [OnceLock<Box<Page>>; PAGES] = [const { OnceLock::new() }; PAGES];

/// What one scalar folds to: up to three characters of 21 bits each, the first in the lowest bits, and a flag.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Packed(u64);

const CHAR_BITS: u32 = 21;
const CHAR_MASK: u64 = (1 << CHAR_BITS) - 1;
const CHARS_MAX: usize = 3;
/// Set if a character may join its neighbours, so that the text must be composed there.
const JOINS: u64 = 1 << 63;
/// More than three characters: not packed.
const LONG: Packed = Packed(u64::MAX);

/// What a scalar folds to.
pub(super) enum FoldsTo {
    /// These characters, of which none can join another.
    Plain(Packed),
    /// These characters; each may be a mark, or join the one before it.
    Joining(Packed),
    /// More than fits: to be looked up.
    Long,
}

impl Packed {
    fn of(scalar: char) -> Packed {
        let mut decomposed = String::new();
        fold_scalar(scalar, |part| decomposed.push(part));
        // Composed already, so that a kana with its voicing or a syllable of Hangul is one plain character.
        let mut packed = 0;
        for (index, part) in decomposed.nfc().enumerate() {
            if index == CHARS_MAX {
                return LONG;
            }
            packed |= u64::from(u32::from(part)) << (CHAR_BITS * index as u32);
            if may_join(part) {
                packed |= JOINS;
            }
        }
        Packed(packed)
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
        match self {
            LONG => FoldsTo::Long,
            Packed(packed) if packed & JOINS != 0 => FoldsTo::Joining(self),
            plain => FoldsTo::Plain(plain),
        }
    }
}

/// What a scalar other than ASCII folds to.
pub(super) fn folds_to(scalar: char) -> FoldsTo {
    let code = u32::from(scalar);
    let (page, index) = (code / PAGE_SCALARS, code % PAGE_SCALARS);
    match REMEMBERED.get(page as usize) {
        Some(remembered) => remembered.get_or_init(|| make(page))[index as usize].sorted(),
        None => Packed::of(scalar).sorted(),
    }
}

fn make(page: u32) -> Box<Page> {
    let first = page * PAGE_SCALARS;
    // Surrogates are no scalars and are never asked for.
    Box::new(std::array::from_fn(|index| {
        char::from_u32(first + index as u32).map_or(LONG, Packed::of)
    }))
}
