//! `POST …/messages/batch`: messages as one JSON object or as lines, all or none.

use std::sync::Arc;

use axum::body::Body;
use http::Response;
use tiro_api::Code;
use tiro_core::{Command, MessageContent, Outcome};

use super::{operations, unexpected};
use crate::answer;
use crate::body::MediaType;
use crate::call::{Call, Created};
use crate::dialect::Unknown;
use crate::fields::Reader;
use crate::json::{self, Place};
use crate::problem::Problem;
use crate::route::{Answer, AnswerHeader, Caller, Operation, RequestHeader, json_body};
use crate::violations::Violations;

pub(crate) const CREATE: Operation = Operation::new(
    "create_messages",
    "messages",
    "Create a batch of messages (all or none)",
)
.caller(Caller::Application)
.headers(&[RequestHeader::IdempotencyKey, RequestHeader::Prefer])
.body(json_body(&[
    (MediaType::Json, "CreateBatch"),
    (MediaType::Ndjson, "CreateMessage"),
]))
.answers(&[
    Answer::json(
        201,
        "BatchCreated",
        "The numbers of the messages; `Location` lists them.",
    )
    .with(&[
        AnswerHeader::TiroCursor,
        AnswerHeader::Location,
        AnswerHeader::IdempotentReplayed,
    ]),
    operations::PARKED,
]);

type Messages = Vec<Arc<MessageContent>>;

pub(crate) async fn create(mut call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let bytes_max = call.config.transport.batch_bytes_max;
    let (media_type, body) = call
        .read_at_most(&[MediaType::Json, MediaType::Ndjson], bytes_max)
        .await?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let mut reader = Reader {
        limits: &call.limits,
        violations: &mut violations,
    };
    let text = json::text(&body)?;
    let read = match media_type {
        MediaType::Ndjson => lines(&mut reader, text)?,
        _ => members(&mut reader, text)?,
    };
    let messages = violations.accept(read)?;
    let command = Command::CreateMessages {
        token: token.clone(),
        chat,
        messages,
    };
    let reply = match call.create(command, key).await? {
        Created::Now(reply) => reply,
        Created::Later(name) => return operations::parked(&token, &name),
    };
    let Outcome::Messages { first, count } = reply.outcome else {
        return Err(unexpected());
    };
    let location = format!(
        "/v1/applications/{}/chats/{chat}/messages?after={}",
        token.as_str(),
        first - 1
    );
    answer::batch_created(&reply, location, &operations::batch_created(first, count))
}

/// `{"messages": […]}`.
fn members(reader: &mut Reader<'_>, text: &str) -> Result<Option<Messages>, Problem> {
    let pointer = Place::Body.member("messages");
    let Some([messages]) = json::object(
        text,
        ["messages"],
        Place::Body,
        Unknown::Refused,
        reader.violations,
    )?
    else {
        return Ok(None);
    };
    let Some(messages) = messages else {
        reader.violations.at(&pointer, Code::Missing, "is required");
        return Ok(None);
    };
    let Some((items, count)) = json::items(messages, reader.limits.batch_messages_max) else {
        reader
            .violations
            .at(&pointer, Code::WrongType, "must be an array");
        return Ok(None);
    };
    if !is_count_allowed(reader, &pointer, count) {
        return Ok(None);
    }
    each(reader, items.iter().map(|item| item.get()), Place::InBatch)
}

/// One message a line; blank lines do not count.
fn lines(reader: &mut Reader<'_>, text: &str) -> Result<Option<Messages>, Problem> {
    let lines = || {
        text.split('\n')
            .map(str::trim_ascii)
            .filter(|line| !line.is_empty())
    };
    if !is_count_allowed(reader, "", lines().count()) {
        return Ok(None);
    }
    each(reader, lines(), Place::OnLine)
}

fn is_count_allowed(reader: &mut Reader<'_>, pointer: &str, count: usize) -> bool {
    let max = reader.limits.batch_messages_max;
    if count == 0 {
        reader.violations.at(pointer, Code::EmptyBatch, "has no messages");
    } else if count > max {
        let text = format!("has {count} messages, at most {max} are allowed");
        reader.violations.at(pointer, Code::TooManyMessages, &text);
    }
    (1..=max).contains(&count)
}

fn each<'t>(
    reader: &mut Reader<'_>,
    texts: impl Iterator<Item = &'t str>,
    place: fn(usize) -> Place,
) -> Result<Option<Messages>, Problem> {
    let mut messages = Some(Vec::new());
    for (index, text) in texts.enumerate() {
        let message = reader.new_message(text, place(index))?;
        messages = messages.zip(message).map(|(mut messages, message)| {
            messages.push(message);
            messages
        });
    }
    Ok(messages)
}
