//! Runs that may hold hits, newest first: documents with all grams of the query, and messages of the tail that match.
//!
//! A candidate stands at the newest place that a hit in it can have, so everything above the next candidate is final.
//! Only the newest are kept; the newest place of what was left out is kept with them.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use tantivy::query::{AllQuery, BooleanQuery, EnableScoring, Occur, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, Term};
use tiro_core::{Gram, Matcher, SearchAfter};

use super::committed::{Columns, Committed, Run};
use super::place::Place;
use super::rows::{Row, Rows};
use super::schema::Fields;
use super::scope::{Scope, Tokens};
use crate::view::ViewError;

#[derive(Clone, Copy, Debug)]
enum Source {
    Document { segment: u32, doc: DocId },
    Message(Run),
}

/// A run and the newest place that a hit in it can have.
#[derive(Debug)]
pub(super) struct Candidate {
    pub(super) place: Place,
    source: Source,
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Candidate) -> bool {
        self.place == other.place
    }
}

impl Eq for Candidate {}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Candidate) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Candidate {
    fn cmp(&self, other: &Candidate) -> Ordering {
        self.place.cmp(&other.place)
    }
}

/// Why candidates could not be found.
pub(super) enum CollectError {
    Index(tantivy::TantivyError),
    View(ViewError),
}

impl From<tantivy::TantivyError> for CollectError {
    fn from(error: tantivy::TantivyError) -> CollectError {
        CollectError::Index(error)
    }
}

impl From<ViewError> for CollectError {
    fn from(error: ViewError) -> CollectError {
        CollectError::View(error)
    }
}

/// The newest candidates.
pub(super) struct Candidates {
    newest: BinaryHeap<Candidate>,
    /// The newest place of those that were left out.
    left_out: Option<Place>,
    /// Where the documents are.
    committed: Option<Committed>,
}

impl Candidates {
    /// The next one, newest first.
    pub(super) fn pop(&mut self) -> Option<(Place, Run)> {
        let candidate = self.newest.pop()?;
        let run = match candidate.source {
            Source::Message(run) => run,
            Source::Document { segment, doc } => {
                let index = self.committed.as_ref().expect("a document is of an index");
                index.columns_of(segment as usize).run(doc)
            }
        };
        Some((candidate.place, run))
    }

    /// Whether all that were kept were popped.
    pub(super) fn is_exhausted(&self) -> bool {
        self.newest.is_empty()
    }

    /// The newest place that a hit in what was not popped can have.
    pub(super) fn frontier(&self) -> Option<&Place> {
        let next = self.newest.peek().map(|candidate| &candidate.place);
        next.max(self.left_out.as_ref())
    }
}

/// Finds candidates, and keeps at most so many.
pub(super) struct Collector<'a> {
    scope: Scope,
    tokens: &'a mut Tokens,
    after: Option<&'a SearchAfter>,
    /// No candidate stands above it.
    top: Option<Place>,
    max: usize,
    found: Vec<Candidate>,
    left_out: Option<Place>,
    committed: Option<Committed>,
}

impl<'a> Collector<'a> {
    pub(super) fn new(
        scope: Scope,
        tokens: &'a mut Tokens,
        after: Option<&'a SearchAfter>,
        max: usize,
    ) -> Collector<'a> {
        Collector {
            scope,
            tokens,
            after,
            top: after.map(Place::first_behind),
            max,
            found: Vec::new(),
            left_out: None,
            committed: None,
        }
    }

    /// Takes the messages of the tail that match.
    pub(super) fn tail(&mut self, rows: &Rows, matcher: &mut Matcher<'_>) -> Result<(), ViewError> {
        for row in &rows.written {
            if self.scope.has(row.application, row.chat) && matcher.is_match(&row.content.body) {
                self.tail_row(row)?;
            }
        }
        Ok(())
    }

    fn tail_row(&mut self, row: &Row) -> Result<(), ViewError> {
        let token = match self.scope {
            Scope::Everything => match self.tokens.of(row.application)? {
                None => return Ok(()),
                token => token,
            },
            _ => None,
        };
        let place = Place::of(token.as_ref(), row.created_at, row.created_position);
        let run = Run {
            application: row.application,
            chat: row.chat,
            first: row.number,
            count: 1,
        };
        if self.top.as_ref().is_none_or(|top| place <= *top) {
            self.offer(place, Source::Message(run));
        }
        Ok(())
    }

    /// Takes the documents that have all grams, in the scope.
    pub(super) fn index(&mut self, index: &Committed, grams: &[Gram]) -> Result<(), CollectError> {
        let query = self.query(&index.fields, grams);
        let weight = query.weight(EnableScoring::disabled_from_searcher(&index.searcher))?;
        for (segment, (reader, columns)) in (0..).zip(index.segments()) {
            let mut failed = None;
            weight.for_each_no_score(reader, &mut |docs| {
                for doc in docs.iter().copied().filter(|doc| !reader.is_deleted(*doc)) {
                    if let Err(error) = self.document(columns, segment, doc) {
                        failed = Some(error);
                    }
                }
            })?;
            if let Some(error) = failed {
                return Err(error.into());
            }
        }
        self.committed = Some(index.clone());
        Ok(())
    }

    fn query(&self, fields: &Fields, grams: &[Gram]) -> Box<dyn Query> {
        let scope = match self.scope {
            Scope::Chat { id, chat } => Some(fields.in_chat(id, chat)),
            Scope::Application(id) => Some(fields.in_application(id)),
            Scope::Everything => None,
        };
        let grams = grams
            .iter()
            .map(|gram| Term::from_field_text(fields.gram, gram.as_str()));
        let terms = scope.into_iter().chain(grams);
        let clauses: Vec<(Occur, Box<dyn Query>)> = terms
            .map(|term| {
                let query: Box<dyn Query> = Box::new(TermQuery::new(term, IndexRecordOption::Basic));
                (Occur::Must, query)
            })
            .collect();
        if clauses.is_empty() {
            Box::new(AllQuery)
        } else {
            Box::new(BooleanQuery::new(clauses))
        }
    }

    fn document(&mut self, columns: &Columns, segment: u32, doc: DocId) -> Result<(), ViewError> {
        let is_behind_all = match self.after {
            None => false,
            Some(SearchAfter::Position(after)) => columns.oldest_position(doc) >= *after,
            Some(SearchAfter::Place(after)) => columns.oldest_at(doc) > after.created_at,
        };
        if is_behind_all {
            return Ok(());
        }
        let newest = columns.newest_position(doc);
        let place = match self.scope {
            Scope::Chat { .. } | Scope::Application(_) => Place::inside(newest),
            Scope::Everything => match self.tokens.of(columns.application(doc))? {
                None => return Ok(()),
                token => Place::of(token.as_ref(), columns.newest_at(doc), newest),
            },
        };
        let place = match &self.top {
            Some(top) if place > *top => top.clone(),
            _ => place,
        };
        self.offer(place, Source::Document { segment, doc });
        Ok(())
    }

    fn offer(&mut self, place: Place, source: Source) {
        if self.left_out.as_ref().is_some_and(|left_out| place <= *left_out) {
            return;
        }
        self.found.push(Candidate { place, source });
        if self.found.len() >= self.max.saturating_mul(2) {
            self.cut();
        }
    }

    /// Leaves out all but the newest.
    fn cut(&mut self) {
        let newest_first = |one: &Candidate, other: &Candidate| other.cmp(one);
        let (_, newest_left_out, _) = self.found.select_nth_unstable_by(self.max, newest_first);
        self.left_out = Some(newest_left_out.place.clone()).max(self.left_out.take());
        self.found.truncate(self.max);
    }

    pub(super) fn finish(self) -> Candidates {
        Candidates {
            newest: self.found.into(),
            left_out: self.left_out,
            committed: self.committed,
        }
    }
}
