//! The holder of one application's token, as behaviours speak for it: short verbs over the port that panic where an
//! answer is not of the expected kind.

use std::sync::Arc;

use tiro_core::{
    Application, Chat, Command, Engine, Failure, IfMatch, Message, MessageContent, NumberRange, Outcome,
    PAGE_LIMIT_MAX, Page, Patch, ReadState, ReaderName, Rejection, Reply, Request, Token,
};

use crate::World;
use crate::commands::{self, key};

#[derive(Clone)]
pub(crate) struct Holder {
    pub(crate) engine: Arc<dyn Engine>,
    pub(crate) token: Token,
}

impl Holder {
    /// Creates the application `name` and holds its token.
    pub(crate) async fn of_new_application<W: World>(world: &W, name: &str) -> Holder {
        let holder = Holder::of(world, &commands::token(name));
        holder
            .write(commands::create_application(&holder.token, name))
            .await;
        holder
    }

    /// Holds the token of an application that may exist.
    pub(crate) fn of<W: World>(world: &W, token: &Token) -> Holder {
        Holder {
            engine: world.engine(),
            token: token.clone(),
        }
    }

    /// Lets go of the engine while the world reopens it.
    pub(crate) async fn across_reopen<W: World>(self, world: &mut W) -> Holder {
        let Holder { engine, token } = self;
        drop(engine);
        world.reopen().await;
        Holder::of(world, &token)
    }

    pub(crate) async fn request(&self, request: Request) -> Result<Reply, Failure> {
        self.engine.write(request).await
    }

    /// Writes what must be accepted.
    pub(crate) async fn write(&self, command: Command) -> Reply {
        let shown = format!("{command:?}");
        match self.request(Request::new(command)).await {
            Ok(reply) => reply,
            Err(failure) => panic!("{shown} is accepted, but was answered {failure:?}"),
        }
    }

    /// Writes what must be accepted, under a key.
    pub(crate) async fn write_keyed(&self, command: Command, under: &str) -> Reply {
        let shown = format!("{command:?}");
        match self.request(Request::keyed(command, key(under))).await {
            Ok(reply) => reply,
            Err(failure) => panic!("{shown} under {under} is accepted, but was answered {failure:?}"),
        }
    }

    /// Writes what must be refused.
    pub(crate) async fn refused(&self, command: Command) -> Rejection {
        rejection(self.request(Request::new(command)).await)
    }

    /// Writes what must be refused, under a key.
    pub(crate) async fn refused_keyed(&self, command: Command, under: &str) -> Rejection {
        rejection(self.request(Request::keyed(command, key(under))).await)
    }

    pub(crate) async fn create_chat(&self, title: &str) -> Chat {
        let command = commands::create_chat(&self.token, Some(title));
        chat(self.write(command).await)
    }

    pub(crate) async fn send(&self, chat: u64, text: &str) -> Message {
        message(
            self.write(commands::create_message(&self.token, chat, text))
                .await,
        )
    }

    /// Sends a batch and answers the number of its first message.
    pub(crate) async fn send_batch(&self, chat: u64, messages: Vec<Arc<MessageContent>>) -> u64 {
        let sent = messages.len() as u64;
        let reply = self
            .write(commands::create_messages(&self.token, chat, messages))
            .await;
        let Outcome::Messages { first, count } = reply.outcome else {
            panic!("a batch is answered with its numbers, not {:?}", reply.outcome)
        };
        assert_eq!(count, sent, "a batch is stored whole");
        first
    }

    pub(crate) async fn rename_chat(&self, chat: u64, title: &str) -> Chat {
        let title = Patch::Set(commands::title(title));
        let command = commands::update_chat(&self.token, chat, IfMatch::Any, title);
        self::chat(self.write(command).await)
    }

    pub(crate) async fn edit(&self, chat: u64, number: u64, text: &str) -> Message {
        let command = commands::update_message(&self.token, (chat, number), IfMatch::Any, Some(text));
        message(self.write(command).await)
    }

    pub(crate) async fn delete_message(&self, chat: u64, number: u64) -> Reply {
        self.write(commands::delete_message(&self.token, chat, number))
            .await
    }

    pub(crate) async fn delete_chat(&self, chat: u64) -> Reply {
        self.write(commands::delete_chat(&self.token, chat)).await
    }

    pub(crate) async fn delete_application(&self) -> Reply {
        self.write(commands::delete_application(&self.token)).await
    }

    pub(crate) async fn application(&self) -> Application {
        let seen = self.engine.application(&self.token).await;
        seen.expect("the application is there").thing
    }

    pub(crate) async fn chat(&self, chat: u64) -> Chat {
        let seen = self.engine.chat(&self.token, chat).await;
        seen.expect("the chat is there").thing
    }

    pub(crate) async fn read_state(&self, chat: u64, reader: &ReaderName) -> ReadState {
        let seen = self.engine.reader(&self.token, chat, reader).await;
        seen.expect("the chat is there").thing
    }

    /// Sets a marker and answers where it is then.
    pub(crate) async fn set_read(&self, chat: u64, reader: &str, read: u64) -> ReadState {
        let reply = self
            .write(commands::set_read(&self.token, chat, reader, read))
            .await;
        match reply.outcome {
            Outcome::Read(state) => state,
            other => panic!("how far was read was expected, not {other:?}"),
        }
    }

    pub(crate) async fn message(&self, chat: u64, number: u64) -> Message {
        let seen = self.engine.message(&self.token, chat, number).await;
        seen.expect("the message is there").thing
    }

    pub(crate) async fn chats(&self, range: NumberRange) -> Page<Chat> {
        let page = self.engine.chats(&self.token, range).await;
        page.expect("the application is there")
    }

    pub(crate) async fn messages(&self, chat: u64, range: NumberRange) -> Page<Message> {
        let page = self.engine.messages(&self.token, chat, range).await;
        page.expect("the chat is there")
    }

    /// All chats, tombstones included.
    pub(crate) async fn all_chats(&self) -> Vec<Chat> {
        let mut all = Vec::new();
        let mut after = Some(0);
        while let Some(from) = after {
            let page = self.chats(forward(from)).await;
            all.extend(page.items);
            after = page.next;
        }
        all
    }

    /// All messages of a chat, tombstones included.
    pub(crate) async fn all_messages(&self, chat: u64) -> Vec<Message> {
        let mut all = Vec::new();
        let mut after = Some(0);
        while let Some(from) = after {
            let page = self.messages(chat, forward(from)).await;
            all.extend(page.items);
            after = page.next;
        }
        all
    }

    /// The position of the latest change in the application.
    pub(crate) async fn position(&self) -> u64 {
        let seen = self.engine.application(&self.token).await;
        seen.expect("the application is there").cursor.position
    }
}

/// The widest page after a number.
pub(crate) fn forward(after: u64) -> NumberRange {
    NumberRange::After {
        after,
        before: None,
        limit: PAGE_LIMIT_MAX,
    }
}

/// The reason of an answer that must be a refusal.
pub(crate) fn rejection<T: std::fmt::Debug>(answer: Result<T, Failure>) -> Rejection {
    match answer {
        Err(Failure::Rejected(rejection)) => rejection,
        other => panic!("a refusal was expected, not {other:?}"),
    }
}

pub(crate) fn application(reply: Reply) -> Application {
    match reply.outcome {
        Outcome::Application(application) => application,
        other => panic!("an application was expected, not {other:?}"),
    }
}

pub(crate) fn chat(reply: Reply) -> Chat {
    match reply.outcome {
        Outcome::Chat(chat) => chat,
        other => panic!("a chat was expected, not {other:?}"),
    }
}

pub(crate) fn message(reply: Reply) -> Message {
    match reply.outcome {
        Outcome::Message(message) => message,
        other => panic!("a message was expected, not {other:?}"),
    }
}

/// The position of the entry that a write made.
pub(crate) fn position(reply: &Reply) -> u64 {
    let cursor = reply.cursor.as_ref();
    cursor.expect("the write made an entry").position
}

/// Text bodies of messages; `None` for tombstones.
pub(crate) fn bodies(messages: &[Message]) -> Vec<Option<&str>> {
    messages
        .iter()
        .map(|message| message.content.as_ref().map(|content| &*content.body))
        .collect()
}
