//! The handlers, by resource. Each reads a request, calls the engine once and writes the answer.

pub(crate) mod applications;
pub(crate) mod batch;
pub(crate) mod changes;
pub(crate) mod chats;
pub(crate) mod documents;
pub(crate) mod messages;
pub(crate) mod operations;
pub(crate) mod readers;
pub(crate) mod search;
pub(crate) mod service;

use crate::problem::Problem;

/// The engine answered a request with an outcome of another request.
fn unexpected() -> Problem {
    Problem::internal("the engine answered with an outcome that the request cannot have")
}
