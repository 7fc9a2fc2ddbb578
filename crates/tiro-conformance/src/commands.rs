//! Commands in few words, from texts that are known to be right.

use std::sync::Arc;

use tiro_core::{
    Body, Command, CreateApplication, CreateChat, Epoch, Fingerprint, IdempotencyKey, IfMatch, ImportChat,
    ImportLine, KeyBinding, KeyName, Limits, MessageContent, Metadata, MetadataChange, Name, Namespace,
    NewToken, Patch, ReaderName, Sender, Timestamp, Title, Token, UpdateApplication, UpdateChat,
    UpdateMessage,
};

/// A token that begins with `text`.
pub(crate) fn token(text: &str) -> Token {
    Token::parse(&format!("{text:_<24}")).expect("a test's token is right")
}

pub(crate) fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey::new(text).expect("a test's key is right")
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text, &Limits::default()).expect("a test's name is right")
}

pub(crate) fn title(text: &str) -> Title {
    Title::new(text, &Limits::default()).expect("a test's title is right")
}

pub(crate) fn body(text: &str) -> Body {
    Body::new(text, &Limits::default()).expect("a test's body is right")
}

pub(crate) fn sender(text: &str) -> Sender {
    Sender::new(text, &Limits::default()).expect("a test's sender is right")
}

pub(crate) fn metadata(text: &str) -> Metadata {
    Metadata::parse(text, &Limits::default()).expect("a test's metadata is right")
}

pub(crate) fn merge(patch: &str) -> MetadataChange {
    MetadataChange::Merge {
        patch: Metadata::parse_patch(patch).expect("a test's patch is right"),
        limits: Arc::new(Limits::default()),
    }
}

pub(crate) fn content(text: &str) -> Arc<MessageContent> {
    Arc::new(MessageContent {
        body: body(text),
        sender: None,
        metadata: None,
    })
}

pub(crate) fn content_from(from: &str, text: &str) -> Arc<MessageContent> {
    Arc::new(MessageContent {
        body: body(text),
        sender: Some(sender(from)),
        metadata: None,
    })
}

/// A new application under a token of the caller's choice, with an epoch that follows from the token.
pub(crate) fn create_application(token: &Token, called: &str) -> Command {
    create_application_as(NewToken::Chosen(token.clone()), called)
}

pub(crate) fn create_application_as(token: NewToken, called: &str) -> Command {
    let mut random = [0; 5];
    for (byte, of_token) in random.iter_mut().zip(token.token().as_str().bytes()) {
        *byte = of_token;
    }
    Command::CreateApplication(CreateApplication {
        token,
        epoch: Epoch::generated(random),
        name: name(called),
        metadata: None,
    })
}

pub(crate) fn update_application(token: &Token, if_match: IfMatch, called: Option<&str>) -> Command {
    Command::UpdateApplication(UpdateApplication {
        token: token.clone(),
        if_match,
        name: called.map(name),
        metadata: MetadataChange::Keep,
    })
}

pub(crate) fn delete_application(token: &Token) -> Command {
    Command::DeleteApplication {
        token: token.clone(),
        if_match: IfMatch::Any,
    }
}

pub(crate) fn create_chat(token: &Token, called: Option<&str>) -> Command {
    Command::CreateChat(CreateChat {
        token: token.clone(),
        title: called.map(title),
        metadata: None,
    })
}

pub(crate) fn update_chat(token: &Token, chat: u64, if_match: IfMatch, new_title: Patch<Title>) -> Command {
    Command::UpdateChat(UpdateChat {
        token: token.clone(),
        chat,
        if_match,
        title: new_title,
        metadata: MetadataChange::Keep,
    })
}

pub(crate) fn delete_chat(token: &Token, chat: u64) -> Command {
    Command::DeleteChat {
        token: token.clone(),
        chat,
        if_match: IfMatch::Any,
    }
}

pub(crate) fn create_message(token: &Token, chat: u64, text: &str) -> Command {
    Command::CreateMessage {
        token: token.clone(),
        chat,
        content: content(text),
    }
}

pub(crate) fn create_messages(token: &Token, chat: u64, messages: Vec<Arc<MessageContent>>) -> Command {
    Command::CreateMessages {
        token: token.clone(),
        chat,
        messages,
    }
}

pub(crate) fn update_message(
    token: &Token,
    (chat, number): (u64, u64),
    if_match: IfMatch,
    text: Option<&str>,
) -> Command {
    Command::UpdateMessage(UpdateMessage {
        token: token.clone(),
        chat,
        number,
        if_match,
        body: text.map(body),
        metadata: MetadataChange::Keep,
    })
}

pub(crate) fn delete_message(token: &Token, chat: u64, number: u64) -> Command {
    Command::DeleteMessage {
        token: token.clone(),
        chat,
        number,
        if_match: IfMatch::Any,
    }
}

pub(crate) fn reader(text: &str) -> ReaderName {
    ReaderName::new(text, &Limits::default()).expect("a test's reader is right")
}

pub(crate) fn set_read(token: &Token, chat: u64, by: &str, read: u64) -> Command {
    Command::SetRead {
        token: token.clone(),
        chat,
        reader: reader(by),
        read,
    }
}

pub(crate) fn import_chat(token: &Token, called: &str, created_at: Option<Timestamp>) -> Command {
    Command::ImportChat(ImportChat {
        token: token.clone(),
        title: Some(title(called)),
        created_at,
    })
}

/// One line under a key of its own.
pub(crate) fn import_line(line_key: &str, text: &str, created_at: Option<Timestamp>) -> ImportLine {
    let content = content(text);
    let binding = KeyBinding {
        name: KeyName {
            namespace: Namespace::Import,
            key: key(line_key),
        },
        fingerprint: Fingerprint::of_line(&content, created_at),
        created_at: None,
    };
    ImportLine {
        content,
        created_at,
        key: Arc::new(binding),
    }
}

pub(crate) fn import_messages(token: &Token, chat: u64, lines: Vec<ImportLine>) -> Command {
    Command::ImportMessages {
        token: token.clone(),
        chat,
        lines,
    }
}
