//! Each document against the messages that it stands for.

use std::ops::Range;

use tantivy::query::{EnableScoring, Query, TermQuery};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, SegmentReader, TERMINATED};
use tiro_core::{ApplicationId, Folded, Gram, Message, each_gram};

use super::grams::{Gathered, SegmentGrams};
use super::{Due, Listener, Logged, ProofError, place_of};
use crate::search::committed::{Columns, Committed, Run};
use crate::search::schema::scope_bytes;
use crate::view::keys::message_block;

/// The scopes that a document was found to have.
mod scope {
    pub(super) const APPLICATION: u8 = 1;
    pub(super) const CHAT: u8 = 2;
    pub(super) const EDIT: u8 = 4;
    /// One that does not fit its columns.
    pub(super) const WRONG: u8 = 8;
}

/// Proves every document that counts; answers how many.
pub(super) fn prove(
    committed: &Committed,
    log: &Logged<'_>,
    grams_together: u64,
    listener: &mut Listener<'_>,
) -> Result<u64, ProofError> {
    let total = committed.searcher.num_docs();
    let mut done = 0;
    for (reader, columns) in committed.segments() {
        let scopes = scopes(committed, reader, columns)?;
        let mut grams = SegmentGrams::open(reader, committed.fields)?;
        for docs in grams.spans(grams_together) {
            let gathered = grams.gather(docs.clone())?;
            let mut document = Document {
                committed,
                log,
                grams: &mut grams,
                gathered: &gathered,
                folded: Folded::default(),
            };
            for doc in alive(reader, docs) {
                let run = columns.run(doc);
                if let Some(problem) = document.problem(columns, doc, &run, scopes[doc as usize])? {
                    (listener.on_finding)(place_of(&run), problem);
                }
                done += 1;
            }
            (listener.on_progress)(done, total);
        }
    }
    Ok(done)
}

fn alive(reader: &SegmentReader, docs: Range<DocId>) -> impl Iterator<Item = DocId> {
    docs.filter(|doc| !reader.is_deleted(*doc))
}

/// The scopes of each document of a segment.
fn scopes(committed: &Committed, reader: &SegmentReader, columns: &Columns) -> Result<Vec<u8>, ProofError> {
    let mut scopes = vec![0; reader.max_doc() as usize];
    let index = reader.inverted_index(committed.fields.scope)?;
    let mut terms = index.terms().stream()?;
    while terms.advance() {
        let mut postings = index.read_postings_from_terminfo(terms.value(), IndexRecordOption::Basic)?;
        let mut doc = postings.doc();
        while doc != TERMINATED {
            scopes[doc as usize] |= kind_of_scope(terms.key(), &columns.run(doc));
            doc = postings.advance();
        }
    }
    Ok(scopes)
}

fn kind_of_scope(term: &[u8], run: &Run) -> u8 {
    let scopes: [(&[u64], u8); 3] = [
        (&[], scope::APPLICATION),
        (&[run.chat], scope::CHAT),
        (&[run.chat, run.first], scope::EDIT),
    ];
    let fits = |numbers: &[u64]| scope_bytes(run.application, numbers) == term;
    let kind = scopes.iter().find(|(numbers, _)| fits(numbers));
    kind.map_or(scope::WRONG, |(_, kind)| *kind)
}

/// What is needed to judge the documents of one span.
struct Document<'a> {
    committed: &'a Committed,
    log: &'a Logged<'a>,
    grams: &'a mut SegmentGrams,
    gathered: &'a Gathered,
    folded: Folded,
}

impl Document<'_> {
    /// What is wrong with a document, if something is.
    fn problem(
        &mut self,
        columns: &Columns,
        doc: DocId,
        run: &Run,
        scopes: u8,
    ) -> Result<Option<String>, ProofError> {
        let chat = match self.log.due(run.application, run.chat)? {
            Due::Indexed(chat) => chat,
            Due::Gone(what) => return Ok(Some(format!("a document stands for {what}"))),
            Due::Either => return Ok(None),
        };
        let is_edit = scopes & scope::EDIT != 0;
        if scopes & !scope::EDIT != scope::APPLICATION | scope::CHAT || (is_edit && run.count != 1) {
            return Ok(Some(
                "the scopes of its document are not those of its messages".into(),
            ));
        }
        let Some(last) = run.first.checked_add(run.count).map(|end| end - 1) else {
            return Ok(Some("a document stands for messages that the log has not".into()));
        };
        if run.first == 0 || run.count == 0 || last > chat.last_message_number {
            return Ok(Some("a document stands for messages that the log has not".into()));
        }
        if message_block(run.first) != message_block(last) {
            return Ok(Some("its document crosses the end of a block".into()));
        }
        let block = message_block(run.first);
        let mut messages = self
            .log
            .state
            .messages_in_block(run.application, run.chat, block)?;
        messages.retain(|message| (run.first..=last).contains(&message.number));
        if !are_columns(columns, doc, &messages) {
            return Ok(Some(
                "the positions or times of its document are not those of its messages".into(),
            ));
        }
        for message in &messages {
            if self.lacks_a_gram(doc, run, message, is_edit)? {
                return Ok(Some(format!(
                    "its document lacks grams of message {}, which a search would miss",
                    message.number
                )));
            }
        }
        Ok(None)
    }

    /// Whether the document answers for the body of a message and does not have all of it.
    fn lacks_a_gram(
        &mut self,
        doc: DocId,
        run: &Run,
        message: &Message,
        is_edit: bool,
    ) -> Result<bool, ProofError> {
        let (application, chat, number) = (run.application, run.chat, message.number);
        let Some(content) = &message.content else {
            return Ok(false);
        };
        if self.log.later.has(application, chat, number) {
            return Ok(false);
        }
        // What was never changed has no document of an edit.
        if !is_edit && message.version > 1 && self.has_edit(application, chat, number)? {
            return Ok(false);
        }
        self.folded.refold(&content.body);
        let mut wanted: Vec<Gram> = Vec::new();
        each_gram(&self.folded, |gram| wanted.push(gram));
        for gram in wanted {
            if !self.grams.has(self.gathered, doc, gram)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn has_edit(&self, application: ApplicationId, chat: u64, number: u64) -> Result<bool, ProofError> {
        let term = self.committed.fields.edit_of(application, chat, number);
        let query = TermQuery::new(term, IndexRecordOption::Basic);
        let searcher = &self.committed.searcher;
        Ok(query
            .weight(EnableScoring::disabled_from_searcher(searcher))
            .and_then(|weight| {
                let counts = searcher
                    .segment_readers()
                    .iter()
                    .map(|reader| weight.count(reader));
                counts.sum::<tantivy::Result<u32>>()
            })?
            > 0)
    }
}

fn are_columns(columns: &Columns, doc: DocId, messages: &[Message]) -> bool {
    let positions = || messages.iter().map(|message| message.created_position);
    let times = || messages.iter().map(|message| message.created_at);
    positions().min() == Some(columns.oldest_position(doc))
        && positions().max() == Some(columns.newest_position(doc))
        && times().min() == Some(columns.oldest_at(doc))
        && times().max() == Some(columns.newest_at(doc))
}
