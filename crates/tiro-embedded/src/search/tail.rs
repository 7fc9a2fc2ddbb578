//! What was published and is not in the index yet, in memory, in the order of the log.
//!
//! Rows stand in chunks that searches share. The last chunk grows in place while nobody else has it; small ones become
//! one, so that there are few however often it is looked at. What the indexer has taken stays until it is committed.

use std::collections::VecDeque;
use std::sync::Arc;

use tiro_core::Event;

use super::rows::Rows;
use crate::log::LogPoint;

/// Chunks of so many rows are always put together.
const CHUNK_ROWS_MIN: usize = 64;

/// See the file.
pub(super) struct Tail {
    /// Whether rows are kept. They are not while the index reads the log by itself.
    kept: bool,
    end: LogPoint,
    chunks: VecDeque<Arc<Rows>>,
    /// Chunks at the front that the indexer has taken.
    taken: usize,
    messages: usize,
    bytes: usize,
    /// Of these, in the chunks taken.
    taken_messages: usize,
    taken_bytes: usize,
}

impl Tail {
    /// Nothing is kept; the log ends at `end`.
    pub(super) fn new(end: LogPoint) -> Tail {
        Tail {
            kept: false,
            end,
            chunks: VecDeque::new(),
            taken: 0,
            messages: 0,
            bytes: 0,
            taken_messages: 0,
            taken_bytes: 0,
        }
    }

    /// The end of the log.
    pub(super) fn end(&self) -> LogPoint {
        self.end
    }

    pub(super) fn messages(&self) -> usize {
        self.messages
    }

    /// Memory that the rows take, about.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keeps rows from the present end on.
    pub(super) fn keep(&mut self) {
        *self = Tail {
            kept: true,
            ..Tail::new(self.end)
        };
    }

    /// Keeps nothing any more.
    pub(super) fn let_go(&mut self) {
        *self = Tail::new(self.end);
    }

    /// Takes in a batch.
    pub(super) fn append(&mut self, end: LogPoint, events: &[Event]) {
        self.end = end;
        if !self.kept {
            return;
        }
        let open = self.open_chunk();
        let before = open.written.len();
        let bytes: usize = events.iter().map(|event| open.absorb(event)).sum();
        let messages = open.written.len() - before;
        self.bytes += bytes;
        self.messages += messages;
    }

    /// The last chunk, which nobody else has.
    fn open_chunk(&mut self) -> &mut Rows {
        let is_free = |chunk: &mut Arc<Rows>| Arc::get_mut(chunk).is_some();
        if self.chunks.len() == self.taken || !self.chunks.back_mut().is_some_and(is_free) {
            self.begin_chunk();
        }
        let last = self.chunks.back_mut().expect("a chunk was begun");
        Arc::get_mut(last).expect("it is free")
    }

    /// A new last chunk, which has what the small ones before it had.
    fn begin_chunk(&mut self) {
        let (mut small, mut rows) = (Vec::new(), 0);
        while self.chunks.len() > self.taken
            && let Some(last) = self
                .chunks
                .pop_back_if(|last| last.written.len() <= rows + CHUNK_ROWS_MIN)
        {
            rows += last.written.len();
            small.push(last);
        }
        let mut chunk = Rows::default();
        small.iter().rev().for_each(|rows| chunk.append(rows));
        self.chunks.push_back(Arc::new(chunk));
    }

    /// All rows.
    pub(super) fn chunks(&self) -> Vec<Arc<Rows>> {
        self.chunks.iter().map(Arc::clone).collect()
    }

    /// All rows, for the index: they stay until [`Tail::committed`].
    pub(super) fn take(&mut self) -> Vec<Arc<Rows>> {
        self.taken = self.chunks.len();
        (self.taken_messages, self.taken_bytes) = (self.messages, self.bytes);
        self.chunks()
    }

    /// What was taken is in the index.
    pub(super) fn committed(&mut self) {
        self.chunks.drain(..self.taken);
        self.messages -= self.taken_messages;
        self.bytes -= self.taken_bytes;
        (self.taken, self.taken_messages, self.taken_bytes) = (0, 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use tiro_core::{ApplicationId, Body, Limits, MessageContent, MessageCreated, Timestamp};

    use super::*;

    fn point(sequence: u64) -> LogPoint {
        LogPoint {
            segment_first: 1,
            offset: 0,
            sequence,
            checksum: 0,
        }
    }

    fn created(number: u64) -> Event {
        let content = MessageContent {
            body: Body::new(&format!("message {number}"), &Limits::default()).unwrap(),
            sender: None,
            metadata: None,
        };
        Event::MessagesCreated {
            application: ApplicationId(1),
            chat: 1,
            first_number: number,
            first_position: number,
            at: Timestamp::from_millis(0),
            messages: vec![MessageCreated {
                content: Arc::new(content),
                created_at: None,
                key: None,
            }],
        }
    }

    fn numbers(chunks: &[Arc<Rows>]) -> Vec<u64> {
        let rows = chunks.iter().flat_map(|chunk| &chunk.written);
        rows.map(|row| row.number).collect()
    }

    #[test]
    fn a_tail_that_is_looked_at_after_every_batch_keeps_the_order_and_few_chunks() {
        let mut tail = Tail::new(point(0));
        tail.keep();
        let mut looked = Vec::new();
        for number in 1..=5_000 {
            tail.append(point(number), &[created(number)]);
            // A search holds every state for a while.
            looked.push(tail.chunks());
            if looked.len() > 40 {
                looked.remove(0);
            }
        }
        assert_eq!(numbers(&tail.chunks()), (1..=5_000).collect::<Vec<_>>());
        assert!(tail.chunks().len() < 40, "{}", tail.chunks().len());
        assert_eq!((tail.messages(), tail.end()), (5_000, point(5_000)));
    }

    #[test]
    fn what_was_taken_stays_until_it_is_committed_and_what_came_since_stays_longer() {
        let mut tail = Tail::new(point(0));
        tail.append(point(1), &[created(1)]);
        assert!(tail.chunks().is_empty(), "nothing is kept yet");
        tail.keep();
        tail.append(point(2), &[created(2), created(3)]);
        assert_eq!(numbers(&tail.take()), [2, 3]);
        tail.append(point(3), &[created(4)]);
        assert_eq!(numbers(&tail.chunks()), [2, 3, 4]);
        tail.committed();
        assert_eq!(numbers(&tail.chunks()), [4]);
        assert_eq!(tail.messages(), 1);
        tail.take();
        tail.committed();
        assert_eq!((tail.messages(), tail.bytes()), (0, 0));
        tail.append(point(4), &[created(5)]);
        tail.let_go();
        assert_eq!((tail.chunks().len(), tail.messages(), tail.bytes()), (0, 0, 0));
    }
}
