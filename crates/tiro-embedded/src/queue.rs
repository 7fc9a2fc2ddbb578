//! Requests on their way to the writer: bounded in number and bytes, taken over whole.

use parking_lot::{Condvar, Mutex};
use tiro_core::{Command, Failure, Reply, Request, Shortage};
use tokio::sync::oneshot;

/// Most requests that wait.
const REQUESTS_MAX: usize = 65_536;
/// Most bytes of texts that wait.
const BYTES_MAX: usize = 64 * 1024 * 1024;

/// A request and where its answer goes.
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) reply: oneshot::Sender<Result<Reply, Failure>>,
}

#[derive(Default)]
struct Waiting {
    jobs: Vec<Job>,
    bytes: usize,
    closed: bool,
}

/// Any number of threads push, the writer takes.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

impl Queue {
    /// Adds a request, or says at once why not.
    pub(crate) fn push(&self, job: Job) -> Result<(), Shortage> {
        let bytes = text_bytes(&job.request.command);
        let mut waiting = self.waiting.lock();
        if waiting.closed {
            return Err(Shortage::Stopping);
        }
        if waiting.jobs.len() >= REQUESTS_MAX || waiting.bytes + bytes > BYTES_MAX {
            return Err(Shortage::Overloaded);
        }
        waiting.bytes += bytes;
        waiting.jobs.push(job);
        let first = waiting.jobs.len() == 1;
        drop(waiting);
        if first {
            self.wake.notify_one();
        }
        Ok(())
    }

    /// Waits for requests and moves all of them to the end of `jobs`, in order. `false` once closed and empty.
    pub(crate) fn take_all(&self, jobs: &mut Vec<Job>) -> bool {
        let mut waiting = self.waiting.lock();
        while waiting.jobs.is_empty() && !waiting.closed {
            self.wake.wait(&mut waiting);
        }
        jobs.append(&mut waiting.jobs);
        waiting.bytes = 0;
        !jobs.is_empty()
    }

    /// Takes no more; what waits is still served.
    pub(crate) fn close(&self) {
        self.waiting.lock().closed = true;
        self.wake.notify_one();
    }
}

/// Bytes of the texts of a command that may be long.
pub(crate) fn text_bytes(command: &Command) -> usize {
    match command {
        Command::CreateMessage { content, .. } => content.bytes(),
        Command::CreateMessages { messages, .. } => messages.iter().map(|content| content.bytes()).sum(),
        Command::ImportMessages { lines, .. } => lines.iter().map(|line| line.content.bytes()).sum(),
        Command::UpdateMessage(update) => update.body.as_ref().map_or(0, |body| body.len()),
        Command::RestoreEntries { entries, .. } => entries.iter().map(entry_bytes).sum(),
        _ => 0,
    }
}

fn entry_bytes(entry: &tiro_core::Entry) -> usize {
    match &entry.thing {
        Some(tiro_core::Thing::Message(message)) => message.bytes(),
        _ => 0,
    }
}
