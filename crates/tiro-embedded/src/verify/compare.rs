//! Two views thing by thing, and one view against its own counts.

use std::collections::{BTreeMap, BTreeSet};

use tiro_core::{
    Action, Application, ApplicationsAfter, Change, Chat, DeletedPlace, Marker, Message, NumberedList,
    ReaderName, Stage, Subject,
};

use super::{Report, VerifyProgress};
use crate::encoding::Corrupt;
use crate::view::keys::{self, change_block, message_block};
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
        let wanted: Vec<Application> = expected.applications().collect::<Result<_, _>>()?;
        let present: Vec<Application> = stored.applications().collect::<Result<_, _>>()?;
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
            let wanted = expected.deleted_of(application.id, NumberedList::Chats)?;
            let present = stored.deleted_of(application.id, NumberedList::Chats)?;
            self.same(&place, "the deleted counts of its chats", &wanted, &present);
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
        let list = NumberedList::Messages { chat: chat.number };
        let wanted = expected.deleted_of(application.id, list)?;
        let present = stored.deleted_of(application.id, list)?;
        self.same(place, "the deleted counts of its messages", &wanted, &present);
        let wanted = markers(expected, application, chat)?;
        let present = markers(stored, application, chat)?;
        self.same(place, "the markers of its readers", &wanted, &present);
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
        for application in snapshot.applications() {
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
                    Subject::Application | Subject::Reader { .. } => continue,
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
        let mut deleted = BTreeSet::new();
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
            } else {
                deleted.insert(number);
            }
        }
        self.check_deleted(snapshot, &place, (application, NumberedList::Chats), &deleted)?;
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
        let mut deleted = BTreeSet::new();
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
                    deleted.insert(message.number);
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
        let markers = markers(snapshot, application, chat)?;
        let is_past_last = |marker: &Marker| marker.read > chat.last_message_number;
        if markers.len() as u64 != chat.markers_count || markers.iter().any(is_past_last) {
            let (count, found) = (chat.markers_count, markers.len());
            self.report.found(
                &place,
                format!("its row says {count} markers; there are {found}, or one is past its last message"),
            );
        }
        let list = NumberedList::Messages { chat: chat.number };
        self.check_deleted(snapshot, &place, (application, list), &deleted)
    }

    /// The counts are those of the tombstones, in every node that each counts in.
    fn check_deleted(
        &mut self,
        snapshot: &Snapshot,
        place: &str,
        (application, list): (&Application, NumberedList),
        deleted: &BTreeSet<u64>,
    ) -> Result<(), ViewError> {
        let mut expected: BTreeMap<DeletedPlace, u64> = BTreeMap::new();
        for place in deleted.iter().flat_map(|number| list.places_of(*number)) {
            *expected.entry(place).or_default() += 1;
        }
        let stored = snapshot.deleted_of(application.id, list)?;
        let totals: BTreeMap<DeletedPlace, u64> = stored
            .iter()
            .map(|(place, node)| (*place, node.total()))
            .collect();
        if totals != expected {
            self.report.found(
                place,
                format!("the deleted counts of {list:?} do not agree with its tombstones"),
            );
        }
        Ok(())
    }
}

/// The markers in a chat, by reader.
fn markers(snapshot: &Snapshot, application: &Application, chat: &Chat) -> Result<Vec<Marker>, ViewError> {
    let readers = snapshot.readers_in(application.id, chat.number);
    let marker = |reader: Result<ReaderName, ViewError>| {
        let marker = snapshot.marker(application.id, chat.number, &reader?)?;
        marker.ok_or(ViewError::Row(Corrupt("a marker of a chat is missing")))
    };
    readers.map(marker).collect()
}

fn is_live(message: &Message) -> bool {
    message.deleted_at.is_none()
}
