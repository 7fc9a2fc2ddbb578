//! What streams at one place of a feed are told next, written once for all of them.
//!
//! A chunk is good only while its feed stands where it stood when the chunk was read: afterwards one of its messages
//! may be deleted. So a chunk helps the streams that are woken by one change, and no others.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use futures_util::FutureExt;
use tiro_core::{Cursor, Engine, Token};

use super::chunk::Chunk;

/// Most bytes that are kept; at the bound all go.
const BYTES_MAX: usize = 4 * 1024 * 1024;
/// What a kept chunk takes besides its text.
const CHUNK_OVERHEAD_BYTES: usize = 256;

/// The chunks of all feeds that moved last.
#[derive(Default)]
pub(crate) struct Chunks {
    /// Held for a look-up or an insertion, never while something is read or written.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    feeds: HashMap<Token, Feed>,
    bytes: usize,
}

/// The chunks of one feed, all read at one place, by the position behind which they begin.
struct Feed {
    as_of: Cursor,
    chunks: HashMap<u64, Chunk>,
}

impl Chunks {
    /// What comes behind a place, if it is kept and its feed has not moved since.
    pub(super) fn find(&self, engine: &dyn Engine, token: &Token, after: &Cursor) -> Option<Chunk> {
        let chunk = {
            let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            let feed = kept
                .feeds
                .get(token)
                .filter(|feed| feed.as_of.epoch == after.epoch)?;
            feed.chunks.get(&after.position).cloned()?
        };
        // An answer at once says that the feed has moved, or that nobody can tell.
        let unmoved = engine
            .changed(token, chunk.as_of.position)
            .now_or_never()
            .is_none();
        unmoved.then_some(chunk)
    }

    /// Keeps what comes behind a place; chunks of its feed that were read earlier go.
    pub(super) fn keep(&self, token: &Token, after: &Cursor, chunk: &Chunk) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = &mut *kept;
        if kept.bytes > BYTES_MAX {
            *kept = Kept::default();
        }
        let feed = kept.feeds.entry(token.clone()).or_insert_with(|| Feed {
            as_of: chunk.as_of.clone(),
            chunks: HashMap::new(),
        });
        if feed.as_of != chunk.as_of {
            let older = feed.as_of.epoch == chunk.as_of.epoch && chunk.as_of.position < feed.as_of.position;
            if older {
                return;
            }
            feed.as_of = chunk.as_of.clone();
            kept.bytes -= feed.chunks.drain().map(|(_, chunk)| bytes(&chunk)).sum::<usize>();
        }
        kept.bytes += bytes(chunk);
        if let Some(before) = feed.chunks.insert(after.position, chunk.clone()) {
            kept.bytes -= bytes(&before);
        }
    }
}

fn bytes(chunk: &Chunk) -> usize {
    chunk.text.len() + CHUNK_OVERHEAD_BYTES
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tiro_conformance::ReferenceEngine;
    use tiro_core::{
        Changes, ChangesFilter, ChangesRequest, Command, CreateApplication, CreateChat, Epoch, IfDeleted,
        Name, NewToken, Request,
    };

    use super::*;

    struct Fed {
        engine: Arc<ReferenceEngine>,
        token: Token,
    }

    impl Fed {
        async fn new() -> Fed {
            let (engine, token) = (Arc::new(ReferenceEngine::new()), Token::generated([7; 16]));
            let create = CreateApplication {
                token: NewToken::Generated(token.clone()),
                epoch: Epoch::generated([1; 5]),
                name: Name::stored("shop"),
                metadata: None,
            };
            engine
                .write(Request::new(Command::CreateApplication(create)))
                .await
                .unwrap();
            Fed { engine, token }
        }

        async fn create_chat(&self) {
            let create = CreateChat {
                token: self.token.clone(),
                title: None,
                metadata: None,
            };
            self.engine
                .write(Request::new(Command::CreateChat(create)))
                .await
                .unwrap();
        }

        async fn changes(&self) -> Changes {
            let request = ChangesRequest {
                token: self.token.clone(),
                after: None,
                limit: 100,
                filter: ChangesFilter::default(),
                if_deleted: IfDeleted::Refuse,
            };
            self.engine.changes(request).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_chunk_is_found_until_its_feed_moves() {
        let fed = Fed::new().await;
        let chunks = Chunks::default();
        let changes = fed.changes().await;
        let beginning = Cursor {
            position: 0,
            ..changes.as_of.clone()
        };
        let find = |after: &Cursor| {
            chunks
                .find(&*fed.engine, &fed.token, after)
                .map(|chunk| chunk.text)
        };
        assert_eq!(find(&beginning), None);
        let chunk = Chunk::of(&changes).unwrap();
        chunks.keep(&fed.token, &beginning, &chunk);
        assert_eq!(find(&beginning), Some(chunk.text.clone()));
        assert_eq!(find(&changes.as_of), None);
        let elsewhere = Cursor {
            epoch: Epoch::generated([2; 5]),
            position: 0,
        };
        assert_eq!(find(&elsewhere), None);
        fed.create_chat().await;
        assert_eq!(find(&beginning), None);
        let newer = Chunk::of(&fed.changes().await).unwrap();
        chunks.keep(&fed.token, &beginning, &newer);
        chunks.keep(&fed.token, &beginning, &chunk);
        assert_eq!(find(&beginning), Some(newer.text));
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded() {
        let fed = Fed::new().await;
        let chunks = Chunks::default();
        let changes = fed.changes().await;
        let mut chunk = Chunk::of(&changes).unwrap();
        chunk.text = vec![b'x'; 64 * 1024].into();
        for position in 0..1_000 {
            let after = Cursor {
                position,
                ..changes.as_of.clone()
            };
            chunks.keep(&fed.token, &after, &chunk);
            let kept = chunks.kept.lock().unwrap();
            let held: usize = kept
                .feeds
                .values()
                .flat_map(|feed| feed.chunks.values())
                .map(bytes)
                .sum();
            assert_eq!(kept.bytes, held);
            assert!(held <= BYTES_MAX + 65 * 1024, "{held}");
        }
    }
}
