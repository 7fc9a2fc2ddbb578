//! Chats: below `P/:token`, and at `/chats` with the token in the body, the query or the path.

use axum::body::Body;
use http::Response;
use tiro_api::Code;
use tiro_core::{Command, CreateChat, MetadataChange, Patch, Token, UpdateChat};

use super::fields::{self, Fields};
use super::{address, lists, live::List, things};
use crate::answer;
use crate::body::MediaType;
use crate::call::Call;
use crate::conditions::TagForm;
use crate::fields::Reader;
use crate::problem::Problem;
use crate::route::{
    Answer, OF_CHANGED, OF_CREATED, OF_FOUND, Operation, Presence, RequestBody, RequestHeader,
};
use crate::routes::chats as v1;
use crate::violations::Violations;

const WRAPPER: &str = "chat";
const TAG: &str = "chats";
const BODY: RequestBody = RequestBody {
    content: &[
        (MediaType::Json, "ClassicChatBody"),
        (MediaType::Form, "ClassicChatBody"),
    ],
    presence: Presence::Optional,
};

pub(super) const LIST: Operation = Operation::new("classic_list_chats", TAG, v1::LIST.summary)
    .caller(v1::LIST.caller)
    .parameters(lists::PAGE)
    .answers(&[Answer::json(200, "ClassicChats", "Chats by number.")])
    .compressed()
    .classic();

pub(super) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    lists::answer(&call, List::Chats { token }).await
}

pub(super) const CREATE: Operation = Operation::new("classic_create_chat", TAG, v1::CREATE.summary)
    .caller(v1::CREATE.caller)
    .headers(&[RequestHeader::IdempotencyKey])
    .body(BODY)
    .answers(&[Answer::json(201, "ClassicChat", "The created chat.").with(OF_CREATED)])
    .classic();

pub(super) async fn create(mut call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let body = Fields::read(&mut call, WRAPPER).await?;
    create_in(&call, token, &body).await
}

pub(super) const CREATE_ADDRESSED: Operation = CREATE
    .named("classic_create_addressed_chat")
    .parameters(address::OF_CHAT)
    .problems(&[Code::ApplicationNotFound]);

pub(super) async fn create_addressed(mut call: Call) -> Result<Response<Body>, Problem> {
    let body = Fields::read(&mut call, WRAPPER).await?;
    let [token, _] = body.members(address::NAMES)?;
    let token = address::token(&call, Some(token))?;
    create_in(&call, token, &body).await
}

async fn create_in(call: &Call, token: Token, body: &Fields) -> Result<Response<Body>, Problem> {
    let [title, name] = body.members(["title", "name"])?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let title = fields::title(title, name, &mut Reader::of(call, &mut violations));
    let title = match violations.accept(title)? {
        Patch::Set(title) => Some(title),
        Patch::Keep | Patch::Clear => None,
    };
    let command = Command::CreateChat(CreateChat {
        token: token.clone(),
        title,
        metadata: None,
    });
    let reply = call.write(command, key).await?;
    let chat = v1::of(&reply)?;
    answer::created(
        &reply,
        v1::tag(chat),
        v1::location(&token, chat),
        &things::chat(chat),
    )
}

pub(super) const GET: Operation = Operation::new("classic_get_chat", TAG, v1::GET.summary)
    .caller(v1::GET.caller)
    .headers(v1::GET.headers)
    .answers(&[
        Answer::json(200, "ClassicChat", "The chat.").with(OF_FOUND),
        Answer::NOT_MODIFIED,
    ])
    .classic();
pub(super) const GET_BESIDE: Operation = GET.named("classic_get_chat_beside");

pub(super) async fn get(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    get_of(&call, &token).await
}

pub(super) const GET_ADDRESSED: Operation = GET
    .named("classic_get_addressed_chat")
    .parameters(address::OF_CHAT)
    .problems(&[Code::ApplicationNotFound]);

pub(super) async fn get_addressed(call: Call) -> Result<Response<Body>, Problem> {
    let token = address::token(&call, None)?;
    get_of(&call, &token).await
}

async fn get_of(call: &Call, token: &Token) -> Result<Response<Body>, Problem> {
    let seen = call.engine.chat(token, call.number("chat")?).await?;
    let body = things::chat(&seen.thing);
    answer::found(&call.head.headers, v1::tag(&seen.thing), &seen.cursor, &body)
}

pub(super) const UPDATE: Operation = Operation::new("classic_update_chat", TAG, v1::UPDATE.summary)
    .caller(v1::UPDATE.caller)
    .headers(v1::UPDATE.headers)
    .body(BODY)
    .answers(&[Answer::json(200, "ClassicChat", "The updated chat.").with(OF_CHANGED)])
    .classic();
pub(super) const REPLACE: Operation = UPDATE.named("classic_replace_chat");

pub(super) async fn update(mut call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let body = Fields::read(&mut call, WRAPPER).await?;
    update_in(&call, token, &body).await
}

pub(super) const UPDATE_ADDRESSED: Operation = UPDATE
    .named("classic_update_addressed_chat")
    .parameters(address::OF_CHAT)
    .problems(&[Code::ApplicationNotFound]);
pub(super) const REPLACE_ADDRESSED: Operation = UPDATE_ADDRESSED.named("classic_replace_addressed_chat");

pub(super) async fn update_addressed(mut call: Call) -> Result<Response<Body>, Problem> {
    let body = Fields::read(&mut call, WRAPPER).await?;
    let [token, _] = body.members(address::NAMES)?;
    let token = address::token(&call, Some(token))?;
    update_in(&call, token, &body).await
}

async fn update_in(call: &Call, token: Token, body: &Fields) -> Result<Response<Body>, Problem> {
    let chat = call.number("chat")?;
    let [title, name] = body.members(["title", "name"])?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::VersionAndPosition, &mut violations);
    let title = fields::title(title, name, &mut Reader::of(call, &mut violations));
    let command = Command::UpdateChat(UpdateChat {
        token,
        chat,
        if_match,
        title: violations.accept(title)?,
        metadata: MetadataChange::Keep,
    });
    let reply = call.write(command, key).await?;
    let chat = v1::of(&reply)?;
    answer::updated(&reply, v1::tag(chat), &things::chat(chat))
}

pub(super) const DELETE: Operation = v1::DELETE.named("classic_delete_chat").classic();
