//! What happened before: commands to the engine, without HTTP.

use std::sync::Arc;

use tiro_core::{
    Body, Command, CreateApplication, CreateChat, Engine, Epoch, IdempotencyKey, IfMatch, Limits,
    MessageContent, Metadata, MetadataChange, Name, NewToken, Patch, Request, Sender, Title, Token,
    UpdateApplication, UpdateChat, UpdateMessage,
};

pub(super) fn token(text: &str) -> Token {
    Token::parse(text).unwrap()
}

fn metadata(text: &str) -> Option<Metadata> {
    Some(Metadata::parse(text, &Limits::default()).unwrap())
}

fn merge(text: &str) -> MetadataChange {
    MetadataChange::Merge {
        patch: Metadata::parse_patch(text).unwrap(),
        limits: Arc::new(Limits::default()),
    }
}

async fn write(engine: &dyn Engine, command: Command) {
    engine.write(Request::new(command)).await.unwrap();
}

async fn write_keyed(engine: &dyn Engine, key: &str, command: Command) {
    let key = IdempotencyKey::new(key).unwrap();
    engine.write(Request::keyed(command, key)).await.unwrap();
}

fn application(text: &str) -> Command {
    Command::CreateApplication(CreateApplication {
        token: NewToken::Chosen(token(text)),
        epoch: Epoch::generated([text.len() as u8; 5]),
        name: Name::stored("n\u{e4}me \u{1f4ec}"),
        metadata: metadata("{\"b\": 1.50e+1, \"\\u0061\": [ {} ]}"),
    })
}

pub(super) async fn create_application(engine: &dyn Engine, text: &str) {
    write_keyed(engine, &format!("create-{text}"), application(text)).await;
}

pub(super) async fn delete_application(engine: &dyn Engine, text: &str) {
    let delete = Command::DeleteApplication {
        token: token(text),
        if_match: IfMatch::Any,
    };
    write_keyed(engine, "delete-it", delete).await;
}

pub(super) async fn rename_chat(engine: &dyn Engine, text: &str, chat: u64) {
    let update = UpdateChat {
        token: token(text),
        chat,
        if_match: IfMatch::Any,
        title: Patch::Set(Title::stored("renamed \u{4e16}\u{754c}")),
        metadata: merge("{\"k\":\"v\"}"),
    };
    write_keyed(engine, &format!("rename-{chat}"), Command::UpdateChat(update)).await;
}

pub(super) async fn delete_chat(engine: &dyn Engine, text: &str, chat: u64) {
    let delete = Command::DeleteChat {
        token: token(text),
        chat,
        if_match: IfMatch::Any,
    };
    write(engine, delete).await;
}

pub(super) async fn edit_message(engine: &dyn Engine, text: &str, chat: u64, number: u64) {
    let update = UpdateMessage {
        token: token(text),
        chat,
        number,
        if_match: IfMatch::Any,
        body: Some(Body::stored("edited \"\\ \u{2028}\u{1f600}")),
        metadata: merge("{\"edited\":1E5}"),
    };
    let key = format!("\"\"edit-{chat}-{number}\"\"");
    write_keyed(engine, &key, Command::UpdateMessage(update)).await;
}

pub(super) async fn delete_message(engine: &dyn Engine, text: &str, chat: u64, number: u64) {
    let delete = Command::DeleteMessage {
        token: token(text),
        chat,
        number,
        if_match: IfMatch::Any,
    };
    write(engine, delete).await;
}

fn content(body: &str) -> Arc<MessageContent> {
    Arc::new(MessageContent {
        body: Body::stored(body),
        sender: Some(Sender::stored("s\u{eb}nder")),
        metadata: metadata("{ }"),
    })
}

/// An application in which everything happened that can happen, among it more messages than one step takes.
pub(super) async fn eventful(engine: &dyn Engine, text: &str) {
    create_application(engine, text).await;
    for number in 1..=4 {
        let create = CreateChat {
            token: token(text),
            title: (number > 1).then(|| Title::stored("equal title")),
            metadata: metadata("{\"n\":0.10}"),
        };
        write_keyed(engine, &format!("chat-{number}"), Command::CreateChat(create)).await;
    }
    for chat in 1..=3 {
        let batch = Command::CreateMessages {
            token: token(text),
            chat,
            messages: (0..400)
                .map(|n| content(&format!("message {n} \u{1}\t\u{e9}")))
                .collect(),
        };
        write_keyed(engine, &format!("batch-{chat}"), batch).await;
    }
    rename_chat(engine, text, 1).await;
    edit_message(engine, text, 1, 1).await;
    edit_message(engine, text, 1, 400).await;
    delete_message(engine, text, 1, 2).await;
    delete_message(engine, text, 2, 400).await;
    edit_message(engine, text, 3, 7).await;
    delete_message(engine, text, 3, 8).await;
    delete_chat(engine, text, 3).await;
    rename_chat(engine, text, 4).await;
    delete_chat(engine, text, 4).await;
    let update = UpdateApplication {
        token: token(text),
        if_match: IfMatch::Any,
        name: Some(Name::stored("another name")),
        metadata: MetadataChange::Clear,
    };
    write_keyed(engine, "update", Command::UpdateApplication(update)).await;
    let one = Command::CreateMessage {
        token: token(text),
        chat: 2,
        content: content("the last word"),
    };
    write_keyed(engine, "last", one).await;
}
