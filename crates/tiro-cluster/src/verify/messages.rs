//! The messages of an application, a chunk at a time: their numbers, and the changes that made them what they are.

use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};

use super::Findings;
use super::applications::ApplicationRow;
use super::feed::{Feed, Last};
use super::index::Expected;

/// Most messages of a chunk.
const MESSAGES_MAX: usize = 1_000;

/// How far the messages are checked.
#[derive(Default)]
pub(super) struct MessageWalk {
    chat: u64,
    number: u64,
    pub(super) is_over: bool,
}

/// What a chunk held.
pub(super) struct Messages {
    pub(super) count: u64,
    /// What the index has to say of them.
    pub(super) expected: Vec<Expected>,
}

/// A row of `messages`, with the rows that it refers to.
struct MessageRow {
    chat: u64,
    number: u64,
    version: u64,
    created_position: u64,
    is_deleted: bool,
    has_body: bool,
    has_rest: bool,
    /// Whether its chat is deleted; `None` where it has none.
    is_chat_deleted: Option<bool>,
    /// Kind, chat and number of the change at `created_position`, and its position in the partition.
    created: Option<(u8, Option<u64>, Option<u64>, u64)>,
}

const COLUMNS: &str = "SELECT messages.chat, messages.number, messages.version, created_position, \
     messages.deleted_at IS NOT NULL, body IS NOT NULL, sender IS NOT NULL OR messages.metadata IS NOT NULL, \
     chats.number, chats.deleted_at IS NOT NULL, changes.kind, changes.chat, changes.number, changes.partition_position \
     FROM messages FORCE INDEX (PRIMARY) \
     LEFT JOIN chats ON chats.application = messages.application AND chats.number = messages.chat \
     LEFT JOIN changes ON changes.application = messages.application AND changes.position = created_position \
     WHERE messages.application = ? AND ((messages.chat = ? AND messages.number > ?) OR messages.chat > ?) \
     ORDER BY messages.chat, messages.number LIMIT ?";

impl MessageWalk {
    /// Checks the next chunk, the feed having been read to the end that it has in this snapshot.
    pub(super) async fn step(
        &mut self,
        snapshot: &mut MySqlConnection,
        application: &ApplicationRow,
        feed: &Feed,
        findings: &mut Findings,
    ) -> Result<Messages, sqlx::Error> {
        let rows = sqlx::query(COLUMNS)
            .bind(application.id)
            .bind(self.chat)
            .bind(self.number)
            .bind(self.chat)
            .bind(i64::try_from(MESSAGES_MAX).unwrap_or(i64::MAX))
            .fetch_all(snapshot)
            .await?;
        let mut expected = Vec::with_capacity(rows.len());
        for row in &rows {
            let message = read(row)?;
            let before = if message.chat == self.chat { self.number } else { 0 };
            (self.chat, self.number) = (message.chat, message.number);
            match message.is_chat_deleted {
                None => {
                    let place = application.named.message(message.chat, message.number);
                    findings.add(place, "there is no such chat");
                }
                // Nobody sees it any more.
                Some(true) => {}
                Some(false) => {
                    if message.number > before + 1 {
                        let place = application.named.chat(message.chat);
                        findings.hole(place, "message", before + 1, message.number - 1);
                    }
                    let last = check(&message, application, feed, findings);
                    expected.extend(last.map(|last| Expected {
                        application: application.id,
                        named: application.named.clone(),
                        chat: message.chat,
                        number: message.number,
                        version: message.version,
                        is_deleted: message.is_deleted,
                        partition_position: last.partition_position,
                    }));
                }
            }
        }
        self.is_over = rows.len() < MESSAGES_MAX;
        Ok(Messages {
            count: rows.len() as u64,
            expected: if application.is_restoring {
                Vec::new()
            } else {
                expected
            },
        })
    }
}

/// Answers for the change that made it what it is, if that is known.
fn check(
    message: &MessageRow,
    application: &ApplicationRow,
    feed: &Feed,
    findings: &mut Findings,
) -> Option<Last> {
    let place = || application.named.message(message.chat, message.number);
    findings.check(message.version >= 1, place, "its version is 0");
    // While it is restored, a later entry may still bring its content.
    let is_whole = message.has_body || application.is_restoring;
    let fits = if message.is_deleted {
        !message.has_body && !message.has_rest
    } else {
        is_whole
    };
    findings.check(
        fits,
        place,
        "a tombstone has no content, and only a tombstone has none",
    );
    let created = message.created.filter(|(kind, chat, number, _)| {
        (*kind, *chat, *number) == (7, Some(message.chat), Some(message.number))
    });
    let Some((_, _, _, created_at)) = created else {
        let problem = format!("change {} did not create it", message.created_position);
        findings.add(place(), problem);
        return None;
    };
    let last = feed.message(message.chat, message.number, created_at)?;
    if last.version != message.version {
        let problem = format!(
            "its version is {}, its changes say {}",
            message.version, last.version
        );
        findings.add(place(), problem);
    }
    Some(last)
}

fn read(row: &MySqlRow) -> Result<MessageRow, sqlx::Error> {
    let is = |at| Ok::<_, sqlx::Error>(row.try_get::<i64, _>(at)? == 1);
    let chat: Option<u64> = row.try_get(7)?;
    let is_chat_deleted = is(8)?;
    let created = match row.try_get::<Option<u8>, _>(9)? {
        None => None,
        Some(kind) => Some((kind, row.try_get(10)?, row.try_get(11)?, row.try_get(12)?)),
    };
    Ok(MessageRow {
        chat: row.try_get(0)?,
        number: row.try_get(1)?,
        version: row.try_get(2)?,
        created_position: row.try_get(3)?,
        is_deleted: is(4)?,
        has_body: is(5)?,
        has_rest: is(6)?,
        is_chat_deleted: chat.map(|_| is_chat_deleted),
        created,
    })
}
