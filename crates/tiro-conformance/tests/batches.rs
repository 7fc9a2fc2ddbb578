//! A batch means what its requests mean one by one: each sees the events before it, stored or not.

use tiro_conformance::{ReferenceEngine, model, read_export};
use tiro_core::{
    Body, Command, CreateApplication, CreateChat, Engine, Epoch, Limits, MessageContent, Name, NewToken,
    Outcome, Request, Token,
};

#[test]
fn batches_of_two_agree_with_single_writes() {
    model::play_batches(2);
}

#[test]
fn batches_of_seven_agree_with_single_writes() {
    model::play_batches(7);
}

#[test]
fn a_whole_history_in_one_batch_agrees_with_single_writes() {
    model::play_batches(100);
}

fn token() -> Token {
    Token::parse("token_of_a_batch").expect("it is a token")
}

fn create_application() -> Request {
    let name = Name::new("application", &Limits::default()).expect("it is a name");
    let token = NewToken::Chosen(token());
    let epoch = Epoch::generated([1; 5]);
    Request::new(Command::CreateApplication(CreateApplication {
        token,
        epoch,
        name,
        metadata: None,
    }))
}

fn create_chat() -> Request {
    Request::new(Command::CreateChat(CreateChat {
        token: token(),
        title: None,
        metadata: None,
    }))
}

fn send() -> Request {
    let body = Body::new("hello", &Limits::default()).expect("it is a body");
    let content = MessageContent {
        body,
        sender: None,
        metadata: None,
    };
    Request::new(Command::CreateMessage {
        token: token(),
        chat: 1,
        content: content.into(),
    })
}

/// An import of an exported application was finished while a client waited to send into it: both came into one batch.
/// What the client needed was not loaded, since its token named nothing yet, and deciding it panicked in the writer.
#[tokio::test]
async fn a_message_in_the_batch_that_finishes_the_restore_of_its_application_is_accepted() {
    let here = ReferenceEngine::new();
    for answer in here.write_batch(&[create_application(), create_chat(), send()]) {
        answer.expect("it is accepted");
    }
    let exported = read_export(&here, None).await.remove(0);
    let there = ReferenceEngine::new();
    let begin = Command::BeginRestore {
        token: token(),
        epoch: exported.application.epoch.clone(),
        last_position: exported.application.last_position,
    };
    let begun = there.write(Request::new(begin)).await.expect("the token is free");
    let Outcome::RestoreBegun(application) = begun.outcome else {
        panic!("a restore begins, not {:?}", begun.outcome)
    };
    let entries = Command::RestoreEntries {
        application,
        entries: exported.entries,
    };
    there
        .write(Request::new(entries))
        .await
        .expect("they can be restored");
    let finish = Request::new(Command::FinishRestore {
        application,
        token: token(),
    });
    let answers = there.write_batch(&[finish, send()]);
    let sent = answers[1].as_ref().expect("the application is there by then");
    let Outcome::Message(message) = &sent.outcome else {
        panic!("a message was expected, not {:?}", sent.outcome)
    };
    assert_eq!(message.number, 2);
}
