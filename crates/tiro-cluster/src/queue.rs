//! Requests on their way to the writer of a partition: bounded in number and bytes over the whole node.

use std::collections::VecDeque;
use std::sync::Arc;

use parking_lot::Mutex;
use tiro_core::{ApplicationId, Command, Failure, Reply, Request, Shortage};
use tokio::sync::{Notify, oneshot};

/// Most requests of a node that wait.
const REQUESTS_MAX: usize = 65_536;
/// Most bytes of texts of a node that wait.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// A batch takes no further request once its texts have so many bytes.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Most requests of a batch.
const BATCH_REQUESTS_MAX: usize = 4_096;

/// Room for what waits in all queues of a node.
#[derive(Default)]
pub(crate) struct Room {
    taken: Mutex<(usize, usize)>,
}

/// Room for one request, given back when it is dropped.
pub(crate) struct Place {
    room: Arc<Room>,
    bytes: usize,
}

impl Room {
    /// Room for a request, or at once [`Shortage::Overloaded`].
    pub(crate) fn take(self: &Arc<Room>, request: &Request) -> Result<Place, Shortage> {
        let bytes = text_bytes(&request.command);
        let mut taken = self.taken.lock();
        let (requests, in_all) = *taken;
        if requests >= REQUESTS_MAX || in_all + bytes > BYTES_MAX {
            return Err(Shortage::Overloaded);
        }
        *taken = (requests + 1, in_all + bytes);
        let room = Arc::clone(self);
        Ok(Place { room, bytes })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.room.taken.lock();
        taken.0 -= 1;
        taken.1 -= self.bytes;
    }
}

/// A request and where its answer goes.
pub(crate) struct Job {
    pub(crate) request: Request,
    /// The digest of its operation, if it was parked.
    pub(crate) operation: Option<[u8; 32]>,
    pub(crate) reply: oneshot::Sender<Result<Reply, Failure>>,
    /// The application that its token names, if that is known: it never changes.
    pub(crate) application: Option<ApplicationId>,
    pub(crate) place: Place,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

/// Any number of tasks push, the writer of the partition takes.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

impl Queue {
    /// Adds a request; gives it back if the queue is closed.
    pub(crate) fn push(&self, job: Job) -> Option<Job> {
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Some(job);
        }
        waiting.jobs.push_back(job);
        drop(waiting);
        self.wake.notify_one();
        None
    }

    /// Waits for requests and takes the next batch of them, in order; `None` once closed and empty. Loses nothing if it is
    /// dropped while it waits.
    pub(crate) async fn take(&self) -> Option<Vec<Job>> {
        loop {
            {
                let mut waiting = self.waiting.lock();
                let batch = next_batch(&mut waiting.jobs);
                if !batch.is_empty() {
                    return Some(batch);
                }
                if waiting.closed {
                    return None;
                }
            }
            self.wake.notified().await;
        }
    }

    /// Takes no more; what waits is still served.
    pub(crate) fn close(&self) {
        self.waiting.lock().closed = true;
        self.wake.notify_one();
    }

    /// What nobody serves any more.
    pub(crate) fn rest(&self) -> VecDeque<Job> {
        std::mem::take(&mut self.waiting.lock().jobs)
    }
}

/// A finished restore ends its batch: its keys of the server are free for who looks before, and bound for who looks after.
fn next_batch(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while bytes < BATCH_BYTES && batch.len() < BATCH_REQUESTS_MAX {
        let Some(job) = waiting.pop_front() else { break };
        bytes += job.place.bytes;
        let last = matches!(job.request.command, Command::FinishRestore { .. });
        batch.push(job);
        if last {
            break;
        }
    }
    batch
}

/// Bytes of the texts of a command that may be long.
fn text_bytes(command: &Command) -> usize {
    match command {
        Command::CreateMessage { content, .. } => content.bytes(),
        Command::CreateMessages { messages, .. } => messages.iter().map(|content| content.bytes()).sum(),
        Command::ImportMessages { lines, .. } => lines.iter().map(|line| line.content.bytes()).sum(),
        Command::UpdateMessage(update) => update.body.as_ref().map_or(0, |body| body.len()),
        Command::RestoreEntries { entries, .. } => entries
            .iter()
            .map(|entry| entry.thing.as_ref().map_or(0, tiro_core::Thing::bytes))
            .sum(),
        _ => 0,
    }
}
