//! What a workload does beside its first application: applications that come and go, imports, restores.

use std::sync::Arc;

use fastrand::Rng;
use tiro_conformance::{ReferenceEngine, read_export};
use tiro_core::{
    Command, CreateApplication, CreateChat, Engine, Epoch, Fingerprint, IdempotencyKey, IfMatch, ImportChat,
    ImportLine, KeyBinding, KeyName, Limits, Name, Namespace, NewToken, Request, Token,
};

use crate::store::block_on;
use crate::wish::{Restore, RestoreEnd, Wish};
use crate::workload::{content, create_message, keyed, noon, title, token};

/// An import of plain lines: chats that come again, and lines of which some were there before.
pub(crate) fn next_import(rng: &mut Rng) -> Wish {
    if rng.u32(0..4) == 0 {
        let command = Command::ImportChat(ImportChat {
            token: token(),
            title: Some(title("imported")),
            created_at: None,
        });
        let key = IdempotencyKey::new(&format!("import/{}", rng.u32(0..3))).unwrap();
        return Wish::Request(Request::keyed(command, key));
    }
    let first = rng.usize(0..40);
    Wish::Request(Request::new(Command::ImportMessages {
        token: token(),
        chat: rng.u64(1..5),
        lines: (first..first + rng.usize(1..20)).map(import_line).collect(),
    }))
}

fn import_line(number: usize) -> ImportLine {
    let content = content(&format!("line {number}"));
    let binding = KeyBinding {
        name: KeyName {
            namespace: Namespace::Import,
            key: IdempotencyKey::new(&format!("import/line/{number}")).unwrap(),
        },
        fingerprint: Fingerprint::of_line(&content, None),
        created_at: None,
    };
    ImportLine {
        content,
        created_at: None,
        key: Arc::new(binding),
    }
}

/// Something about an application that is not the first.
pub(crate) fn next_neighbour(rng: &mut Rng, earlier: &[Wish]) -> Wish {
    let restored = earlier.iter().filter_map(|wish| match wish {
        Wish::Restore(restore) => Some(restore.exported.application.token.clone()),
        Wish::Request(_) => None,
    });
    let mut tokens: Vec<Token> = (1..4).map(|number| named("neighbour", number)).collect();
    tokens.extend(restored);
    let token = tokens.swap_remove(rng.usize(0..tokens.len()));
    let command = match rng.u32(0..100) {
        0..25 => return restore(rng, earlier.len()),
        25..50 => create(token),
        50..65 => create_chat(token),
        65..90 => Command::CreateMessage {
            token,
            chat: rng.u64(1..3),
            content: content("to a neighbour"),
        },
        _ => delete(token),
    };
    Wish::Request(Request::new(command))
}

fn named(name: &str, number: usize) -> Token {
    Token::parse(&format!("application_{name}_{number}")).unwrap()
}

fn create(token: Token) -> Command {
    Command::CreateApplication(CreateApplication {
        token: NewToken::Chosen(token),
        epoch: Epoch::generated([2; 5]),
        name: Name::new("neighbour", &Limits::default()).unwrap(),
        metadata: None,
    })
}

fn create_chat(token: Token) -> Command {
    Command::CreateChat(CreateChat {
        token,
        title: Some(title("a chat")),
        metadata: None,
    })
}

fn delete(token: Token) -> Command {
    let if_match = IfMatch::Any;
    Command::DeleteApplication { token, if_match }
}

/// The restore of an application of its own, in one in four cases a deleted one.
fn restore(rng: &mut Rng, number: usize) -> Wish {
    let restored = named("restored", number);
    let source = ReferenceEngine::with_clock(Arc::new(noon));
    let mut requests = vec![
        keyed(create(restored.clone()), number),
        keyed(create_chat(restored.clone()), 1),
        Request::new(create_chat(restored.clone())),
    ];
    for index in 0..rng.usize(1..30) {
        let mut command = create_message(1 + rng.u64(0..2), &format!("{number} of before, {index}"));
        if let Command::CreateMessage { token, .. } = &mut command {
            token.clone_from(&restored);
        }
        requests.push(keyed(command, 2 + index));
    }
    requests.push(Request::new(Command::DeleteMessage {
        token: restored.clone(),
        chat: 1,
        number: 1,
        if_match: IfMatch::Any,
    }));
    if rng.u32(0..4) == 0 {
        requests.push(Request::new(delete(restored)));
    }
    for request in requests {
        // The message to delete may be none; the same is exported all the same.
        drop(block_on(source.write(request)));
    }
    let mut exported = block_on(read_export(&source, None));
    Wish::Restore(Restore {
        exported: exported.pop().expect("one application was made"),
        end: match rng.u32(0..5) {
            0 => RestoreEnd::Abandoned,
            1 => RestoreEnd::LeftOpen,
            _ => RestoreEnd::Finished,
        },
    })
}
