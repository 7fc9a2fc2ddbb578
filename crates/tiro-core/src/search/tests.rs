//! The matcher against a naive reference on random Unicode, and the promises that indexes rest on.

mod examples;
mod naive;

use proptest::prelude::*;

use crate::{HIGHLIGHTS_MAX, Limits};

use super::{FOLDING_VERSION, Folded, Gram, Highlight, Query, grams};

/// Characters that have to do with each other: bases and marks, jamo, ligatures, width, Arabic, emoji.
const RELATED: &str = "aAeEiIfFsSkKoO 'ﬁﬀﬃßẞſİıéÉ\
    e\u{301}\u{300}\u{327}\u{323}\u{302}\u{345}ά\u{1f80}σςΣΩ\u{2126}\u{212b}Å\
    ᄒ\u{1161}\u{11ab}\u{1175}한하ㅎㅏㄴ\u{ffa1}\u{ffc2}각ᄀ\u{11a8}\u{11c2}\
    ＡＢａ１ｶﾞｶガか\u{3099}\u{309a}がﾊﾟパは\u{ff9f}゛\u{3000}\u{a0}\
    مُحَمَّدأإآاٱىيیةهکكـ\u{64b}\u{651}ﷺﻻ\u{fe71}\u{fe70}\
    👩\u{200d}🚀👍🏽❤\u{fe0f}🏳🌈\u{20e3}1🇪🇺\
    न\u{940}\u{93c}क\u{94d}ष\u{93f}ো\u{9c7}\u{9be}\u{9d7}\u{dd9}\u{dca}\u{dcf}\u{ddc}\u{ddd}ก\u{e34}\u{e48}\u{e38}\
    =≠\u{338}\u{334}<≮¨´’‘\u{2bc}łøđ…½™²①㍿㌔\u{fdfa}שָׁלוֹם\u{5b0}ёйЁ\
    \u{202b}\u{202c}\u{ad}\u{200b}\
    \u{f71}\u{f72}\u{c56}\u{c55}\u{2adc}\u{16d67}\u{16d63}\n\t\"";

fn character() -> impl Strategy<Value = char> {
    let related: Vec<char> = RELATED.chars().collect();
    prop_oneof![
        8 => proptest::sample::select(related),
        1 => any::<char>(),
        1 => prop::char::range(' ', '~'),
        1 => prop::char::range('\u{300}', '\u{36f}'),
        1 => prop::char::range('\u{1100}', '\u{11ff}'),
        1 => prop::char::range('\u{600}', '\u{6ff}'),
    ]
}

fn text(chars_max: usize) -> impl Strategy<Value = String> {
    // No body and no query holds U+0000.
    let character = character().prop_map(|character| if character == '\0' { ' ' } else { character });
    // Of these nearly all grams of four are made.
    let frequent = proptest::sample::select("  etaoinshrETdb.".chars().collect::<Vec<_>>());
    prop_oneof![
        3 => prop::collection::vec(character, 0..=chars_max).prop_map(String::from_iter),
        1 => prop::collection::vec(frequent, 0..=chars_max).prop_map(String::from_iter),
    ]
}

/// A body and a term; mostly a part of the body, folded or not, so that it is often found.
fn body_and_term() -> impl Strategy<Value = (String, String)> {
    let part = |(body, start, length, kind): (String, usize, usize, u8)| {
        let folded = Folded::of(&body);
        let of: Vec<char> = if kind == 0 {
            folded.chars().collect()
        } else {
            body.chars().collect()
        };
        let start = start % of.len().max(1);
        let term: String = of[start..].iter().take(length).collect();
        (body, term)
    };
    prop_oneof![
        4 => (text(30), any::<usize>(), 1..6_usize, 0..2_u8).prop_map(part),
        1 => (text(30), text(2)),
    ]
}

/// The query that looks for one term, unless the term cannot be one.
fn query_for(term: &str) -> Option<Query> {
    Query::parse(&format!("\"{term}\""), &Limits::default())
        .ok()
        .filter(|query| query.terms().len() == 1 && *query.terms()[0].folded() == Folded::of(term))
}

fn slice(body: &str, highlight: Highlight) -> String {
    body.chars()
        .skip(highlight.start)
        .take(highlight.end - highlight.start)
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(10_000))]

    #[test]
    fn folding_is_what_the_naive_reference_says(text in text(40)) {
        prop_assert_eq!(&*Folded::of(&text), naive::fold(&text));
    }

    #[test]
    fn folding_twice_is_folding_once(text in text(40)) {
        let folded = Folded::of(&text);
        prop_assert_eq!(Folded::of(&folded), folded);
    }

    #[test]
    fn canonically_equivalent_texts_fold_to_the_same(text in text(40)) {
        use unicode_normalization::UnicodeNormalization;
        let folded = Folded::of(&text);
        prop_assert_eq!(&Folded::of(&text.nfd().to_string()), &folded);
        prop_assert_eq!(&Folded::of(&text.nfc().to_string()), &folded);
    }

    #[test]
    fn lower_case_folds_to_the_same(text in text(40)) {
        prop_assert_eq!(Folded::of(&text.to_lowercase()), Folded::of(&text));
    }

    #[test]
    fn the_matcher_finds_what_the_naive_reference_finds((body, term) in body_and_term()) {
        let Some(query) = query_for(&term) else { return Ok(()) };
        prop_assert_eq!(query.matches(&body), naive::matches(&body, &[&term]));
        prop_assert_eq!(query.is_match(&Folded::of(&body)), query.matches(&body).is_some());
    }

    #[test]
    fn several_terms_are_found_as_the_naive_reference_finds_them(
        (body, one) in body_and_term(), other in text(1), short in prop::char::range('a', 'f')
    ) {
        let text = format!("\"{one}\" \"{other}\" {short}");
        let Ok(query) = Query::parse(&text, &Limits::default()) else { return Ok(()) };
        let terms: Vec<&str> = query.terms().iter().map(|term| &**term.folded()).collect();
        prop_assert_eq!(query.matches(&body), naive::matches(&body, &terms));
    }

    #[test]
    fn a_highlight_folds_to_a_text_with_the_term((body, term) in body_and_term()) {
        let Some(query) = query_for(&term) else { return Ok(()) };
        let Some(found) = query.matches(&body) else { return Ok(()) };
        prop_assert!(!found.is_empty() && found.len() <= HIGHLIGHTS_MAX);
        prop_assert!(found.windows(2).all(|pair| pair[0].end < pair[1].start));
        for highlight in found {
            let folded = Folded::of(&slice(&body, highlight));
            prop_assert!(folded.contains(&**query.terms()[0].folded()), "{:?}", folded);
        }
    }

    #[test]
    fn a_text_that_matches_has_every_gram_that_the_query_requires((body, term) in body_and_term()) {
        let Some(query) = query_for(&term) else { return Ok(()) };
        let (required, folded) = (query.grams(), Folded::of(&body));
        prop_assert_eq!(required.is_empty(), query.needs_scan());
        if query.is_match(&folded) {
            let offered = grams(&folded);
            for gram in required {
                prop_assert!(offered.binary_search(&gram).is_ok(), "{:?}", gram);
            }
        }
    }

    #[test]
    fn grams_are_distinct_ascending_and_parts_of_the_text(text in text(40)) {
        let folded = Folded::of(&text);
        let found = grams(&folded);
        prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
        for gram in &found {
            prop_assert!((3..=8).contains(&gram.as_str().len()));
            prop_assert!(folded.contains(gram.as_str()));
        }
        let chars_expected = |gram: &Gram| if gram.as_str().is_ascii() { 3..=4 } else { 2..=2 };
        let right_length = |gram: &Gram| chars_expected(gram).contains(&gram.as_str().chars().count());
        prop_assert!(found.iter().all(right_length));
    }

    #[test]
    fn the_grams_of_a_term_are_grams_and_the_others_lie_in_them(term in text(12)) {
        let Some(query) = query_for(&term) else { return Ok(()) };
        let (looked_up, all) = (query.grams(), grams(query.terms()[0].folded()));
        prop_assert!(looked_up.iter().all(|gram| all.binary_search(gram).is_ok()));
        for gram in all {
            let lies_in = |longer: &Gram| longer.as_str().contains(gram.as_str());
            prop_assert!(looked_up.iter().any(lies_in), "{:?}", gram);
        }
    }

    #[test]
    fn any_text_is_a_query_or_refused_and_never_panics(text in text(60)) {
        if let Ok(query) = Query::parse(&text, &Limits::default()) {
            prop_assert!(query.terms().iter().all(|term| !term.folded().trim().is_empty()));
        }
    }
}

/// What every scalar folds to, as one number (FNV-1a over the UTF-8 of the foldings, each with an end mark).
fn checksum_of_the_folding() -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for scalar in '\u{1}'..=char::MAX {
        let folded = Folded::of(scalar.encode_utf8(&mut [0; 4]));
        for byte in folded.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }
    hash
}

/// If this fails, texts fold to something else than they did, and indexes made before would miss hits: raise
/// [`FOLDING_VERSION`] and put the new number here.
#[test]
fn another_folding_has_another_version() {
    assert_eq!(
        (FOLDING_VERSION, checksum_of_the_folding()),
        (1, 0xb304_a4c5_549d_78eb)
    );
}
