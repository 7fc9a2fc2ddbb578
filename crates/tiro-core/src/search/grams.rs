//! Grams: two to four neighbouring characters of a folded text, the terms of any index.
//!
//! Three neighbours that are all ASCII are a gram; four are one too if all are spaces or the most frequent letters;
//! two are one if one or both are not ASCII. Which windows are grams depends on nothing but the window, so a text
//! that contains a term has every gram of the term, and those that lie in no longer one are enough to look it up. A
//! term too short to have a gram cannot be looked up.

use std::fmt;

use super::Folded;

/// Longest gram: two scalars of four bytes.
const GRAM_BYTES_MAX: usize = 8;

/// The letters whose neighbours are many in every text: of English the ten most frequent, of other languages
/// written in these letters nearly the same. Three of them narrow little down, three others do.
const FREQUENT: &[u8] = b" etaoinshrd";

/// One gram: its UTF-8, 3 to 8 bytes. Ordered by these bytes. No two grams have the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gram([u8; GRAM_BYTES_MAX]);

impl Gram {
    /// The gram as a key of an index.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        // Texts hold no U+0000, so zeros are what is not used.
        let unused = u64::from_le_bytes(self.0).leading_zeros() / u8::BITS;
        &self.0[..GRAM_BYTES_MAX - unused as usize]
    }

    /// The gram for an index that wants text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(self.as_bytes()).expect("a gram is whole scalars")
    }

    fn of(scalars: &str) -> Gram {
        let mut bytes = [0; GRAM_BYTES_MAX];
        bytes[..scalars.len()].copy_from_slice(scalars.as_bytes());
        Gram(bytes)
    }

    fn three([first, second, third]: [u8; 3]) -> Gram {
        Gram([first, second, third, 0, 0, 0, 0, 0])
    }

    fn four([first, second, third, fourth]: [u8; 4]) -> Gram {
        Gram([first, second, third, fourth, 0, 0, 0, 0])
    }
}

impl fmt::Debug for Gram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gram({:?})", self.as_str())
    }
}

/// Hands over every gram of a text in no certain order, repeated ones each time.
pub fn each_gram(text: &Folded, mut gram: impl FnMut(Gram)) {
    each_piece(text, |piece| match piece {
        Piece::Ascii(stretch) => {
            stretch
                .array_windows()
                .copied()
                .map(Gram::three)
                .for_each(&mut gram);
            fours(stretch).for_each(&mut gram);
        }
        Piece::Pair(pair) => gram(Gram::of(pair)),
    });
}

/// The grams of a text, each once, ascending.
#[must_use]
pub fn grams(text: &Folded) -> Vec<Gram> {
    // A text has fewer grams of each length than bytes.
    let mut found = Vec::with_capacity(2 * text.len());
    each_gram(text, |gram| found.push(gram));
    sorted(found)
}

/// The grams of a text that somewhere lie in no longer one, each once, ascending: a text with these has the others too.
pub(super) fn longest_grams(text: &Folded) -> Vec<Gram> {
    let mut found = Vec::with_capacity(text.len());
    each_piece(text, |piece| match piece {
        Piece::Ascii(stretch) => {
            let is_four = |at: usize| stretch.get(at..at + 4).is_some_and(are_frequent);
            for (at, three) in stretch.array_windows().enumerate() {
                if !is_four(at) && !at.checked_sub(1).is_some_and(is_four) {
                    found.push(Gram::three(*three));
                }
            }
            found.extend(fours(stretch));
        }
        Piece::Pair(pair) => found.push(Gram::of(pair)),
    });
    sorted(found)
}

fn fours(stretch: &[u8]) -> impl Iterator<Item = Gram> {
    let windows = stretch.array_windows().copied();
    windows.filter(|window| are_frequent(window)).map(Gram::four)
}

fn are_frequent(window: &[u8]) -> bool {
    /// A bit for each of [`FREQUENT`].
    const BITS: u128 = {
        let (mut bits, mut at) = (0, 0);
        while at < FREQUENT.len() {
            bits |= 1 << FREQUENT[at];
            at += 1;
        }
        bits
    };
    window.iter().all(|byte| BITS >> byte & 1 == 1)
}

fn sorted(mut grams: Vec<Gram>) -> Vec<Gram> {
    // By their bytes, which a number compares faster.
    grams.sort_unstable_by_key(|gram| u64::from_be_bytes(gram.0));
    grams.dedup();
    grams
}

/// A part of a text in which grams lie; no gram lies in two.
enum Piece<'a> {
    /// Neighbours that are all ASCII, as many as there are, or none.
    Ascii(&'a [u8]),
    /// Two neighbours, not both ASCII.
    Pair(&'a str),
}

fn each_piece<'a>(text: &'a str, mut piece: impl FnMut(Piece<'a>)) {
    if text.is_ascii() {
        return piece(Piece::Ascii(text.as_bytes()));
    }
    // Where the present stretch of ASCII begins, and the scalar before this one.
    let (mut stretch, mut last) = (0, None);
    for (start, scalar) in text.char_indices() {
        let end = start + scalar.len_utf8();
        if !scalar.is_ascii() {
            piece(Piece::Ascii(&text.as_bytes()[stretch..start]));
            stretch = end;
        }
        if let Some(last) = last
            && !text[last..end].is_ascii()
        {
            piece(Piece::Pair(&text[last..end]));
        }
        last = Some(start);
    }
    piece(Piece::Ascii(&text.as_bytes()[stretch..]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(grams: Vec<Gram>) -> Vec<String> {
        grams.iter().map(|gram| gram.as_str().to_owned()).collect()
    }

    fn all(text: &str) -> Vec<String> {
        texts(grams(&Folded::of(text)))
    }

    fn longest(text: &str) -> Vec<String> {
        texts(longest_grams(&Folded::of(text)))
    }

    #[test]
    fn three_neighbours_of_ascii_are_a_gram_and_spaces_count() {
        assert_eq!(all("a Bcd"), [" bc", "a b", "bcd"]);
        assert_eq!(all("ab"), Vec::<String>::new());
    }

    #[test]
    fn four_neighbours_are_a_gram_if_all_are_frequent() {
        assert_eq!(all("a NOT"), [" no", " not", "a n", "a no", "not"]);
        assert_eq!(all("notb"), ["not", "otb"]);
    }

    #[test]
    fn two_neighbours_of_which_one_is_not_ascii_are_a_gram() {
        assert_eq!(all("世界"), ["世界"]);
        assert_eq!(all("in 世界!?x"), [" 世", "!?x", "in ", "世界", "界!"]);
        assert_eq!(all("😀"), Vec::<String>::new());
        assert_eq!(all("😀😀"), ["😀😀"]);
    }

    #[test]
    fn a_set_of_grams_has_each_once() {
        assert_eq!(all("aaaaa"), ["aaa", "aaaa"]);
    }

    #[test]
    fn a_gram_in_a_longer_one_need_not_be_looked_up() {
        assert_eq!(longest("the"), ["the"]);
        assert_eq!(longest("that"), ["that"]);
        assert_eq!(longest("thating"), ["atin", "hati", "ing", "that"]);
        assert_eq!(longest("beneath"), ["ben", "eath", "enea", "neat"]);
        assert_eq!(longest("the世this"), ["e世", "the", "this", "世t"]);
        assert_eq!(longest("no世"), ["o世"]);
        assert_eq!(longest("no"), Vec::<String>::new());
    }
}
