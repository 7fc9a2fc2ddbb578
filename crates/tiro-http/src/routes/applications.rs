//! `/v1/applications`.

use std::borrow::Cow;

use axum::body::Body;
use http::Response;
use tiro_api::{ApplicationPage, Code};
use tiro_core::{
    Application, Command, CreateApplication, Epoch, NewToken, Outcome, Reply, Token, UpdateApplication,
};

use super::unexpected;
use crate::answer;
use crate::body::MediaType;
use crate::call::Call;
use crate::conditions::{TagForm, version_and_position_tag};
use crate::fields::{NewApplication, Reader};
use crate::json;
use crate::paging;
use crate::problem::Problem;
use crate::route::{
    Answer, AnswerHeader, Caller, OF_CHANGED, OF_CREATED, OF_FOUND, Operation, RequestHeader, json_body,
};
use crate::violations::Violations;
use crate::wire;

const TAG: &str = "applications";

pub(crate) const CREATE: Operation = Operation::new("create_application", TAG, "Create an application")
    .caller(Caller::Operator)
    .headers(&[RequestHeader::IdempotencyKey])
    .body(json_body(&[(MediaType::Json, "CreateApplication")]))
    .answers(&[Answer::json(201, "Application", "The created application.").with(OF_CREATED)])
    .problems(&[Code::TokenTaken, Code::ApplicationDeleted]);

pub(crate) async fn create(mut call: Call) -> Result<Response<Body>, Problem> {
    let body = call.read(&[MediaType::Json]).await?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let read = Reader {
        limits: &call.limits,
        violations: &mut violations,
    }
    .new_application(json::text(&body)?)?;
    let new = violations.accept(read)?;
    let command = creation(generated_token()?, new)?;
    let reply = call.write(command, key).await?;
    let application = of(&reply)?;
    answer::created(
        &reply,
        tag(application),
        location(application),
        &wire::application(application)?,
    )
}

pub(crate) const LIST: Operation = Operation::new("list_applications", TAG, "List applications")
    .caller(Caller::Operator)
    .parameters(paging::APPLICATIONS)
    .answers(&[Answer::json(
        200,
        "ApplicationPage",
        "Applications by creation time, then token, without deleted ones.",
    )])
    .compressed();

pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let after = paging::applications_after(&call.query)?;
    let page = call
        .engine
        .applications(after, paging::limit(&call.query))
        .await?;
    let wire = ApplicationPage {
        data: page
            .items
            .iter()
            .map(wire::application)
            .collect::<Result<_, _>>()?,
        has_more: page.next.is_some(),
        next: page
            .next
            .as_ref()
            .map(|after| Cow::Owned(paging::next_application(after))),
        as_of: None,
    };
    answer::page(&wire, page.items.len(), 0)
}

pub(crate) const GET: Operation = Operation::new("get_application", TAG, "Get an application")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IfNoneMatch])
    .answers(&[
        Answer::json(200, "Application", "The application.").with(OF_FOUND),
        Answer::NOT_MODIFIED,
    ]);

pub(crate) async fn get(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let seen = call.engine.application(&token).await?;
    let body = wire::application(&seen.thing)?;
    answer::found(&call.head.headers, tag(&seen.thing), &seen.cursor, &body)
}

pub(crate) const UPDATE: Operation = Operation::new("update_application", TAG, "Update an application")
    .caller(Caller::Application)
    .headers(&[RequestHeader::IdempotencyKey, RequestHeader::IfMatch])
    .body(json_body(&[
        (MediaType::MergePatch, "UpdateApplication"),
        (MediaType::Json, "UpdateApplication"),
    ]))
    .answers(&[Answer::json(200, "Application", "The updated application.").with(OF_CHANGED)]);

pub(crate) async fn update(mut call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let body = call.read(&[MediaType::MergePatch, MediaType::Json]).await?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::VersionAndPosition, &mut violations);
    let read = Reader {
        limits: &call.limits,
        violations: &mut violations,
    }
    .application_patch(json::text(&body)?)?;
    let patch = violations.accept(read)?;
    let command = Command::UpdateApplication(UpdateApplication {
        token,
        if_match,
        name: patch.name,
        metadata: patch.metadata,
    });
    let reply = call.write(command, key).await?;
    let application = of(&reply)?;
    answer::updated(&reply, tag(application), &wire::application(application)?)
}

pub(crate) const DELETE: Operation = Operation::new(
    "delete_application",
    TAG,
    "Delete an application with its chats and messages",
)
.caller(Caller::Operator)
.headers(&[RequestHeader::IdempotencyKey, RequestHeader::IfMatch])
.answers(&[Answer::empty(
    204,
    "The application is deleted, by this request or an earlier one.",
)
.with(&[AnswerHeader::TiroCursorOfChange, AnswerHeader::IdempotentReplayed])]);

pub(crate) async fn delete(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::VersionAndPosition, &mut violations);
    violations.check()?;
    let reply = call
        .write(Command::DeleteApplication { token, if_match }, key)
        .await?;
    answer::deleted(&reply)
}

/// The command that creates an application, with an epoch of its own.
pub(crate) fn creation(token: NewToken, new: NewApplication) -> Result<Command, Problem> {
    Ok(Command::CreateApplication(CreateApplication {
        token,
        epoch: Epoch::generated(random()?),
        name: new.name,
        metadata: new.metadata,
    }))
}

/// A token that nobody asked for.
pub(crate) fn generated_token() -> Result<NewToken, Problem> {
    Ok(NewToken::Generated(Token::generated(random()?)))
}

pub(crate) fn location(application: &Application) -> String {
    format!("/v1/applications/{}", application.token.as_str())
}

pub(crate) fn of(reply: &Reply) -> Result<&Application, Problem> {
    match &reply.outcome {
        Outcome::Application(application) => Ok(application),
        _ => Err(unexpected()),
    }
}

pub(crate) fn tag(application: &Application) -> String {
    version_and_position_tag(application.version, application.last_position)
}

fn random<const N: usize>() -> Result<[u8; N], Problem> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| Problem::internal(format!("the system gives no random bytes: {error}")))?;
    Ok(bytes)
}
