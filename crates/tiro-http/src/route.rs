//! What a route is: a path, an operation that describes it, and the handler that answers.
//!
//! The description is the single source: access, query and compression follow it when a request is served, and the
//! OpenAPI document is made of it.

use std::sync::Arc;

use axum::routing::MethodRouter;
use tiro_api::Code;

use crate::app::App;
use crate::body::MediaType;
use crate::dialect::Dialect;
use crate::endpoint::{Endpoint, Handler, RoutePlace};
use crate::query::Parameter;

/// Who may call a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Anybody.
    Public,
    /// The holder of the token in the path.
    Application,
    /// The holder of the operator key.
    Operator,
}

/// A method that routes answer. `HEAD` works wherever `Get` does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

impl Verb {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
        }
    }
}

/// Whether large answers are compressed for clients that take it. Never for one thing: its `ETag` is strong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    Never,
    LargeAnswers,
}

/// How soon a route answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At once; what takes long is logged.
    Prompt,
    /// As late as the client asks it to.
    Patient,
}

/// A header that a request may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RequestHeader {
    IdempotencyKey,
    /// `respond-async`.
    Prefer,
    IfMatch,
    IfNoneMatch,
    LastEventId,
}

/// A header that an answer carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AnswerHeader {
    ETag,
    TiroCursor,
    /// Only if the request changed something.
    TiroCursorOfChange,
    /// Only of an operation that was applied.
    TiroCursorOfApplied,
    Location,
    /// Of a create that was parked.
    LocationOfOperation,
    PreferenceApplied,
    /// Only on a replayed answer.
    IdempotentReplayed,
}

/// The headers of one thing that was created.
pub(crate) const OF_CREATED: &[AnswerHeader] = &[
    AnswerHeader::ETag,
    AnswerHeader::TiroCursor,
    AnswerHeader::Location,
    AnswerHeader::IdempotentReplayed,
];
/// The headers of one thing that was read.
pub(crate) const OF_FOUND: &[AnswerHeader] = &[AnswerHeader::ETag, AnswerHeader::TiroCursor];
/// The headers of one thing that was changed.
pub(crate) const OF_CHANGED: &[AnswerHeader] = &[
    AnswerHeader::ETag,
    AnswerHeader::TiroCursor,
    AnswerHeader::IdempotentReplayed,
];

/// What a request's body is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RequestBody {
    /// Each type with the name of its schema.
    pub(crate) content: &'static [(MediaType, &'static str)],
    pub(crate) presence: Presence,
}

/// Whether there has to be a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presence {
    Required,
    Optional,
}

/// A body of JSON.
pub(crate) const fn json_body(content: &'static [(MediaType, &'static str)]) -> RequestBody {
    RequestBody {
        content,
        presence: Presence::Required,
    }
}

/// An answer that is not a problem.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    /// Media type and, for JSON, the name of the schema.
    pub(crate) content: Option<(&'static str, &'static str)>,
    pub(crate) headers: &'static [AnswerHeader],
}

impl Answer {
    /// A JSON answer with the schema of that name.
    pub(crate) const fn json(status: u16, schema: &'static str, description: &'static str) -> Answer {
        Answer {
            status,
            description,
            content: Some(("application/json", schema)),
            headers: &[],
        }
    }

    /// An answer without a body.
    pub(crate) const fn empty(status: u16, description: &'static str) -> Answer {
        Answer {
            status,
            description,
            content: None,
            headers: &[],
        }
    }

    /// An answer of another type, described as a text.
    pub(crate) const fn text(status: u16, media_type: &'static str, description: &'static str) -> Answer {
        Answer {
            status,
            description,
            content: Some((media_type, "")),
            headers: &[],
        }
    }

    /// One thing that the client has already.
    pub(crate) const NOT_MODIFIED: Answer =
        Answer::empty(304, "Not modified: the client has this version already.").with(OF_FOUND);

    /// With headers.
    pub(crate) const fn with(mut self, headers: &'static [AnswerHeader]) -> Answer {
        self.headers = headers;
        self
    }
}

/// Everything about a route but its path and its handler.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Operation {
    /// Stable; the name of the call in generated clients.
    pub(crate) id: &'static str,
    pub(crate) tag: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) caller: Caller,
    pub(crate) parameters: &'static [Parameter],
    pub(crate) headers: &'static [RequestHeader],
    pub(crate) body: Option<RequestBody>,
    pub(crate) answers: &'static [Answer],
    /// Those that do not follow from the rest.
    pub(crate) problems: &'static [Code],
    pub(crate) compression: Compression,
    pub(crate) dialect: Dialect,
    pub(crate) pace: Pace,
}

impl Operation {
    /// A public operation without parameters; the methods below add what it has.
    pub(crate) const fn new(id: &'static str, tag: &'static str, summary: &'static str) -> Operation {
        Operation {
            id,
            tag,
            summary,
            caller: Caller::Public,
            parameters: &[],
            headers: &[],
            body: None,
            answers: &[],
            problems: &[],
            compression: Compression::Never,
            dialect: Dialect::V1,
            pace: Pace::Prompt,
        }
    }

    pub(crate) const fn caller(mut self, caller: Caller) -> Operation {
        self.caller = caller;
        self
    }

    pub(crate) const fn parameters(mut self, parameters: &'static [Parameter]) -> Operation {
        self.parameters = parameters;
        self
    }

    pub(crate) const fn headers(mut self, headers: &'static [RequestHeader]) -> Operation {
        self.headers = headers;
        self
    }

    pub(crate) const fn body(mut self, body: RequestBody) -> Operation {
        self.body = Some(body);
        self
    }

    pub(crate) const fn answers(mut self, answers: &'static [Answer]) -> Operation {
        self.answers = answers;
        self
    }

    pub(crate) const fn problems(mut self, problems: &'static [Code]) -> Operation {
        self.problems = problems;
        self
    }

    /// The operation under another id, for another path.
    pub(crate) const fn named(mut self, id: &'static str) -> Operation {
        self.id = id;
        self
    }

    pub(crate) const fn classic(mut self) -> Operation {
        self.dialect = Dialect::Classic;
        self
    }

    pub(crate) const fn patient(mut self) -> Operation {
        self.pace = Pace::Patient;
        self
    }

    pub(crate) const fn compressed(mut self) -> Operation {
        self.compression = Compression::LargeAnswers;
        self
    }
}

/// One route.
pub(crate) struct Route {
    pub(crate) verb: Verb,
    pub(crate) path: &'static str,
    /// What the log and the metrics call it: its path, or what several spellings of one path share.
    pub(crate) label: &'static str,
    pub(crate) operation: &'static Operation,
    handler: Box<dyn Handler>,
}

/// The route that answers `GET` (and `HEAD`) of a path.
pub(crate) fn get(path: &'static str, operation: &'static Operation, handler: impl Handler) -> Route {
    Route::new(Verb::Get, path, operation, handler)
}

/// The route that answers `POST` of a path.
pub(crate) fn post(path: &'static str, operation: &'static Operation, handler: impl Handler) -> Route {
    Route::new(Verb::Post, path, operation, handler)
}

/// The route that answers `PUT` of a path.
pub(crate) fn put(path: &'static str, operation: &'static Operation, handler: impl Handler) -> Route {
    Route::new(Verb::Put, path, operation, handler)
}

/// The route that answers `PATCH` of a path.
pub(crate) fn patch(path: &'static str, operation: &'static Operation, handler: impl Handler) -> Route {
    Route::new(Verb::Patch, path, operation, handler)
}

/// The route that answers `DELETE` of a path.
pub(crate) fn delete(path: &'static str, operation: &'static Operation, handler: impl Handler) -> Route {
    Route::new(Verb::Delete, path, operation, handler)
}

impl Route {
    fn new(verb: Verb, path: &'static str, operation: &'static Operation, handler: impl Handler) -> Route {
        Route {
            verb,
            path,
            label: path,
            operation,
            handler: Box::new(handler),
        }
    }

    /// The route under another label.
    pub(crate) fn labelled(mut self, label: &'static str) -> Route {
        self.label = label;
        self
    }

    /// Adds this route to those of the same path.
    pub(crate) fn mount(self, app: &App, methods: MethodRouter) -> MethodRouter {
        let place = RoutePlace {
            method: self.verb.name(),
            template: self.path,
            label: self.label,
        };
        let endpoint = Arc::new(Endpoint::new(app, place, self.operation, self.handler));
        let serve = move |request| {
            let endpoint = endpoint.clone();
            async move { endpoint.serve(request).await }
        };
        match self.verb {
            Verb::Get => methods.get(serve),
            Verb::Post => methods.post(serve),
            Verb::Put => methods.put(serve),
            Verb::Patch => methods.patch(serve),
            Verb::Delete => methods.delete(serve),
        }
    }
}
