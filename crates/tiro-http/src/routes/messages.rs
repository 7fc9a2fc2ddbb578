//! `/v1/applications/{token}/chats/{chat}/messages`.

use std::borrow::Cow;

use axum::body::Body;
use http::Response;
use tiro_api::MessagePage;
use tiro_core::{Command, Message, Outcome, Reply, Token, UpdateMessage};

use super::{operations, unexpected};
use crate::answer;
use crate::body::MediaType;
use crate::call::{Call, Created};
use crate::conditions::{TagForm, version_tag};
use crate::fields::Reader;
use crate::json::{self, Place};
use crate::paging;
use crate::problem::Problem;
use crate::route::{
    Answer, AnswerHeader, Caller, OF_CHANGED, OF_CREATED, OF_FOUND, Operation, RequestHeader, json_body,
};
use crate::violations::Violations;
use crate::wire;

const TAG: &str = "messages";

pub(crate) const CREATE: Operation = Operation::new("create_message", TAG, "Create a message")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IdempotencyKey, RequestHeader::Prefer])
    .body(json_body(&[(MediaType::Json, "CreateMessage")]))
    .answers(&[
        Answer::json(201, "Message", "The created message.").with(OF_CREATED),
        operations::PARKED,
    ]);

pub(crate) async fn create(mut call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let body = call.read(&[MediaType::Json]).await?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let read = Reader {
        limits: &call.limits,
        violations: &mut violations,
    }
    .new_message(json::text(&body)?, Place::Body)?;
    let content = violations.accept(read)?;
    let command = Command::CreateMessage {
        token: token.clone(),
        chat,
        content,
    };
    let reply = match call.create(command, key).await? {
        Created::Now(reply) => reply,
        Created::Later(name) => return operations::parked(&token, &name),
    };
    let message = of(&reply)?;
    answer::created(
        &reply,
        tag(message),
        location(&token, chat, message),
        &wire::message(message)?,
    )
}

pub(crate) const LIST: Operation = Operation::new("list_messages", TAG, "List the messages of a chat")
    .caller(Caller::Application)
    .parameters(paging::BY_NUMBER)
    .answers(&[Answer::json(
        200,
        "MessagePage",
        "Messages by number, ascending, including tombstones of deleted ones.",
    )])
    .compressed();

pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let range = paging::number_range(&call.query)?;
    let page = call.engine.messages(&token, chat, range).await?;
    let wire = MessagePage {
        data: page.items.iter().map(wire::message).collect::<Result<_, _>>()?,
        has_more: page.next.is_some(),
        next: page.next.map(|number| Cow::Owned(number.to_string())),
        as_of: page.as_of.map(|cursor| Cow::Owned(cursor.to_string())),
    };
    let text_bytes = page.items.iter().map(Message::bytes).sum();
    answer::page(&wire, page.items.len(), text_bytes)
}

pub(crate) const GET: Operation = Operation::new("get_message", TAG, "Get a message")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IfNoneMatch])
    .answers(&[
        Answer::json(200, "Message", "The message.").with(OF_FOUND),
        Answer::NOT_MODIFIED,
    ]);

pub(crate) async fn get(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let seen = call
        .engine
        .message(&token, call.number("chat")?, call.number("number")?)
        .await?;
    let tag = tag(&seen.thing);
    answer::found(
        &call.head.headers,
        tag,
        &seen.cursor,
        &wire::message(&seen.thing)?,
    )
}

pub(crate) const UPDATE: Operation = Operation::new("update_message", TAG, "Update a message")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IdempotencyKey, RequestHeader::IfMatch])
    .body(json_body(&[
        (MediaType::MergePatch, "UpdateMessage"),
        (MediaType::Json, "UpdateMessage"),
    ]))
    .answers(&[Answer::json(200, "Message", "The updated message.").with(OF_CHANGED)]);

pub(crate) async fn update(mut call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat, number) = (call.token()?, call.number("chat")?, call.number("number")?);
    let body = call.read(&[MediaType::MergePatch, MediaType::Json]).await?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::Version, &mut violations);
    let read = Reader {
        limits: &call.limits,
        violations: &mut violations,
    }
    .message_patch(json::text(&body)?)?;
    let patch = violations.accept(read)?;
    let command = Command::UpdateMessage(UpdateMessage {
        token,
        chat,
        number,
        if_match,
        body: patch.body,
        metadata: patch.metadata,
    });
    let reply = call.write(command, key).await?;
    let message = of(&reply)?;
    answer::updated(&reply, tag(message), &wire::message(message)?)
}

pub(crate) const DELETE: Operation = Operation::new("delete_message", TAG, "Delete a message")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IdempotencyKey, RequestHeader::IfMatch])
    .answers(&[
        Answer::empty(204, "The message is deleted, by this request or an earlier one.")
            .with(&[AnswerHeader::TiroCursorOfChange, AnswerHeader::IdempotentReplayed]),
    ]);

pub(crate) async fn delete(call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat, number) = (call.token()?, call.number("chat")?, call.number("number")?);
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::Version, &mut violations);
    violations.check()?;
    let reply = call
        .write(
            Command::DeleteMessage {
                token,
                chat,
                number,
                if_match,
            },
            key,
        )
        .await?;
    answer::deleted(&reply)
}

pub(crate) fn location(token: &Token, chat: u64, message: &Message) -> String {
    format!(
        "/v1/applications/{}/chats/{chat}/messages/{}",
        token.as_str(),
        message.number
    )
}

pub(crate) fn of(reply: &Reply) -> Result<&Message, Problem> {
    match &reply.outcome {
        Outcome::Message(message) => Ok(message),
        _ => Err(unexpected()),
    }
}

pub(crate) fn tag(message: &Message) -> String {
    version_tag(message.version)
}
