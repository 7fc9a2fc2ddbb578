//! Live streams of a feed as Server-Sent Events (HTML standard, section 9.2): catch up in pages, then wait.
//!
//! A stream is a cursor and a filter. Its body is pulled: what comes next is read when the client has taken what was
//! before, so a slow client costs no memory, and one that fell behind reads pages like everybody else. Streams at one
//! place of a feed share the text of what comes next ([`Chunks`]).

mod chunk;
mod chunks;

use std::io;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue, Response};
use prometheus_client::metrics::gauge::Gauge;
use tiro_core::{Changed, ChangesFilter, ChangesRequest, Cursor, Failure, IfDeleted, Token};
use tokio::sync::watch;
use tokio::time::{Duration, Instant};

use crate::answer;
use crate::app::App;
use chunk::{CHUNK_ENTRIES_MAX, Chunk};
pub(crate) use chunks::Chunks;

pub(crate) const MEDIA_TYPE: &str = "text/event-stream";
/// Proxies that gather an answer before they pass it on (nginx) are told not to.
const X_ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
/// When a client that lost its stream comes back.
const RETRY_MS: u64 = 2_000;
/// Longest silence: proxies keep the stream open, and a narrowed one gets on.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// A heartbeat has to come this often within the time after which a silent connection is cut.
const HEARTBEATS_PER_IDLE_TIME: u32 = 3;

/// A stream that begins behind `cursor`, as an answer.
pub(crate) fn answer(app: App, token: Token, cursor: Cursor, filter: ChangesFilter) -> Response<Body> {
    let heartbeat = HEARTBEAT.min(app.config.transport.idle_timeout / HEARTBEATS_PER_IDLE_TIME);
    let following = Following {
        stopping: app.stopping.subscribe(),
        heartbeat,
        _open: Open::count(&app.metrics.streams),
        app,
        token,
        cursor,
        filter,
        entries_max: CHUNK_ENTRIES_MAX,
        state: State::Opening,
    };
    let blocks = stream::unfold(following, |mut following| async move {
        let block = following.next().await?;
        Some((block, following))
    });
    let mut response = answer::text(MEDIA_TYPE, Body::from_stream(blocks));
    let unbuffered = HeaderValue::from_static("no");
    response.headers_mut().insert(X_ACCEL_BUFFERING, unbuffered);
    response
}

/// A stream on its way.
struct Following {
    app: App,
    token: Token,
    /// Behind what was told last.
    cursor: Cursor,
    filter: ChangesFilter,
    /// How many entries are read at once: fewer where they are long.
    entries_max: u32,
    heartbeat: Duration,
    state: State,
    stopping: watch::Receiver<bool>,
    _open: Open,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was told yet.
    Opening,
    Following,
    /// What was told last was the end.
    Ended,
}

/// Why waiting ended.
enum Woken {
    /// There is something to read.
    Feed,
    /// Nothing was told for the time of a heartbeat.
    Quiet,
    /// Nothing more will come.
    End,
}

impl Following {
    /// The next text; `None` at the end. An error breaks the answer off, so that it is seen not to be whole.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        match self.state {
            State::Opening => {
                self.state = State::Following;
                let cursor = &self.cursor;
                return Some(Ok(format!("retry: {RETRY_MS}\nid: {cursor}\n\n").into()));
            }
            State::Following => {}
            State::Ended => return None,
        }
        match self.follow().await {
            Ok(text) => text.map(Ok),
            Err(Failure::Internal(reason)) => {
                tracing::error!(reason, "a stream broke off");
                Some(Err(io::Error::other("the stream broke off")))
            }
            // Another history, no application any more, or nothing to be had now: the answer to the next request,
            // with the last id, says which.
            Err(failure) => {
                tracing::debug!(?failure, "a stream ended");
                None
            }
        }
    }

    async fn follow(&mut self) -> Result<Option<Bytes>, Failure> {
        let quiet_until = Instant::now() + self.heartbeat;
        loop {
            let woken = self.wait(quiet_until).await?;
            match woken {
                Woken::End => return Ok(None),
                Woken::Quiet => return Ok(Some(self.id_only())),
                Woken::Feed => {}
            }
            // Boxed, so that a stream that waits does not keep room for a page that is read.
            let text = Box::pin(self.read()).await?;
            if !text.is_empty() {
                return Ok(Some(text));
            }
            if Instant::now() >= quiet_until {
                return Ok(Some(self.id_only()));
            }
            // What lies between here and an entry that is wanted may be long, and others have to get their turn.
            tokio::task::yield_now().await;
        }
    }

    /// A block that moves the client's cursor and is no event.
    fn id_only(&self) -> Bytes {
        format!("id: {}\n\n", self.cursor).into()
    }

    async fn wait(&mut self, quiet_until: Instant) -> Result<Woken, Failure> {
        tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => Ok(Woken::End),
            changed = self.app.engine.changed(&self.token, self.cursor.position) => match changed? {
                // A deleted application has a last word.
                Changed::Further | Changed::Deleted => Ok(Woken::Feed),
                Changed::Stopping => Ok(Woken::End),
            },
            () = tokio::time::sleep_until(quiet_until) => Ok(Woken::Quiet),
        }
    }

    /// What comes next, and moves behind it. Empty where nothing of it is wanted.
    async fn read(&mut self) -> Result<Bytes, Failure> {
        let shared = self.filter.is_open();
        if shared && let Some(chunk) = self.app.chunks.find(&*self.app.engine, &self.token, &self.cursor) {
            return Ok(self.told(&chunk));
        }
        let request = ChangesRequest {
            token: self.token.clone(),
            after: Some(self.cursor.clone()),
            limit: self.entries_max,
            filter: self.filter.clone(),
            if_deleted: IfDeleted::LastEntry,
        };
        let changes = self.app.engine.changes(request).await?;
        let chunk = Chunk::of(&changes)?;
        self.entries_max = chunk.entries_max_next(self.entries_max);
        if shared && !chunk.is_last {
            self.app.chunks.keep(&self.token, &self.cursor, &chunk);
        }
        Ok(self.told(&chunk))
    }

    fn told(&mut self, chunk: &Chunk) -> Bytes {
        self.cursor = chunk.next.clone();
        if chunk.is_last {
            self.state = State::Ended;
        }
        chunk.text.clone()
    }
}

/// Counts a stream as open for as long as it exists.
struct Open(Gauge);

impl Open {
    fn count(streams: &Gauge) -> Open {
        streams.inc();
        Open(streams.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}
