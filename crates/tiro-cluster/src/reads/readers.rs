//! How far somebody has read: in one chat, and in all chats where something is unread.
//!
//! One statement where nothing before a marker was deleted; else a snapshot, with one more for the deleted counts.

use std::sync::LazyLock;

use tiro_core::{
    Application, Chat, MARKERS_LOOKED_AT_MAX, Marker, Page, ReadState, ReaderName, Rejection, Seen, Token,
};

use super::head::{
    AFTER_HEAD, HEAD_BY_TOKEN, HEAD_COLUMNS, NO_HEAD, NO_MARKER, NO_PLACE, PLACE_COLUMNS, TOP_BY_TOKEN,
    live_chat, token_bytes,
};
use super::nodes::unread_after;
use super::session::{Read, ReadError, Session, Wanted, corrupt};
use super::single::there;
use crate::mysql::rows::{self, CHAT_COLUMNS_COUNT, MARKER_COLUMNS};

/// Where the marker of a row begins.
const MARKER_AT: usize = AFTER_HEAD + CHAT_COLUMNS_COUNT;

static READER: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT {HEAD_COLUMNS}, {PLACE_COLUMNS}, {MARKER_COLUMNS} FROM applications AS head \
         LEFT JOIN chats AS place ON place.application = head.id AND place.number = ? \
         LEFT JOIN markers ON markers.application = head.id AND markers.chat = ? AND markers.reader = ? \
         WHERE {HEAD_BY_TOKEN}"
    )
});

static UNREAD: LazyLock<String> = LazyLock::new(|| {
    format!(
        "(SELECT {HEAD_COLUMNS}, {PLACE_COLUMNS}, {MARKER_COLUMNS} FROM applications AS head \
         {NO_PLACE} {NO_MARKER} WHERE {HEAD_BY_TOKEN}) UNION ALL \
         (SELECT {HEAD_COLUMNS}, {PLACE_COLUMNS}, {MARKER_COLUMNS} FROM applications AS top \
         STRAIGHT_JOIN markers FORCE INDEX (by_reader) ON markers.application = top.id \
         LEFT JOIN chats AS place ON place.application = markers.application AND place.number = markers.chat \
         {NO_HEAD} \
         WHERE {TOP_BY_TOKEN} AND markers.reader = ? AND markers.chat > ? ORDER BY markers.chat LIMIT ?)"
    )
});

fn reader_bytes(reader: &ReaderName) -> Vec<u8> {
    reader.as_bytes().to_vec()
}

/// How far somebody has read in a chat.
pub(super) struct OneReader<'a> {
    pub(super) token: &'a Token,
    pub(super) chat: u64,
    pub(super) reader: &'a ReaderName,
}

impl Read for OneReader<'_> {
    type Answer = Seen<ReadState>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Seen<ReadState>, ReadError> {
        let statement = sqlx::query(READER.as_str())
            .bind(self.chat)
            .bind(self.chat)
            .bind(reader_bytes(self.reader))
            .bind(token_bytes(self.token));
        let row = there(session.one(statement).await?)?;
        let head = session.heads().live(&row)?;
        let place = live_chat(&row, AFTER_HEAD)?;
        let marker = rows::marker(&row, MARKER_AT)?;
        let marker = marker.map_or_else(|| Marker::absent(self.reader, self.chat), |(_, marker)| marker);
        let unread = unread_after(session, head.id, &[(&place, marker.read)]).await?;
        let unread = unread
            .first()
            .copied()
            .ok_or(corrupt("a reader was not counted"))?;
        Ok(Seen {
            thing: marker.state(unread),
            cursor: head.cursor(),
        })
    }
}

/// The live chats in which a reader has something unread.
pub(super) struct UnreadChats<'a> {
    pub(super) token: &'a Token,
    pub(super) reader: &'a ReaderName,
    pub(super) after: u64,
    pub(super) limit: u32,
}

/// Markers of one statement, in the order of their chats.
struct Piece {
    head: Application,
    markers: Vec<(Chat, Marker)>,
}

impl UnreadChats<'_> {
    async fn piece(
        &self,
        session: &mut Session<'_>,
        (after, markers_max): (u64, usize),
    ) -> Result<Piece, ReadError> {
        let statement = sqlx::query(UNREAD.as_str())
            .bind(token_bytes(self.token))
            .bind(token_bytes(self.token))
            .bind(reader_bytes(self.reader))
            .bind(after)
            .bind(markers_max as u64);
        let (heads, mut head, mut markers) = (session.heads(), None, Vec::new());
        session
            .each(statement, |row| {
                if head.is_none() {
                    head = Some(heads.live(row)?);
                }
                if let Some((_, marker)) = rows::marker(row, MARKER_AT)? {
                    let place = rows::chat(row, AFTER_HEAD)?;
                    let (_, place) = place.ok_or(corrupt("the chat of a marker is missing"))?;
                    markers.push((place, marker));
                }
                Ok(Wanted::More)
            })
            .await?;
        Ok(Piece {
            head: head.ok_or(Rejection::ApplicationNotFound)?,
            markers,
        })
    }
}

impl Read for UnreadChats<'_> {
    type Answer = Page<ReadState>;

    async fn read(&self, session: &mut Session<'_>) -> Result<Page<ReadState>, ReadError> {
        // Enough for a page if most chats have something unread; then further ones.
        let mut markers_max = self.limit as usize * 2 + 1;
        let (mut items, mut reached, mut looked_at) = (Vec::new(), self.after, 0);
        loop {
            let piece = self.piece(session, (reached, markers_max)).await?;
            let ends = piece.markers.len() < markers_max;
            let places: Vec<(&Chat, u64)> = piece
                .markers
                .iter()
                .map(|(place, marker)| (place, marker.read))
                .collect();
            let unread = unread_after(session, piece.head.id, &places).await?;
            let as_of = Some(piece.head.cursor());
            for ((place, marker), unread) in piece.markers.into_iter().zip(unread) {
                if items.len() == self.limit as usize || looked_at == MARKERS_LOOKED_AT_MAX {
                    let next = Some(reached);
                    return Ok(Page { items, next, as_of });
                }
                looked_at += 1;
                reached = place.number;
                items.extend((unread > 0).then(|| marker.state(unread)));
            }
            if ends {
                return Ok(Page {
                    items,
                    next: None,
                    as_of,
                });
            }
            markers_max = 2_000;
        }
    }
}
