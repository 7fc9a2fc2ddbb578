//! The hits of a page, and one more that says whether there is another page.

use std::collections::BTreeMap;

use tiro_core::{Found, Hit, PAGE_BYTES_MAX, SearchAfter, SearchRequest};

use super::place::Place;
use super::scope::Scope;

/// Hits come in pieces that are in order, and within a piece in none: a piece is settled before the next one is begun.
pub(super) struct Hits<'a> {
    request: &'a SearchRequest,
    /// Of the present piece, by place; only so many newest that they fill the page.
    open: BTreeMap<Place, Hit>,
    settled: Vec<Hit>,
    bytes: usize,
    /// How many fill the page, once that is known.
    fitting: Option<usize>,
}

impl<'a> Hits<'a> {
    pub(super) fn new(request: &'a SearchRequest) -> Hits<'a> {
        Hits {
            request,
            open: BTreeMap::new(),
            settled: Vec::new(),
            bytes: 0,
            fitting: None,
        }
    }

    pub(super) fn offer(&mut self, scope: &Scope, hit: Hit) {
        let place = hit.place();
        let to_come = |after: &SearchAfter| after.precedes(&place);
        if !self.request.after.as_ref().is_none_or(to_come) {
            return;
        }
        self.open.insert(Place::of(scope, &place), hit);
        if self.open.len() > self.request.limit as usize + 1 {
            self.open.pop_first();
        }
    }

    /// Ends a piece: nothing that comes later stands above it. Whether the page is full, and it is known that more follows.
    pub(super) fn settle(&mut self) -> bool {
        while let Some((_, hit)) = self.open.pop_last() {
            if self.is_full() {
                break;
            }
            self.bytes += hit.message.bytes();
            self.settled.push(hit);
            let is_full = self.settled.len() >= self.request.limit as usize || self.bytes >= PAGE_BYTES_MAX;
            if is_full && self.fitting.is_none() {
                self.fitting = Some(self.settled.len());
            }
        }
        self.is_full()
    }

    fn is_full(&self) -> bool {
        self.fitting.is_some_and(|fitting| self.settled.len() > fitting)
    }

    /// The page. It goes on behind its last hit if it is full, else at `next`.
    pub(super) fn page(mut self, next: Option<SearchAfter>) -> Found {
        let mut next = next;
        if let (true, Some(fitting)) = (self.is_full(), self.fitting) {
            self.settled.truncate(fitting);
            let last = self.settled.last().map(Hit::place);
            next = last.map(|last| self.request.scope.after(last));
        }
        Found {
            hits: self.settled,
            next,
            searched_through: None,
        }
    }
}
