//! The index as of one commit: what searches read, opened once.
//!
//! Opening a column costs some ten microseconds, a search needs six of each segment, and there are a dozen segments: so
//! they are opened by the indexer when it has committed, and shared.

use std::sync::Arc;

use tantivy::columnar::Column;
use tantivy::query::{EnableScoring, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, Searcher, SegmentReader};
use tiro_core::{ApplicationId, Timestamp};

use super::schema::{self, Fields};

/// See the file. Cheap to clone.
#[derive(Clone)]
pub(super) struct Committed {
    pub(super) searcher: Searcher,
    pub(super) fields: Fields,
    /// One for each segment.
    columns: Arc<[Columns]>,
}

impl Committed {
    pub(super) fn open(searcher: Searcher) -> tantivy::Result<Committed> {
        let columns: Vec<Columns> = searcher
            .segment_readers()
            .iter()
            .map(Columns::open)
            .collect::<tantivy::Result<_>>()?;
        Ok(Committed {
            fields: schema::schema().1,
            columns: columns.into(),
            searcher,
        })
    }

    /// The segments with their columns.
    pub(super) fn segments(&self) -> impl Iterator<Item = (&SegmentReader, &Columns)> {
        self.searcher.segment_readers().iter().zip(&*self.columns)
    }

    /// The columns of a segment, by its place among them.
    pub(super) fn columns_of(&self, segment: usize) -> &Columns {
        &self.columns[segment]
    }

    /// The newest position that the index has of an application; 0 if it has none.
    pub(super) fn newest_position(&self, id: ApplicationId) -> tantivy::Result<u64> {
        let query = TermQuery::new(self.fields.in_application(id), IndexRecordOption::Basic);
        let weight = query.weight(EnableScoring::disabled_from_searcher(&self.searcher))?;
        let mut found = 0;
        for (reader, columns) in self.segments() {
            weight.for_each_no_score(reader, &mut |docs| {
                let newest = docs.iter().map(|doc| columns.newest_position(*doc));
                found = newest.fold(found, u64::max);
            })?;
        }
        Ok(found)
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

/// The columns of a segment. Every document has every column.
pub(super) struct Columns {
    application: Column<u64>,
    chat: Column<u64>,
    first: Column<u64>,
    count: Column<u64>,
    oldest_position: Column<u64>,
    newest_position: Column<u64>,
    oldest_at: Column<i64>,
    newest_at: Column<i64>,
}

impl Columns {
    fn open(reader: &SegmentReader) -> tantivy::Result<Columns> {
        let columns = reader.fast_fields();
        Ok(Columns {
            application: columns.u64(schema::APPLICATION)?,
            chat: columns.u64(schema::CHAT)?,
            first: columns.u64(schema::FIRST)?,
            count: columns.u64(schema::COUNT)?,
            oldest_position: columns.u64(schema::OLDEST_POSITION)?,
            newest_position: columns.u64(schema::NEWEST_POSITION)?,
            oldest_at: columns.i64(schema::OLDEST_AT)?,
            newest_at: columns.i64(schema::NEWEST_AT)?,
        })
    }

    pub(super) fn application(&self, doc: DocId) -> ApplicationId {
        let number = value(&self.application, doc);
        ApplicationId(u32::try_from(number).expect("an application's number was written with 32 bits"))
    }

    pub(super) fn oldest_position(&self, doc: DocId) -> u64 {
        value(&self.oldest_position, doc)
    }

    pub(super) fn newest_position(&self, doc: DocId) -> u64 {
        value(&self.newest_position, doc)
    }

    pub(super) fn oldest_at(&self, doc: DocId) -> Timestamp {
        Timestamp::from_millis(value(&self.oldest_at, doc))
    }

    pub(super) fn newest_at(&self, doc: DocId) -> Timestamp {
        Timestamp::from_millis(value(&self.newest_at, doc))
    }

    /// The messages that a document stands for.
    pub(super) fn run(&self, doc: DocId) -> Run {
        Run {
            application: self.application(doc),
            chat: value(&self.chat, doc),
            first: value(&self.first, doc),
            count: value(&self.count, doc),
        }
    }
}

fn value<T: PartialOrd + 'static>(column: &Column<T>, doc: DocId) -> T {
    column.values.get_val(doc)
}
