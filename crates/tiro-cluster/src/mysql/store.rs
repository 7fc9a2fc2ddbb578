//! What a batch decided, as rows: the one place that says which are written, and in which order.
//!
//! Rows are as the facts know them after the last event: absolute values, one row a parent, however many requests touched it.
//! What is new is inserted plainly, so what others made meanwhile is an error and the batch is decided again.

use std::collections::HashSet;

use foldhash::fast::RandomState;
use tiro_core::{
    Action, Application, ApplicationId, Change, Event, Facts, Message, Namespace, Stage, Subject, Timestamp,
};

use super::fetch::{Locked, chat_of, key_scope, namespace_number};
use super::refused::Place;
use super::rows::{encode_deleted, kind_number};
use super::script::{Cell, Rows, Script};
use crate::planted::{self, Bug};

/// A batch that was decided, and where it goes.
pub(crate) struct Decided<'a> {
    pub(crate) partition: u16,
    pub(crate) locked: &'a Locked,
    pub(crate) transaction: [u8; 16],
    pub(crate) at: Timestamp,
    /// In order; none where all that is to be remembered is in `refused`.
    pub(crate) events: &'a [Event],
    /// After all of them.
    pub(crate) facts: &'a Facts,
    /// Parked creates that were rejected, with the number of the reason.
    pub(crate) refused: &'a [(Place, u8)],
}

impl Decided<'_> {
    /// Everything that is left of the transaction, up to its COMMIT.
    pub(crate) fn script(&self) -> Script {
        let mut script = Script::default();
        let next = self.facts.next_application().0;
        if next > self.locked.next_application && self.born().next().is_some() {
            script.sql("UPDATE server SET next_application = ").cell(next);
            script.sql(" WHERE one = 1").end();
        }
        self.applications(&mut script);
        self.chats(&mut script);
        self.messages(&mut script);
        self.markers(&mut script);
        self.deleted(&mut script);
        let position = self.changes(&mut script);
        self.garbage(&mut script);
        self.restored(&mut script);
        self.refused(&mut script);
        if position > self.locked.position {
            script.sql("UPDATE partitions SET position = ").cell(position);
            script.sql(" WHERE id = ").cell(self.partition).end();
        }
        script
            .sql("INSERT INTO transactions (id, at) VALUES ")
            .tuple(&[Cell::Bytes(&self.transaction), self.at.into()])
            .end();
        script.statement("COMMIT");
        script
    }

    /// Applications of this batch.
    fn born(&self) -> impl Iterator<Item = ApplicationId> {
        self.events.iter().filter_map(|event| match event {
            Event::ApplicationCreated { application, .. } | Event::RestoreBegun { application } => {
                Some(application.id)
            }
            _ => None,
        })
    }

    fn abandoned(&self) -> impl Iterator<Item = ApplicationId> {
        self.events.iter().filter_map(|event| match event {
            Event::RestoreAbandoned { application } => Some(*application),
            _ => None,
        })
    }

    fn applications(&self, script: &mut Script) {
        let born: HashSet<ApplicationId, RandomState> = self.born().collect();
        let mut rows = script.rows(APPLICATIONS, "");
        let new = born.iter().filter_map(|id| self.facts.application(*id));
        new.for_each(|application| self.application(&mut rows, application));
        rows.finish();
        let mut rows = script.rows(APPLICATIONS, APPLICATIONS_CHANGE);
        let changed = self.facts.changed_applications();
        let changed = changed.filter(|application| !born.contains(&application.id));
        changed.for_each(|application| self.application(&mut rows, application));
        rows.finish();
        for id in self.abandoned().filter(|id| !born.contains(id)) {
            script
                .sql("DELETE FROM applications WHERE id = ")
                .cell(id.0)
                .end();
        }
    }

    fn application(&self, rows: &mut Rows<'_>, application: &Application) {
        let (restoring, last, restored_at) = match application.stage {
            Stage::Ready => (0, None, Cell::Null),
            // By the clock of all nodes: workers compare it.
            Stage::Restoring { last_position } => (application.id.0, Some(last_position), Cell::Now),
        };
        let listed = application.stage == Stage::Ready && application.deleted_at.is_none();
        rows.add(&[
            application.id.0.into(),
            Cell::Bytes(application.token.as_str().as_bytes()),
            restoring.into(),
            last.into(),
            self.partition.into(),
            Cell::Bytes(application.epoch.as_str().as_bytes()),
            text(application.name.as_deref()),
            text(application.metadata.as_ref().map(|metadata| metadata.as_str())),
            application.chats_count.into(),
            application.last_chat_number.into(),
            application.last_position.into(),
            application.created_at.into(),
            application.updated_at.into(),
            application.deleted_at.into(),
            application.version.into(),
            u8::from(listed).into(),
            restored_at,
        ]);
    }

    fn chats(&self, script: &mut Script) {
        let mut rows = script.rows(CHATS, CHATS_CHANGE);
        for (id, chat) in self.facts.changed_chats() {
            let live = chat.deleted_at.is_none().then_some(chat.activity_position);
            let counted = chat.messages_count > 0 && planted::now_and_then(Bug::CountNotRaised);
            rows.add(&[
                id.0.into(),
                chat.number.into(),
                text(chat.title.as_deref()),
                text(chat.metadata.as_ref().map(|metadata| metadata.as_str())),
                (chat.messages_count - u64::from(counted)).into(),
                chat.last_message_number.into(),
                chat.last_message_at.into(),
                chat.created_at.into(),
                chat.updated_at.into(),
                chat.deleted_at.into(),
                chat.version.into(),
                chat.activity_position.into(),
                live.into(),
                chat.change_position.into(),
                chat.markers_count.into(),
            ]);
        }
        rows.finish();
    }

    fn messages(&self, script: &mut Script) {
        let changed = self.facts.changed_messages();
        let changed: HashSet<_, RandomState> = changed
            .map(|(id, chat, message)| (id, chat, message.number))
            .collect();
        let mut rows = script.rows(MESSAGES, "");
        for event in self.events {
            let Event::MessagesCreated {
                application: id,
                chat,
                first_number,
                first_position,
                at,
                messages,
            } = event
            else {
                continue;
            };
            for (step, created) in (0..).zip(messages) {
                let number = first_number + step;
                if !changed.contains(&(*id, *chat, number)) {
                    let created = created.message(number, first_position + step, *at);
                    message(&mut rows, (*id, *chat), &created);
                }
            }
        }
        rows.finish();
        let mut rows = script.rows(MESSAGES, MESSAGES_CHANGE);
        for (id, chat, changed) in self.facts.changed_messages() {
            message(&mut rows, (id, chat), changed);
        }
        rows.finish();
    }

    fn markers(&self, script: &mut Script) {
        let mut rows = script.rows(MARKERS, MARKERS_CHANGE);
        for (id, marker) in self.facts.changed_markers() {
            let reader = Cell::Bytes(marker.reader.as_bytes());
            rows.add(&[
                id.0.into(),
                marker.chat.into(),
                reader,
                marker.read.into(),
                marker.version.into(),
            ]);
        }
        rows.finish();
    }

    fn deleted(&self, script: &mut Script) {
        let mut rows = script.rows(DELETED, DELETED_CHANGE);
        for (id, place, node) in self.facts.changed_deleted() {
            let chat = chat_of(place.list);
            let counts = encode_deleted(node);
            rows.add(&[
                id.0.into(),
                chat.into(),
                place.level.into(),
                place.block.into(),
                Cell::Bytes(&counts),
            ]);
        }
        rows.finish();
    }

    /// Answers for the position of the last one in the partition.
    fn changes(&self, script: &mut Script) -> u64 {
        let mut rows = script.rows(CHANGES, "");
        let mut position = self.locked.position;
        for event in self.events {
            let restored = matches!(event, Event::EntriesRestored { .. });
            event.each_change(|made| {
                position += 1;
                let scope = made.key.as_ref().and_then(|binding| {
                    let of_server = binding.name.namespace == Namespace::Server;
                    let scope = key_scope(event.application(), binding.name.namespace);
                    (!(restored && of_server)).then_some(scope.map_or(0, |id| id.0))
                });
                change(
                    &mut rows,
                    (event.application(), self.partition, position),
                    &made,
                    scope,
                );
            });
        }
        rows.finish();
        position
    }

    fn garbage(&self, script: &mut Script) {
        let partition = self.partition.into();
        let mut rows = script.rows(GARBAGE, GARBAGE_CHANGE);
        for event in self.events {
            let id = event.application();
            event.each_change(|change| match (&change.subject, change.action) {
                (Subject::Application, Action::Deleted) => {
                    rows.add(&[id.0.into(), Cell::Number(0), partition]);
                }
                (Subject::Chat { chat }, Action::Deleted) => {
                    rows.add(&[id.0.into(), (*chat).into(), partition]);
                }
                _ => {}
            });
        }
        self.abandoned()
            .for_each(|id| rows.add(&[id.0.into(), Cell::Number(0), partition]));
        rows.finish();
    }

    fn refused(&self, script: &mut Script) {
        let mut rows = script.rows(REFUSED, "");
        for ((id, operation), reason) in self.refused {
            rows.add(&[
                id.0.into(),
                Cell::Bytes(operation),
                (*reason).into(),
                self.at.into(),
            ]);
        }
        rows.finish();
    }

    /// The key under which a restored application was made is bound with it, unless somebody bound it meanwhile.
    fn restored(&self, script: &mut Script) {
        for event in self.events {
            if let Event::RestoreFinished { application, .. } = event {
                script
                    .sql("UPDATE IGNORE changes SET key_scope = 0 WHERE application = ")
                    .cell(application.0)
                    .sql(" AND position = 1 AND key_namespace = 0")
                    .end();
            }
        }
    }
}

fn text(value: Option<&str>) -> Cell<'_> {
    value.map_or(Cell::Null, Cell::Text)
}

fn message(rows: &mut Rows<'_>, (id, chat): (ApplicationId, u64), message: &Message) {
    let content = message.content.as_deref();
    let sender = content.and_then(|content| content.sender.as_ref());
    let metadata = content.and_then(|content| content.metadata.as_ref());
    rows.add(&[
        id.0.into(),
        chat.into(),
        message.number.into(),
        text(content.map(|content| &*content.body)),
        sender.map_or(Cell::Null, |sender| Cell::Bytes(sender.as_bytes())),
        text(metadata.map(|metadata| metadata.as_str())),
        message.created_at.into(),
        message.updated_at.into(),
        message.deleted_at.into(),
        message.version.into(),
        message.created_position.into(),
    ]);
}

fn change(
    rows: &mut Rows<'_>,
    (id, partition, position): (ApplicationId, u16, u64),
    change: &Change,
    scope: Option<u32>,
) {
    let (number, reader) = match &change.subject {
        Subject::Message { number, .. } => (Some(*number), None),
        Subject::Reader { reader, .. } => (None, Some(reader)),
        Subject::Application | Subject::Chat { .. } => (None, None),
    };
    let key = change.key.as_deref();
    let name = key.map(|key| &key.name);
    rows.add(&[
        id.0.into(),
        change.position.into(),
        partition.into(),
        position.into(),
        change.at.into(),
        kind_number(change.kind()).into(),
        change.subject.chat().into(),
        number.into(),
        reader.map_or(Cell::Null, |reader| Cell::Bytes(reader.as_bytes())),
        change.version.into(),
        scope.into(),
        name.map(|name| namespace_number(name.namespace)).into(),
        name.map_or(Cell::Null, |name| Cell::Bytes(name.key.as_bytes())),
        key.map_or(Cell::Null, |key| Cell::Bytes(&key.fingerprint.0)),
        key.and_then(|key| key.created_at).into(),
    ]);
}

const APPLICATIONS: &str = "INSERT INTO applications (id, token, restoring, restoring_last, partition_id, epoch, name, \
     metadata, chats_count, last_chat_number, last_position, created_at, updated_at, deleted_at, version, listed, \
     restored_at) VALUES ";
const APPLICATIONS_CHANGE: &str = " ON DUPLICATE KEY UPDATE restoring = VALUES(restoring), \
     restoring_last = VALUES(restoring_last), epoch = VALUES(epoch), name = VALUES(name), metadata = VALUES(metadata), \
     chats_count = VALUES(chats_count), last_chat_number = VALUES(last_chat_number), \
     last_position = VALUES(last_position), created_at = VALUES(created_at), updated_at = VALUES(updated_at), \
     deleted_at = VALUES(deleted_at), version = VALUES(version), listed = VALUES(listed), restored_at = VALUES(restored_at)";
const CHATS: &str = "INSERT INTO chats (application, number, title, metadata, messages_count, last_message_number, \
     last_message_at, created_at, updated_at, deleted_at, version, activity_position, live_activity, change_position, \
     markers_count) VALUES ";
const CHATS_CHANGE: &str = " ON DUPLICATE KEY UPDATE title = VALUES(title), metadata = VALUES(metadata), \
     messages_count = VALUES(messages_count), last_message_number = VALUES(last_message_number), \
     last_message_at = VALUES(last_message_at), created_at = VALUES(created_at), updated_at = VALUES(updated_at), \
     deleted_at = VALUES(deleted_at), version = VALUES(version), activity_position = VALUES(activity_position), \
     live_activity = VALUES(live_activity), change_position = VALUES(change_position), \
     markers_count = VALUES(markers_count)";
const MESSAGES: &str = "INSERT INTO messages (application, chat, number, body, sender, metadata, created_at, updated_at, \
     deleted_at, version, created_position) VALUES ";
const MESSAGES_CHANGE: &str = " ON DUPLICATE KEY UPDATE body = VALUES(body), sender = VALUES(sender), \
     metadata = VALUES(metadata), created_at = VALUES(created_at), updated_at = VALUES(updated_at), \
     deleted_at = VALUES(deleted_at), version = VALUES(version), created_position = VALUES(created_position)";
const REFUSED: &str = "INSERT INTO refused_operations (application, operation, reason, at) VALUES ";
const MARKERS: &str = "INSERT INTO markers (application, chat, reader, last_read, version) VALUES ";
const MARKERS_CHANGE: &str =
    " ON DUPLICATE KEY UPDATE last_read = VALUES(last_read), version = VALUES(version)";
const DELETED: &str = "INSERT INTO deleted_counts (application, chat, level, block, counts) VALUES ";
const DELETED_CHANGE: &str = " ON DUPLICATE KEY UPDATE counts = VALUES(counts)";
const CHANGES: &str = "INSERT INTO changes (application, position, partition_id, partition_position, at, kind, chat, \
     number, reader, version, key_scope, key_namespace, key_name, key_fingerprint, key_created_at) VALUES ";
const GARBAGE: &str = "INSERT INTO garbage (application, chat, partition_id) VALUES ";
const GARBAGE_CHANGE: &str = " ON DUPLICATE KEY UPDATE chat = VALUES(chat)";
