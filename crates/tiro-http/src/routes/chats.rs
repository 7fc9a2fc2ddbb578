//! `/v1/applications/{token}/chats`.

use std::borrow::Cow;

use axum::body::Body;
use http::Response;
use tiro_api::ChatPage;
use tiro_core::{Chat, Command, CreateChat, Outcome, Page, Reply, Token, UpdateChat};

use super::{operations, unexpected};
use crate::answer;
use crate::body::MediaType;
use crate::call::{Call, Created};
use crate::conditions::{TagForm, version_and_position_tag};
use crate::fields::Reader;
use crate::json;
use crate::paging;
use crate::problem::Problem;
use crate::route::{
    Answer, AnswerHeader, Caller, OF_CHANGED, OF_CREATED, OF_FOUND, Operation, Presence, RequestBody,
    RequestHeader, json_body,
};
use crate::violations::Violations;
use crate::wire;

const TAG: &str = "chats";

pub(crate) const CREATE: Operation = Operation::new("create_chat", TAG, "Create a chat")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IdempotencyKey, RequestHeader::Prefer])
    .body(RequestBody {
        content: &[(MediaType::Json, "CreateChat")],
        presence: Presence::Optional,
    })
    .answers(&[
        Answer::json(201, "Chat", "The created chat.").with(OF_CREATED),
        operations::PARKED,
    ]);

pub(crate) async fn create(mut call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let body = call.read(&[MediaType::Json]).await?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let read = Reader {
        limits: &call.limits,
        violations: &mut violations,
    }
    .new_chat(json::text(&body)?)?;
    let new = violations.accept(read)?;
    let command = Command::CreateChat(CreateChat {
        token: token.clone(),
        title: new.title,
        metadata: new.metadata,
    });
    let reply = match call.create(command, key).await? {
        Created::Now(reply) => reply,
        Created::Later(name) => return operations::parked(&token, &name),
    };
    let chat = of(&reply)?;
    answer::created(&reply, tag(chat), location(&token, chat), &wire::chat(chat)?)
}

pub(crate) const LIST: Operation = Operation::new("list_chats", TAG, "List the chats of an application")
    .caller(Caller::Application)
    .parameters(paging::CHATS)
    .answers(&[Answer::json(
        200,
        "ChatPage",
        "Chats by number including tombstones of deleted ones, or by activity without them.",
    )])
    .compressed();

pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let (page, next): (Page<Chat>, fn(u64) -> String) = if call.query.text("order") == Some("activity") {
        let before = paging::activity_before(&call.query)?;
        let page = call
            .engine
            .chats_by_activity(&token, before, paging::limit(&call.query))
            .await?;
        (page, paging::next_activity)
    } else {
        let range = paging::number_range(&call.query)?;
        (call.engine.chats(&token, range).await?, |number| {
            number.to_string()
        })
    };
    let wire = ChatPage {
        data: page.items.iter().map(wire::chat).collect::<Result<_, _>>()?,
        has_more: page.next.is_some(),
        next: page.next.map(|place| Cow::Owned(next(place))),
        as_of: page.as_of.map(|cursor| Cow::Owned(cursor.to_string())),
    };
    answer::page(&wire, page.items.len(), 0)
}

pub(crate) const GET: Operation = Operation::new("get_chat", TAG, "Get a chat")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IfNoneMatch])
    .answers(&[
        Answer::json(200, "Chat", "The chat.").with(OF_FOUND),
        Answer::NOT_MODIFIED,
    ]);

pub(crate) async fn get(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let seen = call.engine.chat(&token, call.number("chat")?).await?;
    answer::found(
        &call.head.headers,
        tag(&seen.thing),
        &seen.cursor,
        &wire::chat(&seen.thing)?,
    )
}

pub(crate) const UPDATE: Operation = Operation::new("update_chat", TAG, "Update a chat")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IdempotencyKey, RequestHeader::IfMatch])
    .body(json_body(&[
        (MediaType::MergePatch, "UpdateChat"),
        (MediaType::Json, "UpdateChat"),
    ]))
    .answers(&[Answer::json(200, "Chat", "The updated chat.").with(OF_CHANGED)]);

pub(crate) async fn update(mut call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let body = call.read(&[MediaType::MergePatch, MediaType::Json]).await?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::VersionAndPosition, &mut violations);
    let read = Reader {
        limits: &call.limits,
        violations: &mut violations,
    }
    .chat_patch(json::text(&body)?)?;
    let patch = violations.accept(read)?;
    let command = Command::UpdateChat(UpdateChat {
        token,
        chat,
        if_match,
        title: patch.title,
        metadata: patch.metadata,
    });
    let reply = call.write(command, key).await?;
    let chat = of(&reply)?;
    answer::updated(&reply, tag(chat), &wire::chat(chat)?)
}

pub(crate) const DELETE: Operation = Operation::new("delete_chat", TAG, "Delete a chat and its messages")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IdempotencyKey, RequestHeader::IfMatch])
    .answers(&[
        Answer::empty(204, "The chat is deleted, by this request or an earlier one.")
            .with(&[AnswerHeader::TiroCursorOfChange, AnswerHeader::IdempotentReplayed]),
    ]);

pub(crate) async fn delete(call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::VersionAndPosition, &mut violations);
    violations.check()?;
    let reply = call
        .write(
            Command::DeleteChat {
                token,
                chat,
                if_match,
            },
            key,
        )
        .await?;
    answer::deleted(&reply)
}

pub(crate) fn location(token: &Token, chat: &Chat) -> String {
    format!("/v1/applications/{}/chats/{}", token.as_str(), chat.number)
}

pub(crate) fn of(reply: &Reply) -> Result<&Chat, Problem> {
    match &reply.outcome {
        Outcome::Chat(chat) => Ok(chat),
        _ => Err(unexpected()),
    }
}

pub(crate) fn tag(chat: &Chat) -> String {
    version_and_position_tag(chat.version, chat.change_position)
}
