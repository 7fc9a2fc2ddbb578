//! What each request is expected to be answered and to change.

use tiro_core::{Action, Rejection, Subject};

use super::{Accepted, Bound, Expectation, ExpectedApplication, ExpectedChat, ExpectedMessage, Line, at_mut};
use crate::model::shown::Shown;
use crate::model::wish::{self, Members, MembersPatch, Text, Versions, Wish};

pub(super) type Expected = Result<Accepted, Rejection>;

impl Expectation {
    pub(super) fn write(&mut self, wish: &Wish, key: Option<u8>) -> Expected {
        match wish {
            Wish::CreateApplication { app, name, members } => {
                self.create_application(wish, key, (*app, *name, members))
            }
            Wish::DeleteApplication { app, .. }
                if self
                    .applications
                    .get(app)
                    .is_some_and(|application| application.deleted) =>
            {
                Ok(deleted_before())
            }
            _ => {
                self.live(wish.app())?;
                let application = self.applications.get_mut(&wish.app());
                application.expect("it is live").write(wish, wish.key_text(key))
            }
        }
    }

    fn create_application(
        &mut self,
        wish: &Wish,
        key: Option<u8>,
        (app, name, members): (u8, u8, &Option<Members>),
    ) -> Expected {
        if let Some(bound) = key.and_then(|key| self.server_keys.get(&key)) {
            self.live(bound.wish.app())?;
            return bound.replay_of_create(wish);
        }
        if self.applications.contains_key(&app) {
            return Err(Rejection::TokenTaken);
        }
        let mut application = ExpectedApplication {
            token: wish::token(app).as_str().to_owned(),
            name: wish::name(name),
            members: members.clone(),
            deleted: false,
            version: 1,
            chats: Vec::new(),
            feed: Vec::new(),
            keys: std::collections::BTreeMap::new(),
        };
        let position = application.enter(Subject::Application, Action::Created, 1, wish.key_text(key));
        let accepted = made(Shown::Application(application.shown()), position);
        self.applications.insert(app, application);
        if let Some(key) = key {
            let first = accepted.clone();
            self.server_keys.insert(
                key,
                Bound {
                    wish: wish.clone(),
                    first,
                },
            );
        }
        Ok(accepted)
    }
}

pub(super) fn made(shown: Shown, position: u64) -> Accepted {
    Accepted {
        shown,
        position: Some(position),
        replayed: false,
    }
}

fn deleted_before() -> Accepted {
    Accepted {
        shown: Shown::Deleted,
        position: None,
        replayed: false,
    }
}

fn check(versions: &Versions, current: u64) -> Result<(), Rejection> {
    match versions {
        Some(versions) if !versions.contains(&current) => Err(Rejection::VersionMismatch { current }),
        _ => Ok(()),
    }
}

fn patched(members: &mut Option<Members>, patch: &MembersPatch) {
    match patch {
        MembersPatch::Keep => {}
        MembersPatch::Clear => *members = None,
        MembersPatch::Merge(changes) => {
            let members = members.get_or_insert_default();
            for (name, value) in changes {
                let known = members.iter().position(|(member, _)| member == name);
                match (known, value) {
                    (Some(place), Some(value)) => members[place].1 = *value,
                    (Some(place), None) => drop(members.remove(place)),
                    (None, Some(value)) => members.push((*name, *value)),
                    (None, None) => {}
                }
            }
        }
    }
}

impl ExpectedApplication {
    /// A request to the live application.
    fn write(&mut self, wish: &Wish, key: Option<String>) -> Expected {
        if let Some(bound) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return self.replay(bound, wish);
        }
        let accepted = self.first_time(wish, key.clone())?;
        if let (Some(key), Some(_)) = (key, accepted.position) {
            let first = accepted.clone();
            self.keys.insert(
                key,
                Bound {
                    wish: wish.clone(),
                    first,
                },
            );
        }
        Ok(accepted)
    }

    fn first_time(&mut self, wish: &Wish, key: Option<String>) -> Expected {
        match wish {
            Wish::CreateApplication { .. } => unreachable!("that is the server's"),
            Wish::UpdateApplication {
                versions,
                name,
                patch,
                ..
            } => {
                check(versions, self.version)?;
                self.version += 1;
                if let Some(name) = name {
                    self.name = wish::name(*name);
                }
                patched(&mut self.members, patch);
                let position = self.enter(Subject::Application, Action::Updated, self.version, key);
                Ok(made(Shown::Application(self.shown()), position))
            }
            Wish::DeleteApplication { versions, .. } => {
                check(versions, self.version)?;
                self.version += 1;
                self.deleted = true;
                let position = self.enter(Subject::Application, Action::Deleted, self.version, key);
                Ok(made(Shown::Deleted, position))
            }
            Wish::CreateChat { title, members, .. } => {
                let (number, position) = self.add_chat(title.map(wish::title), members.clone(), key);
                Ok(made(Shown::Chat(self.chat(number)?.shown()), position))
            }
            Wish::ImportChat { title, .. } => {
                let (chat, position) = self.add_chat(Some(wish::title(*title)), None, key);
                Ok(made(Shown::ImportedChat { chat, created: true }, position))
            }
            Wish::UpdateChat { .. } | Wish::DeleteChat { .. } => self.change_chat(wish, key),
            Wish::Send { chat, text, .. } => {
                self.live_chat(*chat)?;
                let position = self.add_message(*chat, plain(text), key);
                let message = self.chat(*chat)?.messages.last().expect("it was just added");
                let shown = Shown::Message(message.shown());
                let number = message.number;
                self.raise_senders(*chat, number);
                Ok(made(shown, position))
            }
            Wish::SendBatch { chat, texts, .. } => {
                let first = self.live_chat(*chat)?.messages.len() as u64 + 1;
                let mut key = key;
                for text in texts {
                    self.add_message(*chat, plain(text), key.take());
                }
                let (count, position) = (texts.len() as u64, self.position());
                self.raise_senders(*chat, first);
                Ok(made(Shown::Messages { first, count }, position))
            }
            Wish::UpdateMessage { .. } | Wish::DeleteMessage { .. } => self.change_message(wish, key),
            Wish::SetRead {
                chat, reader, read, ..
            } => self.set_read(*chat, &wish::sender(*reader), *read),
            Wish::ImportLines { chat, lines, .. } => self.import_lines(wish, *chat, lines),
        }
    }

    fn change_chat(&mut self, wish: &Wish, key: Option<String>) -> Expected {
        let position = self.position() + 1;
        match wish {
            Wish::UpdateChat {
                chat: number,
                versions,
                title,
                patch,
                ..
            } => {
                check(versions, self.live_chat(*number)?.version)?;
                let chat = at_mut(&mut self.chats, *number);
                chat.version += 1;
                if let Some(title) = title {
                    chat.title = title.map(wish::title);
                }
                patched(&mut chat.members, patch);
                chat.change_position = position;
                let (version, shown) = (chat.version, Shown::Chat(chat.shown()));
                self.enter(Subject::Chat { chat: *number }, Action::Updated, version, key);
                Ok(made(shown, position))
            }
            Wish::DeleteChat {
                chat: number,
                versions,
                ..
            } => {
                if self.chat(*number)?.deleted {
                    return Ok(deleted_before());
                }
                check(versions, self.chat(*number)?.version)?;
                let chat = at_mut(&mut self.chats, *number);
                chat.version += 1;
                chat.deleted = true;
                chat.change_position = position;
                let version = chat.version;
                self.enter(Subject::Chat { chat: *number }, Action::Deleted, version, key);
                Ok(made(Shown::Deleted, position))
            }
            other => panic!("{other:?} changes no chat"),
        }
    }

    fn change_message(&mut self, wish: &Wish, key: Option<String>) -> Expected {
        let (Wish::UpdateMessage {
            chat,
            number,
            versions,
            ..
        }
        | Wish::DeleteMessage {
            chat,
            number,
            versions,
            ..
        }) = wish
        else {
            panic!("{wish:?} changes no message")
        };
        let position = self.position() + 1;
        let present = self.live_chat(*chat)?.message(*number)?;
        let deletes = matches!(wish, Wish::DeleteMessage { .. });
        match (present.deleted, deletes) {
            (true, true) => return Ok(deleted_before()),
            (true, false) => return Err(Rejection::MessageDeleted),
            (false, _) => check(versions, present.version)?,
        }
        let row = at_mut(&mut self.chats, *chat);
        row.change_position = position;
        let message = at_mut(&mut row.messages, *number);
        message.version += 1;
        let (action, shown) = if let Wish::UpdateMessage { body, patch, .. } = wish {
            if let Some(body) = body {
                message.body = wish::body(*body);
            }
            patched(&mut message.members, patch);
            (Action::Updated, Shown::Message(message.shown()))
        } else {
            message.deleted = true;
            (Action::Deleted, Shown::Deleted)
        };
        let (subject, version) = (
            Subject::Message {
                chat: *chat,
                number: *number,
            },
            message.version,
        );
        self.enter(subject, action, version, key);
        Ok(made(shown, position))
    }

    fn import_lines(&mut self, wish: &Wish, chat: u64, lines: &[(u8, bool)]) -> Expected {
        self.live_chat(chat)?;
        let line_of = |line: (u8, bool)| Wish::ImportLines {
            app: wish.app(),
            chat: 0,
            lines: vec![line],
        };
        let mut new = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            match self.keys.get(&wish::line_key(line.0)) {
                None => new.push(*line),
                Some(bound) if bound.belongs_to(&line_of(*line)) => {}
                Some(_) => return Err(Rejection::LineChanged { index }),
            }
        }
        let created = new.len() as u64;
        for line in new {
            let content = (wish::line_body(line), None, None, wish::line_time(line.0));
            let key = wish::line_key(line.0);
            self.add_message(chat, content, Some(key.clone()));
            let first = made(
                Shown::ImportedMessages {
                    created: 1,
                    unchanged: 0,
                },
                self.position(),
            );
            self.keys.insert(
                key,
                Bound {
                    wish: line_of(line),
                    first,
                },
            );
        }
        let unchanged = lines.len() as u64 - created;
        Ok(made(
            Shown::ImportedMessages { created, unchanged },
            self.position(),
        ))
    }

    fn add_chat(
        &mut self,
        title: Option<String>,
        members: Option<Members>,
        key: Option<String>,
    ) -> (u64, u64) {
        let number = self.chats.len() as u64 + 1;
        let position = self.enter(Subject::Chat { chat: number }, Action::Created, 1, key);
        self.chats.push(ExpectedChat {
            number,
            title,
            members,
            deleted: false,
            version: 1,
            messages: Vec::new(),
            activity_position: position,
            change_position: position,
            markers: std::collections::BTreeMap::new(),
        });
        (number, position)
    }

    fn add_message(&mut self, chat: u64, content: Content, key: Option<String>) -> u64 {
        let number = at_mut(&mut self.chats, chat).messages.len() as u64 + 1;
        let position = self.enter(Subject::Message { chat, number }, Action::Created, 1, key);
        let (body, sender, members, told) = content;
        let chat = at_mut(&mut self.chats, chat);
        chat.activity_position = position;
        chat.change_position = position;
        chat.messages.push(ExpectedMessage {
            number,
            body,
            sender,
            members,
            told,
            deleted: false,
            version: 1,
            created_position: position,
        });
        position
    }

    /// Adds an entry to the feed and answers its position.
    pub(super) fn enter(
        &mut self,
        subject: Subject,
        action: Action,
        version: u64,
        key: Option<String>,
    ) -> u64 {
        self.feed.push(Line {
            subject,
            action,
            version,
            key,
        });
        self.position()
    }
}

/// Body, sender, metadata, and the time that an import told.
type Content = (String, Option<String>, Option<Members>, Option<i64>);

fn plain(text: &Text) -> Content {
    (
        wish::body(text.body),
        text.sender.map(wish::sender),
        text.members.clone(),
        None,
    )
}
