//! Messages: below a chat, and at `/messages` with token and chat in the body, the query or the path.

use std::sync::Arc;

use axum::body::Body;
use http::Response;
use tiro_api::Code;
use tiro_core::{Command, MessageContent, MetadataChange, SearchScope, Token, UpdateMessage};

use super::fields::{self, Fields};
use super::{address, lists, live::List, search, things};
use crate::answer;
use crate::body::MediaType;
use crate::call::Call;
use crate::conditions::TagForm;
use crate::fields::Reader;
use crate::problem::Problem;
use crate::route::{Answer, OF_CHANGED, OF_CREATED, OF_FOUND, Operation, RequestHeader, json_body};
use crate::routes::messages as v1;
use crate::violations::Violations;

const WRAPPER: &str = "message";
const TAG: &str = "messages";
const CONTENT: &[(MediaType, &str)] = &[
    (MediaType::Json, "ClassicMessageBody"),
    (MediaType::Form, "ClassicMessageBody"),
];
const ADDRESS_PROBLEMS: &[Code] = &[Code::NotFound, Code::ApplicationNotFound, Code::ChatNotFound];

pub(super) const LIST: Operation = Operation::new(
    "classic_list_messages",
    TAG,
    "List the messages of a chat, or those that match",
)
.caller(v1::LIST.caller)
.parameters(lists::PAGE_OR_QUERY)
.answers(&[Answer::json(
    200,
    "ClassicMessages",
    "Messages by number; with `query` those that match, the newest first.",
)])
.problems(&[Code::SearchBehind])
.compressed()
.classic();
pub(super) const LIST_BESIDE: Operation = LIST.named("classic_list_messages_beside");

pub(super) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let (token, number) = (call.token()?, call.number("chat")?);
    match call.query.text(lists::QUERY).filter(|text| !text.is_empty()) {
        Some(text) => {
            let scope = SearchScope::Chat { token, number };
            let hits = search::hits(&call, scope, lists::QUERY, text, lists::extent(&call)).await?;
            lists::written(&search::messages(hits))
        }
        None => lists::answer(&call, List::Messages { token, chat: number }).await,
    }
}

pub(super) const CREATE: Operation = Operation::new("classic_create_message", TAG, v1::CREATE.summary)
    .caller(v1::CREATE.caller)
    .headers(&[RequestHeader::IdempotencyKey])
    .body(json_body(CONTENT))
    .answers(&[Answer::json(201, "ClassicMessage", "The created message.").with(OF_CREATED)])
    .classic();

pub(super) async fn create(mut call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let body = Fields::read(&mut call, WRAPPER).await?;
    create_in(&call, token, chat, &body).await
}

pub(super) const CREATE_ADDRESSED: Operation = CREATE
    .named("classic_create_addressed_message")
    .parameters(address::OF_MESSAGE)
    .problems(ADDRESS_PROBLEMS);

pub(super) async fn create_addressed(mut call: Call) -> Result<Response<Body>, Problem> {
    let body = Fields::read(&mut call, WRAPPER).await?;
    let (token, chat) = addressed(&call, &body)?;
    create_in(&call, token, chat, &body).await
}

fn addressed(call: &Call, body: &Fields) -> Result<(Token, u64), Problem> {
    let [token, chat] = body.members(address::NAMES)?;
    Ok((address::token(call, Some(token))?, address::chat(call, chat)?))
}

async fn create_in(call: &Call, token: Token, chat: u64, body: &Fields) -> Result<Response<Body>, Problem> {
    let [text] = body.members(["body"])?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let text = fields::body(text, &mut Reader::of(call, &mut violations));
    let content = MessageContent {
        body: violations.accept(text)?,
        sender: None,
        metadata: None,
    };
    let command = Command::CreateMessage {
        token: token.clone(),
        chat,
        content: Arc::new(content),
    };
    let reply = call.write(command, key).await?;
    let message = v1::of(&reply)?;
    answer::created(
        &reply,
        v1::tag(message),
        v1::location(&token, chat, message),
        &things::message(chat, message),
    )
}

pub(super) const GET: Operation = Operation::new("classic_get_message", TAG, v1::GET.summary)
    .caller(v1::GET.caller)
    .headers(v1::GET.headers)
    .answers(&[
        Answer::json(200, "ClassicMessage", "The message.").with(OF_FOUND),
        Answer::NOT_MODIFIED,
    ])
    .classic();
pub(super) const GET_BESIDE: Operation = GET.named("classic_get_message_beside");

pub(super) async fn get(call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat, number) = (call.token()?, call.number("chat")?, call.number("number")?);
    let seen = call.engine.message(&token, chat, number).await?;
    let body = things::message(chat, &seen.thing);
    answer::found(&call.head.headers, v1::tag(&seen.thing), &seen.cursor, &body)
}

pub(super) const UPDATE: Operation = Operation::new("classic_update_message", TAG, v1::UPDATE.summary)
    .caller(v1::UPDATE.caller)
    .headers(v1::UPDATE.headers)
    .body(json_body(CONTENT))
    .answers(&[Answer::json(200, "ClassicMessage", "The updated message.").with(OF_CHANGED)])
    .classic();
pub(super) const REPLACE: Operation = UPDATE.named("classic_replace_message");

pub(super) async fn update(mut call: Call) -> Result<Response<Body>, Problem> {
    let (token, chat) = (call.token()?, call.number("chat")?);
    let body = Fields::read(&mut call, WRAPPER).await?;
    update_in(&call, token, chat, &body).await
}

pub(super) const UPDATE_ADDRESSED: Operation = UPDATE
    .named("classic_update_addressed_message")
    .parameters(address::OF_MESSAGE)
    .problems(ADDRESS_PROBLEMS);
pub(super) const REPLACE_ADDRESSED: Operation = UPDATE_ADDRESSED.named("classic_replace_addressed_message");

pub(super) async fn update_addressed(mut call: Call) -> Result<Response<Body>, Problem> {
    let body = Fields::read(&mut call, WRAPPER).await?;
    let (token, chat) = addressed(&call, &body)?;
    update_in(&call, token, chat, &body).await
}

async fn update_in(call: &Call, token: Token, chat: u64, body: &Fields) -> Result<Response<Body>, Problem> {
    let number = call.number("number")?;
    let [text] = body.members(["body"])?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::Version, &mut violations);
    let text = fields::body(text, &mut Reader::of(call, &mut violations));
    let command = Command::UpdateMessage(UpdateMessage {
        token,
        chat,
        number,
        if_match,
        body: Some(violations.accept(text)?),
        metadata: MetadataChange::Keep,
    });
    let reply = call.write(command, key).await?;
    let message = v1::of(&reply)?;
    answer::updated(&reply, v1::tag(message), &things::message(chat, message))
}

pub(super) const DELETE: Operation = v1::DELETE.named("classic_delete_message").classic();
