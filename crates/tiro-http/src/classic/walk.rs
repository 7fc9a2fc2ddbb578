//! A walk over all live things of a list, one engine page in memory.

use tiro_core::{ApplicationsAfter, Failure, NumberRange, PAGE_LIMIT_MAX, Token};

use super::live::List;
use super::things::Thing;
use crate::app::App;

/// Where in a list a walk is. Things created after it began are not part of it.
pub(super) struct Walk {
    app: App,
    place: Place,
    ended: bool,
}

enum Place {
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
}

impl Span {
    fn through(last: u64) -> Span {
        Span { after: 0, last }
    }

    fn range(&self) -> NumberRange {
        NumberRange::After {
            after: self.after,
            before: Some(self.last.saturating_add(1)),
            limit: PAGE_LIMIT_MAX,
        }
    }

    /// Goes on behind a page; tells whether there is no more.
    fn advance(&mut self, next: Option<u64>) -> bool {
        self.after = next.unwrap_or(self.last);
        self.after >= self.last
    }
}

impl Walk {
    /// # Errors
    /// An application or chat that is not there.
    pub(super) async fn begin(app: &App, list: List) -> Result<Walk, Failure> {
        let place = match list {
            List::Applications => Place::Applications { after: None },
            List::Chats { token } => {
                let application = app.engine.application(&token).await?.thing;
                let span = Span::through(application.last_chat_number);
                Place::Chats { token, span }
            }
            List::Messages { token, chat } => {
                let thing = app.engine.chat(&token, chat).await?.thing;
                let span = Span::through(thing.last_message_number);
                Place::Messages { token, chat, span }
            }
        };
        Ok(Walk {
            app: app.clone(),
            place,
            ended: false,
        })
    }

    /// Whether everything was read.
    pub(super) fn ended(&self) -> bool {
        self.ended
    }

    /// The live things of the next engine page; it may have none.
    pub(super) async fn next(&mut self) -> Result<Vec<Thing>, Failure> {
        let engine = &self.app.engine;
        let things: Vec<Thing> = match &mut self.place {
            Place::Applications { after } => {
                let page = engine.applications(after.take(), PAGE_LIMIT_MAX).await?;
                self.ended = page.next.is_none();
                *after = page.next;
                page.items.into_iter().map(Thing::Application).collect()
            }
            Place::Chats { token, span } => {
                let page = engine.chats(token, span.range()).await?;
                self.ended = span.advance(page.next);
                page.items.into_iter().map(Thing::Chat).collect()
            }
            Place::Messages { token, chat, span } => {
                let page = engine.messages(token, *chat, span.range()).await?;
                self.ended = span.advance(page.next);
                let chat = *chat;
                let things = page.items.into_iter();
                things.map(|message| Thing::Message(chat, message)).collect()
            }
        };
        Ok(things.into_iter().filter(Thing::is_live).collect())
    }
}
