//! A walk over the live things of a list, in engine pages.
//!
//! The engine counts numbers, tombstones included; classic pages count live things. Where nothing was deleted the two
//! are one and a page is found at once; otherwise the walk counts from the beginning, one engine page in memory.

use tiro_core::{ApplicationsAfter, Failure, NumberRange, PAGE_LIMIT_MAX, Token};

use super::things::Thing;
use crate::app::App;
use crate::call::Call;

/// Where in a list a walk is. Things created after it began are not part of it.
pub(super) struct Walk {
    app: App,
    list: List,
    ended: bool,
}

enum List {
    Applications { after: Option<ApplicationsAfter> },
    Chats { token: Token, span: Span },
    Messages { token: Token, chat: u64, span: Span },
}

/// Numbers that are still to be walked.
struct Span {
    /// The last number walked.
    after: u64,
    /// The last number when the walk began.
    last: u64,
    /// Whether every number up to the last was a live thing when the walk began.
    whole: bool,
}

impl Span {
    fn new(last: u64, live: u64) -> Span {
        Span {
            after: 0,
            last,
            whole: last == live,
        }
    }

    fn range(&self, limit: u32) -> NumberRange {
        NumberRange::After {
            after: self.after,
            before: Some(self.last.saturating_add(1)),
            limit,
        }
    }

    /// Goes on behind a page; tells whether there is no more.
    fn advance(&mut self, next: Option<u64>) -> bool {
        match next {
            Some(next) => self.after = next,
            None => self.after = self.last,
        }
        self.after >= self.last
    }
}

impl Walk {
    pub(super) fn applications(call: &Call) -> Walk {
        Walk::over(call, List::Applications { after: None })
    }

    /// # Errors
    /// An application that is not there.
    pub(super) async fn chats(call: &Call, token: Token) -> Result<Walk, Failure> {
        let application = call.engine.application(&token).await?.thing;
        let span = Span::new(application.last_chat_number, application.chats_count);
        Ok(Walk::over(call, List::Chats { token, span }))
    }

    /// # Errors
    /// A chat that is not there.
    pub(super) async fn messages(call: &Call, token: Token, chat: u64) -> Result<Walk, Failure> {
        let thing = call.engine.chat(&token, chat).await?.thing;
        let span = Span::new(thing.last_message_number, thing.messages_count);
        Ok(Walk::over(call, List::Messages { token, chat, span }))
    }

    fn over(call: &Call, list: List) -> Walk {
        let app: &App = call;
        Walk {
            app: app.clone(),
            list,
            ended: false,
        }
    }

    /// Whether everything was read.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// The live things behind the first `skip`, at most `limit`.
    pub(super) async fn page(mut self, skip: u64, limit: usize) -> Result<Vec<Thing>, Failure> {
        let mut skip = self.jump(skip);
        let mut page = Vec::new();
        while page.len() < limit && !self.ended {
            let wanted = u32::try_from(limit - page.len()).unwrap_or(PAGE_LIMIT_MAX);
            let read = if skip == 0 { wanted } else { PAGE_LIMIT_MAX };
            for thing in self.next(read.min(PAGE_LIMIT_MAX)).await? {
                if skip > 0 {
                    skip -= 1;
                } else if page.len() < limit {
                    page.push(thing);
                }
            }
        }
        Ok(page)
    }

    /// Passes over things without reading them where that is known to be right; answers how many are left to skip.
    fn jump(&mut self, skip: u64) -> u64 {
        match &mut self.list {
            List::Chats { span, .. } | List::Messages { span, .. } if span.whole => {
                span.after = skip.min(span.last);
                self.ended = span.after >= span.last;
                0
            }
            _ => skip,
        }
    }

    /// The live things of the next engine page; it may have none.
    pub(super) async fn next(&mut self, limit: u32) -> Result<Vec<Thing>, Failure> {
        let engine = &self.app.engine;
        let things: Vec<Thing> = match &mut self.list {
            List::Applications { after } => {
                let page = engine.applications(after.take(), limit).await?;
                self.ended = page.next.is_none();
                *after = page.next;
                page.items.into_iter().map(Thing::Application).collect()
            }
            List::Chats { token, span } => {
                let page = engine.chats(token, span.range(limit)).await?;
                self.ended = span.advance(page.next);
                page.items.into_iter().map(Thing::Chat).collect()
            }
            List::Messages { token, chat, span } => {
                let page = engine.messages(token, *chat, span.range(limit)).await?;
                self.ended = span.advance(page.next);
                let chat = *chat;
                let things = page.items.into_iter();
                things.map(|message| Thing::Message(chat, message)).collect()
            }
        };
        Ok(things.into_iter().filter(Thing::is_live).collect())
    }
}
