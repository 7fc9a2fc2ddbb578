//! Faults for tests: documents that come and go behind the log's back.

use std::path::Path;
use std::sync::Arc;

use tantivy::{Index, IndexWriter, Term};
use tiro_core::{ApplicationId, FOLDING_VERSION, Message, MessageContent};

use super::super::directory::CheckedDirectory;
use super::super::documents::{Change, Documents};
use super::super::grams::{PackedGrams, TOKENIZER};
use super::super::rows::{Cause, Row};
use super::super::schema::{Fields, schema};

const APPLICATION: ApplicationId = ApplicationId(1);

/// An index that is open for changes, which end in the same point of the log as before.
pub(crate) struct Planting {
    writer: IndexWriter,
    fields: Fields,
    payload: String,
}

impl Planting {
    pub(crate) fn begin(folder: &Path) -> Planting {
        let mut index = Index::open(CheckedDirectory::open(folder).unwrap()).unwrap();
        let tokenizers = tantivy::tokenizer::TokenizerManager::default();
        tokenizers.register(TOKENIZER, PackedGrams::default());
        index.set_tokenizers(tokenizers);
        Planting {
            writer: index.writer_with_num_threads(1, 32 << 20).unwrap(),
            fields: schema().1,
            payload: index.load_metas().unwrap().payload.unwrap(),
        }
    }

    /// The next commit says that its grams were folded by other rules.
    pub(crate) fn of_another_folding(mut self) -> Planting {
        let (of_this, of_another) = (FOLDING_VERSION, FOLDING_VERSION + 1);
        self.payload = self
            .payload
            .replace(&format!("folding {of_this} "), &format!("folding {of_another} "));
        self
    }

    /// Takes all documents of a chat away.
    pub(crate) fn remove_chat(self, chat: u64) {
        let term = self.fields.in_chat(APPLICATION, chat);
        self.remove(term);
    }

    /// Takes the document of a message's latest edit away.
    pub(crate) fn remove_edit(self, chat: u64, number: u64) {
        let term = self.fields.edit_of(APPLICATION, chat, number);
        self.remove(term);
    }

    fn remove(self, term: Term) {
        self.writer.delete_term(term);
        self.commit();
    }

    /// Adds the document of a new message that stands alone.
    pub(crate) fn create(self, chat: u64, message: &Message) {
        self.add(chat, message, Cause::Created);
    }

    /// Replaces the document of a message's latest edit.
    pub(crate) fn edit(self, chat: u64, message: &Message) {
        self.add(chat, message, Cause::Edited);
    }

    fn add(self, chat: u64, message: &Message, cause: Cause) {
        let content: &Arc<MessageContent> = message.content.as_ref().unwrap();
        let row = Row {
            application: APPLICATION,
            chat,
            number: message.number,
            created_position: message.created_position,
            created_at: message.created_at,
            cause,
            content: Arc::clone(content),
        };
        let mut documents = Documents::new(self.fields);
        let changed = documents.each_change(&[row], |change| {
            match change {
                Change::Add(document) => self.writer.add_document(document)?,
                Change::Delete(term) => self.writer.delete_term(term),
            };
            Ok::<_, tantivy::TantivyError>(())
        });
        changed.unwrap();
        self.commit();
    }

    fn commit(mut self) {
        let mut prepared = self.writer.prepare_commit().unwrap();
        prepared.set_payload(&self.payload);
        prepared.commit().unwrap();
        self.writer.wait_merging_threads().unwrap();
    }
}
