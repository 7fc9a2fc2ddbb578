//! `P` and `P/:token`.

use axum::body::Body;
use http::Response;
use tiro_api::Code;
use tiro_core::{Command, MetadataChange, NewToken, Token, UpdateApplication};

use super::fields::{self, Fields};
use super::{lists, live::List, things};
use crate::answer;
use crate::body::MediaType;
use crate::call::Call;
use crate::conditions::TagForm;
use crate::fields::{NewApplication, Reader};
use crate::problem::{self, Problem};
use crate::route::{Answer, OF_CHANGED, OF_CREATED, OF_FOUND, Operation, json_body};
use crate::routes::applications as v1;
use crate::violations::Violations;

const WRAPPER: &str = "application";
const TAG: &str = "applications";
const CONTENT: &[(MediaType, &str)] = &[
    (MediaType::Json, "ClassicApplicationBody"),
    (MediaType::Form, "ClassicApplicationBody"),
];

pub(super) const LIST: Operation = Operation::new("classic_list_applications", TAG, "List applications")
    .caller(v1::LIST.caller)
    .parameters(lists::PAGE)
    .answers(&[Answer::json(
        200,
        "ClassicApplications",
        "Applications by creation time.",
    )])
    .compressed()
    .classic();

pub(super) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    lists::answer(&call, List::Applications).await
}

pub(super) const CREATE: Operation =
    Operation::new("classic_create_application", TAG, "Create an application")
        .caller(v1::CREATE.caller)
        .headers(v1::CREATE.headers)
        .body(json_body(CONTENT))
        .answers(&[Answer::json(201, "ClassicApplication", "The created application.").with(OF_CREATED)])
        .problems(v1::CREATE.problems)
        .classic();

pub(super) async fn create(call: Call) -> Result<Response<Body>, Problem> {
    let token = v1::generated_token()?;
    create_as(call, token).await
}

pub(super) const CREATE_NAMED: Operation = Operation {
    summary: "Create an application with a token of the client's choice",
    ..CREATE
}
.named("classic_create_named_application");

pub(super) async fn create_named(call: Call) -> Result<Response<Body>, Problem> {
    let text = call.text("token").unwrap_or_default();
    let token = Token::parse(&text).map_err(|fault| {
        let (_, words) = problem::fault(&fault);
        Problem::new(Code::InvalidRequest, format!("the token in the path {words}"))
    })?;
    create_as(call, NewToken::Chosen(token)).await
}

async fn create_as(mut call: Call, token: NewToken) -> Result<Response<Body>, Problem> {
    let body = Fields::read(&mut call, WRAPPER).await?;
    let [name] = body.members(["name"])?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let name = fields::name(name, &mut Reader::of(&call, &mut violations));
    let new = NewApplication {
        name: violations.accept(name)?,
        metadata: None,
    };
    let reply = call.write(v1::creation(token, new)?, key).await?;
    let application = v1::of(&reply)?;
    answer::created(
        &reply,
        v1::tag(application),
        v1::location(application),
        &things::application(application),
    )
}

pub(super) const GET: Operation = Operation::new("classic_get_application", TAG, v1::GET.summary)
    .caller(v1::GET.caller)
    .headers(v1::GET.headers)
    .answers(&[
        Answer::json(200, "ClassicApplication", "The application.").with(OF_FOUND),
        Answer::NOT_MODIFIED,
    ])
    .classic();

pub(super) async fn get(call: Call) -> Result<Response<Body>, Problem> {
    let seen = call.engine.application(&call.token()?).await?;
    let body = things::application(&seen.thing);
    answer::found(&call.head.headers, v1::tag(&seen.thing), &seen.cursor, &body)
}

pub(super) const UPDATE: Operation = Operation::new("classic_update_application", TAG, v1::UPDATE.summary)
    .caller(v1::UPDATE.caller)
    .headers(v1::UPDATE.headers)
    .body(json_body(CONTENT))
    .answers(&[Answer::json(200, "ClassicApplication", "The updated application.").with(OF_CHANGED)])
    .classic();
pub(super) const REPLACE: Operation = UPDATE.named("classic_replace_application");

pub(super) async fn update(mut call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let body = Fields::read(&mut call, WRAPPER).await?;
    let [name] = body.members(["name"])?;
    let mut violations = Violations::default();
    let key = call.idempotency_key(&mut violations);
    let if_match = call.if_match(TagForm::VersionAndPosition, &mut violations);
    let name = fields::name(name, &mut Reader::of(&call, &mut violations));
    let command = Command::UpdateApplication(UpdateApplication {
        token,
        if_match,
        name: Some(violations.accept(name)?),
        metadata: MetadataChange::Keep,
    });
    let reply = call.write(command, key).await?;
    let application = v1::of(&reply)?;
    answer::updated(&reply, v1::tag(application), &things::application(application))
}

pub(super) const DELETE: Operation = v1::DELETE.named("classic_delete_application").classic();
