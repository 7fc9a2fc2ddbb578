//! The chats of an application, a chunk at a time: what their rows say of what is below them.

use std::collections::HashMap;

use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use tiro_core::NumberedList;

use super::applications::ApplicationRow;
use super::feed::Feed;
use super::{Findings, Repair};

/// Most chats of a chunk.
const CHATS_MAX: usize = 500;

/// How far the chats are checked.
#[derive(Default)]
pub(super) struct ChatWalk {
    /// The last one that was seen.
    reached: u64,
    pub(super) is_over: bool,
}

/// What a chunk held.
pub(super) struct Chats {
    pub(super) chats: u64,
    pub(super) markers: u64,
    /// Whose deleted counts are to be compared.
    pub(super) with_deleted: Vec<NumberedList>,
}

/// A row of `chats`, with the rows that it refers to.
struct ChatRow {
    number: u64,
    has_no_content: bool,
    messages_count: u64,
    last_message: u64,
    last_message_at: Option<i64>,
    is_deleted: bool,
    version: u64,
    activity: u64,
    live_activity: Option<u64>,
    markers_count: u64,
    /// Kind and chat of the change at `activity`.
    activity_of: (Option<u8>, Option<u64>),
    /// The chat of the change at `change_position`.
    change_of: Option<u64>,
    /// Position and time of the last message's create.
    last_created: Option<(u64, i64)>,
    is_garbage: bool,
    /// Only asked of deleted ones.
    has_rows: bool,
    has_deleted_counts: bool,
}

const COLUMNS: &str = "SELECT chats.number, chats.title IS NULL AND chats.metadata IS NULL, messages_count, \
     last_message_number, last_message_at, chats.deleted_at IS NOT NULL, chats.version, activity_position, live_activity, \
     markers_count, activity.kind, activity.chat, latest.chat, messages.created_position, messages.created_at, \
     garbage.chat IS NOT NULL, \
     chats.deleted_at IS NOT NULL AND (EXISTS(SELECT 1 FROM messages AS below WHERE below.application = chats.application \
     AND below.chat = chats.number) OR EXISTS(SELECT 1 FROM markers WHERE markers.application = chats.application \
     AND markers.chat = chats.number)), \
     EXISTS(SELECT 1 FROM deleted_counts WHERE deleted_counts.application = chats.application \
     AND deleted_counts.chat = chats.number) \
     FROM chats LEFT JOIN changes AS activity ON activity.application = chats.application \
     AND activity.position = activity_position \
     LEFT JOIN changes AS latest ON latest.application = chats.application AND latest.position = change_position \
     LEFT JOIN messages ON messages.application = chats.application AND messages.chat = chats.number \
     AND messages.number = last_message_number \
     LEFT JOIN garbage ON garbage.application = chats.application AND garbage.chat = chats.number \
     WHERE chats.application = ? AND chats.number > ? ORDER BY chats.number LIMIT ?";

const MARKERS: &str = "SELECT chat, COUNT(*), MAX(last_read) FROM markers WHERE application = ? \
     AND chat BETWEEN ? AND ? GROUP BY chat";

/// Rows of chats that never were. Chats are not removed while their application lives.
const ORPHANS: [(&str, &str); 2] = [
    (
        "markers",
        "SELECT DISTINCT markers.chat FROM markers LEFT JOIN chats ON chats.application = markers.application \
         AND chats.number = markers.chat WHERE markers.application = ? AND chats.number IS NULL LIMIT 10",
    ),
    (
        "deleted counts",
        "SELECT DISTINCT deleted_counts.chat FROM deleted_counts LEFT JOIN chats \
         ON chats.application = deleted_counts.application AND chats.number = deleted_counts.chat \
         WHERE deleted_counts.application = ? AND deleted_counts.chat > 0 AND chats.number IS NULL LIMIT 10",
    ),
];

impl ChatWalk {
    /// Checks the next chunk, the feed having been read to the end that it has in this snapshot.
    pub(super) async fn step(
        &mut self,
        snapshot: &mut MySqlConnection,
        application: &ApplicationRow,
        feed: &Feed,
        findings: &mut Findings,
    ) -> Result<Chats, sqlx::Error> {
        let rows = sqlx::query(COLUMNS)
            .bind(application.id)
            .bind(self.reached)
            .bind(i64::try_from(CHATS_MAX).unwrap_or(i64::MAX))
            .fetch_all(&mut *snapshot)
            .await?;
        let chats = rows.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let first = self.reached + 1;
        for chat in &chats {
            if chat.number > self.reached + 1 {
                let place = application.named.place();
                findings.hole(place, "chat", self.reached + 1, chat.number - 1);
            }
            self.reached = chat.number;
            check(chat, application, feed, findings);
        }
        let markers = check_markers(snapshot, application, (first, self.reached), &chats, findings).await?;
        self.is_over = chats.len() < CHATS_MAX;
        if self.is_over {
            check_orphans(snapshot, application, findings).await?;
        }
        let deleted = chats.iter().filter(|chat| {
            !chat.is_deleted && (chat.has_deleted_counts || chat.messages_count != chat.last_message)
        });
        Ok(Chats {
            chats: chats.len() as u64,
            markers,
            with_deleted: deleted
                .map(|chat| NumberedList::Messages { chat: chat.number })
                .collect(),
        })
    }
}

fn check(chat: &ChatRow, application: &ApplicationRow, feed: &Feed, findings: &mut Findings) {
    let place = || application.named.chat(chat.number);
    findings.check(
        chat.change_of == Some(chat.number),
        place,
        "change_position is not that of a change of this chat",
    );
    if let Some(version) = feed.chat(chat.number).filter(|version| *version != chat.version) {
        let problem = format!("its version is {}, its changes say {version}", chat.version);
        findings.add(place(), problem);
    }
    let live = (!chat.is_deleted).then_some(chat.activity);
    if chat.live_activity != live {
        let repair = Repair::LiveActivity {
            partition: application.partition,
            application: application.id,
            chat: chat.number,
        };
        findings.repairable(place(), "live_activity is not what its state says", repair);
    }
    if chat.is_deleted {
        check_deleted(chat, application, findings);
    } else {
        check_live(chat, application, findings);
    }
}

fn check_live(chat: &ChatRow, application: &ApplicationRow, findings: &mut Findings) {
    let place = || application.named.chat(chat.number);
    findings.check(!chat.is_garbage, place, "it is live and to be removed as garbage");
    let kind = if chat.last_message == 0 { 4 } else { 7 };
    let is_create = chat.activity_of == (Some(kind), Some(chat.number));
    let is_last = chat
        .last_created
        .is_none_or(|(position, _)| position == chat.activity);
    findings.check(
        is_create && is_last,
        place,
        "activity_position is not that of its last message's create",
    );
    let is_timed = match chat.last_created {
        Some((_, at)) => chat.last_message_at == Some(at),
        None => chat.last_message > 0 || chat.last_message_at.is_none(),
    };
    findings.check(is_timed, place, "last_message_at is not that of its last message");
}

fn check_deleted(chat: &ChatRow, application: &ApplicationRow, findings: &mut Findings) {
    let place = || application.named.chat(chat.number);
    findings.check(
        chat.has_no_content && chat.messages_count == 0 && chat.markers_count == 0,
        place,
        "it is deleted and has a title, metadata, messages or readers",
    );
    if (chat.has_rows || chat.has_deleted_counts) && !chat.is_garbage {
        let repair = Repair::Garbage {
            partition: application.partition,
            application: application.id,
            chat: chat.number,
        };
        findings.repairable(
            place(),
            "it is deleted, and rows below it are left that garbage does not name",
            repair,
        );
    }
}

/// Answers for how many markers live chats have.
async fn check_markers(
    snapshot: &mut MySqlConnection,
    application: &ApplicationRow,
    (first, last): (u64, u64),
    chats: &[ChatRow],
    findings: &mut Findings,
) -> Result<u64, sqlx::Error> {
    let rows = sqlx::query(MARKERS)
        .bind(application.id)
        .bind(first)
        .bind(last)
        .fetch_all(snapshot)
        .await?;
    let mut counted = HashMap::new();
    for row in &rows {
        let count = row.try_get::<i64, _>(1)?.unsigned_abs();
        counted.insert(row.try_get::<u64, _>(0)?, (count, row.try_get::<u64, _>(2)?));
    }
    let mut markers = 0;
    for chat in chats.iter().filter(|chat| !chat.is_deleted) {
        let (count, highest) = counted.get(&chat.number).copied().unwrap_or_default();
        markers += count;
        let place = || application.named.chat(chat.number);
        if count != chat.markers_count {
            let problem = format!("markers_count is {}, its rows say {count}", chat.markers_count);
            let repair = Repair::Markers {
                partition: application.partition,
                application: application.id,
                chat: chat.number,
            };
            findings.repairable(place(), problem, repair);
        }
        if highest > chat.last_message {
            let problem = format!(
                "a reader has read up to {highest}, the last message is {}",
                chat.last_message
            );
            findings.add(place(), problem);
        }
    }
    Ok(markers)
}

async fn check_orphans(
    snapshot: &mut MySqlConnection,
    application: &ApplicationRow,
    findings: &mut Findings,
) -> Result<(), sqlx::Error> {
    for (what, statement) in ORPHANS {
        let chats: Vec<u64> = sqlx::query_scalar(statement)
            .bind(application.id)
            .fetch_all(&mut *snapshot)
            .await?;
        for chat in chats {
            findings.add(
                application.named.chat(chat),
                format!("there are {what} of it, and no such chat"),
            );
        }
    }
    Ok(())
}

fn read(row: &MySqlRow) -> Result<ChatRow, sqlx::Error> {
    let is = |at| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(at)? == 1);
    let created: Option<u64> = row.try_get(13)?;
    let created_at: Option<i64> = row.try_get(14)?;
    Ok(ChatRow {
        number: row.try_get(0)?,
        has_no_content: is(1)?,
        messages_count: row.try_get(2)?,
        last_message: row.try_get(3)?,
        last_message_at: row.try_get(4)?,
        is_deleted: is(5)?,
        version: row.try_get(6)?,
        activity: row.try_get(7)?,
        live_activity: row.try_get(8)?,
        markers_count: row.try_get(9)?,
        activity_of: (row.try_get(10)?, row.try_get(11)?),
        change_of: row.try_get(12)?,
        last_created: created.zip(created_at),
        is_garbage: is(15)?,
        has_rows: is(16)?,
        has_deleted_counts: is(17)?,
    })
}
