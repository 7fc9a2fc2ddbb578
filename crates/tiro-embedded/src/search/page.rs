//! One page of hits: candidates are walked newest first until enough hits are final.
//!
//! A hit is final when nothing that was not looked at yet can stand above it. At a deadline the page ends where the walk
//! is, and the next one goes on there; but never before it came further than where it began.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use tiro_core::{
    Failure, Found, Hit, HitPlace, IfBehind, Matcher, PAGE_BYTES_MAX, SearchAfter, SearchBehind,
    SearchRequest, Searched, Shortage,
};

use super::candidates::{Candidates, CollectError, Collector};
use super::committed::Run;
use super::messages::{Seen, each_message};
use super::place::Place;
use super::scope::{Scope, Tokens, cursor_of, resolve};
use super::state::{Pinned, SharedState};
use crate::errors::unavailable;
use crate::recent::Recent;
use crate::view::ViewError;

/// Runs that are looked at together.
const RUNS_TOGETHER: usize = 16;

/// A search at work.
pub(super) struct Walk<'a> {
    pub(super) recent: &'a Arc<Recent>,
    pub(super) state: &'a SharedState,
    pub(super) request: &'a SearchRequest,
    /// When it has to end.
    pub(super) deadline: Instant,
    /// Whether nobody waits for the answer any more.
    pub(super) is_given_up: &'a dyn Fn() -> bool,
}

impl Walk<'_> {
    /// The answer.
    pub(super) fn answer(&self) -> Result<Searched, Failure> {
        let (scope, application) = resolve(self.recent, &self.request.scope)?;
        // All that is published now is in the index or the tail, for the writer puts it there before it publishes.
        let searched_through = cursor_of(application.as_ref());
        let pinned = match self.request.if_behind {
            IfBehind::Refuse => self.state.pin_complete(self.deadline),
            IfBehind::AnswerInPart => self.state.pin(),
        };
        if self.state.is_stopping() {
            return Err(unavailable(Shortage::Stopping));
        }
        let reached = if pinned.complete {
            searched_through
        } else {
            let position = self.position_reached(&pinned, scope)?;
            application.map(|application| application.cursor_at(position))
        };
        if !pinned.complete && self.request.if_behind == IfBehind::Refuse {
            return Ok(Searched::Behind(SearchBehind {
                searched_through: reached,
                retry_after: self.state.options.behind_retry_after,
            }));
        }
        let mut page = self.page(&pinned, scope)?;
        page.searched_through = reached;
        Ok(Searched::Found(page))
    }

    /// How far the index is in the feed, at least: what lies before a message that it has, it has too.
    fn position_reached(&self, pinned: &Pinned, scope: Scope) -> Result<u64, Failure> {
        let (Scope::Chat { id, .. } | Scope::Application(id)) = scope else {
            return Ok(0);
        };
        match &pinned.index {
            None => Ok(0),
            Some(index) => index
                .newest_position(id)
                .map_err(|error| self.failed(error.into())),
        }
    }

    fn page(&self, pinned: &Pinned, scope: Scope) -> Result<Found, Failure> {
        let mut tokens = Tokens::new(Arc::clone(self.recent));
        let mut max = self.state.options.candidates_max;
        loop {
            let candidates = self
                .candidates(pinned, scope, &mut tokens, max)
                .map_err(|error| self.failed(error))?;
            if let Some(found) = self.walk(candidates, scope, &mut tokens)? {
                return Ok(found);
            }
            // So many stand at one place that all that were kept brought the walk no further.
            max = max.saturating_mul(2);
        }
    }

    fn failed(&self, error: CollectError) -> Failure {
        match error {
            CollectError::View(error) => error.into(),
            CollectError::Index(error) => {
                self.state.suspect();
                Failure::Internal(format!("the search index cannot be read: {error}"))
            }
        }
    }

    fn candidates(
        &self,
        pinned: &Pinned,
        scope: Scope,
        tokens: &mut Tokens,
        max: usize,
    ) -> Result<Candidates, CollectError> {
        let mut matcher = Matcher::new(&self.request.query);
        let mut collector = Collector::new(scope, tokens, self.request.after.as_ref(), max);
        for rows in &pinned.tail {
            collector.tail(rows, &mut matcher)?;
        }
        if let Some(index) = &pinned.index {
            collector.index(index, &self.request.query.grams())?;
        }
        Ok(collector.finish())
    }

    /// A page; `None` if candidates were left out and those kept did not bring it any further.
    fn walk(
        &self,
        mut candidates: Candidates,
        scope: Scope,
        tokens: &mut Tokens,
    ) -> Result<Option<Found>, Failure> {
        let start = candidates.frontier().cloned();
        let mut matcher = Matcher::new(&self.request.query);
        let mut hits = Hits::new(self.request);
        let mut examined = 0;
        loop {
            let mut runs = Vec::with_capacity(RUNS_TOGETHER);
            while runs.len() < RUNS_TOGETHER
                && let Some((_, run)) = candidates.pop()
            {
                if tokens.is_live(run.application, run.chat)? {
                    runs.push(run);
                }
            }
            let ended = candidates.is_exhausted();
            examined += runs.iter().map(|run| run.count).sum::<u64>();
            self.look_at(&runs, scope, tokens, &mut matcher, &mut hits)?;
            let frontier = candidates.frontier();
            if hits.settle(frontier) {
                return Ok(Some(hits.page(None)));
            }
            let Some(frontier) = frontier else {
                return Ok(Some(hits.page(None)));
            };
            let moved = Some(frontier) < start.as_ref();
            if ended && !moved {
                return Ok(None);
            }
            if (self.is_given_up)() {
                return Err(unavailable(Shortage::Stopping));
            }
            let is_time = examined >= self.state.options.examined_max || Instant::now() >= self.deadline;
            if ended || (is_time && moved) {
                return Ok(Some(hits.page(Some(frontier.clone().going_on()))));
            }
        }
    }

    fn look_at(
        &self,
        runs: &[Run],
        scope: Scope,
        tokens: &mut Tokens,
        matcher: &mut Matcher<'_>,
        hits: &mut Hits<'_>,
    ) -> Result<(), Failure> {
        let mut matching = Vec::new();
        each_message(self.recent, runs, |index, seen: &Seen<'_>| {
            if let Some(highlights) = matcher.matches(seen.body()) {
                matching.push((index, seen.message().map_err(ViewError::from)?, highlights));
            }
            Ok(())
        })?;
        for (index, message, highlights) in matching {
            let run = &runs[index];
            let application = match &self.request.scope {
                tiro_core::SearchScope::Chat { token, .. } | tiro_core::SearchScope::Application(token) => {
                    Some(token.clone())
                }
                tiro_core::SearchScope::Everything => tokens.of(run.application)?,
            };
            let Some(application) = application else { continue };
            let everywhere = (scope == Scope::Everything).then_some(&application);
            let place = Place::of(everywhere, message.created_at, message.created_position);
            hits.offer(
                place,
                Hit {
                    application,
                    chat: run.chat,
                    message,
                    highlights,
                },
            );
        }
        Ok(())
    }
}

/// The hits of a page, and one more that says whether there is another page.
struct Hits<'a> {
    request: &'a SearchRequest,
    /// By place, each once, though several candidates may have it; of these only so many newest that they fill the page.
    open: BTreeMap<Place, Hit>,
    settled: Vec<Hit>,
    bytes: usize,
    /// How many fill the page, once that is known.
    fitting: Option<usize>,
}

impl<'a> Hits<'a> {
    fn new(request: &'a SearchRequest) -> Hits<'a> {
        Hits {
            request,
            open: BTreeMap::new(),
            settled: Vec::new(),
            bytes: 0,
            fitting: None,
        }
    }

    fn offer(&mut self, place: Place, hit: Hit) {
        let to_come = |after: &SearchAfter| after.precedes(&hit.place());
        if !self.request.after.as_ref().is_none_or(to_come) {
            return;
        }
        self.open.insert(place, hit);
        if self.open.len() > self.request.limit as usize + 1 {
            self.open.pop_first();
        }
    }

    /// Settles the hits above the frontier. Whether the page is full, and it is known that more follows.
    fn settle(&mut self, frontier: Option<&Place>) -> bool {
        while !self.is_full()
            && let Some(newest) = self.open.last_entry()
        {
            if frontier.is_some_and(|frontier| newest.key() <= frontier) {
                break;
            }
            let hit = newest.remove();
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
    fn page(mut self, next: Option<SearchAfter>) -> Found {
        let mut next = next;
        if self.is_full() {
            self.settled.truncate(self.fitting.unwrap_or(0));
            let last = self.settled.last().map(Hit::place);
            next = last.map(|last: HitPlace| self.request.scope.after(last));
        }
        Found {
            hits: self.settled,
            next,
            searched_through: None,
        }
    }
}
