//! Lists of classic clients: a page of live things, or all of them, streamed.

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Response;

use super::live::List;
use super::things::Thing;
use super::walk::{Walk, Whole};
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
        description: "The number of the page, from 1. Deleted things are not counted.",
    },
    Parameter {
        name: LIMIT,
        kind: Kind::Positive,
        description: "Maximum number of items in a page; default 10, at most 100.",
    },
];

/// The parameters of a list in which can be searched.
pub(super) const PAGE_OR_QUERY: &[Parameter] = &[
    PAGE[0],
    PAGE[1],
    Parameter {
        name: QUERY,
        kind: Kind::AnyText,
        description: "A query; everything is listed if it is empty.",
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
    match Whole::of(call, &list).await? {
        Whole::AtOnce(things) => written(&things),
        Whole::InPages(walk) => {
            let pieces = Streaming::of(walk).into_stream();
            Ok(answer::text("application/json", Body::from_stream(pieces)))
        }
    }
}

/// A list that is in memory.
pub(super) fn written(things: &[Thing]) -> Result<Response<Body>, Problem> {
    let mut out = Vec::new();
    append(things, &mut Separator::Opening, &mut out)?;
    out.push(b']');
    Ok(answer::text("application/json", out))
}

/// What stands before the next thing.
#[derive(Clone, Copy)]
enum Separator {
    /// The list's own.
    Opening,
    None,
    Comma,
}

fn append(things: &[Thing], separator: &mut Separator, out: &mut Vec<u8>) -> Result<(), Problem> {
    if let Separator::Opening = separator {
        out.push(b'[');
        *separator = Separator::None;
    }
    for thing in things {
        if let Separator::Comma = separator {
            out.push(b',');
        }
        thing.write(out)?;
        *separator = Separator::Comma;
    }
    Ok(())
}

/// A list on its way out: one engine page at a time, as fast as the client takes it.
struct Streaming {
    walk: Walk,
    separator: Separator,
}

impl Streaming {
    fn of(walk: Walk) -> Streaming {
        Streaming {
            walk,
            separator: Separator::Opening,
        }
    }

    /// The list in pieces. An error ends it: the client sees a body that breaks off.
    fn into_stream(self) -> impl stream::Stream<Item = io::Result<Bytes>> + Send + 'static {
        stream::try_unfold(self, |mut streaming| async move {
            match streaming.next_bytes().await {
                Ok(bytes) => Ok(bytes.map(|bytes| (bytes, streaming))),
                Err(problem) => {
                    tracing::error!(?problem, "a list broke off");
                    Err(io::Error::other("the list broke off"))
                }
            }
        })
    }

    /// The next piece, which is never empty; `None` at the end.
    async fn next_bytes(&mut self) -> Result<Option<Bytes>, Problem> {
        let mut out = Vec::new();
        // An engine page of tombstones alone has nothing to send.
        while out.is_empty()
            && let Some(things) = self.walk.next().await?
        {
            append(&things, &mut self.separator, &mut out)?;
            if self.walk.ended() {
                out.push(b']');
            }
        }
        Ok((!out.is_empty()).then(|| out.into()))
    }
}
