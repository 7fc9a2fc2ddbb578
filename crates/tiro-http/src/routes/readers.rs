//! Readers: how far somebody has read in a chat, and the chats in which something is unread.

use std::borrow::Cow;

use axum::body::Body;
use http::Response;
use tiro_api::{Code, ReadStatePage};
use tiro_core::{Command, Outcome, ReaderName};

use super::unexpected;
use crate::answer;
use crate::body::MediaType;
use crate::call::Call;
use crate::fields::Reader;
use crate::json;
use crate::paging;
use crate::problem::{self, Problem};
use crate::query::{Kind, Parameter};
use crate::route::{Answer, AnswerHeader, Caller, Operation, json_body};
use crate::violations::Violations;
use crate::wire;

const TAG: &str = "readers";
const READER: &str = "reader";
const CURSOR: &[AnswerHeader] = &[AnswerHeader::TiroCursor];

pub(crate) const SET: Operation = Operation::new("set_read", TAG, "Set a reader's read marker in a chat")
    .caller(Caller::Application)
    .body(json_body(&[(MediaType::Json, "SetRead")]))
    .answers(&[Answer::json(
        200,
        "ReadState",
        "The read marker after the request. It only moves forward: a lower or equal number changes nothing.",
    )
    .with(CURSOR)]);

pub(crate) async fn set(mut call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let body = call.read(&[MediaType::Json]).await?;
    let mut violations = Violations::default();
    let reader = reader(&call, &mut violations);
    let read = Reader {
        limits: &call.limits,
        violations: &mut violations,
    }
    .set_read(json::text(&body)?)?;
    let (reader, read) = violations.accept(reader.zip(read))?;
    let command = Command::SetRead {
        token,
        chat,
        reader,
        read,
    };
    let reply = call.write(command, None).await?;
    match &reply.outcome {
        Outcome::Read(state) => answer::set(&reply, &wire::read_state(state)),
        _ => Err(unexpected()),
    }
}

pub(crate) const GET: Operation = Operation::new(
    "get_reader",
    TAG,
    "Get a reader's read marker and unread count in a chat",
)
.caller(Caller::Application)
.answers(&[Answer::json(
    200,
    "ReadState",
    "The read marker and the unread count; `read` is 0 for a reader without a marker.",
)
.with(CURSOR)]);

pub(crate) async fn get(call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let mut violations = Violations::default();
    let reader = reader(&call, &mut violations);
    let reader = violations.accept(reader)?;
    let seen = call.engine.reader(&token, chat, &reader).await?;
    answer::seen(&seen.cursor, &wire::read_state(&seen.thing))
}

pub(crate) const LIST: Operation = Operation::new(
    "list_unread_chats",
    TAG,
    "List a reader's chats with unread messages",
)
.caller(Caller::Application)
.parameters(&[
    Parameter {
        name: "after",
        kind: Kind::Position,
        description: "Only chats with a number greater than this one; 0 starts at the first.",
    },
    paging::LIMIT,
])
.answers(&[Answer::json(
    200,
    "ReadStatePage",
    "Chats by number in which the reader has a marker and unread messages. A page looks at no more than \
             10,000 markers, so it may have few chats and yet go on.",
)])
.compressed();

pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let mut violations = Violations::default();
    let reader = reader(&call, &mut violations);
    let reader = violations.accept(reader)?;
    let after = call.query.position("after").unwrap_or(0);
    let limit = paging::limit(&call.query);
    let page = call.engine.unread_chats(&token, &reader, after, limit).await?;
    let wire = ReadStatePage {
        data: page.items.iter().map(wire::read_state).collect(),
        has_more: page.next.is_some(),
        next: page.next.map(|chat| Cow::Owned(chat.to_string())),
        as_of: page.as_of.map(|cursor| Cow::Owned(cursor.to_string())),
    };
    answer::page(&wire, page.items.len(), 0)
}

/// The reader in the path.
fn reader(call: &Call, violations: &mut Violations) -> Option<ReaderName> {
    let refused = match call.text(READER) {
        None => (
            Code::InvalidParameter,
            "must be UTF-8, percent-encoded".to_owned(),
        ),
        Some(text) => match ReaderName::new(&text, &call.limits) {
            Ok(reader) => return Some(reader),
            Err(fault) => problem::fault(&fault),
        },
    };
    violations.path(READER, refused.0, &refused.1);
    None
}
