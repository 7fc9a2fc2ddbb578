//! Runs that may hold hits, newest first: documents with all grams of the query, and messages of the tail that match.
//!
//! A candidate stands at the newest place that a hit in it can have, so everything above the next candidate is final.
//! Only the newest are kept; the newest place of what was left out is kept with them.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};

use foldhash::fast::RandomState;
use tantivy::columnar::Column;
use tantivy::query::{AllQuery, BooleanQuery, EnableScoring, Occur, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, Searcher, SegmentReader, Term};
use tiro_core::{ApplicationId, HitPlace, Matcher, SearchAfter, Timestamp, Token};

use super::rows::{Row, Rows};
use super::schema::{self, Fields};
use super::scope::{Scope, Tokens};
use crate::view::ViewError;

/// Where a message stands among hits; ascending is oldest first. Within an application only the position counts, and
/// over everything the time, then the token, then the position.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    at: i64,
    token: Option<Token>,
    position: u64,
}

impl Place {
    /// In a chat or an application.
    fn inside(position: u64) -> Place {
        Place {
            at: 0,
            token: None,
            position,
        }
    }

    /// The place of a message; `token` over everything.
    pub(super) fn of(token: Option<&Token>, created_at: Timestamp, position: u64) -> Place {
        match token {
            None => Place::inside(position),
            Some(token) => Place {
                at: created_at.as_millis(),
                token: Some(token.clone()),
                position,
            },
        }
    }

    /// From where a search goes on that has seen all above this place: with what is here, and below.
    pub(super) fn going_on(self) -> SearchAfter {
        let position = self.position.saturating_add(1);
        match self.token {
            None => SearchAfter::Position(position),
            Some(token) => SearchAfter::Place(HitPlace {
                created_at: Timestamp::from_millis(self.at),
                token,
                position,
            }),
        }
    }

    /// The first place behind `after`, or one above it where nothing is.
    fn first_behind(after: &SearchAfter) -> Place {
        match after {
            SearchAfter::Position(position) => Place::inside(position.saturating_sub(1)),
            SearchAfter::Place(place) => Place {
                at: place.created_at.as_millis(),
                token: Some(place.token.clone()),
                position: place.position.saturating_sub(1),
            },
        }
    }
}

/// Neighbouring messages of one chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) application: ApplicationId,
    pub(super) chat: u64,
    pub(super) first: u64,
    pub(super) count: u64,
}

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
    /// Of each segment that has any.
    runs: HashMap<u32, RunColumns, RandomState>,
}

impl Candidates {
    /// The next one, newest first.
    pub(super) fn pop(&mut self) -> Option<(Place, Run)> {
        let candidate = self.newest.pop()?;
        let run = match candidate.source {
            Source::Message(run) => run,
            Source::Document { segment, doc } => self.runs[&segment].run(doc),
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
    runs: HashMap<u32, RunColumns, RandomState>,
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
            runs: HashMap::default(),
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
    pub(super) fn index(
        &mut self,
        searcher: &Searcher,
        grams: &[tiro_core::Gram],
    ) -> Result<(), CollectError> {
        let (_, fields) = schema::schema();
        let query = self.query(&fields, grams);
        let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
        for (segment, reader) in (0..).zip(searcher.segment_readers()) {
            let columns = PlaceColumns::of(reader, self.scope)?;
            let mut failed = None;
            let mut any = false;
            weight.for_each_no_score(reader, &mut |docs| {
                for doc in docs.iter().copied().filter(|doc| !reader.is_deleted(*doc)) {
                    any = true;
                    if let Err(error) = self.document(&columns, segment, doc) {
                        failed = Some(error);
                    }
                }
            })?;
            if let Some(error) = failed {
                return Err(error.into());
            }
            if any {
                self.runs.insert(segment, RunColumns::of(reader)?);
            }
        }
        Ok(())
    }

    fn query(&self, fields: &Fields, grams: &[tiro_core::Gram]) -> Box<dyn Query> {
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

    fn document(&mut self, columns: &PlaceColumns, segment: u32, doc: DocId) -> Result<(), ViewError> {
        let place = match (columns, self.after) {
            (PlaceColumns::Inside { oldest, .. }, Some(SearchAfter::Position(after)))
                if value(oldest, doc) >= *after =>
            {
                return Ok(());
            }
            (PlaceColumns::Inside { newest, .. }, _) => Place::inside(value(newest, doc)),
            (PlaceColumns::Everywhere { oldest_at, .. }, Some(SearchAfter::Place(after)))
                if value(oldest_at, doc) > after.created_at.as_millis() =>
            {
                return Ok(());
            }
            (
                PlaceColumns::Everywhere {
                    application,
                    newest_at,
                    newest,
                    ..
                },
                _,
            ) => {
                let Some(token) = self.tokens.of(application_id(value(application, doc)))? else {
                    return Ok(());
                };
                Place {
                    at: value(newest_at, doc),
                    token: Some(token),
                    position: value(newest, doc),
                }
            }
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
            runs: self.runs,
        }
    }
}

/// The columns that place a document.
enum PlaceColumns {
    Inside {
        oldest: Column<u64>,
        newest: Column<u64>,
    },
    Everywhere {
        application: Column<u64>,
        oldest_at: Column<i64>,
        newest_at: Column<i64>,
        newest: Column<u64>,
    },
}

impl PlaceColumns {
    fn of(reader: &SegmentReader, scope: Scope) -> tantivy::Result<PlaceColumns> {
        let columns = reader.fast_fields();
        let newest = columns.u64(schema::NEWEST_POSITION)?;
        Ok(match scope {
            Scope::Chat { .. } | Scope::Application(_) => PlaceColumns::Inside {
                oldest: columns.u64(schema::OLDEST_POSITION)?,
                newest,
            },
            Scope::Everything => PlaceColumns::Everywhere {
                application: columns.u64(schema::APPLICATION)?,
                oldest_at: columns.i64(schema::OLDEST_AT)?,
                newest_at: columns.i64(schema::NEWEST_AT)?,
                newest,
            },
        })
    }
}

/// The columns that say which messages a document stands for.
struct RunColumns {
    application: Column<u64>,
    chat: Column<u64>,
    first: Column<u64>,
    count: Column<u64>,
}

impl RunColumns {
    fn of(reader: &SegmentReader) -> tantivy::Result<RunColumns> {
        let columns = reader.fast_fields();
        Ok(RunColumns {
            application: columns.u64(schema::APPLICATION)?,
            chat: columns.u64(schema::CHAT)?,
            first: columns.u64(schema::FIRST)?,
            count: columns.u64(schema::COUNT)?,
        })
    }

    fn run(&self, doc: DocId) -> Run {
        Run {
            application: application_id(value(&self.application, doc)),
            chat: value(&self.chat, doc),
            first: value(&self.first, doc),
            count: value(&self.count, doc),
        }
    }
}

/// Every document has every column.
fn value<T: PartialOrd + 'static>(column: &Column<T>, doc: DocId) -> T {
    column.values.get_val(doc)
}

fn application_id(number: u64) -> ApplicationId {
    ApplicationId(u32::try_from(number).expect("an application's number was written with 32 bits"))
}

/// The newest position that the index has of an application; 0 if it has none.
pub(super) fn newest_position(searcher: &Searcher, id: ApplicationId) -> tantivy::Result<u64> {
    let (_, fields) = schema::schema();
    let query = TermQuery::new(fields.in_application(id), IndexRecordOption::Basic);
    let weight = query.weight(EnableScoring::disabled_from_searcher(searcher))?;
    let mut found = 0;
    for reader in searcher.segment_readers() {
        let newest = reader.fast_fields().u64(schema::NEWEST_POSITION)?;
        weight.for_each_no_score(reader, &mut |docs| {
            for doc in docs {
                found = found.max(value(&newest, *doc));
            }
        })?;
    }
    Ok(found)
}
