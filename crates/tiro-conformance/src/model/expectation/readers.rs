//! What is expected of markers: they rise when they are set, and when their readers send.

use tiro_core::{Action, Fault, Field, ReaderName, Rejection, Subject};

use super::writes::{Expected, made};
use super::{ExpectedApplication, ExpectedChat, at_mut};
use crate::model::shown::{Shown, ShownRead};

impl ExpectedChat {
    pub(super) fn shown_read(&self, reader: &str) -> ShownRead {
        let (read, version) = self.markers.get(reader).copied().unwrap_or_default();
        let after = self.messages.iter().filter(|message| message.number > read);
        ShownRead {
            reader: reader.to_owned(),
            chat: self.number,
            read,
            unread: after.filter(|message| !message.deleted).count() as u64,
            version,
        }
    }
}

impl ExpectedApplication {
    pub(super) fn set_read(&mut self, number: u64, reader: &str, read: u64) -> Expected {
        let chat = self.live_chat(number)?;
        let last = chat.messages.len() as u64;
        if read > last {
            let (field, fault) = (Field::Read, Fault::PastLast { last });
            return Err(Rejection::Invalid { field, fault });
        }
        if chat.markers.get(reader).is_none_or(|(known, _)| read > *known) {
            self.move_marker(number, reader, read);
        }
        let shown = self.live_chat(number)?.shown_read(reader);
        Ok(made(Shown::Read(shown), self.position()))
    }

    fn move_marker(&mut self, number: u64, reader: &str, read: u64) {
        let position = self.position() + 1;
        let chat = at_mut(&mut self.chats, number);
        let marker = chat.markers.entry(reader.to_owned()).or_default();
        *marker = (read, marker.1 + 1);
        let version = marker.1;
        chat.change_position = position;
        let reader = ReaderName::stored(reader);
        self.enter(
            Subject::Reader { chat: number, reader },
            Action::Updated,
            version,
            None,
        );
    }

    /// Whoever sent a message from `first` on has read it, if there is a marker.
    pub(super) fn raise_senders(&mut self, number: u64, first: u64) {
        let chat = at_mut(&mut self.chats, number);
        let mut raises: Vec<(u64, String)> = Vec::new();
        for reader in chat.markers.keys() {
            let sent = chat.messages.iter().filter(|message| message.number >= first);
            let last = sent
                .filter(|message| message.sender.as_ref() == Some(reader))
                .map(|message| message.number)
                .max();
            raises.extend(last.map(|last| (last, reader.clone())));
        }
        raises.sort();
        for (read, reader) in raises {
            self.move_marker(number, &reader, read);
        }
    }
}
