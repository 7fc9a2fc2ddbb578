//! Search: candidates of an index and of what it does not have yet, confirmed against current rows.
//!
//! A round asks the index first: one response has candidates and, for each partition, the watermark up to which the index
//! has every change. Then a snapshot is begun in MySQL: the *tail* are the messages that changes above the watermarks
//! created or edited. Candidates and tail together cover every change of the snapshot, and the snapshot is younger than the
//! request; so nothing that was acknowledged before it is missed, and `searched_through` is the end of the feed in the first
//! snapshot. What matches is decided by the rows of the snapshot and the matcher of the core, never by the index.

mod confirm;
mod hits;
mod index;
mod indexed;
mod place;
mod scope;
mod tail;

use std::sync::Arc;
use std::time::Duration;

use tiro_core::{Cursor, Failure, IfBehind, Matcher, SearchAfter, SearchBehind, SearchRequest, Searched};
use tokio::time::Instant;

use crate::planted::{self, Bug};
use crate::reads::{ReadError, ReadPool, Session};
use hits::Hits;
use place::Place;
use scope::Scope;

use index::{Proposal, Wish};

pub(crate) use index::Index;
pub(crate) use indexed::Indexed;

/// Longest time of one search. At its end a page is answered as it is.
const SEARCH_MAX: Duration = Duration::from_secs(2);
/// Most changes that a search looks at because the index does not have them yet.
const TAIL_MAX: u64 = 50_000;
/// Candidates wanted of one response of the index.
const CANDIDATES_WANTED: usize = 2_000;
/// Messages confirmed in one statement: a page's worth first, since most candidates match; then more.
const CONFIRMED_TOGETHER_MAX: usize = 1_000;
/// When it is worth asking again while the index is behind.
const BEHIND_RETRY_AFTER: Duration = Duration::from_secs(1);

/// Answers searches, on connections of their own.
pub(crate) struct Search {
    pool: ReadPool,
    index: Arc<dyn Index>,
}

/// What one round came to.
enum Round {
    /// The page is full, or everything was looked at.
    Done,
    /// All above this place was looked at, and there may be more below.
    Reached(SearchAfter),
    /// The index is too far behind; the place in the feed that it has reached.
    Behind(Option<Cursor>),
}

impl Search {
    pub(crate) fn new(pool: ReadPool, index: Arc<dyn Index>) -> Search {
        Search { pool, index }
    }

    /// The answer.
    pub(crate) async fn answer(&self, request: &SearchRequest) -> Result<Searched, Failure> {
        let deadline = Instant::now() + SEARCH_MAX;
        let mut work = Work {
            request,
            matcher: Matcher::new(&request.query),
            hits: Hits::new(request),
            after: request.after.clone(),
            searched_through: None,
            deadline,
        };
        loop {
            match work.round(self).await? {
                Round::Done => return Ok(work.found(None)),
                Round::Behind(searched_through) => {
                    return Ok(Searched::Behind(SearchBehind {
                        searched_through,
                        retry_after: BEHIND_RETRY_AFTER,
                    }));
                }
                Round::Reached(after) => {
                    let has_moved = work.after.as_ref() != Some(&after);
                    if !has_moved {
                        return Err(Failure::Internal("the search index leads nowhere".to_owned()));
                    }
                    if Instant::now() >= deadline {
                        return Ok(work.found(Some(after)));
                    }
                    work.after = Some(after);
                }
            }
        }
    }
}

/// A search at work.
struct Work<'a> {
    request: &'a SearchRequest,
    matcher: Matcher<'a>,
    hits: Hits<'a>,
    /// From where the next round goes on.
    after: Option<SearchAfter>,
    /// Of the first round.
    searched_through: Option<Option<Cursor>>,
    deadline: Instant,
}

impl Work<'_> {
    fn found(self, next: Option<SearchAfter>) -> Searched {
        let mut page = self.hits.page(next);
        page.searched_through = self.searched_through.flatten();
        Searched::Found(page)
    }

    async fn round(&mut self, search: &Search) -> Result<Round, Failure> {
        let wish = Wish {
            scope: &self.request.scope,
            query: &self.request.query,
            after: self.after.as_ref(),
            candidates: CANDIDATES_WANTED,
            deadline: self.deadline,
        };
        let proposal = search.index.propose(wish).await?;
        let mut snapshot = search.pool.begin().await?;
        snapshot
            .carry_out(async |session| self.in_snapshot(session, proposal).await)
            .await
    }

    async fn in_snapshot(
        &mut self,
        session: &mut Session<'_>,
        proposal: Proposal,
    ) -> Result<Round, ReadError> {
        let scope = Scope::resolve(session, &self.request.scope).await?;
        let mut reached = scope.cursor();
        let mut found = Vec::new();
        if tail::length(session, &scope, &proposal).await? > TAIL_MAX {
            reached = tail::searched_through(session, &scope, &proposal).await?;
            if self.request.if_behind == IfBehind::Refuse {
                return Ok(Round::Behind(reached));
            }
        } else {
            found = tail::messages(session, &scope, &proposal, self.after.as_ref()).await?;
            found.retain(|_| !planted::is(Bug::TailNotMerged));
        }
        self.searched_through.get_or_insert(reached);
        let frontier = proposal.frontier.map(|place| Place::of(&scope, &place));
        let proposed = proposal.candidates.into_iter();
        found.extend(proposed.map(|candidate| candidate.at(&scope)));
        self.walk(session, &scope, found, frontier).await
    }

    /// Confirms candidates, the newest first, down to the frontier of the index.
    async fn walk(
        &mut self,
        session: &mut Session<'_>,
        scope: &Scope,
        mut found: Vec<(Place, tail::Key)>,
        frontier: Option<Place>,
    ) -> Result<Round, ReadError> {
        found.retain(|(place, _)| frontier.as_ref().is_none_or(|frontier| place > frontier));
        found.sort_unstable();
        found.dedup();
        let mut together = (self.request.limit as usize + 1).max(64);
        while !found.is_empty() {
            let rest = found.len().saturating_sub(together);
            let keys: Vec<tail::Key> = found.drain(rest..).map(|(_, key)| key).collect();
            confirm::offer(session, scope, &keys, (&mut self.matcher, &mut self.hits)).await?;
            if self.hits.settle() {
                return Ok(Round::Done);
            }
            if let Some((next, _)) = found.last()
                && Instant::now() >= self.deadline
            {
                return Ok(Round::Reached(next.clone().going_on()));
            }
            together = (together * 2).min(CONFIRMED_TOGETHER_MAX);
        }
        Ok(match frontier {
            None => Round::Done,
            Some(frontier) => Round::Reached(frontier.going_on()),
        })
    }
}
