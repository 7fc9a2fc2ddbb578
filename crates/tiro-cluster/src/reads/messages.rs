//! Pages of the messages of a chat, tombstones included: one statement where there are any.
//!
//! Every row says again where it is. Beside a list of 50 that costs less than a row of its own before them: the server plans
//! three tables and not twelve, and no row has columns that are empty. A page without rows asks why in a second statement,
//! which is an answer by itself: its state is the one that the page is of.

use std::sync::LazyLock;

use sqlx::mysql::MySqlRow;
use tiro_core::{Message, NumberRange, PAGE_BYTES_MAX, Page, Token};

use super::head::{TOP_BY_TOKEN, token_bytes};
use super::home::{ChatHome, HOME_COLUMNS_COUNT, Home, ROOM_COLUMNS, TOP_COLUMNS};
use super::listing::{Between, page_of};
use super::session::{Read, ReadError, Session, Wanted};
use crate::mysql::rows::{self, MESSAGE_COLUMNS};

static UPWARDS: LazyLock<String> = LazyLock::new(|| messages("ASC"));
static DOWNWARDS: LazyLock<String> = LazyLock::new(|| messages("DESC"));

fn messages(order: &str) -> String {
    format!(
        "SELECT {TOP_COLUMNS}, {ROOM_COLUMNS}, {MESSAGE_COLUMNS} FROM applications AS top \
         STRAIGHT_JOIN chats AS room ON room.application = top.id AND room.number = ? \
         STRAIGHT_JOIN messages FORCE INDEX (PRIMARY) ON messages.application = top.id AND messages.chat = ? \
         WHERE {TOP_BY_TOKEN} AND room.deleted_at IS NULL AND messages.number > ? AND messages.number < ? \
         ORDER BY messages.number {order} LIMIT ?"
    )
}

/// Messages of a chat by number.
#[derive(Clone, Copy)]
pub(super) struct MessagesPage<'a> {
    pub(super) token: &'a Token,
    pub(super) chat: u64,
    pub(super) range: NumberRange,
}

/// A page and where it is, of one state.
pub(super) struct MessagesRead {
    pub(super) page: Page<Message>,
    pub(super) home: Home,
}

impl Read for MessagesPage<'_> {
    type Answer = MessagesRead;

    async fn read(&self, session: &mut Session<'_>) -> Result<MessagesRead, ReadError> {
        let between = Between::from(self.range);
        let text = if between.downwards { &DOWNWARDS } else { &UPWARDS };
        let statement = sqlx::query(text.as_str())
            .bind(self.chat)
            .bind(self.chat)
            .bind(token_bytes(self.token))
            .bind(between.after)
            .bind(between.before)
            .bind(between.limit);
        let (heads, mut place, mut filling) = (session.heads(), None, Filling::default());
        session
            .each(statement, |row| {
                if place.is_none() {
                    place = Some(heads.home(self.token, row)?);
                }
                filling.take_at(row, HOME_COLUMNS_COUNT)
            })
            .await?;
        match place {
            Some(place) => self.of(place, filling),
            None => self.without_rows(session).await,
        }
    }
}

impl MessagesPage<'_> {
    fn of(&self, home: Home, filling: Filling) -> Result<MessagesRead, ReadError> {
        let numbers = self.range.numbers(home.last_message_number);
        let is_cut = filling.is_full();
        let mut page = page_of(filling.messages, |message| message.number, (numbers, is_cut))?;
        page.as_of = Some(home.cursor.clone());
        Ok(MessagesRead { page, home })
    }

    /// A refusal, or a page that is empty. Where a message came meanwhile, both are read again as one state.
    async fn without_rows(&self, session: &mut Session<'_>) -> Result<MessagesRead, ReadError> {
        session.begin_again();
        let home = ChatHome {
            token: self.token,
            chat: self.chat,
        };
        let home = home.read(session).await?;
        if !self.range.numbers(home.last_message_number).is_empty() {
            session.in_one_state()?;
        }
        self.of(home, Filling::default())
    }
}

/// Messages of a page, from rows as they come.
#[derive(Default)]
pub(super) struct Filling {
    pub(super) messages: Vec<Message>,
    bytes: usize,
}

impl Filling {
    /// Takes the message in the columns from `at` on.
    pub(super) fn take_at(&mut self, row: &MySqlRow, at: usize) -> Result<Wanted, ReadError> {
        if self.is_full() {
            return Ok(Wanted::NoMore);
        }
        if let Some(stored) = rows::message(row, at)? {
            self.bytes += stored.message.bytes();
            self.messages.push(stored.message);
        }
        Ok(Wanted::More)
    }

    /// Whether its texts fill the page.
    pub(super) fn is_full(&self) -> bool {
        self.bytes >= PAGE_BYTES_MAX
    }
}
