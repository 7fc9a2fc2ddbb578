//! Which parts of a body a query found.

use std::iter::Peekable;
use std::ops::Range;

use crate::HIGHLIGHTS_MAX;

use super::{Folded, Query};

/// A part of a body, in Unicode scalar values from its beginning: `start` is the first, `end` is behind the last.
///
/// It covers whole units, so it never cuts what a person sees as one character: a hit on part of an expanded scalar
/// (`f` in `ﬁ`) covers all of it, and combining marks and invisible characters behind a base go with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Highlight {
    /// The first scalar.
    pub start: usize,
    /// The one behind the last.
    pub end: usize,
}

/// Every occurrence of every term in a folded text, where `origin` places it: ascending, overlapping and touching
/// ones merged, the first [`HIGHLIGHTS_MAX`] of them.
///
/// Occurrences of one term do not overlap: the leftmost counts, then the next behind it.
pub(super) fn highlights(
    query: &Query,
    text: &Folded,
    origin: impl Fn(usize, usize) -> (usize, usize),
) -> Vec<Highlight> {
    let occurrences = query.terms().iter().map(|term| {
        let length = term.folded().len();
        let found = term.finder.find_iter(text.as_bytes());
        found.map(move |start| start..start + length)
    });
    let mut upcoming: Vec<_> = occurrences.map(Iterator::peekable).collect();
    let mut merged: Vec<Highlight> = Vec::new();
    while let Some(occurrence) = first_of(&mut upcoming) {
        let (start, end) = origin(occurrence.start, occurrence.end);
        if let Some(last) = merged.last_mut()
            && start <= last.end
        {
            last.end = last.end.max(end);
        } else if merged.len() < HIGHLIGHTS_MAX {
            merged.push(Highlight { start, end });
        } else {
            break;
        }
    }
    merged
}

/// Takes the occurrence that begins first.
fn first_of(upcoming: &mut [Peekable<impl Iterator<Item = Range<usize>>>]) -> Option<Range<usize>> {
    let first = upcoming
        .iter_mut()
        .filter_map(|occurrences| {
            let start = occurrences.peek()?.start;
            Some((start, occurrences))
        })
        .min_by_key(|(start, _)| *start);
    first.and_then(|(_, occurrences)| occurrences.next())
}
