//! What a history consists of: writes, reads and reopening, in plain values.

mod read;
mod search;

use std::sync::Arc;

use tiro_core::{
    Command, CreateApplication, CreateChat, Epoch, IfMatch, MessageContent, Metadata, MetadataChange,
    NewToken, Patch, Request, Timestamp, Token, UpdateApplication, UpdateChat, UpdateMessage,
};

use crate::commands;
pub(crate) use read::Read;
pub(crate) use search::{Search, Within};

/// One step of a history.
#[derive(Clone, Debug)]
pub(crate) enum Transition {
    /// A request, perhaps under a key.
    Write(Wish, Option<u8>),
    /// A read.
    Read(Read),
    /// The engine is stopped and opened again.
    Reopen,
}

/// Members of a flat JSON object of small numbers.
pub(crate) type Members = Vec<(char, u8)>;

/// A merge patch for [`Members`]: `None` leaves metadata out, an inner `None` is `null`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MembersPatch {
    Keep,
    Clear,
    Merge(Vec<(char, Option<u8>)>),
}

/// `None` is no condition.
pub(crate) type Versions = Option<Vec<u64>>;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) body: u8,
    pub(crate) sender: Option<u8>,
    pub(crate) members: Option<Members>,
}

/// A command in plain values. Applications are `0..APPLICATIONS`, each with its own token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    CreateApplication {
        app: u8,
        name: u8,
        members: Option<Members>,
    },
    UpdateApplication {
        app: u8,
        versions: Versions,
        name: Option<u8>,
        patch: MembersPatch,
    },
    DeleteApplication {
        app: u8,
        versions: Versions,
    },
    CreateChat {
        app: u8,
        title: Option<u8>,
        members: Option<Members>,
    },
    /// The inner `None` of the title clears it.
    UpdateChat {
        app: u8,
        chat: u64,
        versions: Versions,
        title: Option<Option<u8>>,
        patch: MembersPatch,
    },
    DeleteChat {
        app: u8,
        chat: u64,
        versions: Versions,
    },
    Send {
        app: u8,
        chat: u64,
        text: Text,
    },
    SendBatch {
        app: u8,
        chat: u64,
        texts: Vec<Text>,
    },
    UpdateMessage {
        app: u8,
        chat: u64,
        number: u64,
        versions: Versions,
        body: Option<u8>,
        patch: MembersPatch,
    },
    DeleteMessage {
        app: u8,
        chat: u64,
        number: u64,
        versions: Versions,
    },
    SetRead {
        app: u8,
        chat: u64,
        reader: u8,
        read: u64,
    },
    ImportChat {
        app: u8,
        title: u8,
    },
    /// Lines by their ordinals and, for each, which of its possible texts it has now.
    ImportLines {
        app: u8,
        chat: u64,
        lines: Vec<(u8, bool)>,
    },
}

/// How many applications a history knows.
pub(crate) const APPLICATIONS: u8 = 4;

/// The epoch that an application has for ever.
pub(crate) fn epoch(app: u8) -> Epoch {
    Epoch::generated([app; 5])
}

pub(crate) fn token(app: u8) -> Token {
    commands::token(&format!("model_{app}"))
}

pub(crate) fn name(name: u8) -> String {
    format!("name {name}")
}

pub(crate) fn title(title: u8) -> String {
    format!("title {title}")
}

pub(crate) fn body(body: u8) -> String {
    format!("body {body}")
}

pub(crate) fn sender(sender: u8) -> String {
    format!("sender {sender}")
}

pub(crate) fn line_body((ordinal, changed): (u8, bool)) -> String {
    format!("line {ordinal}{}", if changed { " changed" } else { "" })
}

/// The latest time that a line tells, in milliseconds: in 2001, far before any engine's clock.
pub(crate) const TOLD_MILLIS_MAX: i64 = 1_000_000_000_000;

/// Every third line tells its time.
pub(crate) fn line_time(ordinal: u8) -> Option<i64> {
    ordinal
        .is_multiple_of(3)
        .then(|| TOLD_MILLIS_MAX - i64::from(ordinal))
}

pub(crate) fn line_key(ordinal: u8) -> String {
    format!("line-{ordinal}")
}

/// The metadata that members stand for.
pub(crate) fn json(members: &Members) -> String {
    let shown: Vec<String> = members
        .iter()
        .map(|(name, value)| format!("\"{name}\":{value}"))
        .collect();
    format!("{{{}}}", shown.join(","))
}

impl Wish {
    /// The application that it speaks to.
    pub(crate) fn app(&self) -> u8 {
        match self {
            Wish::CreateApplication { app, .. }
            | Wish::UpdateApplication { app, .. }
            | Wish::DeleteApplication { app, .. }
            | Wish::CreateChat { app, .. }
            | Wish::UpdateChat { app, .. }
            | Wish::DeleteChat { app, .. }
            | Wish::Send { app, .. }
            | Wish::SendBatch { app, .. }
            | Wish::UpdateMessage { app, .. }
            | Wish::DeleteMessage { app, .. }
            | Wish::SetRead { app, .. }
            | Wish::ImportChat { app, .. }
            | Wish::ImportLines { app, .. } => *app,
        }
    }

    /// The key as the client writes it; lines have keys of their own, so a batch of them has none.
    pub(crate) fn key_text(&self, key: Option<u8>) -> Option<String> {
        match self {
            Wish::ImportChat { .. } => Some(format!("source-{}", key.unwrap_or(0))),
            Wish::ImportLines { .. } | Wish::SetRead { .. } => None,
            _ => key.map(|key| format!("key-{key}")),
        }
    }

    pub(crate) fn request(&self, key: Option<u8>) -> Request {
        match self.key_text(key) {
            Some(key) => Request::keyed(self.command(), commands::key(&key)),
            None => Request::new(self.command()),
        }
    }

    fn command(&self) -> Command {
        let token = token(self.app());
        match self {
            Wish::CreateApplication { app, name, members } => Command::CreateApplication(CreateApplication {
                token: NewToken::Chosen(token),
                epoch: epoch(*app),
                name: commands::name(&self::name(*name)),
                metadata: members.as_ref().map(metadata),
            }),
            Wish::UpdateApplication {
                versions,
                name,
                patch,
                ..
            } => Command::UpdateApplication(UpdateApplication {
                token,
                if_match: condition(versions),
                name: name.map(|name| commands::name(&self::name(name))),
                metadata: change(patch),
            }),
            Wish::DeleteApplication { versions, .. } => Command::DeleteApplication {
                token,
                if_match: condition(versions),
            },
            Wish::CreateChat { title, members, .. } => Command::CreateChat(CreateChat {
                token,
                title: title.map(|title| commands::title(&self::title(title))),
                metadata: members.as_ref().map(metadata),
            }),
            Wish::UpdateChat {
                chat,
                versions,
                title,
                patch,
                ..
            } => Command::UpdateChat(UpdateChat {
                token,
                chat: *chat,
                if_match: condition(versions),
                title: match title {
                    None => Patch::Keep,
                    Some(None) => Patch::Clear,
                    Some(Some(title)) => Patch::Set(commands::title(&self::title(*title))),
                },
                metadata: change(patch),
            }),
            Wish::DeleteChat { chat, versions, .. } => Command::DeleteChat {
                token,
                chat: *chat,
                if_match: condition(versions),
            },
            Wish::Send { chat, text, .. } => Command::CreateMessage {
                token,
                chat: *chat,
                content: content(text),
            },
            Wish::SendBatch { chat, texts, .. } => Command::CreateMessages {
                token,
                chat: *chat,
                messages: texts.iter().map(content).collect(),
            },
            Wish::UpdateMessage {
                chat,
                number,
                versions,
                body,
                patch,
                ..
            } => Command::UpdateMessage(UpdateMessage {
                token,
                chat: *chat,
                number: *number,
                if_match: condition(versions),
                body: body.map(|body| commands::body(&self::body(body))),
                metadata: change(patch),
            }),
            Wish::DeleteMessage {
                chat,
                number,
                versions,
                ..
            } => Command::DeleteMessage {
                token,
                chat: *chat,
                number: *number,
                if_match: condition(versions),
            },
            Wish::SetRead {
                chat, reader, read, ..
            } => commands::set_read(&token, *chat, &sender(*reader), *read),
            Wish::ImportChat { title, .. } => commands::import_chat(&token, &self::title(*title), None),
            Wish::ImportLines { chat, lines, .. } => {
                let line = |line: &(u8, bool)| {
                    let time = line_time(line.0).map(Timestamp::from_millis);
                    commands::import_line(&line_key(line.0), &line_body(*line), time)
                };
                commands::import_messages(&token, *chat, lines.iter().map(line).collect())
            }
        }
    }
}

fn content(text: &Text) -> Arc<MessageContent> {
    Arc::new(MessageContent {
        body: commands::body(&body(text.body)),
        sender: text.sender.map(|from| commands::sender(&sender(from))),
        metadata: text.members.as_ref().map(metadata),
    })
}

fn metadata(members: &Members) -> Metadata {
    commands::metadata(&json(members))
}

fn condition(versions: &Versions) -> IfMatch {
    match versions {
        None => IfMatch::Any,
        Some(versions) => IfMatch::OneOf(versions.clone()),
    }
}

fn change(patch: &MembersPatch) -> MetadataChange {
    match patch {
        MembersPatch::Keep => MetadataChange::Keep,
        MembersPatch::Clear => MetadataChange::Clear,
        MembersPatch::Merge(members) => {
            let member = |(name, value): &(char, Option<u8>)| match value {
                Some(value) => format!("\"{name}\":{value}"),
                None => format!("\"{name}\":null"),
            };
            let members: Vec<String> = members.iter().map(member).collect();
            commands::merge(&format!("{{{}}}", members.join(",")))
        }
    }
}
