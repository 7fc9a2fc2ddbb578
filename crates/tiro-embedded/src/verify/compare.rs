//! Two views thing by thing, and one view against its own counts.

use std::collections::BTreeMap;

use tiro_core::{Action, Application, ApplicationsAfter, Change, Chat, Message, Stage, Subject};

use super::{Report, VerifyProgress};
use crate::open::applications;
use crate::view::keys::{self, Kind, change_block, key, message_block};
use crate::view::rows::decode_number;
use crate::view::{Snapshot, View, ViewError};

/// Compares and reports.
pub(super) struct Comparison<'a> {
    pub(super) report: &'a mut Report,
    pub(super) on_progress: &'a mut dyn FnMut(VerifyProgress),
}

impl Comparison<'_> {
    /// Whether the stored view says the same as the one made from the log.
    pub(super) fn compare(&mut self, expected: &View, stored: &View) -> Result<(), ViewError> {
        let (expected, stored) = (expected.current(), stored.current());
        if expected.applied() != stored.applied() {
            self.report.found(
                "view",
                format!(
                    "it has applied {}, the log ends at {}",
                    stored.applied(),
                    expected.applied()
                ),
            );
            return Ok(());
        }
        let wanted: Vec<Application> = applications(&expected).collect::<Result<_, _>>()?;
        let present: Vec<Application> = applications(&stored).collect::<Result<_, _>>()?;
        self.same("view", "the list of applications", &wanted, &present);
        for application in wanted
            .iter()
            .filter(|application| application.deleted_at.is_none())
        {
            let place = format!("view, application {}", application.id.0);
            for block in 0..=change_block(application.last_position.max(1)) {
                let wanted = expected.changes_in_block(application.id, block)?;
                let present = stored.changes_in_block(application.id, block)?;
                self.same(&place, "the feed", &wanted, &present);
                self.same_keys(&place, application, &wanted, &stored)?;
            }
            for number in 1..=application.last_chat_number {
                let wanted = expected.chat(application.id, number)?;
                let place = format!("{place}, chat {number}");
                self.same(&place, "its row", &wanted, &stored.chat(application.id, number)?);
                if let Some(chat) = wanted.filter(|chat| chat.deleted_at.is_none()) {
                    self.same_messages(&place, application, &chat, (&expected, &stored))?;
                }
            }
            self.same_lists(&place, application, &stored)?;
        }
        Ok(())
    }

    fn same<T: PartialEq>(&mut self, place: &str, what: &str, expected: &T, stored: &T) {
        if expected != stored {
            self.report
                .found(place, format!("{what} is not what the log says"));
        }
    }

    fn same_messages(
        &mut self,
        place: &str,
        application: &Application,
        chat: &Chat,
        (expected, stored): (&Snapshot, &Snapshot),
    ) -> Result<(), ViewError> {
        for block in 0..=message_block(chat.last_message_number.max(1)) {
            let wanted = expected.messages_in_block(application.id, chat.number, block)?;
            let present = stored.messages_in_block(application.id, chat.number, block)?;
            self.same(
                place,
                &format!("block {block} of its messages"),
                &wanted,
                &present,
            );
        }
        let last = tiro_core::DELETED_BLOCK_NUMBERS;
        for block in 0..=chat.last_message_number / last {
            let wanted = expected.deleted_in_block(application.id, chat.number, block)?;
            let present = stored.deleted_in_block(application.id, chat.number, block)?;
            self.same(
                place,
                &format!("the deleted count of block {block}"),
                &wanted,
                &present,
            );
        }
        Ok(())
    }

    /// Every key of these changes leads back to its change.
    fn same_keys(
        &mut self,
        place: &str,
        application: &Application,
        changes: &[Change],
        stored: &Snapshot,
    ) -> Result<(), ViewError> {
        for change in changes {
            let Some(binding) = &change.key else { continue };
            let of_server = binding.name.namespace == tiro_core::Namespace::Server;
            let scope = (!of_server).then_some(application.id);
            let bound = stored.key(scope, &binding.name)?;
            self.same(
                place,
                &format!("the key of position {}", change.position),
                &Some((application.id, change.position)),
                &bound,
            );
        }
        Ok(())
    }

    /// The application is found by token and time, and its live chats by activity, each once.
    fn same_lists(
        &mut self,
        place: &str,
        application: &Application,
        stored: &Snapshot,
    ) -> Result<(), ViewError> {
        if application.stage != Stage::Ready {
            return Ok(());
        }
        self.same(
            place,
            "its token",
            &Some(application.id),
            &stored.application_id(&application.token)?,
        );
        let by_time = ApplicationsAfter {
            created_at: application.created_at,
            token: application.token.clone(),
        };
        let by_time = keys::by_time(&by_time);
        self.same(
            place,
            "its place by time",
            &1,
            &stored.range(by_time.clone()..=by_time).count(),
        );
        let mut wanted = BTreeMap::new();
        for number in 1..=application.last_chat_number {
            if let Some(chat) = stored
                .chat(application.id, number)?
                .filter(|chat| chat.deleted_at.is_none())
            {
                wanted.insert(keys::by_activity(application.id, chat.activity_position), number);
            }
        }
        let mut present = BTreeMap::new();
        for row in
            stored.range(keys::by_activity(application.id, u64::MAX)..=keys::by_activity(application.id, 0))
        {
            let (place, number) = row?;
            present.insert(place.to_vec(), decode_number(&number)?);
        }
        self.same(place, "the list of chats by activity", &wanted, &present);
        Ok(())
    }

    /// Numbers and positions without a hole, counts that agree with what they count.
    pub(super) fn check_invariants(&mut self, view: &View) -> Result<(), ViewError> {
        let snapshot = view.current();
        for application in applications(&snapshot) {
            let application = application?;
            self.report.applications += 1;
            if application.deleted_at.is_none() {
                self.check_feed(&snapshot, &application)?;
                self.check_chats(&snapshot, &application)?;
            }
        }
        Ok(())
    }

    fn check_feed(&mut self, snapshot: &Snapshot, application: &Application) -> Result<(), ViewError> {
        let place = format!("log, application {}", application.id.0);
        let mut position = 0;
        let mut created: BTreeMap<Option<u64>, u64> = BTreeMap::new();
        for block in 0..=change_block(application.last_position.max(1)) {
            for change in snapshot.changes_in_block(application.id, block)? {
                position += 1;
                self.report.keys += u64::from(change.key.is_some());
                if change.position != position {
                    self.report.found(
                        &place,
                        format!("position {position} of the feed is {}", change.position),
                    );
                }
                let (parent, number) = match change.subject {
                    Subject::Application => continue,
                    Subject::Chat { chat } => (None, chat),
                    Subject::Message { chat, number } => (Some(chat), number),
                };
                if change.action == Action::Created {
                    let last = created.entry(parent).or_insert(0);
                    *last += 1;
                    if *last != number {
                        self.report.found(
                            &place,
                            format!("number {number} was given out where {last} was due"),
                        );
                    }
                }
            }
        }
        if position != application.last_position {
            self.report.found(
                &place,
                format!(
                    "the feed has {position} entries, not {}",
                    application.last_position
                ),
            );
        }
        Ok(())
    }

    fn check_chats(&mut self, snapshot: &Snapshot, application: &Application) -> Result<(), ViewError> {
        let place = format!("log, application {}", application.id.0);
        let mut live = 0;
        for number in 1..=application.last_chat_number {
            self.report.chats += 1;
            (self.on_progress)(VerifyProgress::Things {
                chats: self.report.chats,
            });
            let Some(chat) = snapshot.chat(application.id, number)? else {
                self.report.found(&place, format!("chat {number} is missing"));
                continue;
            };
            if chat.deleted_at.is_none() {
                live += 1;
                self.check_messages(snapshot, application, &chat)?;
            }
        }
        if live != application.chats_count {
            self.report.found(
                &place,
                format!(
                    "chats_count is {}, but {live} chats are live",
                    application.chats_count
                ),
            );
        }
        Ok(())
    }

    fn check_messages(
        &mut self,
        snapshot: &Snapshot,
        application: &Application,
        chat: &Chat,
    ) -> Result<(), ViewError> {
        let place = format!("log, application {}, chat {}", application.id.0, chat.number);
        let (mut last, mut live) = (0, 0);
        let mut deleted: BTreeMap<u64, u32> = BTreeMap::new();
        for block in 0..=message_block(chat.last_message_number.max(1)) {
            for message in snapshot.messages_in_block(application.id, chat.number, block)? {
                last += 1;
                self.report.messages += 1;
                if message.number != last {
                    self.report.found(&place, format!("message {last} is missing"));
                }
                if is_live(&message) {
                    live += 1;
                } else {
                    *deleted
                        .entry((message.number - 1) / tiro_core::DELETED_BLOCK_NUMBERS)
                        .or_default() += 1;
                }
            }
        }
        if (last, live) != (chat.last_message_number, chat.messages_count) {
            let (number, count) = (chat.last_message_number, chat.messages_count);
            self.report.found(
                &place,
                format!("its row says {number} messages, {count} live; there are {last}, {live} live"),
            );
        }
        self.check_deleted(snapshot, &place, (application, chat), &deleted)
    }

    fn check_deleted(
        &mut self,
        snapshot: &Snapshot,
        place: &str,
        (application, chat): (&Application, &Chat),
        deleted: &BTreeMap<u64, u32>,
    ) -> Result<(), ViewError> {
        let prefix = key(Kind::DeletedInBlock, application.id, &[chat.number]);
        let last = [&prefix[..], &[0xff; 8]].concat();
        let mut stored = BTreeMap::new();
        for row in snapshot.range(prefix..=last) {
            let (place, count) = row?;
            let block = keys::last_number(&place).unwrap_or(u64::MAX);
            stored.insert(block, u32::try_from(decode_number(&count)?).unwrap_or(u32::MAX));
        }
        if stored != *deleted {
            self.report.found(
                place,
                "the deleted counts of its blocks do not agree with its tombstones",
            );
        }
        Ok(())
    }
}

fn is_live(message: &Message) -> bool {
    message.deleted_at.is_none()
}
