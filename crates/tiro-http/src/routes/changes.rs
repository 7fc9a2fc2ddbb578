//! `/v1/applications/{token}/changes`: the feed in pages, and live.

use std::borrow::Cow;

use axum::body::Body;
use http::Response;
use tiro_api::{ChangePage, ChangeType, Code};
use tiro_core::{
    CHANGES_LIMIT_MAX, CHANGES_LOOKED_AT_MAX, Changed, Changes, ChangesFilter, ChangesRequest, Cursor,
    IfDeleted, Thing,
};
use tokio::time::{Duration, Instant};

use crate::answer;
use crate::app::App;
use crate::call::Call;
use crate::live;
use crate::paging;
use crate::problem::Problem;
use crate::query::{Kind, Parameter, Query};
use crate::route::{Answer, Caller, Operation, RequestHeader};
use crate::violations::Violations;
use crate::wire;

const TAG: &str = "changes";
const AFTER: &str = "after";
const WAIT: &str = "wait";
/// Longest wait of a request for a page.
const WAIT_SECONDS_MAX: u32 = 60;
/// How often `chat` and `type` may be named.
const CHATS_MAX: usize = 200;
const TYPES_MAX: usize = 50;
/// What an entry takes, its thing aside.
const ENTRY_BYTES: usize = 192;
const LAST_EVENT_ID: &str = "last-event-id";

const CHAT: Parameter = Parameter {
    name: "chat",
    kind: Kind::Numbers { times_max: CHATS_MAX },
    description: "Only entries of this chat, its messages and its readers. May be repeated; a chat that is not there \
                  has no entries.",
};
const TYPE: Parameter = Parameter {
    name: "type",
    kind: Kind::Types { times_max: TYPES_MAX },
    description: "Only entries of this type: application.created, .updated, .deleted, chat.created, .updated, \
                  .deleted, message.created, .updated, .deleted, reader.updated. May be repeated; a type that is not \
                  there has no entries.",
};

pub(crate) const LIST: Operation = Operation::new("list_changes", TAG, "Read the change feed of an application")
    .caller(Caller::Application)
    .parameters(&[
        Parameter {
            name: AFTER,
            kind: Kind::Text,
            description: "A cursor: only entries after it. Without it, or with position 0, from the beginning.",
        },
        Parameter {
            name: "limit",
            kind: Kind::Count { max: CHANGES_LIMIT_MAX },
            description: "Maximum number of entries in a page; default 50.",
        },
        CHAT,
        TYPE,
        Parameter {
            name: WAIT,
            kind: Kind::UpTo { max: WAIT_SECONDS_MAX },
            description: "Long polling: how many seconds to wait for an entry if there is none yet; default 0.",
        },
    ])
    .answers(&[Answer::json(
        200,
        "ChangePage",
        "Entries in order. With `chat` or `type` a page looks at no more than 10,000 entries, so it may be empty although `has_more` is true.",
    )])
    .problems(&[Code::HistoryChanged])
    .patient()
    .compressed();

pub(crate) async fn list(call: Call) -> Result<Response<Body>, Problem> {
    let mut violations = Violations::default();
    let after = call.query.text(AFTER);
    let after = after.and_then(|text| cursor(text, &mut violations, Place::After));
    violations.check()?;
    let request = ChangesRequest {
        token: call.token()?,
        after,
        limit: paging::limit(&call.query),
        filter: filter(&call.query),
        if_deleted: IfDeleted::Refuse,
    };
    let wait = Duration::from_secs(call.query.position(WAIT).unwrap_or(0));
    let changes = read(&call.app(), request, wait).await?;
    let wire = ChangePage {
        data: changes
            .entries
            .iter()
            .map(wire::entry)
            .collect::<Result<_, _>>()?,
        has_more: changes.has_more,
        next: Cow::Owned(changes.next.to_string()),
        as_of: Cow::Owned(changes.as_of.to_string()),
    };
    let things = changes.entries.iter().filter_map(|entry| entry.thing.as_ref());
    let text_bytes: usize = things.map(Thing::bytes).sum();
    let entries = changes.entries.len();
    answer::page(&wire, entries, text_bytes + entries * ENTRY_BYTES)
}

/// A page; where it has nothing at the end of the feed, waits for something, the end of the time, or that the server
/// stops. All together looks at no more than one page may.
async fn read(app: &App, mut request: ChangesRequest, wait: Duration) -> Result<Changes, Problem> {
    let deadline = Instant::now() + wait;
    let begun = request.after.as_ref().map_or(0, |after| after.position);
    let mut stopping = app.stopping.subscribe();
    loop {
        let changes = app.engine.changes(request.clone()).await?;
        let looked_at = changes.next.position.saturating_sub(begun);
        let has_something = !changes.entries.is_empty() || changes.has_more;
        if has_something || wait.is_zero() || looked_at >= CHANGES_LOOKED_AT_MAX {
            return Ok(changes);
        }
        tokio::select! {
            biased;
            _ = stopping.wait_for(|stopping| *stopping) => return Ok(changes),
            changed = app.engine.changed(&request.token, changes.next.position) => {
                if changed? == Changed::Stopping {
                    return Ok(changes);
                }
            }
            () = tokio::time::sleep_until(deadline) => return Ok(changes),
        }
        request.after = Some(changes.next);
    }
}

pub(crate) const STREAM: Operation = Operation::new("stream_changes", TAG, "Stream the change feed of an application")
    .caller(Caller::Application)
    .parameters(&[
        Parameter {
            name: AFTER,
            kind: Kind::Text,
            description: "A cursor: start after it. Without it the stream starts now.",
        },
        CHAT,
        TYPE,
    ])
    .headers(&[RequestHeader::LastEventId])
    .answers(&[Answer::text(
        200,
        live::MEDIA_TYPE,
        "Server-Sent Events without an end: `id` is a cursor, `event` the type, `data` an `Entry`. After 15 s without \
         an event comes a block of an `id` alone. The stream of a deleted application ends with application.deleted.",
    )])
    .problems(&[Code::HistoryChanged]);

pub(crate) async fn stream(call: Call) -> Result<Response<Body>, Problem> {
    let token = call.token()?;
    let mut violations = Violations::default();
    let after = start(&call, &mut violations);
    violations.check()?;
    let application = call.engine.application(&token).await?.thing;
    let mut begin = application.cursor();
    if after.is_some() {
        begin.position = application.position_after(after.as_ref())?;
    }
    let filter = filter(&call.query);
    Ok(live::answer(call.app(), token, begin, filter))
}

/// The place that a stream is to begin behind, if the request names one. The header beats the parameter, since a
/// browser that connects again sends both.
fn start(call: &Call, violations: &mut Violations) -> Option<Cursor> {
    let header = call.head.headers.get(LAST_EVENT_ID);
    // The standard has clients without an id send an empty one, or none.
    if let Some(value) = header.filter(|value| !value.is_empty()) {
        return cursor(value.to_str().unwrap_or_default(), violations, Place::LastEventId);
    }
    cursor(call.query.text(AFTER)?, violations, Place::After)
}

/// Where a cursor stands in a request.
#[derive(Clone, Copy)]
enum Place {
    After,
    LastEventId,
}

fn cursor(text: &str, violations: &mut Violations, place: Place) -> Option<Cursor> {
    const WANTED: &str = "must be a cursor, such as the `next` of a page";
    match (Cursor::parse(text), place) {
        (Ok(cursor), _) => return Some(cursor),
        (Err(_), Place::After) => violations.parameter(AFTER, Code::InvalidCursor, WANTED),
        (Err(_), Place::LastEventId) => violations.header("Last-Event-ID", Code::InvalidCursor, WANTED),
    }
    None
}

/// A type that this server does not have lets nothing through, as a chat that is not there does.
fn filter(query: &Query) -> ChangesFilter {
    let chats: Vec<u64> = query
        .all(CHAT.name)
        .filter_map(crate::path::plain_number)
        .collect();
    let mut types = query.all(TYPE.name).peekable();
    let are_narrowed = types.peek().is_some();
    let kinds = types
        .filter_map(ChangeType::parse)
        .map(wire::change_kind)
        .collect();
    ChangesFilter {
        chats: (!chats.is_empty()).then_some(chats),
        kinds: are_narrowed.then_some(kinds),
    }
}
