//! The one function that decides whether a body matches a query.

use super::folding::Traced;
use super::highlights::highlights;
use super::{Folded, Highlight, Query};

/// A query at work on one body after another, in memory that it keeps.
#[derive(Clone, Debug)]
pub struct Matcher<'a> {
    query: &'a Query,
    /// Whether no body of plain ASCII can match.
    beyond_ascii: bool,
    folded: Folded,
}

impl<'a> Matcher<'a> {
    /// A matcher for a query.
    #[must_use]
    pub fn new(query: &'a Query) -> Matcher<'a> {
        Matcher {
            query,
            beyond_ascii: query.terms().iter().any(|term| !term.folded().is_ascii()),
            folded: Folded::default(),
        }
    }

    /// Whether a body contains every term.
    pub fn is_match(&mut self, body: &str) -> bool {
        if self.beyond_ascii && body.is_ascii() {
            return false;
        }
        self.folded.refold(body);
        self.query.is_match(&self.folded)
    }

    /// Where the terms are in a body that contains them all; `None` if it does not. Ascending and apart, at least
    /// one, the first [`crate::HIGHLIGHTS_MAX`].
    pub fn matches(&mut self, body: &str) -> Option<Vec<Highlight>> {
        if !self.is_match(body) {
            return None;
        }
        if body.is_ascii() {
            // Each byte folds to one byte.
            return Some(highlights(self.query, &self.folded, |start, end| (start, end)));
        }
        let traced = Traced::of(body);
        let origin = |start, end| traced.origin(start, end);
        Some(highlights(self.query, &traced.text, origin))
    }
}

impl Query {
    /// Where the terms are in a body that contains them all, as [`Matcher::matches`], which is faster for many bodies.
    #[must_use]
    pub fn matches(&self, body: &str) -> Option<Vec<Highlight>> {
        Matcher::new(self).matches(body)
    }
}
