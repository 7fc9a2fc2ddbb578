//! Documents: what is kept of a message, and how its grams are written.
//!
//! Nothing of a message can be read back: its grams propose it, its row in MySQL decides. A document is addressed by
//! application, chat and number, lies in the shard of its partition and has the message's own version.

use serde_json::{Value, json};
use tiro_core::{Folded, Gram, Message, Token, grams};

use crate::mysql::rows::StoredMessage;

use super::Identity;

/// Where a watermark stands in every order: before all messages.
pub(super) const BEFORE_ALL: i64 = i64::MAX;

/// By what documents lie in the index, all descending: the order of hits in a chat or an application, so that such a
/// search ends when it has enough. The first alone tells messages of one application apart; the others say which it is.
pub(super) const INDEX_ORDER: [&str; 5] = [
    "position",
    "created_at",
    "application_number",
    "chat_number",
    "number",
];

/// Which version in the index a document replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replaces {
    /// An earlier one: what is there in this version was written by somebody who read the same row.
    Earlier,
    /// Also the same one, which is damaged.
    Same,
}

/// A document on its way into the index.
#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) id: String,
    pub(crate) partition: u16,
    /// The one with the highest stays, in whatever order they come.
    pub(crate) version: u64,
    pub(crate) replaces: Replaces,
    /// One line of JSON without its end.
    pub(crate) source: String,
}

impl Document {
    /// The two lines of a bulk request.
    pub(super) fn write_to(&self, lines: &mut Vec<u8>) {
        let Document {
            id,
            partition,
            version,
            replaces,
            source,
        } = self;
        let version_type = match replaces {
            Replaces::Earlier => "external",
            Replaces::Same => "external_gte",
        };
        let action = format!(
            "{{\"index\":{{\"_id\":\"{id}\",\"routing\":\"{partition}\",\"version\":{version},\
             \"version_type\":\"{version_type}\"}}}}\n"
        );
        lines.extend_from_slice(action.as_bytes());
        lines.extend_from_slice(source.as_bytes());
        lines.push(b'\n');
    }

    /// About how many bytes [`Document::write_to`] writes.
    pub(super) fn bytes(&self) -> usize {
        self.source.len() + 128
    }
}

/// What the mappings of an index say; `_meta` says what it was made of.
pub(super) fn mappings(identity: &Identity) -> Value {
    // Found by, not read back: no values by document.
    let found_by = json!({"type": "keyword", "doc_values": false});
    let read_back = json!({"type": "long", "index": false});
    json!({
        "dynamic": "strict",
        "_source": {"enabled": false},
        "_meta": {"data_set": identity.data_set, "folding_version": identity.folding_version},
        "properties": {
            "state": found_by,
            "application": found_by,
            "chat": found_by,
            "grams": {"type": "text", "analyzer": "whitespace", "index_options": "docs", "norms": false},
            "position": {"type": "long"},
            "created_at": {"type": "long"},
            "token": {"type": "keyword"},
            "application_number": {"type": "long"},
            "chat_number": read_back,
            "number": read_back,
            "watermark_of": found_by
        }
    })
}

/// The document of a message as it is now; of a tombstone, one that is never found but keeps an older one from coming
/// back.
pub(crate) fn message_document(message: &StoredMessage, token: &Token, partition: u16) -> Document {
    match &message.message.content {
        None => document(message, partition, json!({"state": "deleted"})),
        Some(content) => {
            let folded = Folded::of(&content.body);
            let mut found_by = found_by(message, token);
            found_by["grams"] = Value::from(gram_text(&folded));
            document(message, partition, found_by)
        }
    }
}

/// For a message whose document was refused: without grams, a candidate of every search in its scope.
pub(crate) fn reduced_document(message: &StoredMessage, token: &Token, partition: u16) -> Document {
    let mut found_by = found_by(message, token);
    found_by["state"] = json!(["live", "unread"]);
    document(message, partition, found_by)
}

fn found_by(message: &StoredMessage, token: &Token) -> Value {
    let Message {
        created_at,
        created_position,
        ..
    } = &message.message;
    json!({
        "state": "live",
        "position": created_position,
        "created_at": created_at.as_millis(),
        "token": token.as_str(),
        "application_number": message.application.0,
        "chat_number": message.chat,
        "number": message.message.number,
    })
}

fn document(message: &StoredMessage, partition: u16, mut source: Value) -> Document {
    let (application, chat) = (message.application.0, message.chat);
    source["application"] = Value::from(application.to_string());
    source["chat"] = Value::from(chat_key(application, chat));
    Document {
        id: message_id(application, chat, message.message.number),
        partition,
        version: message.message.version,
        replaces: Replaces::Earlier,
        source: source.to_string(),
    }
}

/// What a message's document is addressed by.
pub(super) fn message_id(application: u32, chat: u64, number: u64) -> String {
    format!("{application}.{chat}.{number}")
}

pub(super) fn chat_key(application: u32, chat: u64) -> String {
    format!("{application}.{chat}")
}

/// A watermark: its version is the position, and so is its number, which searches read. Other indexes' watermarks have
/// other names, so they are not there.
pub(super) fn watermark(partition: u16, through: u64, identity: &Identity) -> Document {
    let source = json!({
        "state": "watermark", "position": BEFORE_ALL, "created_at": BEFORE_ALL, "application_number": 0, "token": "",
        "chat_number": partition, "number": through,
        "watermark_of": identity.key(),
    });
    Document {
        id: watermark_id(partition, identity),
        partition,
        version: through,
        replaces: Replaces::Earlier,
        source: source.to_string(),
    }
}

pub(super) fn watermark_id(partition: u16, identity: &Identity) -> String {
    format!("watermark.{}.{partition}", identity.key())
}

/// All grams of a text, between spaces.
fn gram_text(folded: &Folded) -> String {
    let mut text = String::with_capacity(folded.len() * 5);
    for gram in grams(folded) {
        text.extend(gram_chars(&gram));
        text.push(' ');
    }
    text
}

/// A gram as the index has it.
pub(super) fn gram_token(gram: &Gram) -> String {
    gram_chars(gram).collect()
}

/// White space parts tokens, so in them another character stands for it, whichever it is. That takes grams together,
/// which can propose too much and never too little.
fn gram_chars(gram: &Gram) -> impl Iterator<Item = char> {
    const WHITE_SPACE: char = '\u{e000}';
    let plain = |scalar: char| {
        if scalar.is_whitespace() || scalar.is_control() {
            WHITE_SPACE
        } else {
            scalar
        }
    };
    gram.as_str().chars().map(plain)
}
