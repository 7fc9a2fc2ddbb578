//! Keeping creates for later: what a node does with a request that is to be parked.
//!
//! A request is checked as far as it can be without MySQL, named, and answered for when RabbitMQ has confirmed it. What arrives
//! while one call publishes is the next call, so confirms are shared as commits are.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tiro_core::{ApplicationNeed, Failure, OperationNames, Parked, Request, Shortage};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::errors::unavailable;
use crate::lately::Lately;
use crate::rabbitmq::{ParkedCreate, Publisher, RabbitError};
use crate::writes::Writes;

/// Most KiB of a node that wait for their confirm.
const WAITING_KIB_MAX: usize = 64 * 1024;
/// Most creates that one call publishes.
const AT_ONCE_MAX: usize = 256;
/// How long a create waits for its confirm: less than clients wait for an answer.
const CONFIRM_WITHIN: Duration = Duration::from_secs(10);
/// How long closing waits for confirms.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

/// The way of a node's creates into the queue of parked ones.
pub(crate) struct Parking {
    names: OperationNames,
    room: Arc<Semaphore>,
    /// `None` once it is closed.
    waiting: Mutex<Option<mpsc::UnboundedSender<Waiting>>>,
    lately: Arc<Lately>,
    /// Taken when it is closed.
    publishes: Mutex<Option<JoinHandle<()>>>,
}

struct Waiting {
    create: ParkedCreate,
    answer: oneshot::Sender<Result<(), RabbitError>>,
    /// Of [`WAITING_KIB_MAX`], which bounds the queue.
    room: OwnedSemaphorePermit,
}

impl Parking {
    /// To be called inside a runtime. RabbitMQ is reached with the first create.
    pub(crate) fn start(publisher: Publisher, secret: &str) -> Parking {
        let (sender, waiting) = mpsc::unbounded_channel();
        let lately = Lately::new("creates are not parked for now", "creates are parked again");
        let lately = Arc::new(lately);
        let publishes = tokio::spawn(publish(publisher, waiting, Arc::clone(&lately)));
        Parking {
            names: OperationNames::new(secret),
            room: Arc::new(Semaphore::new(WAITING_KIB_MAX)),
            waiting: Mutex::new(Some(sender)),
            lately,
            publishes: Mutex::new(Some(publishes)),
        }
    }

    pub(crate) fn names(&self) -> &OperationNames {
        &self.names
    }

    /// Why creates were not parked lately, if so.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.lately.trouble()
    }

    /// Keeps a create. Its application has to be known here, or to be found in MySQL: what names none would wait in vain.
    pub(crate) async fn park(&self, writes: &Writes, request: Request) -> Result<Parked, Failure> {
        let create = ParkedCreate::new(request)
            .map_err(|error| Failure::Internal(format!("no random bytes: {error}")))?;
        let create = match create {
            Ok(create) => create,
            Err(request) => return Ok(Parked::NotKept(request)),
        };
        let ApplicationNeed::Token(token) = create.request.command.application() else {
            return Ok(Parked::NotKept(create.request));
        };
        let name = self.names.name(token, &create.operation);
        writes.know(token).await?;
        self.confirm(create).await?;
        Ok(Parked::Kept(name))
    }

    async fn confirm(&self, create: ParkedCreate) -> Result<(), Failure> {
        let kib = u32::try_from(create.bytes().div_ceil(1024)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).try_acquire_many_owned(kib);
        let room = room.map_err(|_| unavailable(Shortage::Overloaded))?;
        let (answer, confirmed) = oneshot::channel();
        let waiting = Waiting { create, answer, room };
        let sent = match &*self.waiting.lock() {
            Some(sender) => sender.send(waiting).is_ok(),
            None => false,
        };
        if !sent {
            return Err(unavailable(Shortage::Stopping));
        }
        match timeout(CONFIRM_WITHIN, confirmed).await {
            Ok(Ok(outcome)) => outcome.map_err(|error| unavailable(shortage(&error))),
            Ok(Err(_)) | Err(_) => Err(unavailable(Shortage::OutcomeUnknown)),
        }
    }

    /// Publishes what waits, for some seconds at most. A second call does nothing.
    pub(crate) async fn close(&self) {
        drop(self.waiting.lock().take());
        let publishes = self.publishes.lock().take();
        let Some(mut publishes) = publishes else { return };
        if timeout(CLOSE_WITHIN, &mut publishes).await.is_err() {
            tracing::warn!("creates that were to be parked were not confirmed in time");
            publishes.abort();
        }
    }
}

/// What waits is answered as unknown.
impl Drop for Parking {
    fn drop(&mut self) {
        if let Some(publishes) = self.publishes.lock().take() {
            publishes.abort();
        }
    }
}

async fn publish(publisher: Publisher, mut waiting: mpsc::UnboundedReceiver<Waiting>, lately: Arc<Lately>) {
    let mut taken = Vec::new();
    while waiting.recv_many(&mut taken, AT_ONCE_MAX).await > 0 {
        let mut creates = Vec::with_capacity(taken.len());
        let mut answers = Vec::with_capacity(taken.len());
        for Waiting { create, answer, room } in taken.drain(..) {
            creates.push(create);
            answers.push((answer, room));
        }
        let outcomes = publisher.park(&creates).await;
        let failed = outcomes.iter().find_map(|outcome| outcome.as_ref().err());
        lately.note(failed.map_or(Ok(()), |error| Err(error.to_string())));
        for ((answer, room), outcome) in answers.into_iter().zip(outcomes) {
            drop(room);
            // Who does not wait any more sends it again, and that is the same operation.
            drop(answer.send(outcome));
        }
    }
}

/// What is not certain is said to be unknown: a message may be in its queue although nobody confirmed it.
fn shortage(error: &RabbitError) -> Shortage {
    match error {
        RabbitError::Address(_) | RabbitError::Unreached(_) | RabbitError::Unroutable => {
            Shortage::StorageUnavailable
        }
        RabbitError::Refused => Shortage::Overloaded,
        RabbitError::Away(_) | RabbitError::Denied(_) | RabbitError::Unanswered => Shortage::OutcomeUnknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_queue_says_overloaded_and_what_may_have_arrived_is_said_to_be_unknown() {
        let text = || "as the test wants it".to_owned();
        for (error, expected) in [
            (RabbitError::Refused, Shortage::Overloaded),
            (RabbitError::Unreached(text()), Shortage::StorageUnavailable),
            (RabbitError::Unroutable, Shortage::StorageUnavailable),
            (RabbitError::Away(text()), Shortage::OutcomeUnknown),
            (RabbitError::Denied(text()), Shortage::OutcomeUnknown),
            (RabbitError::Unanswered, Shortage::OutcomeUnknown),
        ] {
            assert_eq!(shortage(&error), expected, "{error}");
        }
    }
}
