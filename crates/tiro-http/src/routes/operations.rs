//! `/v1/applications/{token}/operations/{operation}`: what became of a create that was parked.

use std::borrow::Cow;

use axum::body::Body;
use http::Response;
use tiro_api::{BatchCreated, Code, OperationResult, OperationStatus};
use tiro_core::{OperationState, Outcome, Reply, Token};

use super::unexpected;
use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::route::{Answer, AnswerHeader, Caller, Operation};
use crate::wire;

/// What a create is answered that was parked.
pub(crate) const PARKED: Answer = Answer::json(
    202,
    "Operation",
    "Accepted, not yet carried out: it is queued and will be carried out once. Poll the operation in `Location`.",
)
.with(&[AnswerHeader::LocationOfOperation, AnswerHeader::PreferenceApplied]);

/// The answer to a create that was parked under this name.
pub(crate) fn parked(token: &Token, name: &str) -> Result<Response<Body>, Problem> {
    let location = format!("/v1/applications/{}/operations/{name}", token.as_str());
    answer::parked(location, &wire(name, OperationStatus::Pending))
}

pub(crate) const GET: Operation = Operation::new(
    "get_operation",
    "operations",
    "Get the state of an asynchronous create",
)
.caller(Caller::Application)
.answers(&[Answer::json(
    200,
    "Operation",
    "The operation. Once it is applied, `Tiro-Cursor` is the entry that it made in the change feed.",
)
.with(&[AnswerHeader::TiroCursorOfApplied])]);

pub(crate) async fn get(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let name = call.text("operation");
    let name = name.ok_or_else(|| Problem::plain(Code::OperationNotFound))?;
    let mut wire = wire(&name, OperationStatus::Pending);
    let reply = match call.engine.operation(&token, &name).await? {
        OperationState::Pending => None,
        OperationState::Applied(reply) => Some(reply),
        OperationState::Rejected(rejection) => {
            wire.status = OperationStatus::Rejected;
            wire.problem = Some(Problem::from(rejection).into_wire(&call.request_id));
            None
        }
    };
    if let Some(reply) = &reply {
        wire.status = OperationStatus::Applied;
        wire.result = Some(result(reply)?);
    }
    let cursor = reply.as_ref().and_then(|reply| reply.cursor.as_ref());
    answer::operation(cursor, &wire)
}

fn wire(name: &str, status: OperationStatus) -> tiro_api::Operation<'_> {
    tiro_api::Operation {
        operation: Cow::Borrowed(name),
        status,
        result: None,
        problem: None,
    }
}

fn result(reply: &Reply) -> Result<OperationResult<'_>, Problem> {
    Ok(match &reply.outcome {
        Outcome::Chat(chat) => OperationResult::Chat(wire::chat(chat)?),
        Outcome::Message(message) => OperationResult::Message(wire::message(message)?),
        Outcome::Messages { first, count } => OperationResult::Messages(batch_created(*first, *count)),
        _ => return Err(unexpected()),
    })
}

/// The numbers of a batch.
pub(crate) fn batch_created(first: u64, count: u64) -> BatchCreated {
    BatchCreated {
        first,
        last: first + count - 1,
        count,
    }
}
