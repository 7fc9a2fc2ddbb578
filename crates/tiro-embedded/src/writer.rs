//! The thread that decides: requests become a batch of events, one append, one sync, one publication, many answers.
//!
//! Nothing lingers: what arrived while the disk was busy is the next batch. Answers are sent only after the sync and the
//! publication, refusals too, since they may rest on events of their own batch.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::vec::Drain;

use tiro_core::{Event, Facts, Failure, Reply, Shortage, Timestamp, decide};
use tokio::sync::oneshot;

use crate::clock::Clock;
use crate::encoding::events;
use crate::errors::{Fatal, OnFatal, unavailable};
use crate::log::{AppendError, Log, LogSpace};
use crate::planted::{self, Bug};
use crate::queue::{Job, Queue, text_bytes};
use crate::recent::{Recent, Room};
use crate::search::SharedState;
use crate::view::ViewError;

/// A batch takes no further request once its events have so many bytes. With the largest request on top it stays
/// below what the log takes.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Most requests of a batch.
const BATCH_REQUESTS_MAX: usize = 4096;

/// What the writer's thread owns.
pub(crate) struct Writer {
    pub(crate) queue: Arc<Queue>,
    pub(crate) log: Log,
    pub(crate) recent: Arc<Recent>,
    pub(crate) search: Arc<SharedState>,
    pub(crate) condition: Arc<Condition>,
    pub(crate) clock: Clock,
}

/// What others see of the writer's health.
pub(crate) struct Condition {
    storage_full: AtomicBool,
    failed: AtomicBool,
    space: LogSpace,
    recent: Arc<Recent>,
}

impl Condition {
    pub(crate) fn new(space: LogSpace, recent: Arc<Recent>) -> Condition {
        Condition {
            storage_full: AtomicBool::new(false),
            failed: AtomicBool::new(false),
            space,
            recent,
        }
    }

    /// Why writes cannot be served, if so. That a write was refused for want of space says nothing once there is some:
    /// whoever sends requests only to a server that is ready would never send the one that finds out.
    pub(crate) fn writes_blocked(&self) -> Option<Shortage> {
        if self.failed.load(Ordering::Relaxed) {
            return Some(Shortage::Stopping);
        }
        let refused = self.storage_full.load(Ordering::Relaxed);
        let room = self.space.is_there() && !self.recent.is_short_of_space();
        (refused && !room).then_some(Shortage::StorageFull)
    }
}

type Sender = oneshot::Sender<Result<Reply, Failure>>;
type Answer = (Sender, Result<Reply, Failure>);

/// Memory that one batch hands on to the next.
#[derive(Default)]
struct Batch {
    payload: Vec<u8>,
    events: Vec<Event>,
    answers: Vec<Answer>,
    /// Of the requests that may be in it.
    loaded: Vec<Result<(), ViewError>>,
}

impl Writer {
    /// Serves until the queue is closed and empty, then answers the log for closing. If it cannot go on, or panics,
    /// nothing is accepted any more and `on_fatal` is told.
    pub(crate) fn run(self, on_fatal: OnFatal) -> Result<Log, Fatal> {
        let (queue, condition) = (Arc::clone(&self.queue), Arc::clone(&self.condition));
        let served = catch_unwind(AssertUnwindSafe(move || self.serve()));
        let ended = served.unwrap_or_else(|panic| Err(Fatal::Panicked(panic_text(panic.as_ref()))));
        ended.inspect_err(|failed| {
            condition.failed.store(true, Ordering::Relaxed);
            queue.close();
            let mut late = Vec::new();
            if queue.take_all(&mut late) {
                refuse(late.into_iter().map(|job| job.reply), Shortage::Stopping);
            }
            on_fatal(failed);
        })
    }

    fn serve(mut self) -> Result<Log, Fatal> {
        let mut jobs = Vec::new();
        let mut batch = Batch::default();
        while self.queue.take_all(&mut jobs) {
            let mut waiting = jobs.drain(..);
            while !waiting.as_slice().is_empty() {
                self.search.wait_for_room();
                let committed = match self.recent.wait_for_room() {
                    Ok(Room::Some) => self.commit(&mut waiting, &mut batch),
                    Ok(Room::None) => {
                        self.refuse_for_space(waiting.by_ref().map(|job| job.reply));
                        Ok(())
                    }
                    Err(failed) => Err(failed),
                };
                if let Err(failed) = committed {
                    // Nothing is acknowledged any more: what the disk holds is unknown until the log is opened anew.
                    refuse(waiting.map(|job| job.reply), Shortage::Stopping);
                    return Err(failed);
                }
            }
        }
        match self.recent.failed() {
            Some(failed) => Err(failed),
            None => Ok(self.log),
        }
    }

    fn commit(&mut self, waiting: &mut Drain<'_, Job>, batch: &mut Batch) -> Result<(), Fatal> {
        planted::publish_late();
        let mut facts = Facts::new(self.recent.next_application());
        let now = (self.clock)();
        batch.payload.clear();
        batch.events.clear();
        // What a request needs is known before the first of them is decided: facts keep a message that the batch
        // creates only if they know that a later request looks at it.
        // Only what this batch has room for is looked up, or the next one would look it up again.
        let mut bytes = 0;
        let requests = waiting.as_slice().iter().take(BATCH_REQUESTS_MAX);
        let requests = requests.take_while(|job| {
            let room = bytes < BATCH_BYTES;
            bytes += text_bytes(&job.request.command);
            room
        });
        let loaded = requests.map(|job| facts.load(&job.request, &*self.recent));
        batch.loaded.extend(loaded);
        for loaded in batch.loaded.drain(..) {
            if batch.payload.len() >= BATCH_BYTES {
                break;
            }
            let job = waiting.next().expect("its facts were loaded");
            let answer = match loaded {
                Ok(()) => decide_one(&job, &mut facts, now, &mut batch.payload, &mut batch.events),
                Err(error) => Err(error.into()),
            };
            batch.answers.push((job.reply, answer));
        }
        let stored = if batch.events.is_empty() {
            Ok(())
        } else {
            self.store(batch, &facts)
        };
        match stored {
            Ok(()) => {
                answer(batch.answers.drain(..));
                if planted::is(Bug::AcknowledgeBeforeSync) {
                    self.log.sync()?;
                }
            }
            Err(AppendError::Failed(failed)) => {
                refuse(
                    batch.answers.drain(..).map(|(reply, _)| reply),
                    Shortage::OutcomeUnknown,
                );
                return Err(failed.into());
            }
            Err(AppendError::StorageFull) => {
                self.refuse_for_space(batch.answers.drain(..).map(|(reply, _)| reply));
            }
            Err(AppendError::TooLarge { payload_bytes, .. }) => {
                let text = format!("a batch of {payload_bytes} bytes is larger than the log takes");
                let failure = || Err(Failure::Internal(text.clone()));
                answer(batch.answers.drain(..).map(|(reply, _)| (reply, failure())));
            }
        }
        Ok(())
    }

    fn refuse_for_space(&self, replies: impl Iterator<Item = Sender>) {
        if !self.condition.storage_full.swap(true, Ordering::Relaxed) {
            tracing::warn!("no space is left for writes; they go on by themselves when there is");
        }
        refuse(replies, Shortage::StorageFull);
    }

    fn store(&mut self, batch: &Batch, facts: &Facts) -> Result<(), AppendError> {
        let end = self.log.append(&batch.payload)?;
        if planted::is(Bug::PublishBeforeSync) {
            self.recent.publish(end, &batch.events, facts);
        }
        if !planted::is(Bug::AcknowledgeBeforeSync) {
            self.log.sync()?;
        }
        if self.condition.storage_full.load(Ordering::Relaxed) {
            self.condition.storage_full.store(false, Ordering::Relaxed);
            tracing::info!("there is space again; writes go on");
        }
        // What is published can be found: so it is in the tail first.
        self.search.append(end, &batch.events);
        let later = || {
            let (recent, events, facts) = (Arc::clone(&self.recent), batch.events.clone(), facts.clone());
            move || recent.publish(end, &events, &facts)
        };
        if !planted::publishes_otherwise(later) {
            self.recent.publish(end, &batch.events, facts);
        }
        Ok(())
    }
}

fn decide_one(
    job: &Job,
    facts: &mut Facts,
    now: Timestamp,
    payload: &mut Vec<u8>,
    events: &mut Vec<Event>,
) -> Result<Reply, Failure> {
    let mut decision = decide(facts, &planted::request(&job.request), now)?;
    planted::spoil(&mut decision, facts);
    for event in decision.events {
        events::encode(&event, payload);
        facts.apply(&event);
        if planted::applies_twice(&event) {
            facts.apply(&event);
        }
        events.push(event);
    }
    Ok(decision.reply)
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("no text").to_owned()
}

fn refuse(replies: impl Iterator<Item = Sender>, shortage: Shortage) {
    answer(replies.map(|reply| (reply, Err(unavailable(shortage)))));
}

fn answer(answers: impl Iterator<Item = Answer>) {
    for (reply, answer) in answers {
        // A client that went away does not read its answer; what it asked for is done all the same.
        drop(reply.send(answer));
    }
}
