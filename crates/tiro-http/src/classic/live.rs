//! Pages of live things, by how many come before them.

use tiro_core::{Failure, LiveRange, Message, NumberRange, PAGE_LIMIT_MAX, Token};

use super::things::Thing;
use crate::app::App;

/// A list of classic clients.
pub(super) enum List {
    Applications,
    Chats { token: Token },
    Messages { token: Token, chat: u64 },
}

impl List {
    /// The live things behind the first `skip`, at most `limit`, which is at most [`PAGE_LIMIT_MAX`].
    ///
    /// Deep pages of chats and messages cost what the first costs; applications are counted off from the beginning.
    pub(super) async fn page(&self, app: &App, skip: u64, limit: u32) -> Result<Vec<Thing>, Failure> {
        let range = LiveRange { skip, limit };
        match self {
            List::Applications => applications(app, range).await,
            List::Chats { token } => {
                let page = app.engine.live_chats(token, range).await?;
                Ok(page.items.into_iter().map(Thing::Chat).collect())
            }
            List::Messages { token, chat } => {
                let messages = messages(app, token, *chat, range).await?.into_iter();
                Ok(messages.map(|message| Thing::Message(*chat, message)).collect())
            }
        }
    }
}

async fn applications(app: &App, range: LiveRange) -> Result<Vec<Thing>, Failure> {
    let (mut skip, mut after, mut things) = (range.skip, None, Vec::new());
    let wanted = range.limit as usize;
    loop {
        let page = app.engine.applications(after, PAGE_LIMIT_MAX).await?;
        let count = page.items.len() as u64;
        let here = usize::try_from(skip.min(count)).unwrap_or(usize::MAX);
        let room = wanted - things.len();
        let items = page.items.into_iter().skip(here).take(room);
        things.extend(items.map(Thing::Application));
        skip = skip.saturating_sub(count);
        if page.next.is_none() || things.len() == wanted {
            return Ok(things);
        }
        after = page.next;
    }
}

/// An engine's page ends early when its bodies are large: what is missing follows behind its last message, so that a
/// message deleted meanwhile does not shift the rest.
async fn messages(app: &App, token: &Token, chat: u64, range: LiveRange) -> Result<Vec<Message>, Failure> {
    let first = app.engine.live_messages(token, chat, range).await?;
    let mut after = first.next.and(first.items.last()).map(|message| message.number);
    let mut messages = first.items;
    let wanted = range.limit as usize;
    while let Some(reached) = after.filter(|_| messages.len() < wanted) {
        let rest = NumberRange::After {
            after: reached,
            before: None,
            limit: PAGE_LIMIT_MAX,
        };
        let page = app.engine.messages(token, chat, rest).await?;
        after = page.next;
        let room = wanted - messages.len();
        let live = page
            .items
            .into_iter()
            .filter(|message| message.deleted_at.is_none());
        messages.extend(live.take(room));
    }
    Ok(messages)
}
