//! Search in a chat, in an application and in everything: three scopes of one question.

use std::borrow::Cow;

use axum::body::Body;
use http::Response;
use tiro_api::{Code, SearchPage};
use tiro_core::{Found, IfBehind, Query, SearchAfter, SearchRequest, SearchScope, Searched};

use crate::answer;
use crate::call::Call;
use crate::paging;
use crate::problem::{self, Problem};
use crate::route::{Answer, Caller, Operation};
use crate::violations::Violations;
use crate::wire;

const PAGE: &[Answer] = &[Answer::json(
    200,
    "SearchPage",
    "Messages that contain every term, most recently created first; deleted ones are left out.",
)];

pub(crate) const CHAT: Operation =
    operation("search_chat", "Search the messages of a chat").caller(Caller::Application);

pub(crate) async fn chat(call: Call) -> Result<Response<Body>, Problem> {
    let (token, number) = (call.token()?, call.number("chat")?);
    search(call, SearchScope::Chat { token, number }).await
}

pub(crate) const APPLICATION: Operation =
    operation("search_application", "Search the messages of an application").caller(Caller::Application);

pub(crate) async fn application(call: Call) -> Result<Response<Body>, Problem> {
    let scope = SearchScope::Application(call.token()?);
    search(call, scope).await
}

pub(crate) const EVERYTHING: Operation =
    operation("search_everything", "Search the messages of all applications").caller(Caller::Operator);

pub(crate) async fn everything(call: Call) -> Result<Response<Body>, Problem> {
    search(call, SearchScope::Everything).await
}

const fn operation(id: &'static str, summary: &'static str) -> Operation {
    Operation::new(id, "search", summary)
        .parameters(paging::SEARCH)
        .answers(PAGE)
        .problems(&[Code::SearchBehind])
        .compressed()
}

async fn search(call: Call, scope: SearchScope) -> Result<Response<Body>, Problem> {
    let mut violations = Violations::default();
    let query = query(&call, &mut violations);
    let after = after(&call, &scope, &mut violations);
    let query = violations.accept(query)?;
    let request = SearchRequest {
        scope: scope.clone(),
        query,
        after,
        limit: paging::limit(&call.query),
        if_behind: if_behind(&call),
    };
    match call.engine.search(request).await? {
        Searched::Found(found) => page(&found, &scope),
        Searched::Behind(behind) => Err(behind.into()),
    }
}

fn query(call: &Call, violations: &mut Violations) -> Option<Query> {
    let text = call.query.text("q")?;
    match Query::parse(text, &call.limits) {
        Ok(query) => Some(query),
        Err(bad) => {
            let (code, words) = problem::bad_query(bad);
            violations.parameter("q", code, &words);
            None
        }
    }
}

fn after(call: &Call, scope: &SearchScope, violations: &mut Violations) -> Option<SearchAfter> {
    paging::search_after(&call.query, scope).unwrap_or_else(|_| {
        violations.parameter("after", Code::InvalidParameter, paging::MUST_BE_A_NEXT);
        None
    })
}

fn if_behind(call: &Call) -> IfBehind {
    match call.query.text("partial") {
        Some("true") => IfBehind::AnswerInPart,
        _ => IfBehind::Refuse,
    }
}

fn page(found: &Found, scope: &SearchScope) -> Result<Response<Body>, Problem> {
    let next = found.next.as_ref();
    let wire = SearchPage {
        data: found.hits.iter().map(wire::hit).collect::<Result<_, _>>()?,
        has_more: next.is_some(),
        next: next.map(|after| Cow::Owned(paging::next_hits(after, scope))),
        searched_through: found
            .searched_through
            .as_ref()
            .map(|cursor| Cow::Owned(cursor.to_string())),
    };
    let text_bytes = found.hits.iter().map(|hit| hit.message.bytes()).sum();
    answer::page(&wire, found.hits.len(), text_bytes)
}
