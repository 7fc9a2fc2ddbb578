//! The matcher once more, as plainly as it can be said: whole texts through the normalisation forms, every window
//! of characters compared, every place in the original found by folding what is before it.
//!
//! It shares with the real one only the Unicode tables of the libraries.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{canonical_combining_class, is_combining_mark};

use crate::{HIGHLIGHTS_MAX, Highlight};

pub(super) fn fold(text: &str) -> String {
    let decomposed: String = text.nfd().collect();
    let mut compatible = String::new();
    for part in decomposed.chars() {
        let spelled: String = [part].into_iter().nfkd().collect();
        let alone = spelled.chars().count() > 1 && spelled.starts_with(' ');
        if alone && spelled.chars().skip(1).all(is_combining_mark) {
            compatible.push(part);
        } else {
            compatible.push_str(&spelled);
        }
    }
    let cased: String = compatible.chars().map(case_folded).collect();
    let letters: String = cased
        .chars()
        .filter(|part| !dropped(*part))
        .map(same_letter)
        .collect();
    letters.nfc().collect()
}

fn case_folded(part: char) -> String {
    // Marks have no case here: they are dropped.
    if is_combining_mark(part) {
        return part.to_string();
    }
    part.to_string()
        .to_lowercase()
        .to_uppercase()
        .chars()
        .flat_map(char::to_lowercase)
        .collect()
}

fn dropped(part: char) -> bool {
    let class = canonical_combining_class(part);
    let accent = class >= 200 || (10..=36).contains(&class) || class == 7;
    let code = u32::from(part);
    let invisible = [
        (0xad, 0xad),
        (0x34f, 0x34f),
        (0x61c, 0x61c),
        (0x115f, 0x1160),
        (0x17b4, 0x17b5),
        (0x180b, 0x180f),
        (0x200b, 0x200f),
        (0x202a, 0x202e),
        (0x2060, 0x206f),
        (0x3164, 0x3164),
        (0xfe00, 0xfe0f),
        (0xfeff, 0xfeff),
        (0xffa0, 0xffa0),
        (0xfff0, 0xfff8),
        (0x1bca0, 0x1bca3),
        (0x1d173, 0x1d17a),
        (0xe0000, 0xe001f),
        (0xe0080, 0xe0fff),
    ];
    accent
        || part == 'ـ'
        || invisible
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&code))
}

fn same_letter(letter: char) -> char {
    let same = ["'‘’‛ʼ´", "اٱ", "يىیے", "هةہە", "كک", "dđ", "hħ", "lł", "oø", "tŧ"];
    let found = same.iter().find(|letters| letters.contains(letter));
    found.and_then(|letters| letters.chars().next()).unwrap_or(letter)
}

/// Where each unit of a text begins: a scalar that is no mark, does not fold to nothing or to a mark first, and
/// whose folding does not melt into what is before it.
fn units(body: &str) -> Vec<usize> {
    let scalars: Vec<char> = body.chars().collect();
    let folded_of = |part: &[char]| fold(&String::from_iter(part));
    let whole = fold(body);
    let begins = |index: &usize| {
        let (before, behind) = scalars.split_at(*index);
        let own = folded_of(&behind[..1]);
        let starts = own
            .chars()
            .next()
            .is_some_and(|first| canonical_combining_class(first) == 0);
        starts && !is_combining_mark(behind[0]) && folded_of(before) + &folded_of(behind) == whole
    };
    std::iter::once(0)
        .chain((1..scalars.len()).filter(begins))
        .chain([scalars.len()])
        .collect()
}

pub(super) fn matches(body: &str, terms: &[&str]) -> Option<Vec<Highlight>> {
    let bounds = units(body);
    let scalars: Vec<char> = body.chars().collect();
    // Of each folded character, the unit it came from.
    let (mut folded, mut origins) = (Vec::new(), Vec::new());
    for unit in bounds.windows(2) {
        let text = fold(&String::from_iter(&scalars[unit[0]..unit[1]]));
        origins.extend(text.chars().map(|_| (unit[0], unit[1])));
        folded.extend(text.chars());
    }
    let mut covered = vec![false; scalars.len() + 1];
    for term in terms {
        let term: Vec<char> = fold(term).chars().collect();
        let mut found = false;
        let mut from = 0;
        while from + term.len() <= folded.len() {
            if folded[from..from + term.len()] != term[..] {
                from += 1;
                continue;
            }
            found = true;
            let (start, end) = (origins[from].0, origins[from + term.len() - 1].1);
            covered[start..end].fill(true);
            from += term.len();
        }
        if !found {
            return None;
        }
    }
    Some(runs(&covered))
}

fn runs(covered: &[bool]) -> Vec<Highlight> {
    let mut runs: Vec<Highlight> = Vec::new();
    for (index, _) in covered.iter().enumerate().filter(|(_, covered)| **covered) {
        match runs.last_mut() {
            Some(run) if run.end == index => run.end = index + 1,
            _ => runs.push(Highlight {
                start: index,
                end: index + 1,
            }),
        }
    }
    runs.truncate(HIGHLIGHTS_MAX);
    runs
}
