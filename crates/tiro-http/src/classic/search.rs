//! Search of classic clients: the hits of `/v1`, as arrays, counted from the newest.

use std::collections::HashMap;
use std::time::Duration;

use axum::body::Body;
use http::Response;
use tiro_api::{ClassicHit, Code, WriteJson};
use tiro_core::{
    Application, Chat, Failure, Hit, IfBehind, PAGE_LIMIT_MAX, Query, Rejection, SearchRequest, SearchScope,
    Searched, Seen, Token,
};

use super::lists::{self, Extent};
use super::things::{self, Thing};
use crate::answer;
use crate::call::Call;
use crate::problem::{self, Problem};
use crate::query::{Kind, Parameter};
use crate::route::{Answer, Operation};
use crate::routes::search as v1;
use crate::violations::Violations;

/// Most hits without `page`.
const HITS_MAX: u64 = 1_000;
/// How far from the newest a page may end.
const DEPTH_MAX: u64 = 10_000;
/// How long a search may take over all its engine pages.
const DEADLINE: Duration = Duration::from_secs(10);
/// How soon it is worth asking again after that.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// What clients call the text, the first that is given counts.
const TEXT_NAMES: [&str; 3] = ["q", lists::QUERY, "search_keyword"];

const fn text_parameter(name: &'static str) -> Parameter {
    Parameter {
        name,
        kind: Kind::AnyText,
        description: "The query; of `q`, `query` and `search_keyword` the first one counts.",
    }
}

const BY_QUERY: &[Parameter] = &[
    lists::PAGE[0],
    lists::PAGE[1],
    text_parameter(TEXT_NAMES[0]),
    text_parameter(TEXT_NAMES[1]),
    text_parameter(TEXT_NAMES[2]),
];

const FOUND: &[Answer] = &[Answer::json(
    200,
    "ClassicMessages",
    "Messages that contain every term, the newest first.",
)];

const fn operation(id: &'static str, parameters: &'static [Parameter]) -> Operation {
    Operation::new(id, "search", v1::CHAT.summary)
        .caller(v1::CHAT.caller)
        .parameters(parameters)
        .answers(FOUND)
        .problems(v1::CHAT.problems)
        .compressed()
        .classic()
}

pub(super) const CHAT: Operation = operation("classic_search_chat", BY_QUERY);
pub(super) const MESSAGES: Operation = operation("classic_search_messages", BY_QUERY);
pub(super) const CHAT_PATH: Operation = operation("classic_search_chat_beside", lists::PAGE);
pub(super) const MESSAGES_PATH: Operation = operation("classic_search_messages_beside", lists::PAGE);
pub(super) const EVERYTHING: Operation = Operation {
    summary: v1::EVERYTHING.summary,
    caller: v1::EVERYTHING.caller,
    answers: &[Answer::json(
        200,
        "ClassicHits",
        "Messages of all applications that contain every term, the newest first.",
    )],
    ..operation("classic_search_everything", lists::PAGE)
};

pub(super) async fn chat(call: Call) -> Result<Response<Body>, Problem> {
    let scope = chat_scope(&call)?;
    let found = TEXT_NAMES
        .iter()
        .find_map(|name| Some((*name, call.query.text(name)?)));
    let (name, text) = found.ok_or_else(|| refused(TEXT_NAMES[0], Code::Missing, "must be there"))?;
    lists::written(&messages(hits(&call, scope, name, text, extent(&call)).await?))
}

pub(super) async fn chat_path(call: Call) -> Result<Response<Body>, Problem> {
    let scope = chat_scope(&call)?;
    let text = text_in_path(&call)?;
    lists::written(&messages(
        hits(&call, scope, lists::QUERY, &text, extent(&call)).await?,
    ))
}

pub(super) async fn everything(call: Call) -> Result<Response<Body>, Problem> {
    let text = text_in_path(&call)?;
    let hits = hits(&call, SearchScope::Everything, lists::QUERY, &text, extent(&call)).await?;
    let mut out = vec![b'['];
    let mut parents = Parents::default();
    for hit in &hits {
        let Some((application, chat)) = parents.of(&call, hit).await? else {
            continue;
        };
        if out.len() > 1 {
            out.push(b',');
        }
        let written = ClassicHit {
            body: things::body(&hit.message),
            message_number: hit.message.number,
            chat_number: hit.chat,
            chat_title: chat.title.as_deref(),
            application_token: hit.application.as_str(),
            application_name: application.name.as_deref(),
        }
        .write_json(&mut out);
        written.map_err(|error| Problem::internal(format!("a hit cannot be written as JSON: {error}")))?;
    }
    out.push(b']');
    Ok(answer::text("application/json", out))
}

fn chat_scope(call: &Call) -> Result<SearchScope, Problem> {
    Ok(SearchScope::Chat {
        token: call.token()?,
        number: call.number("chat")?,
    })
}

fn text_in_path(call: &Call) -> Result<String, Problem> {
    let text = call.rest().map(std::borrow::Cow::into_owned);
    text.ok_or_else(|| refused(lists::QUERY, Code::InvalidParameter, "must be a text in UTF-8"))
}

/// How much a search hands out: everything within bounds, unless a page is asked for.
fn extent(call: &Call) -> Extent {
    match call
        .query
        .names()
        .any(|name| lists::PAGE.iter().any(|parameter| parameter.name == name))
    {
        true => lists::extent(call),
        false => Extent::Whole,
    }
}

/// The messages of hits.
pub(super) fn messages(hits: Vec<Hit>) -> Vec<Thing> {
    let hits = hits.into_iter();
    hits.map(|hit| Thing::Message(hit.chat, hit.message)).collect()
}

/// The hits for `text`, which the client called `name`.
///
/// # Errors
/// 422 for a text that asks for nothing or too much, and a page that lies too deep; 503 if the index is behind or the
/// deadline passes.
pub(super) async fn hits(
    call: &Call,
    scope: SearchScope,
    name: &str,
    text: &str,
    extent: Extent,
) -> Result<Vec<Hit>, Problem> {
    let query = Query::parse(text, &call.limits).map_err(|bad| {
        let (code, words) = problem::bad_query(bad);
        refused(name, code, &words)
    })?;
    let (skip, limit) = match extent {
        Extent::Whole => (0, HITS_MAX),
        Extent::Page { number, limit } => (Extent::skipped(number, limit), u64::from(limit)),
    };
    if skip.saturating_add(limit) > DEPTH_MAX {
        let words = format!("times `limit` is more than {DEPTH_MAX}");
        return Err(refused(lists::PAGE_NUMBER, Code::InvalidParameter, &words));
    }
    match tokio::time::timeout(DEADLINE, collected(call, scope, query, skip, limit)).await {
        Ok(hits) => hits,
        Err(_) => {
            let seconds = DEADLINE.as_secs();
            let words =
                format!("the search took more than {seconds} seconds; ask for something more particular");
            Err(Problem::new(Code::Overloaded, words).retry_after(RETRY_AFTER))
        }
    }
}

async fn collected(
    call: &Call,
    scope: SearchScope,
    query: Query,
    skip: u64,
    limit: u64,
) -> Result<Vec<Hit>, Problem> {
    let mut hits = Vec::new();
    let (mut left_to_skip, mut after) = (skip, None);
    loop {
        let wanted = left_to_skip + limit - hits.len() as u64;
        let request = SearchRequest {
            scope: scope.clone(),
            query: query.clone(),
            after: after.take(),
            limit: u32::try_from(wanted)
                .unwrap_or(PAGE_LIMIT_MAX)
                .min(PAGE_LIMIT_MAX),
            if_behind: IfBehind::Refuse,
        };
        let found = match call.engine.search(request).await? {
            Searched::Found(found) => found,
            Searched::Behind(behind) => return Err(behind.into()),
        };
        for hit in found.hits {
            if left_to_skip > 0 {
                left_to_skip -= 1;
            } else {
                hits.push(hit);
            }
        }
        after = found.next;
        if after.is_none() || hits.len() as u64 >= limit {
            return Ok(hits);
        }
    }
}

fn refused(name: &str, code: Code, words: &str) -> Problem {
    let mut violations = Violations::default();
    violations.parameter(name, code, words);
    violations.into_problem()
}

/// Applications and chats of hits, each read once; `None` for one that was deleted meanwhile.
#[derive(Default)]
struct Parents {
    applications: HashMap<Token, Option<Application>>,
    chats: HashMap<(Token, u64), Option<Chat>>,
}

impl Parents {
    async fn of(&mut self, call: &Call, hit: &Hit) -> Result<Option<(&Application, &Chat)>, Problem> {
        let token = &hit.application;
        if !self.applications.contains_key(token) {
            let application = live(call.engine.application(token).await)?;
            self.applications.insert(token.clone(), application);
        }
        let place = (token.clone(), hit.chat);
        if !self.chats.contains_key(&place) {
            let chat = live(call.engine.chat(token, hit.chat).await)?;
            self.chats.insert(place.clone(), chat);
        }
        let application = self.applications.get(token).and_then(Option::as_ref);
        let chat = self.chats.get(&place).and_then(Option::as_ref);
        Ok(application.zip(chat))
    }
}

fn live<T>(seen: Result<Seen<T>, Failure>) -> Result<Option<T>, Problem> {
    match seen {
        Ok(seen) => Ok(Some(seen.thing)),
        Err(Failure::Rejected(Rejection::ApplicationDeleted | Rejection::ChatDeleted)) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}
