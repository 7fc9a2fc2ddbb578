//! Pages of live things: which numbers they have is told by the deleted counts, so no tombstone is read.
//!
//! Where nothing was deleted the first statement has the page already, which is one statement; else it takes a snapshot with
//! the head, the counts in as many rounds as the tree is deep, and the rows.

use std::sync::LazyLock;

use tiro_core::{Application, Chat, LiveRange, Message, NumberedList, Page, Rejection, Token, live_numbers};

use super::head::{
    AFTER_HEAD, HEAD_BY_TOKEN, HEAD_COLUMNS, NO_CHAT, NO_HEAD, NO_MESSAGE, NO_PLACE, PLACE_COLUMNS,
    TOP_BY_TOKEN, live_chat, token_bytes,
};
use super::messages::Filling;
use super::nodes::Nodes;
use super::session::{Read, ReadError, Session, Wanted, corrupt, number_list};
use crate::mysql::rows::{self, CHAT_COLUMNS, CHAT_COLUMNS_COUNT, MESSAGE_COLUMNS};

/// The head, and so many of some chats if none was deleted. The index is named, for without that MariaDB may read a list
/// from its beginning.
static CHATS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "(SELECT {HEAD_COLUMNS}, {CHAT_COLUMNS} FROM applications AS head {NO_CHAT} \
         WHERE {HEAD_BY_TOKEN}) UNION ALL \
         (SELECT {HEAD_COLUMNS}, {CHAT_COLUMNS} FROM applications AS top \
         STRAIGHT_JOIN chats FORCE INDEX (PRIMARY) ON chats.application = top.id \
         {NO_HEAD} WHERE {TOP_BY_TOKEN} AND top.chats_count = top.last_chat_number AND chats.number > ? \
         ORDER BY chats.number LIMIT ?)"
    )
});

static MESSAGES: LazyLock<String> = LazyLock::new(|| {
    messages_of(
        "room.messages_count = room.last_message_number AND messages.number > ? ORDER BY messages.number",
    )
});

/// The head with the chat, and so many of some of its messages.
fn messages_of(wanted: &str) -> String {
    format!(
        "(SELECT {HEAD_COLUMNS}, {PLACE_COLUMNS}, {MESSAGE_COLUMNS} FROM applications AS head \
         LEFT JOIN chats AS place ON place.application = head.id AND place.number = ? \
         {NO_MESSAGE} WHERE {HEAD_BY_TOKEN}) UNION ALL \
         (SELECT {HEAD_COLUMNS}, {PLACE_COLUMNS}, {MESSAGE_COLUMNS} FROM applications AS top \
         STRAIGHT_JOIN chats AS room ON room.application = top.id AND room.number = ? \
         STRAIGHT_JOIN messages FORCE INDEX (PRIMARY) ON messages.application = top.id AND messages.chat = ? \
         {NO_HEAD} {NO_PLACE} \
         WHERE {TOP_BY_TOKEN} AND room.deleted_at IS NULL AND {wanted} LIMIT ?)"
    )
}

fn chats_numbered(application: u32, numbers: &[u64]) -> String {
    let numbers = number_list(numbers.iter().copied());
    format!(
        "SELECT {CHAT_COLUMNS} FROM chats WHERE application = {application} AND number IN ({numbers}) \
         ORDER BY number"
    )
}

fn messages_numbered(application: u32, chat: u64, numbers: &[u64]) -> String {
    let numbers = number_list(numbers.iter().copied());
    format!(
        "SELECT {MESSAGE_COLUMNS} FROM messages WHERE application = {application} AND chat = {chat} \
         AND number IN ({numbers}) ORDER BY number"
    )
}

/// A count and what it counts do not agree.
fn disagrees() -> ReadError {
    corrupt("the deleted counts of a list do not agree with it")
}

/// A list and its length.
struct Live {
    list: NumberedList,
    /// The last number.
    last: u64,
    /// How many are live.
    live: u64,
    range: LiveRange,
}

impl Live {
    fn has_tombstones(&self) -> bool {
        self.last != self.live
    }

    fn expected(&self) -> u64 {
        self.live
            .saturating_sub(self.range.skip)
            .min(u64::from(self.range.limit))
    }

    /// The numbers of the page.
    async fn numbers(&self, session: &mut Session<'_>, head: &Application) -> Result<Vec<u64>, ReadError> {
        let numbers = Nodes::along(head.id)
            .over(session, |find| {
                live_numbers(self.list, self.last, self.range, find)
            })
            .await?;
        let Ok(numbers) = numbers;
        if numbers.len() as u64 == self.expected() {
            Ok(numbers)
        } else {
            Err(disagrees())
        }
    }

    fn page<T>(&self, items: Vec<T>, head: &Application) -> Page<T> {
        Page {
            next: self.range.next(items.len(), self.live),
            items,
            as_of: Some(head.cursor()),
        }
    }
}

/// Live chats by number.
pub(super) struct LiveChats<'a> {
    pub(super) token: &'a Token,
    pub(super) range: LiveRange,
}

impl Read for LiveChats<'_> {
    type Answer = Page<Chat>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Page<Chat>, ReadError> {
        let statement = sqlx::query(CHATS.as_str())
            .bind(token_bytes(self.token))
            .bind(token_bytes(self.token))
            .bind(self.range.skip)
            .bind(self.range.limit);
        let (heads, mut head, mut items) = (session.heads(), None, Vec::new());
        session
            .each(statement, |row| {
                if head.is_none() {
                    head = Some(heads.live(row)?);
                }
                items.extend(rows::chat(row, AFTER_HEAD)?.map(|(_, chat)| chat));
                Ok(Wanted::More)
            })
            .await?;
        let head = head.ok_or(Rejection::ApplicationNotFound)?;
        let live = Live {
            list: NumberedList::Chats,
            last: head.last_chat_number,
            live: head.chats_count,
            range: self.range,
        };
        if live.has_tombstones() && live.expected() > 0 {
            let numbers = live.numbers(session, &head).await?;
            let text = chats_numbered(head.id.0, &numbers);
            session
                .each_of_text(text, |row| {
                    items.extend(rows::chat(row, 0)?.map(|(_, chat)| chat));
                    Ok(Wanted::More)
                })
                .await?;
        }
        if items.len() as u64 == live.expected() {
            Ok(live.page(items, &head))
        } else {
            Err(disagrees())
        }
    }
}

/// Live messages of a chat by number.
pub(super) struct LiveMessages<'a> {
    pub(super) token: &'a Token,
    pub(super) chat: u64,
    pub(super) range: LiveRange,
}

impl Read for LiveMessages<'_> {
    type Answer = Page<Message>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Page<Message>, ReadError> {
        let statement = sqlx::query(MESSAGES.as_str())
            .bind(self.chat)
            .bind(token_bytes(self.token))
            .bind(self.chat)
            .bind(self.chat)
            .bind(token_bytes(self.token))
            .bind(self.range.skip)
            .bind(self.range.limit);
        let (heads, mut found, mut filling) = (session.heads(), None, Filling::default());
        session
            .each(statement, |row| {
                if found.is_none() {
                    found = Some((heads.live(row)?, live_chat(row, AFTER_HEAD)?));
                }
                filling.take_at(row, AFTER_HEAD + CHAT_COLUMNS_COUNT)
            })
            .await?;
        let (head, place) = found.ok_or(Rejection::ApplicationNotFound)?;
        let live = Live {
            list: NumberedList::Messages { chat: self.chat },
            last: place.last_message_number,
            live: place.messages_count,
            range: self.range,
        };
        if live.has_tombstones() && live.expected() > 0 {
            let numbers = live.numbers(session, &head).await?;
            let text = messages_numbered(head.id.0, self.chat, &numbers);
            session.each_of_text(text, |row| filling.take_at(row, 0)).await?;
        }
        if filling.messages.len() as u64 == live.expected() || filling.is_full() {
            Ok(live.page(filling.messages, &head))
        } else {
            Err(disagrees())
        }
    }
}
