//! What each read is expected to answer.

use std::cmp::Reverse;

use tiro_core::{
    Change, ChangesFilter, Cursor, LiveRange, NumberRange, Query, Rejection, Subject, Timestamp,
};

use super::{Answer, Expectation, ExpectedApplication, ExpectedChat, ExpectedMessage, ExpectedPage, Line};
use crate::model::shown::{ShownEntry, ShownHit, ShownRead, ShownThing};
use crate::model::wish::{self, Read, Search, Within};
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
            Read::LiveChats { app, range } => {
                let application = self.live(*app)?;
                let live = application.chats.iter().filter(|chat| !chat.deleted);
                let live = live.map(|chat| chat.shown()).collect();
                Ok(Answer::Chats(live_page(live, *range, application.position())))
            }
            Read::LiveMessages { app, chat, range } => {
                let application = self.live(*app)?;
                let messages = &application.live_chat(*chat)?.messages;
                let live = messages.iter().filter(|message| !message.deleted);
                let live = live.map(|message| message.shown()).collect();
                Ok(Answer::Messages(live_page(live, *range, application.position())))
            }
            Read::Reader { app, chat, reader } => {
                let application = self.live(*app)?;
                let chat = application.live_chat(*chat)?;
                Ok(Answer::Read(
                    chat.shown_read(&wish::sender(*reader)),
                    application.position(),
                ))
            }
            Read::UnreadChats {
                app,
                reader,
                after,
                limit,
            } => {
                let application = self.live(*app)?;
                Ok(Answer::Unread(application.unread(
                    &wish::sender(*reader),
                    *after,
                    *limit,
                )))
            }
            Read::Changes {
                app,
                after,
                limit,
                filter,
            } => {
                let application = self.live(*app)?;
                let after = after.unwrap_or(0);
                if after > application.position() {
                    let (epoch, position) = (wish::epoch(*app), application.position());
                    let now = Cursor { epoch, position };
                    return Err(Rejection::HistoryChanged { now });
                }
                Ok(Answer::Changes(application.changes(
                    after,
                    *limit as usize,
                    filter,
                )))
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
    /// A page goes on after the last chat that was looked at, if another one has a marker.
    fn unread(&self, reader: &str, after: u64, limit: u32) -> ExpectedPage<ShownRead> {
        let has_marker = |chat: &&ExpectedChat| !chat.deleted && chat.markers.contains_key(reader);
        let chats = self
            .chats
            .iter()
            .filter(|chat| chat.number > after)
            .filter(has_marker);
        let (mut items, mut next, mut reached) = (Vec::new(), None, after);
        for chat in chats {
            if items.len() == limit as usize {
                next = Some(reached);
                break;
            }
            reached = chat.number;
            let state = chat.shown_read(reader);
            items.extend((state.unread > 0).then_some(state));
        }
        ExpectedPage {
            items,
            next,
            position: self.position(),
        }
    }

    fn changes(&self, after: u64, limit: usize, filter: &ChangesFilter) -> ExpectedPage<ShownEntry> {
        let (mut items, mut next) = (Vec::new(), after);
        let rest = (1..)
            .zip(&self.feed)
            .skip(usize::try_from(after).expect("the feed is short"));
        for (position, line) in rest {
            if items.len() == limit {
                break;
            }
            next = position;
            let change = Change {
                position,
                at: Timestamp::from_millis(0),
                subject: line.subject.clone(),
                action: line.action,
                version: line.version,
                key: None,
            };
            if filter.admits(&change) {
                items.push(ShownEntry {
                    position,
                    line: line.clone(),
                    thing: self.thing(line),
                });
            }
        }
        ExpectedPage {
            items,
            next: Some(next),
            position: self.position(),
        }
    }

    /// The thing of an entry, if the entry made its present version.
    fn thing(&self, line: &Line) -> Option<ShownThing> {
        let chat = line
            .subject
            .chat()
            .map(|chat| self.chat(chat).expect("an entry is about a chat that exists"));
        let (thing, version) = match (&line.subject, chat) {
            (Subject::Application, _) => (ShownThing::Application(self.shown()), self.version),
            (Subject::Chat { .. }, Some(chat)) => (ShownThing::Chat(chat.shown()), chat.version),
            (Subject::Message { number, .. }, Some(chat)) if !chat.deleted => {
                let message = chat
                    .message(*number)
                    .expect("an entry is about a message that exists");
                (ShownThing::Message(message.shown()), message.version)
            }
            (Subject::Reader { reader, .. }, Some(chat)) if !chat.deleted => {
                let state = chat.shown_read(reader);
                let version = state.version;
                (ShownThing::Reader(state), version)
            }
            _ => return None,
        };
        (version == line.version).then_some(thing)
    }

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

fn live_page<T>(live: Vec<T>, range: LiveRange, position: u64) -> ExpectedPage<T> {
    let all = live.len() as u64;
    let skip = usize::try_from(range.skip).unwrap_or(usize::MAX);
    let items: Vec<T> = live.into_iter().skip(skip).take(range.limit as usize).collect();
    ExpectedPage {
        next: range.next(items.len(), all),
        items,
        position,
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
