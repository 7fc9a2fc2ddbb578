//! Following a feed live, over as many connections as it takes.
//!
//! The place that was reached is kept here and sent with every new connection, so that nothing is missed and nothing
//! comes twice. A server that is away is waited for, up to a bound.

mod events;

use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use tiro_api::{ChangeType, Entry};
use tokio::time::{Instant, sleep, timeout};

use crate::client::random_byte;
use crate::patience::{RECONNECT, STREAM_AWAY_MAX, STREAM_SILENCE};
use crate::{Client, Error, Feed};
use events::{Block, Events};

const MEDIA_TYPE: &str = "text/event-stream";
const LAST_EVENT_ID: &str = "last-event-id";

/// The entries of a feed as they come. Made by [`Client::follow`].
#[derive(Debug)]
pub struct Follower {
    client: Client,
    token: String,
    /// Its `after` is the place that was reached; `None` until the server has named one.
    feed: Feed,
    stream: Option<Stream>,
    /// How long to wait before the next connection, as the server asks for.
    retry: Duration,
    /// When the server was last heard of, or first called.
    heard: Option<Instant>,
    /// Whether there was a connection before.
    connected_before: bool,
    ended: bool,
}

#[derive(Debug)]
struct Stream {
    response: reqwest::Response,
    events: Events,
}

impl Client {
    /// Follows a feed from a place on, or from now on. Connects with the first [`Follower::next`].
    #[must_use]
    pub fn follow(&self, token: &str, feed: Feed) -> Follower {
        Follower {
            client: self.clone(),
            token: token.to_owned(),
            feed,
            stream: None,
            retry: RECONNECT,
            heard: None,
            connected_before: false,
            ended: false,
        }
    }
}

impl Follower {
    /// The cursor behind the last entry that was handed out, or further where the server said that nothing wanted
    /// lies between; `None` before the first connection of a stream that begins now.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.feed.after.as_deref()
    }

    /// Whether the application is deleted, so that nothing more comes.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The next entry. `None` when the application is deleted, behind its last entry.
    ///
    /// # Errors
    /// A refusal such as 409 `history_changed`; [`Error::Unreachable`] and [`Error::Vanished`] within 30 s after the
    /// server vanished.
    pub async fn next(&mut self) -> Result<Option<Entry<'static>>, Error> {
        while !self.ended {
            let Some(stream) = &mut self.stream else {
                self.connect().await?;
                continue;
            };
            match stream.events.next() {
                Ok(Some(block)) => {
                    if let Some(entry) = self.take(block)? {
                        return Ok(Some(entry));
                    }
                }
                Ok(None) => self.receive().await?,
                Err(reason) => return Err(self.client.not_tiro(reason)),
            }
        }
        Ok(None)
    }

    fn take(&mut self, block: Block) -> Result<Option<Entry<'static>>, Error> {
        if let Some(retry) = block.retry_ms {
            self.retry = Duration::from_millis(retry).min(STREAM_AWAY_MAX);
        }
        let entry = match &block.data {
            None => None,
            Some(data) => {
                let entry: Result<Entry<'static>, _> = serde_json::from_str(data);
                Some(entry.map_err(|error| {
                    self.client
                        .not_tiro(format!("an event without an entry: {error}"))
                })?)
            }
        };
        if block.id.is_some() {
            self.feed.after = block.id;
        }
        self.ended = entry
            .as_ref()
            .is_some_and(|entry| entry.type_ == ChangeType::ApplicationDeleted);
        Ok(entry)
    }

    /// More bytes; without a stream afterwards if this one is over.
    async fn receive(&mut self) -> Result<(), Error> {
        let Some(stream) = &mut self.stream else {
            return Ok(());
        };
        let lost = match timeout(STREAM_SILENCE, stream.response.chunk()).await {
            Ok(Ok(Some(bytes))) => {
                stream.events.push(&bytes);
                self.heard = Some(Instant::now());
                return Ok(());
            }
            // The server stops, or something between has had enough.
            Ok(Ok(None)) => None,
            Ok(Err(error)) => Some(self.client.broken(error)),
            Err(_) => Some(self.client.silent(STREAM_SILENCE)),
        };
        self.stream = None;
        match lost {
            Some(error) => self.pause(self.retry, error).await,
            None => {
                self.pause(self.retry, self.client.cut("the stream ended".to_owned()))
                    .await
            }
        }
    }

    /// Waits before the next attempt, or gives up with the error.
    async fn pause(&mut self, wait: Duration, error: Error) -> Result<(), Error> {
        // Many clients that lost one server must not come back together.
        let spread = wait * u32::from(random_byte()) / (2 * u32::from(u8::MAX));
        let wait = wait / 2 + spread;
        if self.away() + wait >= STREAM_AWAY_MAX {
            return Err(error);
        }
        sleep(wait).await;
        Ok(())
    }

    /// How long nothing was heard of the server.
    fn away(&mut self) -> Duration {
        self.heard.get_or_insert_with(Instant::now).elapsed()
    }

    async fn connect(&mut self) -> Result<(), Error> {
        let away = self.away();
        let left = STREAM_AWAY_MAX.saturating_sub(away);
        let attempt = match timeout(left, self.open()).await {
            Ok(attempt) => attempt,
            Err(_) => return Err(self.client.silent(away + left)),
        };
        match attempt {
            Ok(response) => {
                let events = Events::default();
                self.stream = Some(Stream { response, events });
                self.heard = Some(Instant::now());
                self.connected_before = true;
                Ok(())
            }
            Err(error) => self.refused(error).await,
        }
    }

    async fn refused(&mut self, error: Error) -> Result<(), Error> {
        let wait = match &error {
            Error::Unreachable { .. } | Error::Vanished { .. } => self.retry,
            Error::Refused(refusal) if matches!(refusal.status, 429 | 503) => {
                refusal.retry_after.unwrap_or(self.retry)
            }
            // Deleted while there was no connection.
            Error::Refused(refusal) if self.connected_before && refusal.status == 410 => {
                self.ended = true;
                return Ok(());
            }
            _ => return Err(error),
        };
        self.pause(wait, error).await
    }

    async fn open(&self) -> Result<reqwest::Response, Error> {
        let path = ["v1", "applications", &self.token, "changes", "stream"];
        let narrowed = Feed {
            after: None,
            ..self.feed.clone()
        };
        let url = self.client.server.url(&path, &narrowed.query());
        let mut request = self.client.http.get(url).header(ACCEPT, MEDIA_TYPE);
        if let Some(after) = &self.feed.after {
            request = request.header(LAST_EVENT_ID, after);
        }
        let response = request.send().await.map_err(|error| self.client.broken(error))?;
        if response.status() == StatusCode::OK && is_stream(response.headers()) {
            return Ok(response);
        }
        let raw = self.client.collect(response).await?;
        Err(self
            .client
            .not_tiro(format!("status {} and no stream", raw.status.as_u16())))
    }
}

fn is_stream(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| value.starts_with(MEDIA_TYPE))
}
