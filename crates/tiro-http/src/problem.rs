//! The one table from what went wrong to status, code and text.
//!
//! Two texts: `detail` is for the client; the text of [`Problem::internal`] is for the operator's log alone.

use std::borrow::Cow;
use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use tiro_api::{Code, Violation};
use tiro_core::{BadQuery, Cursor, Failure, Fault, Field, Rejection, SearchBehind, Shortage, Unavailable};

use crate::dialect::Dialect;
use crate::request_id::RequestId;
use crate::violations::Violations;

/// Why a request is not carried out.
#[derive(Debug)]
pub(crate) struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<Violation>,
    headers: Vec<(http::HeaderName, HeaderValue)>,
    searched_through: Option<Cursor>,
    internal: Option<String>,
}

/// The status of each code, as a problem of its own; codes of single values stand in `errors` only.
pub(crate) fn status(code: Code) -> Option<StatusCode> {
    Some(match code {
        Code::MalformedRequest | Code::MalformedJson => StatusCode::BAD_REQUEST,
        Code::Unauthorized => StatusCode::UNAUTHORIZED,
        Code::Forbidden | Code::ForeignOrigin => StatusCode::FORBIDDEN,
        Code::NotFound
        | Code::ApplicationNotFound
        | Code::ChatNotFound
        | Code::MessageNotFound
        | Code::OperationNotFound => StatusCode::NOT_FOUND,
        Code::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        Code::RequestTimeout => StatusCode::REQUEST_TIMEOUT,
        Code::TokenTaken | Code::ImportConflict | Code::HistoryChanged => StatusCode::CONFLICT,
        Code::ApplicationDeleted | Code::ChatDeleted | Code::MessageDeleted => StatusCode::GONE,
        Code::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Code::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Code::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Code::MisdirectedRequest => StatusCode::MISDIRECTED_REQUEST,
        Code::InvalidRequest | Code::IdempotencyKeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        Code::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        Code::HeadersTooLarge => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
        Code::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        Code::StorageFull
        | Code::StorageUnavailable
        | Code::Overloaded
        | Code::Stopping
        | Code::OutcomeUnknown
        | Code::SearchBehind => StatusCode::SERVICE_UNAVAILABLE,
        Code::Missing
        | Code::Blank
        | Code::TooLong
        | Code::NulCharacter
        | Code::LoneSurrogate
        | Code::WrongType
        | Code::UnknownField
        | Code::DuplicateField
        | Code::TooDeep
        | Code::PastLast
        | Code::EmptyBatch
        | Code::TooManyMessages
        | Code::TooManyTerms
        | Code::UnknownParameter
        | Code::DuplicateParameter
        | Code::InvalidParameter
        | Code::ConflictingParameters
        | Code::InvalidToken
        | Code::InvalidKey
        | Code::InvalidEntityTag
        | Code::InvalidCursor
        | Code::InvalidTime
        | Code::InvalidLine
        | Code::Truncated => return None,
    })
}

/// The code and the text of one refused value.
pub(crate) fn fault(fault: &Fault) -> (Code, String) {
    match fault {
        Fault::Blank => (Code::Blank, "must not be blank".into()),
        Fault::Nul => (Code::NulCharacter, "must not hold U+0000".into()),
        Fault::TooManyChars { max, actual } => (
            Code::TooLong,
            format!("has {actual} characters, at most {max} are allowed"),
        ),
        Fault::TooManyBytes { max, actual } => (
            Code::TooLong,
            format!("has {actual} bytes, at most {max} are allowed"),
        ),
        Fault::NotAnObject => (Code::WrongType, "must be a JSON object".into()),
        Fault::NotJson => (Code::MalformedJson, "is not JSON".into()),
        Fault::DuplicateMember(_) => (Code::DuplicateField, "names a member twice".into()),
        Fault::TooDeep => (Code::TooDeep, "is nested too deeply".into()),
        Fault::LoneSurrogate => (Code::LoneSurrogate, "holds half of a surrogate pair".into()),
        Fault::NotAToken => (
            Code::InvalidToken,
            "must have 16 to 64 bytes of A-Z a-z 0-9 - _".into(),
        ),
        Fault::NotAKey => (
            Code::InvalidKey,
            "must have 1 to 255 visible ASCII characters".into(),
        ),
        Fault::PastLast { last } => (
            Code::PastLast,
            format!("is past the last message, which has the number {last}"),
        ),
    }
}

/// The code and the text of a refused query.
pub(crate) fn bad_query(bad: BadQuery) -> (Code, String) {
    match bad {
        BadQuery::NoTerm => (Code::Blank, "must ask for something".into()),
        BadQuery::Nul => fault(&Fault::Nul),
        BadQuery::TooManyChars { max, actual } => fault(&Fault::TooManyChars { max, actual }),
        BadQuery::TooManyTerms { max, actual } => (
            Code::TooManyTerms,
            format!("has {actual} terms, at most {max} are allowed"),
        ),
    }
}

impl Problem {
    /// A problem with a text for the client.
    ///
    /// # Panics
    /// If the code is one of single values.
    pub(crate) fn new(code: Code, detail: impl Into<Cow<'static, str>>) -> Problem {
        assert!(status(code).is_some(), "{code} stands in `errors` only");
        Problem(Box::new(Inner {
            code,
            detail: detail.into(),
            errors: Vec::new(),
            headers: Vec::new(),
            searched_through: None,
            internal: None,
        }))
    }

    /// A problem whose explanation says it all.
    pub(crate) fn plain(code: Code) -> Problem {
        Problem::new(code, code.explanation())
    }

    /// Something is wrong inside; the text goes to the log.
    pub(crate) fn internal(text: impl Into<String>) -> Problem {
        let mut problem = Problem::plain(Code::Internal);
        problem.0.internal = Some(text.into());
        problem
    }

    /// With the values that were refused.
    #[must_use]
    pub(crate) fn with_errors(mut self, errors: Vec<Violation>) -> Problem {
        self.0.errors = errors;
        self
    }

    /// With one more header.
    #[must_use]
    pub(crate) fn with_header(mut self, name: http::HeaderName, value: HeaderValue) -> Problem {
        self.0.headers.push((name, value));
        self
    }

    /// With `Retry-After`, in whole seconds, at least 1.
    #[must_use]
    pub(crate) fn retry_after(self, wait: Duration) -> Problem {
        let seconds = wait.as_millis().div_ceil(1_000).max(1);
        match HeaderValue::from_str(&seconds.to_string()) {
            Ok(value) => self.with_header(header::RETRY_AFTER, value),
            Err(_) => self,
        }
    }

    /// What happened.
    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    /// The values that were refused.
    #[cfg(test)]
    pub(crate) fn errors(&self) -> &[Violation] {
        &self.0.errors
    }

    /// The text for the operator, if there is one.
    pub(crate) fn operator_text(&self) -> Option<&str> {
        self.0.internal.as_deref()
    }

    /// The status of the answer.
    pub(crate) fn status(&self) -> StatusCode {
        status(self.0.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// The answer.
    pub(crate) fn into_response(mut self, request_id: &RequestId, dialect: Dialect) -> Response<Body> {
        let code = dialect.code(self.0.code);
        if code != self.0.code {
            self.0.code = code;
            self.0.detail = code.explanation().into();
        }
        let status = self.status();
        let headers_of_problem = std::mem::take(&mut self.0.headers);
        let wire = self.into_wire(request_id);
        let (media_type, body) = match dialect {
            Dialect::V1 => ("application/problem+json", serde_json::to_vec(&wire)),
            Dialect::Classic => (
                "application/json",
                serde_json::to_vec(&tiro_api::ClassicError::from(wire)),
            ),
        };
        let body = body.expect("a problem holds texts and numbers only");
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        if code == Code::Unauthorized {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        headers.extend(headers_of_problem);
        response
    }

    /// The document, as an answer of its own or within another.
    pub(crate) fn into_wire(self, request_id: &RequestId) -> tiro_api::Problem {
        let code = self.0.code;
        tiro_api::Problem {
            type_: format!("/docs/errors/{code}"),
            title: code.title().to_owned(),
            status: self.status().as_u16(),
            code,
            detail: self.0.detail.into_owned(),
            request_id: request_id.as_str().to_owned(),
            errors: self.0.errors,
            searched_through: self.0.searched_through.map(|cursor| cursor.to_string()),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Problem {
        match failure {
            Failure::Rejected(rejection) => rejection.into(),
            Failure::Unavailable(unavailable) => unavailable.into(),
            Failure::Internal(text) => Problem::internal(text),
        }
    }
}

impl From<Unavailable> for Problem {
    fn from(unavailable: Unavailable) -> Problem {
        Problem::plain(shortage(unavailable.shortage)).retry_after(unavailable.retry_after)
    }
}

impl From<SearchBehind> for Problem {
    fn from(behind: SearchBehind) -> Problem {
        let mut problem = Problem::plain(Code::SearchBehind).retry_after(behind.retry_after);
        problem.0.searched_through = behind.searched_through;
        problem
    }
}

/// The code of each shortage.
pub(crate) fn shortage(shortage: Shortage) -> Code {
    match shortage {
        Shortage::StorageFull => Code::StorageFull,
        Shortage::StorageUnavailable => Code::StorageUnavailable,
        Shortage::Overloaded => Code::Overloaded,
        Shortage::Stopping => Code::Stopping,
        Shortage::OutcomeUnknown => Code::OutcomeUnknown,
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Problem {
        match rejection {
            Rejection::ApplicationNotFound => Problem::plain(Code::ApplicationNotFound),
            Rejection::ApplicationDeleted => Problem::plain(Code::ApplicationDeleted),
            Rejection::ChatNotFound => Problem::plain(Code::ChatNotFound),
            Rejection::ChatDeleted => Problem::plain(Code::ChatDeleted),
            Rejection::MessageNotFound => Problem::plain(Code::MessageNotFound),
            Rejection::MessageDeleted => Problem::plain(Code::MessageDeleted),
            Rejection::OperationNotFound => Problem::plain(Code::OperationNotFound),
            Rejection::TokenTaken => Problem::plain(Code::TokenTaken),
            Rejection::VersionMismatch { current } => Problem::new(
                Code::PreconditionFailed,
                format!("If-Match names other versions; the present version is {current}"),
            ),
            Rejection::HistoryChanged { now } => Problem::new(
                Code::HistoryChanged,
                format!(
                    "the cursor is of another history or from the future; the feed now ends at {now}: read the lists afresh and \
                     follow from their `as_of`, or read the feed from its beginning, {}.0",
                    now.epoch.as_str()
                ),
            ),
            Rejection::KeyReused => Problem::plain(Code::IdempotencyKeyReused),
            Rejection::Invalid { field, fault } => {
                let pointer = match field {
                    Field::Metadata => "/metadata",
                    Field::Read => "/read",
                };
                let mut violations = Violations::default();
                violations.fault(pointer, &fault);
                violations.into_problem()
            }
            Rejection::LineChanged { .. } => Problem::new(
                Code::ImportConflict,
                "a line was imported before with other content",
            ),
            Rejection::Unrestorable { reason, .. } => Problem::new(Code::ImportConflict, reason),
            Rejection::NotRestoring => Problem::new(
                Code::ImportConflict,
                "the import was given up meanwhile; start it again",
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_whole_seconds_rounded_up_and_never_zero() {
        for (wait, seconds) in [(0, "1"), (1, "1"), (1_000, "1"), (1_001, "2")] {
            let unavailable = Unavailable {
                shortage: Shortage::Overloaded,
                retry_after: Duration::from_millis(wait),
            };
            let response = Problem::from(unavailable).into_response(&RequestId::generated(), Dialect::V1);
            assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(response.headers()[header::RETRY_AFTER], seconds);
        }
    }

    #[test]
    fn the_operators_text_never_reaches_the_client() {
        let problem = Problem::internal("secret path");
        assert_eq!(problem.operator_text(), Some("secret path"));
        assert!(!problem.0.detail.contains("secret"));
    }
}
