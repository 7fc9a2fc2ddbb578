//! Queries: how what somebody typed is read, and what an index needs to know of it.

use memchr::memmem::Finder;

use crate::Limits;

use super::grams::longest_grams;
use super::{Folded, Gram};

/// The text is not a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadQuery {
    /// Nothing to look for: empty, only white space, `""`, or only characters that fold to nothing.
    NoTerm,
    /// Holds U+0000, which no body does.
    Nul,
    /// More Unicode scalar values than allowed.
    TooManyChars {
        /// The most allowed.
        max: usize,
        /// What was sent.
        actual: usize,
    },
    /// More terms than allowed.
    TooManyTerms {
        /// The most allowed.
        max: usize,
        /// What was sent.
        actual: usize,
    },
}

/// A text that a body must contain after folding. Never empty, and never only white space.
#[derive(Clone, Debug)]
pub struct Term {
    folded: Folded,
    pub(super) finder: Finder<'static>,
}

/// Two terms are equal if they are found in the same texts.
impl PartialEq for Term {
    fn eq(&self, other: &Term) -> bool {
        self.folded == other.folded
    }
}

impl Eq for Term {}

impl Term {
    fn new(folded: Folded) -> Term {
        let finder = Finder::new(folded.as_bytes()).into_owned();
        Term { folded, finder }
    }

    /// The folded text.
    #[must_use]
    pub fn folded(&self) -> &Folded {
        &self.folded
    }

    /// The grams by which an index finds every text with this term, each once, ascending: without those that lie in
    /// a longer one, which has fewer texts. None if the term is too short.
    #[must_use]
    pub fn grams(&self) -> Vec<Gram> {
        longest_grams(&self.folded)
    }
}

/// What to look for: a message matches if its body contains every term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Each once, longest first: a long one is seldom found, and then the others need not be looked for.
    terms: Vec<Term>,
}

impl Query {
    /// Reads a query: terms between white space.
    ///
    /// A `"` at the start of a term opens a phrase, which ends at the next `"` before white space or the end of the
    /// query, and keeps its white space. A `"` anywhere else, or one that opens no phrase since none ends, is itself.
    /// A term that folds to nothing (a lone accent, a zero-width joiner) is in every text and asks for nothing.
    ///
    /// # Errors
    /// See [`BadQuery`]; limits are [`Limits::query_chars_max`] of the text and [`Limits::query_terms_max`].
    pub fn parse(text: &str, limits: &Limits) -> Result<Query, BadQuery> {
        let actual = text.chars().count();
        if actual > limits.query_chars_max {
            let max = limits.query_chars_max;
            return Err(BadQuery::TooManyChars { max, actual });
        }
        if text.contains('\0') {
            return Err(BadQuery::Nul);
        }
        let mut written: Vec<Folded> = Written(text).map(Folded::of).collect();
        written.retain(|term| !term.trim().is_empty());
        if written.is_empty() {
            return Err(BadQuery::NoTerm);
        }
        if written.len() > limits.query_terms_max {
            let (max, actual) = (limits.query_terms_max, written.len());
            return Err(BadQuery::TooManyTerms { max, actual });
        }
        written.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        written.dedup();
        let terms = written.into_iter().map(Term::new).collect();
        Ok(Query { terms })
    }

    /// The terms, each once, longest first; at least one.
    #[must_use]
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The grams of all terms, each once, ascending. Every matching text has them; having them all is not yet a match.
    #[must_use]
    pub fn grams(&self) -> Vec<Gram> {
        let mut required: Vec<Gram> = self.terms.iter().flat_map(Term::grams).collect();
        required.sort_unstable();
        required.dedup();
        required
    }

    /// Whether every term is too short to have a gram, so that no index can help.
    #[must_use]
    pub fn needs_scan(&self) -> bool {
        self.terms.iter().all(|term| term.grams().is_empty())
    }

    /// Whether a folded text contains every term.
    #[must_use]
    pub fn is_match(&self, text: &Folded) -> bool {
        self.terms
            .iter()
            .all(|term| term.finder.find(text.as_bytes()).is_some())
    }
}

/// The terms and phrases of a query as they were written, without the quotes of phrases; a phrase may be empty.
struct Written<'a>(&'a str);

impl<'a> Iterator for Written<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.0.trim_start();
        if rest.is_empty() {
            return None;
        }
        let (term, rest) = phrase(rest).unwrap_or_else(|| {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            rest.split_at(end)
        });
        self.0 = rest;
        Some(term)
    }
}

/// The phrase that a text begins with, and what follows its closing quote.
fn phrase(text: &str) -> Option<(&str, &str)> {
    let inside = text.strip_prefix('"')?;
    inside.match_indices('"').find_map(|(end, _)| {
        let after = &inside[end + 1..];
        let closes = after.chars().next().is_none_or(char::is_whitespace);
        closes.then_some((&inside[..end], after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<String>, BadQuery> {
        let query = Query::parse(text, &Limits::default())?;
        let mut terms: Vec<String> = query.terms.iter().map(|term| term.folded.to_string()).collect();
        terms.sort();
        Ok(terms)
    }

    #[test]
    fn terms_stand_between_white_space_of_any_kind() {
        for (text, expected) in [
            ("one", vec!["one"]),
            (" one\ttwo\u{3000}three\n", vec!["one", "three", "two"]),
            (
                "C++ a:b * ? % _ \\ ( )",
                vec!["%", "(", ")", "*", "?", "\\", "_", "a:b", "c++"],
            ),
            ("Twice twice TWICE", vec!["twice"]),
        ] {
            assert_eq!(parsed(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_quote_at_the_start_of_a_term_opens_a_phrase_and_is_itself_elsewhere() {
        for (text, expected) in [
            ("\"one two\"", vec!["one two"]),
            ("\"one two\" three", vec!["one two", "three"]),
            ("zero \" one  two \"\tthree", vec![" one  two ", "three", "zero"]),
            ("5\" disk", vec!["5\"", "disk"]),
            ("a\"b c\"d", vec!["a\"b", "c\"d"]),
            ("\"say \"so\"it\" now\"", vec!["say \"so\"it", "now\""]),
            ("\"\"\"", vec!["\""]),
            ("\"\" x", vec!["x"]),
        ] {
            let mut expected = expected;
            expected.sort_unstable();
            assert_eq!(parsed(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_quote_that_nothing_closes_is_itself() {
        for (text, expected) in [
            ("\"one two", vec!["\"one", "two"]),
            ("\"", vec!["\""]),
            ("\"name\": 5", vec!["\"name\":", "5"]),
            ("one \"two", vec!["\"two", "one"]),
        ] {
            assert_eq!(parsed(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_query_without_a_term_is_refused() {
        for text in [
            "",
            " \t\u{3000}",
            "\"\"",
            "\"  \" \"\"",
            "\u{301}",
            "\u{200d} \u{fe0f}",
        ] {
            assert_eq!(parsed(text), Err(BadQuery::NoTerm), "{text:?}");
        }
        assert_eq!(
            parsed("\u{301} x").unwrap(),
            ["x"],
            "what folds to nothing asks for nothing"
        );
        assert_eq!(parsed("a\0b"), Err(BadQuery::Nul));
    }

    #[test]
    fn a_query_is_accepted_at_its_limits_and_refused_one_above() {
        assert!(parsed(&"é".repeat(512)).is_ok());
        let (max, actual) = (512, 513);
        assert_eq!(
            parsed(&"é".repeat(513)),
            Err(BadQuery::TooManyChars { max, actual })
        );
        assert!(parsed(&"x ".repeat(16)).is_ok());
        let (max, actual) = (16, 17);
        assert_eq!(
            parsed(&"x ".repeat(17)),
            Err(BadQuery::TooManyTerms { max, actual })
        );
    }

    #[test]
    fn a_query_of_short_terms_needs_a_scan_and_one_long_term_spares_it() {
        let needs_scan = |text| Query::parse(text, &Limits::default()).unwrap().needs_scan();
        for (text, expected) in [
            ("ab", true),
            ("C# 世", true),
            ("é", true),
            ("c++", false),
            ("世界", false),
            ("a 世界", false),
        ] {
            assert_eq!(needs_scan(text), expected, "{text}");
        }
    }
}
