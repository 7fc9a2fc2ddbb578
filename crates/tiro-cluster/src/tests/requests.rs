//! Requests in few words.

use std::sync::Arc;

use tiro_core::{
    Body, Command, CreateApplication, CreateChat, Engine, Epoch, Failure, IdempotencyKey, MessageContent,
    Name, NewToken, Outcome, Reply, Request, Sender, Token,
};

use crate::ClusterEngine;

pub(super) fn token(text: &str) -> Token {
    Token::parse(&format!("{text:_<24}")).expect("a test's token is right")
}

pub(crate) fn create_application(name: &str) -> Command {
    Command::CreateApplication(CreateApplication {
        token: NewToken::Chosen(token(name)),
        epoch: Epoch::parse("abc").expect("an epoch"),
        name: Name::stored(name),
        metadata: None,
    })
}

pub(crate) fn create_chat(application: &str) -> Command {
    Command::CreateChat(CreateChat {
        token: token(application),
        title: None,
        metadata: None,
    })
}

pub(crate) fn create_message(application: &str, chat: u64, text: &str) -> Command {
    Command::CreateMessage {
        token: token(application),
        chat,
        content: content(text),
    }
}

pub(super) fn content(text: &str) -> Arc<MessageContent> {
    Arc::new(MessageContent {
        body: Body::stored(text),
        sender: None,
        metadata: None,
    })
}

pub(super) fn content_from(sender: &str, text: &str) -> Arc<MessageContent> {
    Arc::new(MessageContent {
        body: Body::stored(text),
        sender: Some(Sender::stored(sender)),
        metadata: None,
    })
}

pub(super) fn keyed(command: Command, key: &str) -> Request {
    Request::keyed(command, IdempotencyKey::stored(key))
}

pub(super) async fn write(engine: &ClusterEngine, command: Command) -> Result<Reply, Failure> {
    engine.write(Request::new(command)).await
}

/// An application with one chat.
pub(super) async fn begin(engine: &ClusterEngine, name: &str) {
    let made = write(engine, create_application(name)).await;
    made.expect("an application is made");
    let made = write(engine, create_chat(name)).await;
    made.expect("a chat is made");
}

/// The number of what was created.
pub(super) fn number(reply: &Reply) -> u64 {
    match &reply.outcome {
        Outcome::Chat(chat) => chat.number,
        Outcome::Message(message) => message.number,
        Outcome::Messages { first, .. } => *first,
        other => panic!("nothing with a number was created: {other:?}"),
    }
}
