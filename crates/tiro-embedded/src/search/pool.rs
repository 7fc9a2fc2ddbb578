//! Threads that search: a few, with a bounded queue before them, apart from those of HTTP and of writes.
//!
//! A search that nobody waits for any more is not begun, and one that is at work ends within some runs of messages.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Instant;

use parking_lot::{Condvar, Mutex};
use tiro_core::{Failure, SearchRequest, Searched, Shortage};
use tokio::sync::oneshot;

use super::page::Walk;
use super::state::SharedState;
use crate::errors::unavailable;
use crate::recent::Recent;

/// A search that waits for a thread.
struct Job {
    request: SearchRequest,
    deadline: Instant,
    reply: oneshot::Sender<Result<Searched, Failure>>,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    wake: Condvar,
}

/// See the file.
pub(super) struct Pool {
    queue: Arc<Queue>,
    state: Arc<SharedState>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(super) fn start(state: &Arc<SharedState>, recent: &Arc<Recent>) -> std::io::Result<Pool> {
        let mut pool = Pool {
            queue: Arc::default(),
            state: Arc::clone(state),
            threads: Vec::new(),
        };
        for number in 1..=state.options.threads.max(1) {
            let (queue, state, recent) = (Arc::clone(&pool.queue), Arc::clone(state), Arc::clone(recent));
            let thread = std::thread::Builder::new()
                .name(format!("tiro-search-{number}"))
                .spawn(move || {
                    while let Some(job) = queue.take() {
                        search(&state, &recent, job);
                    }
                })?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Hands a search over; the answer comes by the receiver.
    pub(super) fn submit(
        &self,
        request: SearchRequest,
    ) -> Result<oneshot::Receiver<Result<Searched, Failure>>, Failure> {
        let (reply, answer) = oneshot::channel();
        let deadline = Instant::now() + self.state.options.deadline;
        let mut waiting = self.queue.waiting.lock();
        if waiting.closed {
            return Err(unavailable(Shortage::Stopping));
        }
        if waiting.jobs.len() >= self.state.options.waiting_max {
            waiting.jobs.retain(|job| !job.reply.is_closed());
        }
        if waiting.jobs.len() >= self.state.options.waiting_max {
            return Err(unavailable(Shortage::Overloaded));
        }
        waiting.jobs.push_back(Job {
            request,
            deadline,
            reply,
        });
        drop(waiting);
        self.queue.wake.notify_one();
        Ok(answer)
    }

    /// Takes no more, and lets go of what waits: its answer says so.
    pub(super) fn close(&self) {
        let mut waiting = self.queue.waiting.lock();
        waiting.closed = true;
        for job in waiting.jobs.drain(..) {
            answer(job.reply, Err(unavailable(Shortage::Stopping)));
        }
        drop(waiting);
        self.queue.wake.notify_all();
    }

    /// Waits for the threads of a closed pool.
    pub(super) fn join(&mut self) {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that searches panicked");
            }
        }
    }
}

impl Queue {
    fn take(&self) -> Option<Job> {
        let mut waiting = self.waiting.lock();
        loop {
            if let Some(job) = waiting.jobs.pop_front() {
                return Some(job);
            }
            if waiting.closed {
                return None;
            }
            self.wake.wait(&mut waiting);
        }
    }
}

fn search(state: &Arc<SharedState>, recent: &Arc<Recent>, job: Job) {
    let is_given_up = || job.reply.is_closed() || state.is_stopping();
    if is_given_up() {
        return answer(job.reply, Err(unavailable(Shortage::Stopping)));
    }
    let walk = Walk {
        recent,
        state,
        request: &job.request,
        deadline: job.deadline,
        is_given_up: &is_given_up,
    };
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| walk.answer()));
    let found = found.unwrap_or_else(|_| {
        state.suspect();
        Err(Failure::Internal("a search panicked".into()))
    });
    answer(job.reply, found);
}

fn answer(reply: oneshot::Sender<Result<Searched, Failure>>, found: Result<Searched, Failure>) {
    // Who went away does not read the answer.
    drop(reply.send(found));
}
