//! Writing a generation to the view: one row a thing, messages and changes in blocks where a block is full.

use std::sync::Arc;

use lsm_tree::AbstractTree;
use tiro_core::{Application, ApplicationId, ApplicationsAfter, Change, Message, Stage};

use super::keys::{self, BLOCK_BYTES_MAX, BLOCK_CHANGES, BLOCK_MESSAGES, Kind, key};
use super::rows::{
    Progress, encode_changes, encode_deleted, encode_marker, encode_messages, encode_number, encoded,
};
use super::{Snapshot, View, ViewError};
use crate::encoding::Encoder;
use crate::generation::{ChatRows, Generation};
use crate::planted::{self, Bug};

/// A round of writes that become visible together.
pub(crate) struct Round<'a> {
    view: &'a View,
    /// The state before the round.
    pub(crate) before: Arc<Snapshot>,
    sequence: u64,
    memtable_bytes: u64,
}

impl View {
    /// Begins a round. There is one at a time.
    pub(crate) fn begin_round(&self) -> Round<'_> {
        Round {
            view: self,
            before: self.current(),
            sequence: self.sequence.next(),
            memtable_bytes: 0,
        }
    }
}

impl Round<'_> {
    pub(crate) fn put(&mut self, key: Vec<u8>, value: Vec<u8>) {
        let (_, size) = self.view.tree.insert(key, value, self.sequence);
        self.memtable_bytes = self.memtable_bytes.max(size);
    }

    pub(crate) fn remove(&mut self, key: Vec<u8>) {
        let (_, size) = self.view.tree.remove(key, self.sequence);
        self.memtable_bytes = self.memtable_bytes.max(size);
    }

    /// Makes the round visible, and durable too if there is much of it or it is the last one.
    ///
    /// # Errors
    /// The last round could not be brought to disk, or the tree failed. That the machine refuses an earlier one, for want
    /// of space most likely, is no error here: a later round tries again, and [`View::room`] bounds what gathers.
    pub(crate) fn finish(self, flush: Flush) -> Result<Arc<Snapshot>, ViewError> {
        if flush == Flush::Now || self.memtable_bytes >= self.view.space.options.table_bytes {
            match self.view.write_table() {
                Err(error) if flush == Flush::Now || error.refused().is_none() => return Err(error),
                Err(_) | Ok(()) => {}
            }
        }
        self.view.publish()
    }

    /// Writes every row of a generation.
    pub(crate) fn apply(&mut self, generation: &Generation) -> Result<(), ViewError> {
        for (token, id) in &generation.tokens {
            self.put(keys::token(token), encoded(|encoder| encoder.application_id(*id)));
        }
        for application in generation.applications.values() {
            self.put_application(application);
        }
        for ((application, chat), rows) in &generation.chats {
            self.put_chat(*application, *chat, rows)?;
        }
        for ((application, place), node) in &generation.deleted {
            self.put(keys::deleted(*application, *place), encode_deleted(node));
        }
        for (application, changes) in &generation.changes {
            self.put_changes(*application, changes);
        }
        let is_forgotten = planted::is(Bug::KeyNotInView);
        for ((scope, name), (application, position)) in generation.keys.iter().filter(|_| !is_forgotten) {
            let bound = if scope.is_some() {
                *position
            } else {
                u64::from(application.0)
            };
            self.put(keys::bound_key(*scope, name), encode_number(bound));
        }
        for application in generation.restored.iter().chain(&generation.abandoned) {
            self.remove(key(Kind::Restoring, *application, &[]));
        }
        // A restore that was given up leaves nothing, not even a tombstone.
        for application in &generation.abandoned {
            self.remove(key(Kind::Application, *application, &[]));
        }
        for (application, chat) in generation.deleted() {
            self.put(key(Kind::Garbage, application, &[chat]), Vec::new());
        }
        let progress = Progress {
            applied: generation.end,
            next_application: generation.next_application,
        };
        self.put(vec![Kind::Progress as u8], progress.encode());
        Ok(())
    }

    fn put_application(&mut self, application: &Application) {
        self.put(
            key(Kind::Application, application.id, &[]),
            encoded(|encoder| encoder.application(application)),
        );
        let place = ApplicationsAfter {
            created_at: application.created_at,
            token: application.token.clone(),
        };
        if application.stage != Stage::Ready {
            self.put(key(Kind::Restoring, application.id, &[]), Vec::new());
        } else if application.deleted_at.is_some() {
            self.remove(keys::by_time(&place));
        } else {
            self.put(
                keys::by_time(&place),
                encoded(|encoder| encoder.application_id(application.id)),
            );
        }
    }

    fn put_chat(
        &mut self,
        application: ApplicationId,
        number: u64,
        rows: &ChatRows,
    ) -> Result<(), ViewError> {
        if let Some(chat) = &rows.chat {
            let known = self.before.chat(application, number)?;
            let old = known
                .filter(|old| old.deleted_at.is_none())
                .map(|old| old.activity_position);
            let new = chat.deleted_at.is_none().then_some(chat.activity_position);
            if old != new {
                if let Some(old) = old {
                    self.remove(keys::by_activity(application, old));
                }
                if let Some(new) = new {
                    self.put(keys::by_activity(application, new), encode_number(number));
                }
            }
            self.put(
                key(Kind::Chat, application, &[number]),
                encoded(|encoder| encoder.chat_row(chat)),
            );
        }
        if !planted::now_and_then(Bug::LoseRound) {
            self.put_created(application, number, &rows.created);
        }
        self.put_changed(application, number, rows)?;
        for (reader, marker) in &rows.markers {
            self.put(keys::marker(application, reader, number), encode_marker(marker));
            self.put(keys::marker_in_chat(application, number, reader), Vec::new());
        }
        Ok(())
    }

    /// New messages: whole blocks as one row, the others one by one.
    fn put_created(&mut self, application: ApplicationId, chat: u64, created: &[Message]) {
        for messages in
            created.chunk_by(|one, next| keys::message_block(one.number) == keys::message_block(next.number))
        {
            let full = messages.len() as u64 == BLOCK_MESSAGES;
            if full && messages.iter().map(Message::bytes).sum::<usize>() <= BLOCK_BYTES_MAX {
                let block = keys::message_block(messages[0].number);
                self.put(
                    key(Kind::MessageBlock, application, &[chat, block]),
                    encode_messages(messages),
                );
            } else {
                messages
                    .iter()
                    .for_each(|message| self.put_single(application, chat, message));
            }
        }
    }

    fn put_single(&mut self, application: ApplicationId, chat: u64, message: &Message) {
        let place = key(Kind::Message, application, &[chat, message.number]);
        self.put(
            place,
            encoded(|encoder: &mut Encoder<'_>| encoder.message(message)),
        );
    }

    /// Messages of before: where they stand.
    fn put_changed(
        &mut self,
        application: ApplicationId,
        chat: u64,
        rows: &ChatRows,
    ) -> Result<(), ViewError> {
        let changed: Vec<&Message> = rows.changed.values().collect();
        for messages in
            changed.chunk_by(|one, next| keys::message_block(one.number) == keys::message_block(next.number))
        {
            let block = keys::message_block(messages[0].number);
            let Some(mut stored) = self.before.message_block(application, chat, block)? else {
                messages
                    .iter()
                    .for_each(|message| self.put_single(application, chat, message));
                continue;
            };
            for message in &mut stored {
                if let Some(changed) = rows.changed.get(&message.number) {
                    message.clone_from(changed);
                }
            }
            self.put(
                key(Kind::MessageBlock, application, &[chat, block]),
                encode_messages(&stored),
            );
        }
        Ok(())
    }

    fn put_changes(&mut self, application: ApplicationId, changes: &[Change]) {
        for changes in changes
            .chunk_by(|one, next| keys::change_block(one.position) == keys::change_block(next.position))
        {
            if changes.len() as u64 == BLOCK_CHANGES {
                let block = keys::change_block(changes[0].position);
                self.put(
                    key(Kind::ChangeBlock, application, &[block]),
                    encode_changes(changes),
                );
            } else {
                for change in changes {
                    let place = key(Kind::Change, application, &[change.position]);
                    self.put(place, encoded(|encoder| encoder.change(change)));
                }
            }
        }
    }
}

/// Whether a round must be on disk when it is finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// When enough has gathered.
    WhenDue,
    /// At once: the last round before the end.
    Now,
}
