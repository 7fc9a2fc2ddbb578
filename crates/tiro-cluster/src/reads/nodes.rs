//! Deleted counts for functions of the core that ask for them one by one and cannot wait.
//!
//! The function runs over what was fetched, and what it lacks counts as nothing deleted; then that is fetched and it runs
//! again, until it lacks nothing. Each round fetches at least the first thing that was missing, so the answer converges.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt::Write;
use std::sync::Arc;

use foldhash::fast::RandomState;
use tiro_core::{ApplicationId, Chat, DeletedNode, DeletedPlace, NumberedList, unread};

use super::session::{ReadError, Session, Wanted, corrupt};
use crate::mysql::rows::{self, DELETED_COLUMNS};

/// Most rounds of one answer.
const ROUNDS_MAX: u32 = 300;
/// Places asked for in one statement.
const PLACES_TOGETHER: usize = 500;
/// Most blocks fetched for one that is missing.
const SPAN_MAX: u64 = 4_096;

/// What was fetched of one application.
pub(super) struct Nodes {
    id: ApplicationId,
    known: HashMap<DeletedPlace, Option<Arc<DeletedNode>>, RandomState>,
    /// Blocks fetched for one that is missing: doubled each time, since a long list with few live things asks for many.
    span: u64,
}

/// How a function of the core asks.
pub(super) type Find<'a> = &'a mut dyn FnMut(DeletedPlace) -> Result<Option<Arc<DeletedNode>>, Infallible>;

impl Nodes {
    /// For a walk along one list.
    pub(super) fn along(id: ApplicationId) -> Nodes {
        Nodes {
            id,
            known: HashMap::default(),
            span: 16,
        }
    }

    /// What `compute` says of the nodes as they are.
    pub(super) async fn over<T>(
        &mut self,
        session: &mut Session<'_>,
        mut compute: impl FnMut(Find<'_>) -> T,
    ) -> Result<T, ReadError> {
        for _ in 0..ROUNDS_MAX {
            let mut missing = Vec::new();
            let answer = compute(&mut |place| match self.known.get(&place) {
                Some(node) => Ok(node.clone()),
                None => {
                    missing.push(place);
                    Ok(None)
                }
            });
            if missing.is_empty() {
                return Ok(answer);
            }
            drop(answer);
            self.fetch(session, missing).await?;
        }
        Err(corrupt("the deleted counts of a list lead nowhere"))
    }

    async fn fetch(
        &mut self,
        session: &mut Session<'_>,
        mut missing: Vec<DeletedPlace>,
    ) -> Result<(), ReadError> {
        missing.sort_unstable();
        missing.dedup();
        for places in missing.chunks(PLACES_TOGETHER) {
            for place in places {
                for block in place.block..place.block.saturating_add(self.span) {
                    self.known.entry(DeletedPlace { block, ..*place }).or_insert(None);
                }
            }
            let known = &mut self.known;
            session
                .each_of_text(nodes_at(self.id, places, self.span), |row| {
                    let (_, place, node) = rows::deleted(row, 0)?;
                    known.insert(place, Some(node));
                    Ok(Wanted::More)
                })
                .await?;
        }
        if self.span > 1 {
            self.span = (self.span * 2).min(SPAN_MAX);
        }
        Ok(())
    }
}

/// Live messages after each of some places in chats; 0 in a deleted chat. What has to be known for it is known beforehand,
/// so this is one statement, or none where nothing was deleted.
pub(super) async fn unread_after(
    session: &mut Session<'_>,
    id: ApplicationId,
    places: &[(&Chat, u64)],
) -> Result<Vec<u64>, ReadError> {
    let is_live = |chat: &Chat| chat.deleted_at.is_none();
    let mut missing = Vec::new();
    for (chat, read) in places {
        let has_deleted = chat.messages_count < chat.last_message_number;
        if is_live(chat) && has_deleted && *read < chat.last_message_number {
            missing.extend(NumberedList::Messages { chat: chat.number }.places_through(*read));
        }
    }
    let mut nodes = Nodes {
        span: 1,
        ..Nodes::along(id)
    };
    nodes.fetch(session, missing).await?;
    let count = |(chat, read): &(&Chat, u64)| {
        let find = |place| Ok::<_, Infallible>(nodes.known.get(&place).cloned().flatten());
        if !is_live(chat) {
            return Ok(0);
        }
        let Ok(unread) = unread(chat, *read, find);
        unread.ok_or_else(|| corrupt("the deleted counts of a chat do not agree with it"))
    };
    places.iter().map(count).collect()
}

/// The rows of these places, each with the blocks behind it.
fn nodes_at(id: ApplicationId, places: &[DeletedPlace], span: u64) -> String {
    let mut text = format!(
        "SELECT {DELETED_COLUMNS} FROM deleted_counts WHERE application = {} AND (",
        id.0
    );
    for (index, place) in places.iter().enumerate() {
        let chat = match place.list {
            NumberedList::Chats => 0,
            NumberedList::Messages { chat } => chat,
        };
        let or = if index == 0 { "" } else { " OR " };
        let (first, last) = (place.block, place.block.saturating_add(span - 1));
        let level = place.level;
        write!(
            text,
            "{or}(chat = {chat} AND level = {level} AND block BETWEEN {first} AND {last})"
        )
        .expect("a text takes what is written to it");
    }
    text.push(')');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_names_every_place_with_the_blocks_behind_it() {
        let place = |list, level, block| DeletedPlace { list, level, block };
        let places = [
            place(NumberedList::Chats, 0, 3),
            place(NumberedList::Messages { chat: 7 }, 1, 0),
        ];
        let text = nodes_at(ApplicationId(5), &places, 16);
        assert!(
            text.ends_with(
                "WHERE application = 5 AND ((chat = 0 AND level = 0 AND block BETWEEN 3 AND 18) \
                 OR (chat = 7 AND level = 1 AND block BETWEEN 0 AND 15))"
            ),
            "{text}"
        );
    }
}
