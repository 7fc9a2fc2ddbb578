//! Grams: two or three neighbouring characters of a folded text, the terms of any index.
//!
//! Three neighbours that are all ASCII are a gram, and so are two of which one or both are not; white space counts
//! like any character. Which windows are grams depends on nothing but the window, so a text that contains a term
//! has every gram of the term. A term too short to have one cannot be looked up.

use std::fmt;

use super::Folded;

/// Longest gram: two scalars of four bytes.
const GRAM_BYTES_MAX: usize = 8;

/// One gram: its UTF-8, 3 to 8 bytes. Ordered by these bytes. No two grams have the same bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gram([u8; GRAM_BYTES_MAX]);

impl Gram {
    /// The gram as a key of an index.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        // Texts hold no U+0000, so zeros are what is not used.
        let length = self
            .0
            .iter()
            .rposition(|byte| *byte != 0)
            .map_or(0, |last| last + 1);
        &self.0[..length]
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
}

impl fmt::Debug for Gram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Gram({:?})", self.as_str())
    }
}

/// Hands over every gram of a text in the order of the text, repeated ones each time.
pub fn each_gram(text: &Folded, mut gram: impl FnMut(Gram)) {
    let text: &str = text;
    if text.is_ascii() {
        for window in text.as_bytes().windows(3) {
            gram(Gram([window[0], window[1], window[2], 0, 0, 0, 0, 0]));
        }
        return;
    }
    // The bytes where the two scalars before the present one begin.
    let (mut second_last, mut last) = (None, None);
    for (start, scalar) in text.char_indices() {
        let end = start + scalar.len_utf8();
        if let Some(last) = last
            && !text[last..end].is_ascii()
        {
            gram(Gram::of(&text[last..end]));
        } else if let Some(second_last) = second_last
            && text[second_last..end].is_ascii()
        {
            gram(Gram::of(&text[second_last..end]));
        }
        (second_last, last) = (last, Some(start));
    }
}

/// The grams of a text, each once, ascending.
#[must_use]
pub fn grams(text: &Folded) -> Vec<Gram> {
    // A text has fewer grams than bytes.
    let mut found = Vec::with_capacity(text.len());
    each_gram(text, |gram| found.push(gram));
    // By their bytes, which a number compares faster.
    found.sort_unstable_by_key(|gram| u64::from_be_bytes(gram.0));
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        each_gram(&Folded::of(text), |gram| found.push(gram.as_str().to_owned()));
        found
    }

    #[test]
    fn three_neighbours_of_ascii_are_a_gram_and_spaces_count() {
        assert_eq!(texts("a Bcd"), ["a b", " bc", "bcd"]);
        assert_eq!(texts("ab"), Vec::<String>::new());
    }

    #[test]
    fn two_neighbours_of_which_one_is_not_ascii_are_a_gram() {
        assert_eq!(texts("世界"), ["世界"]);
        assert_eq!(texts("in 世界!?x"), ["in ", " 世", "世界", "界!", "!?x"]);
        assert_eq!(texts("😀"), Vec::<String>::new());
        assert_eq!(texts("😀😀"), ["😀😀"]);
    }

    #[test]
    fn a_set_of_grams_has_each_once() {
        let set = grams(&Folded::of("aaaa"));
        assert_eq!(set.iter().map(Gram::as_str).collect::<Vec<_>>(), ["aaa"]);
    }
}
