//! What makes two requests "the same" under one idempotency key.
//!
//! The fingerprint is SHA-256 over an encoding of the decoded command, so that order of members, white space and
//! escapes do not matter. Encoding version 1: the byte 1, a byte for the kind of command, then its fields in the
//! order written here; a text is its length as 8 bytes little-endian and its UTF-8; an absent value is the byte 0,
//! a present one the byte 1 and the value, a cleared one the byte 2; metadata is written canonically
//! ([`crate::json::write_canonical`]); numbers are 8 bytes little-endian. What Tiro chose itself (a generated
//! token, an epoch) is no part of it.

use sha2::{Digest, Sha256};

use crate::{
    Command, IfMatch, MessageContent, Metadata, MetadataChange, NewToken, Patch, Timestamp, Token, json,
};

/// SHA-256 of the encoded command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint(pub [u8; 32]);

const ENCODING_VERSION: u8 = 1;

/// The fingerprint of a command.
#[must_use]
pub fn fingerprint(command: &Command) -> Fingerprint {
    let mut encoder = Encoder {
        bytes: vec![ENCODING_VERSION],
    };
    encoder.command(command);
    Fingerprint(Sha256::digest(&encoder.bytes).into())
}

impl Fingerprint {
    /// The fingerprint of one line of an import.
    #[must_use]
    pub fn of_line(content: &MessageContent, created_at: Option<Timestamp>) -> Fingerprint {
        let mut encoder = Encoder {
            bytes: vec![ENCODING_VERSION],
        };
        encoder.tag(32);
        encoder.content(content);
        encoder.time(created_at);
        Fingerprint(Sha256::digest(&encoder.bytes).into())
    }
}

struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    fn command(&mut self, command: &Command) {
        match command {
            Command::CreateApplication(create) => {
                self.tag(1);
                match &create.token {
                    NewToken::Generated(_) => self.tag(0),
                    NewToken::Chosen(token) => self.present(token.as_str()),
                }
                self.text(&create.name);
                self.metadata(create.metadata.as_ref());
            }
            Command::UpdateApplication(update) => {
                self.target(2, &update.token, &[], &update.if_match);
                self.optional(update.name.as_deref());
                self.metadata_change(&update.metadata);
            }
            Command::DeleteApplication { token, if_match } => self.target(3, token, &[], if_match),
            Command::CreateChat(create) => {
                self.target(4, &create.token, &[], &IfMatch::Any);
                self.optional(create.title.as_deref());
                self.metadata(create.metadata.as_ref());
            }
            Command::UpdateChat(update) => {
                self.target(5, &update.token, &[update.chat], &update.if_match);
                match &update.title {
                    Patch::Keep => self.tag(0),
                    Patch::Clear => self.tag(2),
                    Patch::Set(title) => self.present(title),
                }
                self.metadata_change(&update.metadata);
            }
            Command::DeleteChat {
                token,
                chat,
                if_match,
            } => self.target(6, token, &[*chat], if_match),
            Command::CreateMessage { token, chat, content } => {
                self.target(11, token, &[*chat], &IfMatch::Any);
                self.content(content);
            }
            Command::CreateMessages {
                token,
                chat,
                messages,
            } => {
                self.target(7, token, &[*chat], &IfMatch::Any);
                self.number(messages.len() as u64);
                messages.iter().for_each(|content| self.content(content));
            }
            Command::UpdateMessage(update) => {
                self.target(8, &update.token, &[update.chat, update.number], &update.if_match);
                self.optional(update.body.as_deref());
                self.metadata_change(&update.metadata);
            }
            Command::DeleteMessage {
                token,
                chat,
                number,
                if_match,
            } => {
                self.target(9, token, &[*chat, *number], if_match);
            }
            // The key of an imported chat names source and chat; a later file may know another first time.
            Command::ImportChat(import) => self.target(10, &import.token, &[], &IfMatch::Any),
            // Markers take no key, lines carry keys of their own, and the steps of a restore are not sent under a key.
            Command::SetRead { .. }
            | Command::ImportMessages { .. }
            | Command::BeginRestore { .. }
            | Command::RestoreEntries { .. }
            | Command::FinishRestore { .. }
            | Command::AbandonRestore { .. }
            | Command::RenewEpoch { .. } => self.tag(0),
        }
    }

    fn target(&mut self, kind: u8, token: &Token, numbers: &[u64], if_match: &IfMatch) {
        self.tag(kind);
        self.text(token.as_str());
        numbers.iter().for_each(|number| self.number(*number));
        match if_match {
            IfMatch::Any => self.tag(0),
            IfMatch::OneOf(versions) => {
                self.tag(1);
                self.number(versions.len() as u64);
                versions.iter().for_each(|version| self.number(*version));
            }
        }
    }

    fn content(&mut self, content: &MessageContent) {
        self.text(&content.body);
        self.optional(content.sender.as_deref());
        self.metadata(content.metadata.as_ref());
    }

    fn metadata(&mut self, metadata: Option<&Metadata>) {
        match metadata {
            None => self.tag(0),
            Some(metadata) => {
                self.tag(1);
                json::write_canonical(metadata.as_str(), &mut self.bytes)
                    .expect("metadata was checked when it was made");
            }
        }
    }

    fn metadata_change(&mut self, change: &MetadataChange) {
        match change {
            MetadataChange::Keep => self.tag(0),
            MetadataChange::Clear => self.tag(2),
            MetadataChange::Merge { patch, .. } => self.metadata(Some(patch)),
        }
    }

    fn optional(&mut self, text: Option<&str>) {
        match text {
            None => self.tag(0),
            Some(text) => self.present(text),
        }
    }

    fn present(&mut self, text: &str) {
        self.tag(1);
        self.text(text);
    }

    fn time(&mut self, time: Option<Timestamp>) {
        self.tag(u8::from(time.is_some()));
        self.number(time.map_or(0, |time| time.as_millis().cast_unsigned()));
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as u64);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn number(&mut self, number: u64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    fn tag(&mut self, tag: u8) {
        self.bytes.push(tag);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{Body, CreateChat, Limits, Title};

    fn chat(title: Option<&str>, metadata: Option<&str>) -> Fingerprint {
        let limits = Limits::default();
        fingerprint(&Command::CreateChat(CreateChat {
            token: Token::parse("token_token_token").unwrap(),
            title: title.map(|title| Title::new(title, &limits).unwrap()),
            metadata: metadata.map(|metadata| Metadata::parse(metadata, &limits).unwrap()),
        }))
    }

    #[test]
    fn order_spaces_and_escapes_of_metadata_do_not_matter() {
        assert_eq!(
            chat(None, Some("{\"a\":1,\"b\":{\"c\":\"é\",\"d\":[]}}")),
            chat(None, Some("{ \"b\":{\"d\":[],\"c\":\"\\u00e9\"},\"\\u0061\":1}"))
        );
        assert_ne!(
            chat(None, Some("{\"a\":[1,2]}")),
            chat(None, Some("{\"a\":[2,1]}"))
        );
        assert_ne!(chat(None, Some("{\"a\":1}")), chat(None, Some("{\"a\":\"1\"}")));
    }

    #[test]
    fn absent_and_empty_are_told_apart() {
        assert_ne!(chat(None, None), chat(None, Some("{}")));
        assert_ne!(chat(None, None), chat(Some("t"), None));
    }

    #[test]
    fn texts_cannot_flow_into_each_other() {
        let create = |bodies: &[&str]| {
            let content = |body: &&str| {
                Arc::new(MessageContent {
                    body: Body::stored(body),
                    sender: None,
                    metadata: None,
                })
            };
            let messages = bodies.iter().map(content).collect();
            fingerprint(&Command::CreateMessages {
                token: Token::parse("token_token_token").unwrap(),
                chat: 1,
                messages,
            })
        };
        assert_ne!(create(&["ab", "c"]), create(&["a", "bc"]));
        assert_ne!(create(&["abc"]), create(&["ab", "c"]));
    }

    #[test]
    fn the_encoding_is_pinned() {
        let pinned = "b2"; // the first byte of version 1; a change of the encoding needs a new version
        assert_eq!(format!("{:02x}", chat(Some("t"), None).0[0]), pinned);
    }
}
