//! What a document of the index has: the grams of a run of messages, where they are, and when they were written.
//!
//! A run is at most 16 neighbouring messages of one chat, in one block of the view. Grams propose the run; its
//! messages are read from the view and decide. Nothing is stored, so the index gives no text away.

use tantivy::Term;
use tantivy::schema::{
    BytesOptions, Field, IndexRecordOption, NumericOptions, Schema, TextFieldIndexing, TextOptions,
};
use tiro_core::ApplicationId;

use super::grams::TOKENIZER;

/// The columns of a document, by name.
pub(super) const APPLICATION: &str = "application";
pub(super) const CHAT: &str = "chat";
/// Number of the first message of the run.
pub(super) const FIRST: &str = "first";
/// Messages of the run.
pub(super) const COUNT: &str = "count";
/// Positions of the creates of its oldest and newest message.
pub(super) const OLDEST_POSITION: &str = "oldest_position";
pub(super) const NEWEST_POSITION: &str = "newest_position";
/// The earliest and latest `created_at` of its messages, in milliseconds.
pub(super) const OLDEST_AT: &str = "oldest_at";
pub(super) const NEWEST_AT: &str = "newest_at";

/// The fields of a document.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields {
    pub(super) gram: Field,
    pub(super) scope: Field,
    pub(super) application: Field,
    pub(super) chat: Field,
    pub(super) first: Field,
    pub(super) count: Field,
    pub(super) oldest_position: Field,
    pub(super) newest_position: Field,
    pub(super) oldest_at: Field,
    pub(super) newest_at: Field,
}

/// The schema, always the same.
pub(super) fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let grams = TextFieldIndexing::default()
        .set_tokenizer(TOKENIZER)
        .set_fieldnorms(false)
        .set_index_option(IndexRecordOption::Basic);
    let column = || NumericOptions::default().set_fast();
    let fields = Fields {
        gram: schema.add_text_field("gram", TextOptions::default().set_indexing_options(grams)),
        scope: schema.add_bytes_field("scope", BytesOptions::default().set_indexed()),
        application: schema.add_u64_field(APPLICATION, column()),
        chat: schema.add_u64_field(CHAT, column()),
        first: schema.add_u64_field(FIRST, column()),
        count: schema.add_u64_field(COUNT, column()),
        oldest_position: schema.add_u64_field(OLDEST_POSITION, column()),
        newest_position: schema.add_u64_field(NEWEST_POSITION, column()),
        oldest_at: schema.add_i64_field(OLDEST_AT, column()),
        newest_at: schema.add_i64_field(NEWEST_AT, column()),
    };
    (schema.build(), fields)
}

impl Fields {
    /// In an application: 4 bytes.
    pub(super) fn in_application(&self, application: ApplicationId) -> Term {
        Term::from_field_bytes(self.scope, &application.0.to_be_bytes())
    }

    /// In a chat: 12 bytes.
    pub(super) fn in_chat(&self, application: ApplicationId, chat: u64) -> Term {
        Term::from_field_bytes(self.scope, &scope_bytes(application, &[chat]))
    }

    /// What the latest edit of a message says: 20 bytes.
    pub(super) fn edit_of(&self, application: ApplicationId, chat: u64, number: u64) -> Term {
        Term::from_field_bytes(self.scope, &scope_bytes(application, &[chat, number]))
    }
}

/// The bytes of a scope: big-endian, the application's number in 4, all others in 8.
pub(super) fn scope_bytes(application: ApplicationId, numbers: &[u64]) -> Vec<u8> {
    let mut bytes = application.0.to_be_bytes().to_vec();
    for number in numbers {
        bytes.extend_from_slice(&number.to_be_bytes());
    }
    bytes
}
