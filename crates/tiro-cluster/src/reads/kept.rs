//! Pages of messages that Redis keeps, each held against the primary before it is shown.
//!
//! `chats.change_position` dates every change in or below a chat, and a page is made of nothing but rows of its chat. So
//! where the primary says, after the page was found, that application and chat live and that the chat's latest change is the
//! one it was read at, the page is what the primary would answer at that moment. Equal, not later: a position is given out
//! once a history, and the epoch says which history.

use tiro_core::{Failure, Message, Page};

use super::home::ChatHome;
use super::messages::MessagesPage;
use super::pools::Pools;
use crate::planted::{self, Bug};
use crate::redis::Pages;

/// A page, from Redis where that has it as it is.
pub(super) async fn messages(
    pools: &Pools,
    pages: &Pages,
    wanted: MessagesPage<'_>,
) -> Result<Page<Message>, Failure> {
    let MessagesPage { token, chat, range } = wanted;
    let key = pages.key(token, chat, range);
    if let Some(kept) = pages.find(&key).await {
        // A refusal is one of now, whatever was kept.
        let home = pools.read(&ChatHome { token, chat }).await?;
        let page = if planted::is(Bug::StaleCache) {
            Some(kept.page(home.cursor))
        } else {
            kept.page_at(&home)
        };
        pages.found(page.is_some());
        if let Some(page) = page {
            return Ok(page);
        }
    }
    let read = pools.read(&wanted).await?;
    pages.keep(key, &read.home, &read.page);
    Ok(read.page)
}
