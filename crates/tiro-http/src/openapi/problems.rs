//! Which problems a route can answer: they follow from its caller, path, body and headers.

use std::collections::{BTreeMap, BTreeSet};

use tiro_api::Code;

use super::path_names;
use crate::problem;
use crate::route::{Caller, Operation, RequestHeader, Route, Verb};

/// The problems that a route can answer, by status.
pub(super) fn problems(route: &Route) -> BTreeMap<u16, BTreeSet<Code>> {
    let mut by_status: BTreeMap<u16, BTreeSet<Code>> = BTreeMap::new();
    for code in codes(route) {
        let code = route.operation.dialect.code(code);
        if let Some(status) = problem::status(code) {
            by_status.entry(status.as_u16()).or_default().insert(code);
        }
    }
    by_status
}

fn codes(route: &Route) -> Vec<Code> {
    let operation = route.operation;
    let mut codes = vec![
        Code::MalformedRequest,
        Code::MisdirectedRequest,
        Code::ForeignOrigin,
        Code::HeadersTooLarge,
        Code::Internal,
    ];
    codes.extend(operation.problems);
    codes.extend(access_codes(operation));
    for name in path_names(route.path) {
        codes.extend(match name {
            "token" => [Code::ApplicationNotFound, Code::ApplicationDeleted].as_slice(),
            "chat" => &[Code::NotFound, Code::ChatNotFound, Code::ChatDeleted],
            "operation" => &[Code::OperationNotFound],
            "number" => &[Code::NotFound, Code::MessageNotFound, Code::MessageDeleted],
            _ => &[],
        });
    }
    if operation.body.is_some() {
        codes.extend([
            Code::MalformedJson,
            Code::RequestTimeout,
            Code::PayloadTooLarge,
            Code::UnsupportedMediaType,
            Code::InvalidRequest,
        ]);
    }
    if operation.headers.contains(&RequestHeader::IfMatch) {
        codes.push(Code::PreconditionFailed);
    }
    if operation.headers.contains(&RequestHeader::IdempotencyKey) {
        codes.push(Code::IdempotencyKeyReused);
    }
    if route.verb != Verb::Get {
        codes.extend([Code::StorageFull, Code::OutcomeUnknown]);
    }
    codes
}

fn access_codes(operation: &Operation) -> &'static [Code] {
    match operation.caller {
        Caller::Public => &[],
        Caller::Application => &[
            Code::Unauthorized,
            Code::TooManyRequests,
            Code::InvalidRequest,
            Code::StorageUnavailable,
            Code::Overloaded,
            Code::Stopping,
        ],
        Caller::Operator => &[
            Code::Unauthorized,
            Code::Forbidden,
            Code::InvalidRequest,
            Code::StorageUnavailable,
            Code::Overloaded,
            Code::Stopping,
        ],
    }
}
