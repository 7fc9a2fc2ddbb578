//! Why an import stops, and at which line.

use tiro_api::{Code, Violation};
use tiro_core::{Failure, Rejection};

use super::bounds::CHATS_MAX;
use super::format::LineFault;
use super::upload::UploadFault;
use crate::problem::{self, Problem};

/// The first line that was not taken, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// From 1; where nothing is wrong with a line, the one that was reached.
    pub(super) line: u64,
    pub(super) cause: Cause,
}

/// Why a line was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The line itself is wrong.
    Line(LineFault),
    /// It could not be received.
    Upload(UploadFault),
    /// The engine refused it, or cannot take it now.
    Engine(Failure),
    /// A plain line that was imported before with other content.
    Changed,
    /// The file names more chats than one import takes.
    TooManyChats,
    /// The line cannot follow the ones before it.
    OutOfOrder(&'static str),
    /// The file ends here, or another application begins, before this one is complete.
    Truncated,
    /// The token of the application that begins here is taken; the line, if one is known, where the file and what
    /// is stored begin to differ.
    Conflict {
        /// The first line that differs.
        differs_at: Option<u64>,
    },
}

impl Refusal {
    pub(super) fn new(line: u64, cause: Cause) -> Refusal {
        Refusal { line, cause }
    }

    pub(super) fn line(line: u64, fault: LineFault) -> Refusal {
        Refusal::new(line, Cause::Line(fault))
    }

    pub(super) fn engine(line: u64, failure: Failure) -> Refusal {
        Refusal::new(line, Cause::Engine(failure))
    }

    /// The refusal that stands before the other in the file.
    pub(super) fn first(one: Option<Refusal>, other: Option<Refusal>) -> Option<Refusal> {
        match (one, other) {
            (Some(one), Some(other)) => Some(if other.line < one.line { other } else { one }),
            (one, other) => one.or(other),
        }
    }
}

/// What stays of a refused import, for people to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Plain lines before the refused one.
    Lines,
    /// Applications whose last line stands before the refused one.
    Applications,
}

impl Refusal {
    /// The answer to the client.
    pub(super) fn into_problem(self, kept: Kept) -> Problem {
        let line = self.line;
        let kept = match kept {
            Kept::Lines => "the lines before it are stored",
            Kept::Applications => "applications that end before it are stored, this one is not",
        };
        let problem = |code: Code, violation: Code, text: String| {
            Problem::new(code, format!("line {line}: {text}; {kept}"))
                .with_errors(vec![Violation::line(violation, line)])
        };
        match self.cause {
            Cause::Engine(failure) => engine_problem(failure, problem),
            cause => {
                let (code, violation) = cause.codes();
                problem(code, violation, cause.text())
            }
        }
    }
}

fn engine_problem(failure: Failure, problem: impl Fn(Code, Code, String) -> Problem) -> Problem {
    match failure {
        Failure::Rejected(Rejection::ChatDeleted) => problem(
            Code::ChatDeleted,
            Code::ChatDeleted,
            "the chat that this source made under this name was deleted".into(),
        ),
        Failure::Unavailable(unavailable) => {
            let code = problem::shortage(unavailable.shortage);
            problem(code, code, code.title().to_lowercase()).retry_after(unavailable.retry_after)
        }
        failure @ Failure::Internal(_) => Problem::from(failure),
        failure @ Failure::Rejected(_) => {
            let code = Problem::from(failure).code();
            problem(code, code, code.title().to_lowercase())
        }
    }
}

impl Cause {
    /// The code of the whole and that of the line.
    fn codes(&self) -> (Code, Code) {
        match self {
            Cause::Line(fault) => (Code::InvalidRequest, fault.code()),
            Cause::Upload(UploadFault::Idle) => (Code::RequestTimeout, Code::RequestTimeout),
            Cause::Upload(UploadFault::Cut) => (Code::MalformedRequest, Code::Truncated),
            Cause::Upload(UploadFault::LineTooLong { .. }) => (Code::InvalidRequest, Code::TooLong),
            Cause::Upload(UploadFault::Gzip(_)) | Cause::TooManyChats | Cause::OutOfOrder(_) => {
                (Code::InvalidRequest, Code::InvalidLine)
            }
            Cause::Engine(_) => (Code::Internal, Code::Internal),
            Cause::Changed => (Code::IdempotencyKeyReused, Code::IdempotencyKeyReused),
            Cause::Truncated => (Code::InvalidRequest, Code::Truncated),
            Cause::Conflict { .. } => (Code::ImportConflict, Code::TokenTaken),
        }
    }

    fn text(&self) -> String {
        match self {
            Cause::Line(fault) => fault.to_string(),
            Cause::Upload(UploadFault::Idle) => "nothing more arrived in time".into(),
            Cause::Upload(UploadFault::Cut) => "the connection broke before the end".into(),
            Cause::Upload(UploadFault::LineTooLong { max }) => {
                format!("the line is longer than {max} bytes")
            }
            Cause::Upload(UploadFault::Gzip(reason)) => reason.clone(),
            Cause::Engine(_) => "the engine refused it".into(),
            Cause::Changed => {
                "another line of this chat was imported before in this place; a file may only grow at its end"
                    .into()
            }
            Cause::TooManyChats => {
                format!(
                    "the file names more than {CHATS_MAX} chats; split it and name a source for each part"
                )
            }
            Cause::OutOfOrder(reason) => (*reason).into(),
            Cause::Truncated => "the application goes on, but its lines do not".into(),
            Cause::Conflict { differs_at: Some(at) } => {
                format!("the application exists, and line {at} is not what it has")
            }
            Cause::Conflict { differs_at: None } => "the token is taken".into(),
        }
    }
}
