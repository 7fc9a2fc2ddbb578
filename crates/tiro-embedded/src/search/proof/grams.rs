//! Which grams each document of a segment has: the terms and their lists turned round, some documents at a time.
//!
//! One walk over all terms counts the grams of every document. Then the documents are taken in their order, as many as
//! have together so many grams as may be in memory, and one walk for each such span gathers them.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use foldhash::fast::RandomState;
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, InvertedIndexReader, SegmentReader, TERMINATED};
use tiro_core::Gram;

use super::ProofError;
use crate::search::schema::Fields;

/// Most grams whose number in the segment is kept in mind.
const KNOWN_MAX: usize = 1_000_000;

/// The grams of a segment.
pub(super) struct SegmentGrams {
    index: Arc<InvertedIndexReader>,
    /// How many grams each document has.
    counts: Vec<u32>,
    /// Numbers of grams that were asked for; `None` if the segment has it nowhere.
    known: HashMap<Gram, Option<u32>, RandomState>,
}

/// The grams of neighbouring documents, as their numbers among the segment's terms.
pub(super) struct Gathered {
    docs: Range<DocId>,
    /// Where the grams of each document begin, and at last where they end.
    begins: Vec<usize>,
    /// Ascending for each document.
    numbers: Vec<u32>,
}

impl SegmentGrams {
    pub(super) fn open(reader: &SegmentReader, fields: Fields) -> Result<SegmentGrams, ProofError> {
        let index = reader.inverted_index(fields.gram)?;
        let mut counts = vec![0; reader.max_doc() as usize];
        each_posting(&index, 0..reader.max_doc(), |_, doc| counts[doc as usize] += 1)?;
        Ok(SegmentGrams {
            index,
            counts,
            known: HashMap::default(),
        })
    }

    /// The documents in spans of at most so many grams, at least one document each.
    pub(super) fn spans(&self, grams_together: u64) -> Vec<Range<DocId>> {
        let (mut spans, mut begin, mut grams) = (Vec::new(), 0, 0);
        for (doc, count) in (0..).zip(&self.counts) {
            if doc > begin && grams + u64::from(*count) > grams_together {
                spans.push(begin..doc);
                (begin, grams) = (doc, 0);
            }
            grams += u64::from(*count);
        }
        let end = self.counts.len() as DocId;
        spans.extend((begin < end).then_some(begin..end));
        spans
    }

    pub(super) fn gather(&self, docs: Range<DocId>) -> Result<Gathered, ProofError> {
        let mut begins = vec![0];
        let mut end = 0;
        for count in &self.counts[docs.start as usize..docs.end as usize] {
            end += *count as usize;
            begins.push(end);
        }
        let (mut ends, mut numbers) = (begins.clone(), vec![0; end]);
        each_posting(&self.index, docs.clone(), |number, doc| {
            let end = &mut ends[(doc - docs.start) as usize];
            numbers[*end] = number;
            *end += 1;
        })?;
        Ok(Gathered {
            docs,
            begins,
            numbers,
        })
    }

    /// Whether a document that was gathered has a gram.
    pub(super) fn has(&mut self, gathered: &Gathered, doc: DocId, gram: Gram) -> Result<bool, ProofError> {
        if self.known.len() >= KNOWN_MAX {
            self.known.clear();
        }
        let number = match self.known.get(&gram) {
            Some(number) => *number,
            None => {
                let number = self.index.terms().term_ord(gram.as_bytes())?;
                let number = number.and_then(|number| u32::try_from(number).ok());
                self.known.insert(gram, number);
                number
            }
        };
        let place = (doc - gathered.docs.start) as usize;
        let grams = &gathered.numbers[gathered.begins[place]..gathered.begins[place + 1]];
        Ok(number.is_some_and(|number| grams.binary_search(&number).is_ok()))
    }
}

/// Hands over every gram, by its number, with every document among some that has it.
fn each_posting(
    index: &InvertedIndexReader,
    docs: Range<DocId>,
    mut visit: impl FnMut(u32, DocId),
) -> Result<(), ProofError> {
    let mut terms = index.terms().stream()?;
    let mut number = 0;
    while terms.advance() {
        let mut postings = index.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
        let mut doc = postings.doc();
        if doc < docs.start {
            doc = postings.seek(docs.start);
        }
        while doc != TERMINATED && doc < docs.end {
            visit(number, doc);
            doc = postings.advance();
        }
        number += 1;
    }
    Ok(())
}
