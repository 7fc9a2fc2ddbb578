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

    /// Adds to a batch what came since it was taken, if that is at least as much as it holds: fewer are not worth that their
    /// facts may take one more look. In order, within the bounds of a batch, and only up to a request that `may_join` is
    /// against.
    pub(crate) fn join(&self, batch: &mut Vec<Job>, may_join: impl Fn(&Command) -> bool) {
        let mut waiting = self.waiting.lock();
        if waiting.jobs.len() < batch.len() || batch.last().is_some_and(ends_batch) {
            return;
        }
        let mut bytes: usize = batch.iter().map(|job| job.place.bytes).sum();
        while bytes < BATCH_BYTES && batch.len() < BATCH_REQUESTS_MAX {
            let next = waiting.jobs.pop_front_if(|job| may_join(&job.request.command));
            let Some(job) = next else { break };
            bytes += job.place.bytes;
            batch.push(job);
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
fn ends_batch(job: &Job) -> bool {
    matches!(job.request.command, Command::FinishRestore { .. })
}

fn next_batch(waiting: &mut VecDeque<Job>) -> Vec<Job> {
    let mut batch = Vec::new();
    let mut bytes = 0;
    while bytes < BATCH_BYTES && batch.len() < BATCH_REQUESTS_MAX {
        let Some(job) = waiting.pop_front() else { break };
        bytes += job.place.bytes;
        let last = ends_batch(&job);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::requests::{create_application, create_chat, create_message};

    fn job(room: &Arc<Room>, command: Command) -> Job {
        let request = Request::new(command);
        let place = room.take(&request).expect("there is room");
        Job {
            request,
            operation: None,
            reply: oneshot::channel().0,
            application: None,
            place,
        }
    }

    /// A queue in which these wait, and a batch of so many that was taken before.
    fn queue(taken: usize, waiting: &[Command]) -> (Queue, Vec<Job>) {
        let (queue, room) = (Queue::default(), Arc::default());
        let batch = (0..taken).map(|_| job(&room, create_chat("app"))).collect();
        for command in waiting {
            assert!(queue.push(job(&room, command.clone())).is_none());
        }
        (queue, batch)
    }

    fn anything(_: &Command) -> bool {
        true
    }

    #[test]
    fn as_many_as_a_batch_holds_join_it_and_fewer_wait() {
        let (some, mut batch) = queue(2, &[create_chat("a"), create_chat("b")]);
        some.join(&mut batch, anything);
        assert_eq!((batch.len(), some.rest().len()), (4, 0));
        let (few, mut batch) = queue(2, &[create_chat("a")]);
        few.join(&mut batch, anything);
        assert_eq!((batch.len(), few.rest().len()), (2, 1));
    }

    #[test]
    fn nobody_joins_behind_one_that_may_not() {
        let waiting = [create_chat("a"), create_application("new"), create_chat("b")];
        let (some, mut batch) = queue(1, &waiting);
        some.join(&mut batch, |command| {
            !matches!(command, Command::CreateApplication(_))
        });
        assert_eq!((batch.len(), some.rest().len()), (2, 2));
    }

    #[test]
    fn who_joins_stays_within_the_bounds_of_a_batch() {
        let long = "a".repeat(BATCH_BYTES / 2);
        let waiting = vec![create_message("app", 1, &long); 4];
        let (some, mut batch) = queue(1, &waiting);
        some.join(&mut batch, anything);
        assert_eq!((batch.len(), some.rest().len()), (3, 2));
    }
}
