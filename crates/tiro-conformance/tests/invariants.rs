//! The checker of exports finds what is wrong with them.

use tiro_conformance::{ExportedApplication, Generator, ReferenceEngine, check_export, read_export};
use tiro_core::{
    Body, Command, CreateApplication, CreateChat, Engine, Epoch, IdempotencyKey, IfMatch, Limits,
    MessageContent, Name, NewToken, Request, Thing, Token,
};

const KEYED: usize = 1;
const FIRST_MESSAGE: usize = 3;
const EDITED: usize = 13;

/// Two chats, the first with ten messages of which two were deleted, the second deleted.
async fn exported() -> ExportedApplication {
    let engine = ReferenceEngine::new();
    let token = Token::parse("checked_application").expect("it is a token");
    let limits = Limits::default();
    let mut generator = Generator::new(1);
    let mut commands = vec![Command::CreateApplication(CreateApplication {
        token: NewToken::Chosen(token.clone()),
        epoch: Epoch::generated([1; 5]),
        name: Name::new("checked", &limits).expect("it is a name"),
        metadata: None,
    })];
    for _ in 0..2 {
        commands.push(Command::CreateChat(CreateChat {
            token: token.clone(),
            title: None,
            metadata: None,
        }));
    }
    for _ in 0..10 {
        let body = Body::new(&generator.message().body, &limits).expect("it is a body");
        let content = MessageContent {
            body,
            sender: None,
            metadata: None,
        };
        commands.push(Command::CreateMessage {
            token: token.clone(),
            chat: 1,
            content: content.into(),
        });
    }
    for number in [3, 4] {
        let (token, if_match) = (token.clone(), IfMatch::Any);
        commands.push(Command::DeleteMessage {
            token,
            chat: 1,
            number,
            if_match,
        });
    }
    commands.push(Command::DeleteChat {
        token: token.clone(),
        chat: 2,
        if_match: IfMatch::Any,
    });
    for (index, command) in commands.into_iter().enumerate() {
        let key = IdempotencyKey::new(&format!("key-{index}")).expect("it is a key");
        engine
            .write(Request::keyed(command, key))
            .await
            .expect("it is accepted");
    }
    read_export(&engine, None).await.remove(0)
}

#[tokio::test]
async fn a_whole_export_passes() {
    assert_eq!(check_export(&[exported().await]), Ok(()));
}

/// What somebody did to an export.
type Damage = fn(&mut ExportedApplication);

#[tokio::test]
async fn every_kind_of_damage_is_found_and_named() {
    let damages: [(&str, Damage); 12] = [
        ("position", |one| drop(one.entries.remove(5))),
        ("last position", |one| drop(one.entries.pop())),
        ("number of the message", |one| {
            let (left, right) = one.entries.split_at_mut(FIRST_MESSAGE + 1);
            std::mem::swap(
                &mut left[FIRST_MESSAGE].change.subject,
                &mut right[0].change.subject,
            );
        }),
        ("version", |one| one.entries[EDITED].change.version = 3),
        ("bound twice", |one| {
            one.entries[5].change.key = one.entries[6].change.key.clone();
        }),
        ("a key of the server", |one| {
            one.entries[KEYED].change.key = one.entries[0].change.key.clone();
        }),
        ("there is content", |one| one.entries[FIRST_MESSAGE].thing = None),
        ("there is content", |one| {
            one.entries[FIRST_MESSAGE + 2].thing = one.entries[FIRST_MESSAGE].thing.clone();
        }),
        ("count of chats", |one| one.application.chats_count = 2),
        ("last chat", |one| one.application.last_chat_number = 1),
        ("count of messages", |one| {
            for entry in &mut one.entries {
                if let Some(Thing::Chat(chat)) = &mut entry.thing {
                    chat.messages_count += 1;
                }
            }
        }),
        ("time of its last message", |one| {
            for entry in &mut one.entries {
                if let Some(Thing::Chat(chat)) = &mut entry.thing {
                    chat.last_message_at = None;
                }
            }
        }),
    ];
    let whole = exported().await;
    for (named, damage) in damages {
        let mut damaged = whole.clone();
        damage(&mut damaged);
        let found = check_export(&[damaged]).expect_err(named);
        assert!(found.contains(named), "{named} was expected to be named: {found}");
    }
}

#[tokio::test]
async fn an_application_that_is_exported_twice_is_found() {
    let whole = exported().await;
    let found = check_export(&[whole.clone(), whole]).expect_err("it is there twice");
    assert!(found.contains("twice"), "{found}");
}
