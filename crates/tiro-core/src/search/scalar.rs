//! What one Unicode scalar value folds to, before its marks meet their base again.
//!
//! The steps are NFKD, case folding, letters that people type for one another, and dropping of what only decorates.
//! Every result folds to itself, so folding twice is folding once. Nothing here depends on neighbours.

use unicode_normalization::char::{
    canonical_combining_class, decompose_canonical, decompose_compatible, is_combining_mark,
};

/// Hands over the characters that a scalar folds to, decomposed; none at all if it folds to nothing.
pub(super) fn fold_scalar(scalar: char, mut emit: impl FnMut(char)) {
    if scalar.is_ascii() {
        return emit(scalar.to_ascii_lowercase());
    }
    decompose_canonical(scalar, |part| {
        if is_spacing_accent(part) {
            fold_part(part, &mut emit);
        } else {
            decompose_compatible(part, |part| fold_part(part, &mut emit));
        }
    });
}

/// Folds a character that has no decomposition left.
fn fold_part(part: char, emit: &mut impl FnMut(char)) {
    if is_ignorable(part) || is_accent(part) || part == TATWEEL {
        return;
    }
    case_folded(part).map(variant).for_each(emit);
}

/// Full case folding (Unicode 3.13, C + F) by way of the standard library: `ß` gives `ss`, `ς` gives `σ`, and `ı`,
/// whose upper case is `I`, gives `i`.
fn case_folded(part: char) -> impl Iterator<Item = char> {
    part.to_lowercase()
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
}

/// Stretches Arabic words and says nothing.
const TATWEEL: char = '\u{640}';

/// One letter for several that people take for the same one when they type.
fn variant(letter: char) -> char {
    match letter {
        // Arabic: alef wasla; final ya, Persian and Urdu ya; ta marbuta, Persian, Urdu and Uighur ha; Persian kaf.
        // The other alefs lose their hamza or madda as an accent.
        '\u{671}' => '\u{627}',
        '\u{649}' | '\u{6cc}' | '\u{6d2}' => '\u{64a}',
        '\u{629}' | '\u{6c1}' | '\u{6d5}' => '\u{647}',
        '\u{6a9}' => '\u{643}',
        // Strokes that Unicode does not decompose, but people leave out like accents.
        'đ' => 'd',
        'ħ' => 'h',
        'ł' => 'l',
        'ø' => 'o',
        'ŧ' => 't',
        // Apostrophes: phones write the curved ones, some keyboards the acute accent.
        '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2bc}' | '\u{b4}' => '\'',
        other => other,
    }
}

/// Whether a mark is an accent, vowel point or cantillation that writers may leave out.
///
/// Told by the canonical combining class: 7 nukta, 10 to 36 Hebrew, Arabic and Syriac points, 200 and above the
/// general diacritics. Kept is what makes another letter or word: the voicing of kana (8), viramas (9), vowels and
/// tones of Thai, Lao, Telugu and Tibetan (84 to 132), and the overlay that turns `=` into `≠` (1).
fn is_accent(part: char) -> bool {
    matches!(canonical_combining_class(part), 7 | 10..=36 | 200..)
}

/// Whether a character has neither a shape nor a meaning of its own: `Default_Ignorable_Code_Point` of Unicode, but
/// for the tags that tell the flag of Scotland from that of Wales.
fn is_ignorable(part: char) -> bool {
    matches!(part,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}'
        | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e001f}' | '\u{e0080}'..='\u{e0fff}')
}

/// Whether a character is an accent that stands alone, as `¨`. Its compatibility decomposition is a space with the
/// accent; without the accent it would be found wherever there is a space.
fn is_spacing_accent(part: char) -> bool {
    let (mut parts, mut first_is_space, mut marks) = (0, false, 0);
    decompose_compatible(part, |part| {
        first_is_space |= parts == 0 && part == ' ';
        marks += usize::from(is_combining_mark(part));
        parts += 1;
    });
    first_is_space && marks > 0 && marks + 1 == parts
}

/// Whether a folded character may join the one before it into one: it has a combining class, or is the second half
/// of a canonical composition. The latter are vowels of Hangul, of scripts of India and its neighbours.
pub(super) fn may_join(folded: char) -> bool {
    if folded < '\u{300}' {
        return false;
    }
    canonical_combining_class(folded) != 0 || is_second_of_a_composition(folded)
}

/// The starters (combining class 0) that some character composes with, as of Unicode 18.
fn is_second_of_a_composition(folded: char) -> bool {
    matches!(folded,
        '\u{1161}'..='\u{1175}' | '\u{11a8}'..='\u{11c2}'
        | '\u{9be}' | '\u{9d7}' | '\u{b3e}' | '\u{b56}' | '\u{b57}' | '\u{bbe}' | '\u{bd7}' | '\u{cc2}'
        | '\u{cd5}' | '\u{cd6}' | '\u{d3e}' | '\u{d57}' | '\u{dcf}' | '\u{ddf}' | '\u{102e}' | '\u{1b35}'
        | '\u{11127}' | '\u{1133e}' | '\u{11357}' | '\u{113b8}' | '\u{113bb}' | '\u{113c2}' | '\u{113c9}'
        | '\u{114b0}' | '\u{114ba}' | '\u{114bd}' | '\u{115af}' | '\u{11930}' | '\u{1611e}'..='\u{16120}'
        | '\u{16129}' | '\u{16d67}')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use unicode_normalization::UnicodeNormalization;

    use super::*;

    fn folded(scalar: char) -> String {
        let mut text = String::new();
        fold_scalar(scalar, |part| text.push(part));
        text
    }

    fn scalars() -> impl Iterator<Item = char> {
        '\0'..=char::MAX
    }

    #[test]
    fn whatever_a_scalar_folds_to_folds_to_itself() {
        for scalar in scalars() {
            for part in folded(scalar).chars() {
                assert_eq!(folded(part), part.to_string(), "U+{:04X}", u32::from(scalar));
            }
        }
    }

    #[test]
    fn nothing_but_white_space_folds_to_white_space() {
        for scalar in scalars().filter(|scalar| !scalar.is_whitespace()) {
            let folded = folded(scalar);
            let blank = !folded.is_empty() && folded.chars().all(char::is_whitespace);
            assert!(!blank, "U+{:04X}", u32::from(scalar));
        }
    }

    #[test]
    fn whatever_composes_with_the_character_before_it_is_known_to_join() {
        let mut seconds = BTreeSet::new();
        for scalar in scalars() {
            let last = [scalar].into_iter().nfd().last();
            let last = last.expect("a decomposition has a part");
            let composes = last != scalar && [scalar].into_iter().nfc().eq([scalar]);
            if composes && canonical_combining_class(last) == 0 {
                seconds.insert(last);
            }
        }
        assert!(seconds.contains(&'\u{1161}'), "a vowel of Hangul");
        let known: BTreeSet<char> = scalars()
            .filter(|scalar| is_second_of_a_composition(*scalar))
            .collect();
        assert_eq!(known, seconds);
    }

    #[test]
    fn examples_of_each_step() {
        for (scalar, expected) in [
            ('A', "a"),
            ('é', "e"),
            ('ß', "ss"),
            ('ẞ', "ss"),
            ('İ', "i"),
            ('ı', "i"),
            ('ς', "σ"),
            ('ﬁ', "fi"),
            ('½', "1\u{2044}2"),
            ('…', "..."),
            ('Ｗ', "w"),
            ('ｶ', "カ"),
            ('\u{ff9e}', "\u{3099}"),
            ('が', "か\u{3099}"),
            ('\u{3000}', " "),
            ('ё', "е"),
            ('ł', "l"),
            ('æ', "æ"),
            ('’', "'"),
            ('´', "'"),
            ('¨', "¨"),
            ('≠', "=\u{338}"),
            ('أ', "ا"),
            ('ى', "ي"),
            ('ة', "ه"),
            ('ـ', ""),
            ('\u{64e}', ""),
            ('\u{200d}', ""),
            ('\u{fe0f}', ""),
            ('\u{94d}', "\u{94d}"),
            ('한', "\u{1112}\u{1161}\u{11ab}"),
        ] {
            assert_eq!(folded(scalar), expected, "{scalar}");
        }
    }
}
