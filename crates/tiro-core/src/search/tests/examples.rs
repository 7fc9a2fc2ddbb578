//! What people look for and expect to find, case by case.

use crate::{HIGHLIGHTS_MAX, Limits};

use super::super::{Highlight, Matcher, Query};

fn query(text: &str) -> Query {
    Query::parse(text, &Limits::default()).unwrap()
}

fn found(body: &str, text: &str) -> Vec<(usize, usize)> {
    let highlights = query(text).matches(body).unwrap_or_default();
    highlights.iter().map(|part| (part.start, part.end)).collect()
}

#[test]
fn partial_words_names_versions_and_urls_are_found() {
    for (body, text) in [
        ("try qwen3.6 now", "qwen"),
        ("try qwen3.6 now", "3.6"),
        ("see /usr/lib/libfoo.so.1", "libfoo.so"),
        ("https://example.org/a/b?c=d#e", "example.org/a"),
        ("I write C++ all day", "c++"),
        ("std::vec a:b", "a:b"),
        ("100% of *.rs (all)", "*.rs"),
        ("100% of *.rs (all)", "100%"),
        ("100% of *.rs (all)", "(all)"),
        ("a 5\" disk", "5\""),
        ("C:\\temp_dir", "\\temp_"),
        ("to be or not to be", "to be"),
        ("你好世界!", "世界"),
        ("really? yes", "?"),
    ] {
        assert!(!found(body, text).is_empty(), "{text} in {body}");
    }
}

#[test]
fn only_what_contains_every_term_is_found() {
    for (body, text) in [
        ("one two", "one three"),
        ("one two", "\"two one\""),
        ("one  two", "\"one two\""),
        ("anything", "*"),
        ("anything", "a%g"),
        ("anything", "any.*"),
        ("한국", "하"),
        ("がっこう", "かっこう"),
        ("हिन्दी", "हिनदी"),
        ("a ≠ b", "\"a = b\""),
        ("a b", "¨"),
    ] {
        assert_eq!(found(body, text), [], "{text} in {body}");
    }
}

#[test]
fn case_accents_width_and_spelling_of_one_word_are_one() {
    for (body, text) in [
        ("Café", "cafe"),
        ("cafe", "CAFÉ"),
        ("cafe\u{301}", "café"),
        ("STRASSE", "straße"),
        ("Straße", "strasse"),
        ("İstanbul", "istanbul"),
        ("KIZ", "kız"),
        ("ΟΔΟΣ", "οδος"),
        ("Łódź", "lodz"),
        ("Đà Nẵng", "da"),
        ("ёлка", "елка"),
        ("ｆｕｌｌ", "full"),
        ("ﾊﾝｶｸ", "ハンカク"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("\u{1112}\u{1161}\u{11ab}", "한"),
        ("مُحَمَّد", "محمد"),
        ("محـــمد", "محمد"),
        ("أحمد", "احمد"),
        ("مدرسة", "مدرسه"),
        ("على", "علي"),
        ("می\u{200c}خواهم", "میخواهم"),
        ("שָׁלוֹם", "שלום"),
        ("don’t", "don't"),
        ("don´t", "don't"),
        ("wait…", "..."),
        ("❤️", "❤"),
        ("👩‍🚀", "🚀"),
        ("\u{202b}خطأ في\u{202c}", "خطا"),
    ] {
        assert!(!found(body, text).is_empty(), "{text} in {body}");
    }
}

#[test]
fn highlights_count_scalars_and_cover_whole_characters() {
    for (body, text, expected) in [
        ("one two one", "one", vec![(0, 3), (8, 11)]),
        ("😀 one", "one", vec![(2, 5)]),
        ("an oﬀer", "of", vec![(3, 5)]),
        ("ﬁn", "i", vec![(0, 1)]),
        ("cafe\u{301}s", "cafe", vec![(0, 5)]),
        ("❤\u{fe0f}!", "❤", vec![(0, 2)]),
        ("xe\u{301}\u{302}y", "y", vec![(4, 5)]),
        ("कि", "क", vec![(0, 2)]),
        ("\u{1112}\u{1161}\u{11ab}\u{1100}", "한", vec![(0, 3)]),
        ("ｶﾞx", "ガ", vec![(0, 2)]),
        ("Straße!", "s", vec![(0, 1), (4, 5)]),
        ("abcabc", "abc", vec![(0, 6)]),
        ("abcd", "abc bcd", vec![(0, 4)]),
        ("aaa", "aa", vec![(0, 2)]),
    ] {
        assert_eq!(found(body, text), expected, "{text} in {body}");
    }
}

#[test]
fn the_first_hundred_highlights_are_given() {
    let body = "ab ".repeat(HIGHLIGHTS_MAX + 50);
    let highlights = query("a").matches(&body).unwrap();
    assert_eq!(highlights.len(), HIGHLIGHTS_MAX);
    assert_eq!(highlights[HIGHLIGHTS_MAX - 1], Highlight { start: 297, end: 298 });
    let joined = query("a b \"b \"").matches(&body).unwrap();
    assert_eq!(joined, [Highlight { start: 0, end: 450 }]);
}

#[test]
fn one_matcher_serves_many_bodies() {
    let query = query("two é");
    let mut matcher = Matcher::new(&query);
    assert!(matcher.is_match("Two e"));
    assert!(!matcher.is_match("two"));
    assert!(matcher.is_match("é two"));
    assert_eq!(matcher.matches("x"), None);
}

#[test]
fn a_mark_does_not_reach_past_one_of_its_own_class() {
    let blocked = "か\u{309a}\u{3099}";
    assert_eq!(*super::Folded::of(blocked), *blocked);
    assert_eq!(*super::Folded::of("か\u{94d}\u{3099}"), *"が\u{94d}");
}

#[test]
fn a_long_run_of_marks_is_put_in_order_in_one_go() {
    let marks = "\u{94d}\u{3099}".repeat(10_000);
    let ordered = format!("{}{}", "\u{3099}".repeat(10_000), "\u{94d}".repeat(10_000));
    let body = format!("x{marks}y");
    assert_eq!(found(&body, "x"), [(0, 20_001)]);
    assert!(query("y").matches(&body).is_some());
    assert_eq!(*super::Folded::of(&body), format!("x{ordered}y"));
}
