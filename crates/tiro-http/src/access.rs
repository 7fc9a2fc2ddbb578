//! Who may do what: the operator's key, and the token in the path as the capability for all inside its application.

use http::request::Parts;
use http::{HeaderMap, header};
use tiro_api::Code;
use tiro_core::{Failure, Rejection, Token};

use crate::app::App;
use crate::config::OperatorKey;
use crate::path;
use crate::problem::Problem;
use crate::route::Caller;

/// On what ground a request was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// By the operator's key.
    Operator,
    /// Nothing more to check.
    Granted,
    /// Its key is the token in its path; whether an application has it comes out when it is used.
    ByUnverifiedKey,
}

/// Lets a request in or not. Without a configured operator key everybody is let in.
///
/// # Errors
/// 401 for a missing or unknown key, 403 for an application's token where the operator's key is needed.
pub(crate) async fn admit(
    app: &App,
    caller: Caller,
    head: &Parts,
    template: &str,
) -> Result<Admission, Problem> {
    let Some(operator_key) = &app.config.operator_key else {
        return Ok(Admission::Granted);
    };
    if caller == Caller::Public {
        return Ok(Admission::Granted);
    }
    match (bearer(&head.headers)?, caller) {
        (None, Caller::Operator) => Err(Problem::plain(Code::Unauthorized)),
        (None, _) => Ok(Admission::Granted),
        (Some(key), Caller::Application) => {
            let named = path::segment(template, head.uri.path(), "token");
            if named.is_some_and(|token| token == key) {
                Ok(Admission::ByUnverifiedKey)
            } else {
                Ok(match holder(app, operator_key, key).await? {
                    Holder::Operator => Admission::Operator,
                    Holder::Application => Admission::Granted,
                })
            }
        }
        (Some(key), _) => match holder(app, operator_key, key).await? {
            Holder::Operator => Ok(Admission::Operator),
            Holder::Application => Err(Problem::plain(Code::Forbidden)),
        },
    }
}

/// The problem of a request whose key is the token in its path: if no application has it, the key is unknown.
pub(crate) fn unknown_key(problem: Problem) -> Problem {
    if problem.code() == Code::ApplicationNotFound {
        Problem::plain(Code::Unauthorized)
    } else {
        problem
    }
}

enum Holder {
    Operator,
    Application,
}

/// Whose key it is.
async fn holder(app: &App, operator_key: &OperatorKey, key: &str) -> Result<Holder, Problem> {
    if operator_key.is(key) {
        return Ok(Holder::Operator);
    }
    let unauthorized = || Problem::plain(Code::Unauthorized);
    let token = Token::parse(key).map_err(|_| unauthorized())?;
    match app.engine.application(&token).await {
        Ok(_) => Ok(Holder::Application),
        Err(Failure::Rejected(Rejection::ApplicationNotFound | Rejection::ApplicationDeleted)) => {
            Err(unauthorized())
        }
        Err(failure) => Err(failure.into()),
    }
}

/// The key of `Authorization: Bearer <key>`, if that header is there.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(header::AUTHORIZATION) else {
        return Ok(None);
    };
    let malformed = || {
        Problem::new(
            Code::Unauthorized,
            "write the header as `Authorization: Bearer <key>`",
        )
    };
    let text = value.to_str().map_err(|_| malformed())?;
    let (scheme, key) = text.trim().split_once(' ').ok_or_else(malformed)?;
    if scheme.eq_ignore_ascii_case("bearer") && headers.get_all(header::AUTHORIZATION).iter().count() == 1 {
        Ok(Some(key.trim()))
    } else {
        Err(malformed())
    }
}
