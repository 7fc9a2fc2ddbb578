//! A stream of events as a client reads it (HTML standard, section 9.2.6).

use std::time::Duration;

use axum::body::Body;
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value;

/// Longer than anything here takes, so that a test that waits in vain fails by name.
const PATIENCE: Duration = Duration::from_secs(600);

/// An open stream.
pub(crate) struct EventStream {
    pub(crate) code: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Body,
    unread: String,
}

/// What stands between two blank lines.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Block {
    pub(crate) id: Option<String>,
    pub(crate) event: Option<String>,
    pub(crate) data: Option<Value>,
    pub(crate) retry: Option<u64>,
}

impl EventStream {
    pub(crate) fn of(response: Response<Body>) -> EventStream {
        let (head, body) = response.into_parts();
        EventStream {
            code: head.status,
            headers: head.headers,
            body,
            unread: String::new(),
        }
    }

    /// The next block; `None` at a clean end.
    pub(crate) async fn block(&mut self) -> Option<Block> {
        while !self.unread.contains("\n\n") {
            let frame = tokio::time::timeout(PATIENCE, self.body.frame()).await;
            let Some(frame) = frame.expect("something comes, or the end") else {
                assert_eq!(self.unread, "", "the stream ended within a block");
                return None;
            };
            let bytes = frame.unwrap().into_data().unwrap();
            self.unread.push_str(str::from_utf8(&bytes).unwrap());
        }
        let (text, rest) = self.unread.split_once("\n\n").unwrap();
        let block = Block::read(text);
        self.unread = rest.to_owned();
        Some(block)
    }

    /// The entry of the next event, whose id and type are held against it; `None` at the end.
    pub(crate) async fn entry(&mut self) -> Option<Value> {
        loop {
            let block = self.block().await?;
            let Some(entry) = block.data else { continue };
            assert_eq!(block.event.as_deref(), entry["type"].as_str());
            let id = block.id.unwrap();
            assert!(id.ends_with(&format!(".{}", entry["position"])), "{id} {entry}");
            return Some(entry);
        }
    }

    /// The next entries.
    pub(crate) async fn entries(&mut self, count: usize) -> Vec<Value> {
        let mut entries = Vec::new();
        while entries.len() < count {
            entries.push(self.entry().await.expect("the stream goes on"));
        }
        entries
    }
}

impl Block {
    fn read(text: &str) -> Block {
        let mut block = Block::default();
        for line in text.lines() {
            let (name, value) = line.split_once(": ").unwrap();
            match name {
                "id" => block.id = Some(value.to_owned()),
                "event" => block.event = Some(value.to_owned()),
                "data" => block.data = Some(serde_json::from_str(value).unwrap()),
                "retry" => block.retry = Some(value.parse().unwrap()),
                other => panic!("{other} is no field of an event"),
            }
        }
        block
    }
}
