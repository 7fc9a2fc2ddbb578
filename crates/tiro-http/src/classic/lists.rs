//! Lists of classic clients: a page of live things, or all of them, streamed.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Response;

use super::live::List;
use super::things::Thing;
use super::walk::Walk;
use crate::answer;
use crate::call::Call;
use crate::problem::Problem;
use crate::query::{Kind, Parameter};

/// Things of a page when the client names no number.
const LIMIT_DEFAULT: u32 = 10;
/// Most things of a page; who asks for more gets so many.
const LIMIT_MAX: u32 = 100;
/// Where a list without `page` and `limit` is its first page.
const PAGED_BY_DEFAULT: [&str; 2] = ["/api/applications", "/api/apps"];

pub(super) const PAGE_NUMBER: &str = "page";
const LIMIT: &str = "limit";
/// What to look for in a list.
pub(super) const QUERY: &str = "query";

/// The parameters of a list.
pub(super) const PAGE: &[Parameter] = &[
    Parameter {
        name: PAGE_NUMBER,
        kind: Kind::Positive,
        description: "Which page, from 1. Only things that are not deleted count.",
    },
    Parameter {
        name: LIMIT,
        kind: Kind::Positive,
        description: "How many things a page has at most: 10 if absent, 100 for more.",
    },
];

/// The parameters of a list in which can be searched.
pub(super) const PAGE_OR_QUERY: &[Parameter] = &[
    PAGE[0],
    PAGE[1],
    Parameter {
        name: QUERY,
        kind: Kind::AnyText,
        description: "What to look for; everything if empty.",
    },
];

/// How much of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    /// Pages count from 1.
    Page { number: u64, limit: u32 },
    /// Everything.
    Whole,
}

impl Extent {
    /// How many things come before those of the page.
    pub(super) fn skipped(number: u64, limit: u32) -> u64 {
        number.saturating_sub(1).saturating_mul(u64::from(limit))
    }
}

/// How much of a list a request asks for.
pub(super) fn extent(call: &Call) -> Extent {
    let paged = PAGED_BY_DEFAULT
        .iter()
        .any(|prefix| call.template().starts_with(prefix));
    match (call.query.positive(PAGE_NUMBER), call.query.positive(LIMIT)) {
        (None, None) if !paged => Extent::Whole,
        (number, limit) => Extent::Page {
            number: number.unwrap_or(1),
            limit: limit.map_or(LIMIT_DEFAULT, |limit| {
                u32::try_from(limit).unwrap_or(LIMIT_MAX).min(LIMIT_MAX)
            }),
        },
    }
}

/// The wanted part of a list.
pub(super) async fn answer(call: &Call, list: List) -> Result<Response<Body>, Problem> {
    if let Extent::Page { number, limit } = extent(call) {
        let skip = Extent::skipped(number, limit);
        return written(&list.page(call, skip, limit).await?);
    }
    // What is wrong with the list comes out before the answer begins.
    let mut walk = Walk::begin(call, list).await?;
    let first = walk.next().await?;
    if walk.ended() {
        return written(&first);
    }
    let mut out = vec![b'['];
    let state = match append(&first, Separator::None, &mut out)? {
        Separator::None => Streaming::beginning(walk),
        Separator::Comma => Streaming::going_on(walk),
    };
    let rest = state.into_stream(out.into());
    Ok(answer::text("application/json", Body::from_stream(rest)))
}

/// A list that is in memory.
pub(super) fn written(things: &[Thing]) -> Result<Response<Body>, Problem> {
    let mut out = vec![b'['];
    append(things, Separator::None, &mut out)?;
    out.push(b']');
    Ok(answer::text("application/json", out))
}

/// What stands before the next thing.
#[derive(Clone, Copy)]
enum Separator {
    None,
    Comma,
}

fn append(things: &[Thing], mut separator: Separator, out: &mut Vec<u8>) -> Result<Separator, Problem> {
    for thing in things {
        if let Separator::Comma = separator {
            out.push(b',');
        }
        thing.write(out)?;
        separator = Separator::Comma;
    }
    Ok(separator)
}

/// A list on its way out: one engine page at a time, as fast as the client takes it.
struct Streaming {
    walk: Walk,
    separator: Separator,
    closed: bool,
}

impl Streaming {
    fn beginning(walk: Walk) -> Streaming {
        Streaming {
            walk,
            separator: Separator::None,
            closed: false,
        }
    }

    fn going_on(walk: Walk) -> Streaming {
        Streaming {
            separator: Separator::Comma,
            ..Streaming::beginning(walk)
        }
    }

    /// The list behind its first piece. An error ends it: the client sees a body that breaks off.
    fn into_stream(self, first: Bytes) -> impl stream::Stream<Item = io::Result<Bytes>> + Send + 'static {
        let rest = stream::try_unfold(self, |mut streaming| async move {
            match streaming.next_bytes().await {
                Ok(bytes) => Ok(bytes.map(|bytes| (bytes, streaming))),
                Err(problem) => {
                    tracing::error!(?problem, "a list broke off");
                    Err(io::Error::other("the list broke off"))
                }
            }
        });
        stream::StreamExt::chain(stream::iter([Ok(first)]), rest)
    }

    async fn next_bytes(&mut self) -> Result<Option<Bytes>, Problem> {
        if self.closed {
            return Ok(None);
        }
        let mut out = Vec::new();
        // An engine page of tombstones alone has nothing to send.
        while out.is_empty() && !self.walk.ended() {
            let things = self.walk.next().await?;
            self.separator = append(&things, self.separator, &mut out)?;
        }
        if self.walk.ended() {
            out.push(b']');
            self.closed = true;
        }
        Ok(Some(out.into()))
    }
}
