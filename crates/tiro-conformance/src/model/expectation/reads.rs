//! What each read is expected to answer.

use std::cmp::Reverse;

use tiro_core::{NumberRange, Query, Rejection};

use super::{Answer, Expectation, ExpectedApplication, ExpectedChat, ExpectedMessage, ExpectedPage};
use crate::model::shown::ShownHit;
use crate::model::wish::{Read, Search, Within};
use crate::slow::slow_page;

impl Expectation {
    pub(crate) fn read(&self, read: &Read) -> Result<Answer, Rejection> {
        match read {
            Read::Application { app } => {
                let application = self.live(*app)?;
                Ok(Answer::Application(application.shown(), application.position()))
            }
            Read::Applications { .. } => {
                let live = self
                    .applications
                    .values()
                    .filter(|application| !application.deleted);
                Ok(Answer::Applications(
                    live.map(|application| application.shown()).collect(),
                ))
            }
            Read::Chat { app, chat } => {
                let application = self.live(*app)?;
                Ok(Answer::Chat(
                    application.live_chat(*chat)?.shown(),
                    application.position(),
                ))
            }
            Read::Chats { app, range } => {
                let application = self.live(*app)?;
                let chats = application.chats.iter().map(|chat| chat.shown()).collect();
                Ok(Answer::Chats(page(chats, *range, application.position())))
            }
            Read::ChatsByActivity { app, before, limit } => self.by_activity(*app, *before, *limit),
            Read::Message { app, chat, number } => {
                let application = self.live(*app)?;
                let message = application.live_chat(*chat)?.message(*number)?;
                if message.deleted {
                    return Err(Rejection::MessageDeleted);
                }
                Ok(Answer::Message(message.shown(), application.position()))
            }
            Read::Messages { app, chat, range } => {
                let application = self.live(*app)?;
                let chat = application.live_chat(*chat)?;
                let messages = chat.messages.iter().map(|message| message.shown()).collect();
                Ok(Answer::Messages(page(messages, *range, application.position())))
            }
            Read::Search(search) => self.search(search),
        }
    }

    /// Every live message of the scope is looked at.
    fn search(&self, search: &Search) -> Result<Answer, Rejection> {
        let query = search.query();
        let (mut found, mut position) = (Vec::new(), None);
        match search.within {
            Within::Chat { app, chat } => {
                let application = self.live(app)?;
                found.extend(application.live_chat(chat)?.hits(&application.token, &query));
                position = Some(application.position());
            }
            Within::Application { app } => {
                let application = self.live(app)?;
                found.extend(application.hits(&query));
                position = Some(application.position());
            }
            Within::Everything => {
                let live = self
                    .applications
                    .values()
                    .filter(|application| !application.deleted);
                found.extend(live.flat_map(|application| application.hits(&query)));
            }
        }
        found.sort_by_key(|hit| Reverse((hit.token.clone(), hit.message.created_position)));
        Ok(Answer::Found(found, position))
    }

    fn by_activity(&self, app: u8, before: Option<u64>, limit: u32) -> Result<Answer, Rejection> {
        let application = self.live(app)?;
        let mut chats: Vec<_> = application
            .chats
            .iter()
            .filter(|chat| !chat.deleted && before.is_none_or(|before| chat.activity_position < before))
            .map(|chat| chat.shown())
            .collect();
        chats.sort_by_key(|chat| Reverse(chat.activity_position));
        let more = chats.len() > limit as usize;
        chats.truncate(limit as usize);
        let next = chats.last().filter(|_| more).map(|chat| chat.activity_position);
        Ok(Answer::Chats(ExpectedPage {
            items: chats,
            next,
            position: application.position(),
        }))
    }
}

impl ExpectedApplication {
    fn hits(&self, query: &Query) -> Vec<ShownHit> {
        let live = self.chats.iter().filter(|chat| !chat.deleted);
        live.flat_map(|chat| chat.hits(&self.token, query)).collect()
    }
}

impl ExpectedChat {
    fn hits(&self, token: &str, query: &Query) -> Vec<ShownHit> {
        let live = self.messages.iter().filter(|message| !message.deleted);
        let hit = |message: &ExpectedMessage| {
            Some(ShownHit {
                token: token.to_owned(),
                chat: self.number,
                message: message.shown(),
                highlights: query.matches(&message.body)?,
            })
        };
        live.filter_map(hit).collect()
    }
}

fn page<T: Clone>(all: Vec<T>, range: NumberRange, position: u64) -> ExpectedPage<T> {
    let (items, next) = slow_page(&all, range);
    ExpectedPage {
        items,
        next,
        position,
    }
}
