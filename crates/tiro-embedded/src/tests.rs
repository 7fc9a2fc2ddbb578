//! The medium: what the data folder holds, and what opening makes of it.

mod deletes;
mod feed;
mod folder;
mod format;
mod panics;
mod restores;
mod search;
mod verifies;

use std::path::Path;
use std::sync::Arc;

use tempfile::TempDir;
use tiro_core::{
    Body, Command, CreateApplication, CreateChat, Epoch, IfMatch, Limits, MessageContent, Metadata, Name,
    NewToken, Outcome, Request, Title, Token,
};

use crate::log::LogOptions;
use crate::{EmbeddedEngine, OpenError, Options};

/// An engine in a folder, and the application that a test writes to.
struct Store {
    folder: TempDir,
    engine: Option<EmbeddedEngine>,
    token: Token,
}

fn options() -> Options {
    let log = LogOptions {
        segment_bytes: 9 << 20,
        free_floor_bytes: 1 << 20,
        ..LogOptions::default()
    };
    Options {
        log,
        ..Options::default()
    }
}

fn open(folder: &Path) -> Result<EmbeddedEngine, OpenError> {
    EmbeddedEngine::open(folder, options())
}

impl Store {
    /// An application with one chat.
    fn with_one_chat() -> Store {
        let folder = tempfile::tempdir().unwrap();
        let engine = Some(open(folder.path()).unwrap());
        let token = Token::parse("application_of_tests").unwrap();
        let store = Store {
            folder,
            engine,
            token: token.clone(),
        };
        store.write(Command::CreateApplication(CreateApplication {
            token: NewToken::Chosen(token),
            epoch: Epoch::generated([1; 5]),
            name: Name::new("tests", &Limits::default()).unwrap(),
            metadata: None,
        }));
        store.create_chat();
        store
    }

    fn engine(&self) -> &EmbeddedEngine {
        self.engine.as_ref().unwrap()
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, command: Command) -> Outcome {
        self.engine()
            .write_blocking(Request::new(command))
            .unwrap()
            .outcome
    }

    fn create_chat(&self) -> u64 {
        let create = CreateChat {
            token: self.token.clone(),
            title: Some(Title::new("a chat", &Limits::default()).unwrap()),
            metadata: Some(Metadata::parse("{\"a\": 1}", &Limits::default()).unwrap()),
        };
        match self.write(Command::CreateChat(create)) {
            Outcome::Chat(chat) => chat.number,
            other => panic!("a chat was created, not {other:?}"),
        }
    }

    /// Appends messages whose bodies are `<chat>/<n>`.
    fn send(&self, chat: u64, count: u64) {
        for from in (0..count).step_by(1000) {
            let messages = (from..count.min(from + 1000)).map(|n| {
                let body = Body::new(&format!("{chat}/{n}"), &Limits::default()).unwrap();
                Arc::new(MessageContent {
                    body,
                    sender: None,
                    metadata: None,
                })
            });
            let messages = messages.collect();
            self.write(Command::CreateMessages {
                token: self.token.clone(),
                chat,
                messages,
            });
        }
    }

    fn delete_message(&self, chat: u64, number: u64) {
        self.write(Command::DeleteMessage {
            token: self.token.clone(),
            chat,
            number,
            if_match: IfMatch::Any,
        });
    }

    fn delete_chat(&self, chat: u64) {
        self.write(Command::DeleteChat {
            token: self.token.clone(),
            chat,
            if_match: IfMatch::Any,
        });
    }

    fn close(&mut self) {
        self.engine.take().unwrap().close().unwrap();
    }

    fn reopen(&mut self) {
        self.close();
        self.engine = Some(open(self.path()).unwrap());
    }

    /// The whole state, as an export says it.
    fn exported(&self) -> Vec<tiro_conformance::ExportedApplication> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(tiro_conformance::read_export(self.engine(), None))
    }
}
