//! Pages of a feed: changes with their things, in one statement.
//!
//! Each change is joined with the thing it made, while that version is the present one and its chat is live: what else there
//! is of a thing is not read. Only readers' counts may need a second statement, for deleted counts, and then a snapshot.

use std::fmt::Write;
use std::sync::LazyLock;

use sqlx::AssertSqlSafe;
use sqlx::Row;
use sqlx::mysql::MySqlRow;
use tiro_core::{
    Application, ApplicationId, CHANGES_LOOKED_AT_MAX, Change, Changes, ChangesFilter, ChangesRequest, Chat,
    Entry, Marker, PAGE_BYTES_MAX, Rejection, Subject, Thing,
};

use super::head::{
    AFTER_HEAD, HEAD_BY_TOKEN, HEAD_COLUMNS, Heads, NO_APPLICATION, NO_CHANGE, NO_CHAT, NO_HEAD, NO_MARKER,
    NO_MESSAGE, NO_PLACE, PLACE_COLUMNS, TOP_BY_TOKEN, token_bytes,
};
use super::nodes::unread_after;
use super::session::{Read, ReadError, Session, Statement, Wanted, corrupt, number_list};
use crate::mysql::rows::{
    self, APPLICATION_COLUMNS, APPLICATION_COLUMNS_COUNT, CHANGE_COLUMNS, CHANGE_COLUMNS_COUNT, CHAT_COLUMNS,
    CHAT_COLUMNS_COUNT, MARKER_COLUMNS, MESSAGE_COLUMNS, MESSAGE_COLUMNS_COUNT, kind_number,
};
use crate::planted::{self, Bug};

/// Where the columns of each table begin.
const CHANGE_AT: usize = AFTER_HEAD;
const PLACE_AT: usize = CHANGE_AT + CHANGE_COLUMNS_COUNT;
const APPLICATION_AT: usize = PLACE_AT + CHAT_COLUMNS_COUNT;
const CHAT_AT: usize = APPLICATION_AT + APPLICATION_COLUMNS_COUNT;
const MESSAGE_AT: usize = CHAT_AT + CHAT_COLUMNS_COUNT;
const MARKER_AT: usize = MESSAGE_AT + MESSAGE_COLUMNS_COUNT;

static OPEN: LazyLock<String> = LazyLock::new(|| feed(HEAD_BY_TOKEN, TOP_BY_TOKEN, ""));
static OF_APPLICATION: LazyLock<String> = LazyLock::new(|| feed("head.id = ?", "top.id = ?", ""));

/// The changes above a position up to another, with their things.
fn feed(head_of: &str, of: &str, narrowed: &str) -> String {
    let columns = format!(
        "{HEAD_COLUMNS}, {CHANGE_COLUMNS}, {PLACE_COLUMNS}, {APPLICATION_COLUMNS}, {CHAT_COLUMNS}, \
         {MESSAGE_COLUMNS}, {MARKER_COLUMNS}"
    );
    format!(
        "(SELECT {columns} FROM applications AS head {NO_CHANGE} \
         {NO_PLACE} {NO_APPLICATION} {NO_CHAT} \
         {NO_MESSAGE} {NO_MARKER} WHERE {head_of}) UNION ALL \
         (SELECT {columns} FROM applications AS top \
         STRAIGHT_JOIN changes FORCE INDEX (PRIMARY) ON changes.application = top.id \
         LEFT JOIN chats AS place ON place.application = changes.application AND place.number = changes.chat \
         LEFT JOIN applications ON applications.id = changes.application AND changes.kind <= 3 \
         AND applications.version = changes.version \
         LEFT JOIN chats ON chats.application = changes.application AND chats.number = changes.chat \
         AND changes.kind BETWEEN 4 AND 6 AND chats.version = changes.version \
         LEFT JOIN messages ON messages.application = changes.application AND messages.chat = changes.chat \
         AND messages.number = changes.number AND changes.kind BETWEEN 7 AND 9 \
         AND messages.version = changes.version AND place.deleted_at IS NULL \
         LEFT JOIN markers ON markers.application = changes.application AND markers.chat = changes.chat \
         AND markers.reader = changes.reader AND changes.kind = 10 AND markers.version = changes.version \
         AND place.deleted_at IS NULL \
         {NO_HEAD} \
         WHERE {of} AND changes.position > ? AND changes.position <= ?{narrowed} \
         ORDER BY changes.position LIMIT ?)"
    )
}

/// A filter as SQL.
fn narrowed(filter: &ChangesFilter) -> String {
    let mut text = String::new();
    let mut and_in = |column: &str, numbers: String| {
        write!(text, " AND changes.{column} IN ({numbers})").expect("a text takes what is written to it");
    };
    if let Some(chats) = &filter.chats {
        and_in("chat", number_list(chats.iter().copied()));
    }
    if let Some(kinds) = &filter.kinds {
        and_in(
            "kind",
            number_list(kinds.iter().map(|kind| u64::from(kind_number(*kind)))),
        );
    }
    text
}

/// Entries as their rows come.
pub(crate) struct Entries {
    head: Option<Application>,
    entries: Vec<Entry>,
    /// Entries of readers, whose counts are still to come: where they stand, and of which chat.
    readers: Vec<(usize, Chat, Marker)>,
    bytes: usize,
    bytes_max: usize,
    is_cut: bool,
}

impl Entries {
    fn new(bytes_max: usize) -> Entries {
        Entries {
            head: None,
            entries: Vec::new(),
            readers: Vec::new(),
            bytes: 0,
            bytes_max,
            is_cut: false,
        }
    }

    fn take(&mut self, heads: Heads<'_>, row: &MySqlRow) -> Result<Wanted, ReadError> {
        if self.head.is_none() {
            self.head = Some(heads.any(row)?.application);
        }
        if row.try_get::<Option<u32>, _>(CHANGE_AT)?.is_none() {
            return Ok(Wanted::More);
        }
        if self.bytes >= self.bytes_max {
            self.is_cut = true;
            return Ok(Wanted::NoMore);
        }
        let change = rows::change(row, CHANGE_AT)?.change;
        let thing = self.thing(row, &change)?;
        self.bytes += thing.as_ref().map_or(0, Thing::bytes);
        self.entries.push(Entry { change, thing });
        Ok(Wanted::More)
    }

    fn thing(&mut self, row: &MySqlRow, change: &Change) -> Result<Option<Thing>, ReadError> {
        let place = match change.subject {
            Subject::Application => None,
            _ => Some(
                rows::chat(row, PLACE_AT)?
                    .ok_or(corrupt("the chat of a change is missing"))?
                    .1,
            ),
        };
        Ok(match (&change.subject, place) {
            (Subject::Chat { .. }, _) => rows::chat(row, CHAT_AT)?.map(|(_, chat)| Thing::Chat(chat)),
            (Subject::Message { .. }, _) => {
                rows::message(row, MESSAGE_AT)?.map(|stored| Thing::Message(stored.message))
            }
            (Subject::Reader { .. }, Some(place)) => {
                if let Some((_, marker)) = rows::marker(row, MARKER_AT)? {
                    self.readers.push((self.entries.len(), place, marker));
                }
                None
            }
            (Subject::Application | Subject::Reader { .. }, _) => {
                rows::application(row, APPLICATION_AT)?.map(|stored| Thing::Application(stored.application))
            }
        })
    }

    /// Counts what is unread.
    async fn complete(&mut self, session: &mut Session<'_>, id: ApplicationId) -> Result<(), ReadError> {
        let places: Vec<(&Chat, u64)> = self
            .readers
            .iter()
            .map(|(_, place, marker)| (place, marker.read))
            .collect();
        let counts = unread_after(session, id, &places).await?;
        for ((index, _, marker), unread) in self.readers.drain(..).zip(counts) {
            self.entries[index].thing = Some(Thing::Reader(marker.state(unread)));
        }
        Ok(())
    }
}

/// A page of a feed.
pub(super) struct ChangesPage<'a>(pub(super) &'a ChangesRequest);

impl Read for ChangesPage<'_> {
    type Answer = Changes;

    async fn read(&self, session: &mut Session<'_>) -> Result<Changes, ReadError> {
        let request = self.0;
        let after = request.after.as_ref().map_or(0, |after| after.position);
        let is_open = request.filter.is_open();
        let looked_at_max = if is_open {
            u64::from(request.limit)
        } else {
            CHANGES_LOOKED_AT_MAX
        };
        let end = after.saturating_add(looked_at_max);
        let mut found = Entries::new(PAGE_BYTES_MAX);
        let statement: Statement = if is_open {
            sqlx::query(OPEN.as_str())
        } else {
            let text = feed(HEAD_BY_TOKEN, TOP_BY_TOKEN, &narrowed(&request.filter));
            sqlx::query(AssertSqlSafe(text)).persistent(false)
        };
        let statement = statement
            .bind(token_bytes(&request.token))
            .bind(token_bytes(&request.token))
            .bind(after)
            .bind(end)
            .bind(request.limit);
        let heads = session.heads();
        session.each(statement, |row| found.take(heads, row)).await?;
        let head = found.head.take().ok_or(Rejection::ApplicationNotFound)?;
        if head.deleted_at.is_some() {
            return Ok(Changes::of_deleted(&head, request)?);
        }
        head.position_after(request.after.as_ref())?;
        found.complete(session, head.id).await?;
        let end = end.min(head.last_position);
        let last = found.entries.last().map_or(after, |last| last.change.position);
        // What did not fit was not looked at.
        let is_whole = found.is_cut || found.entries.len() == request.limit as usize;
        let next = if is_whole { last } else { end };
        if is_open && !dense(after, next, &found.entries) {
            return Err(corrupt("a change is missing"));
        }
        found.entries.retain(|_| !planted::now_and_then(Bug::SkipEntry));
        Ok(Changes {
            entries: found.entries,
            next: head.cursor_at(next),
            has_more: next < head.last_position,
            as_of: head.cursor(),
        })
    }
}

/// Whether these are all the entries above one position up to another.
fn dense(after: u64, last: u64, entries: &[Entry]) -> bool {
    let in_order = (after + 1..)
        .zip(entries)
        .all(|(position, entry)| entry.change.position == position);
    in_order && entries.len() as u64 == last - after
}

/// The first entries of the feed of a live application above a position, for an export: at most `entries_max`, until
/// their texts have `bytes_max`.
pub(crate) struct FeedPiece<'a> {
    pub(crate) application: &'a Application,
    pub(crate) after: u64,
    pub(crate) entries_max: u32,
    pub(crate) bytes_max: usize,
}

impl Read for FeedPiece<'_> {
    type Answer = Vec<Entry>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Vec<Entry>, ReadError> {
        let mut found = Entries::new(self.bytes_max);
        let statement = sqlx::query(OF_APPLICATION.as_str())
            .bind(self.application.id.0)
            .bind(self.application.id.0)
            .bind(self.after)
            .bind(self.application.last_position)
            .bind(self.entries_max);
        let heads = session.heads();
        session.each(statement, |row| found.take(heads, row)).await?;
        found.complete(session, self.application.id).await?;
        let last = found.entries.last().map(|last| last.change.position);
        let last = last.ok_or(corrupt("a change is missing"))?;
        if dense(self.after, last, &found.entries) {
            Ok(found.entries)
        } else {
            Err(corrupt("a change is missing"))
        }
    }
}

#[cfg(test)]
mod tests {
    use tiro_core::ChangeKind;

    use super::*;

    #[test]
    fn a_filter_becomes_lists_and_an_empty_one_lets_nothing_through() {
        let filter = ChangesFilter {
            chats: Some(vec![3, 9]),
            kinds: Some(vec![ChangeKind::MessageCreated, ChangeKind::ReaderUpdated]),
        };
        let text = narrowed(&filter);
        assert_eq!(text, " AND changes.chat IN (3, 9) AND changes.kind IN (7, 10)");
        let filter = ChangesFilter {
            chats: Some(Vec::new()),
            kinds: None,
        };
        assert_eq!(narrowed(&filter), " AND changes.chat IN (NULL)");
        assert_eq!(narrowed(&ChangesFilter::default()), "");
    }

    #[test]
    fn a_feed_without_a_hole_is_dense() {
        let entry = |position| Entry {
            change: Change {
                position,
                at: tiro_core::Timestamp::from_millis(0),
                subject: Subject::Application,
                action: tiro_core::Action::Created,
                version: 1,
                key: None,
            },
            thing: None,
        };
        let entries = [entry(4), entry(5)];
        assert!(dense(3, 5, &entries) && dense(3, 3, &[]));
        assert!(!dense(3, 6, &entries) && !dense(2, 4, &entries) && !dense(3, 5, &[entry(4), entry(6)]));
    }
}
