//! What a request is about where the path does not say it: `app_token` and `chat_number` in the body or the query.

use std::borrow::Cow;

use tiro_api::Code;
use tiro_core::Token;

use super::fields::Member;
use crate::call::Call;
use crate::json;
use crate::path;
use crate::problem::Problem;
use crate::query::{Kind, Parameter};
use crate::violations::Violations;

const APP_TOKEN: &str = "app_token";
const CHAT_NUMBER: &str = "chat_number";

/// Of requests about a chat.
pub(super) const OF_CHAT: &[Parameter] = &[Parameter {
    name: APP_TOKEN,
    kind: Kind::AnyText,
    description: "The token of the application.",
}];

/// Of requests about a message.
pub(super) const OF_MESSAGE: &[Parameter] = &[
    OF_CHAT[0],
    Parameter {
        name: CHAT_NUMBER,
        kind: Kind::AnyText,
        description: "The number of the chat.",
    },
];

/// The members of a body that say what the request is about.
pub(super) const NAMES: [&str; 2] = [APP_TOKEN, CHAT_NUMBER];

/// The application of a request: what the body says, or the query.
///
/// # Errors
/// 400 if neither does; 404 if it cannot be a token.
pub(super) fn token(call: &Call, member: Option<Member<'_>>) -> Result<Token, Problem> {
    let text = given(call, APP_TOKEN, member).ok_or_else(|| {
        Problem::new(
            Code::MalformedRequest,
            "`app_token` is missing; a number alone names nothing",
        )
    })?;
    path::token(Some(text))
}

/// The chat of a request: what the body says, or the query; an integer or a text of one.
///
/// # Errors
/// 422 if neither does; 404 if it cannot be a number.
pub(super) fn chat(call: &Call, member: Member<'_>) -> Result<u64, Problem> {
    let Some(text) = given(call, CHAT_NUMBER, Some(member)) else {
        let mut violations = Violations::default();
        violations.at(&member.place.member(CHAT_NUMBER), Code::Missing, "is required");
        return Err(violations.into_problem());
    };
    path::number(Some(text))
}

/// The text of a string, the spelling of any other value; `""` for a string that is no text.
fn given<'a>(call: &'a Call, name: &str, member: Option<Member<'a>>) -> Option<Cow<'a, str>> {
    let Some(raw) = member.and_then(Member::given).and_then(|member| member.raw) else {
        return call.query.text(name).map(Cow::Borrowed);
    };
    Some(match json::string(raw) {
        Some(text) => text.unwrap_or_default(),
        None => Cow::Borrowed(raw.get()),
    })
}
