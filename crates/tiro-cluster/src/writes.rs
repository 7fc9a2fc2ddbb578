//! The writing half of a node: one writer a partition, and what finds out where a request belongs.
//!
//! API nodes and workers have the same one: what clients send and what was parked is decided, numbered and stored alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::mysql::MySqlConnectOptions;
use tiro_core::{ApplicationNeed, Command, Failure, Operation, Rejection, Reply, Request, Shortage, Token};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::errors::unavailable;
use crate::lookups::Lookups;
use crate::mysql::probe::Probe;
use crate::queue::{Job, Queue, Room};
use crate::writer::{OnCommit, Shared, Writer, refuse, reply};

/// How long closing waits for what was accepted.
const CLOSE_WITHIN: Duration = Duration::from_secs(20);

/// Writers that run. Ended with [`Writes::close`].
pub(crate) struct Writes {
    shared: Arc<Shared>,
    room: Arc<Room>,
    /// How many.
    partitions: u16,
    lookups: Lookups,
    runtime: Handle,
    closing: AtomicBool,
    /// Taken when they are closed.
    writers: Mutex<Vec<JoinHandle<()>>>,
    /// Asks whether MySQL takes writes.
    probe: EndsWith,
}

impl Writes {
    /// Starts the writers. To be called inside a runtime, which carries them from then on.
    pub(crate) fn start(
        mysql: MySqlConnectOptions,
        partitions: u16,
        lookups: Lookups,
        clock: Clock,
        on_commit: OnCommit,
    ) -> Writes {
        let shared = Arc::new(Shared {
            options: mysql,
            queues: (0..partitions).map(|_| Queue::default()).collect(),
            routes: Arc::clone(&lookups.pool.routes),
            circuit: Arc::clone(&lookups.pool.circuit),
            clock,
            on_commit,
        });
        let writers =
            (0..partitions).map(|partition| tokio::spawn(keep_writing(partition, Arc::clone(&shared))));
        let writers = writers.collect();
        Writes {
            probe: EndsWith(tokio::spawn(keep_probing(Arc::clone(&shared)))),
            shared,
            room: Arc::default(),
            partitions,
            lookups,
            runtime: Handle::current(),
            closing: AtomicBool::new(false),
            writers: Mutex::new(writers),
        }
    }

    /// Why writes cannot be served, and what MySQL said, if so.
    pub(crate) fn blocked(&self) -> Option<(Shortage, String)> {
        self.shared.circuit.blocked()
    }

    /// From now on requests are refused.
    pub(crate) fn begin_to_close(&self) {
        self.closing.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Serves what was accepted, for 20 s at most. Later requests are refused. A second call does nothing.
    pub(crate) async fn close(&self) {
        let deadline = Instant::now() + CLOSE_WITHIN;
        self.begin_to_close();
        self.shared.queues.iter().for_each(Queue::close);
        self.probe.0.abort();
        let mut writers = std::mem::take(&mut *self.writers.lock());
        for writer in &mut writers {
            if timeout_at(deadline, &mut *writer).await.is_err() {
                tracing::error!(
                    "a writer did not end in time; what it was given last may be carried out or not"
                );
                writer.abort();
            }
        }
        for queue in &self.shared.queues {
            refuse(queue.rest(), &unavailable(Shortage::Stopping));
        }
    }

    /// Takes a request over when it is called; answers what came of it.
    pub(crate) fn write(&self, request: Request) -> impl Future<Output = Result<Reply, Failure>> + use<> {
        answered(self.submit(request, None))
    }

    /// The same for a parked create: a rejection is remembered, and one that is remembered is not decided again.
    pub(crate) fn apply(
        &self,
        request: Request,
        operation: &Operation,
    ) -> impl Future<Output = Result<Reply, Failure>> + use<> {
        answered(self.submit(request, Some(operation.digest())))
    }

    /// Makes sure that an application has the token, without asking MySQL where that is known.
    pub(crate) async fn know(&self, token: &Token) -> Result<(), Failure> {
        if self.is_closing() {
            return Err(unavailable(Shortage::Stopping));
        }
        self.lookups
            .of_token(token)
            .await?
            .ok_or(Rejection::ApplicationNotFound)?;
        Ok(())
    }

    fn submit(&self, request: Request, operation: Option<[u8; 32]>) -> Result<Answer, Failure> {
        if self.is_closing() {
            return Err(unavailable(Shortage::Stopping));
        }
        self.shared.circuit.admit_write()?;
        let place = self.room.take(&request).map_err(unavailable)?;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            request,
            operation,
            reply,
            application: None,
            place,
        };
        let known = match (&job.request.command, job.request.command.application()) {
            (Command::CreateApplication(_) | Command::BeginRestore { .. }, _) => {
                self.shared.push(job, self.any_partition());
                return Ok(answer);
            }
            (_, ApplicationNeed::Token(token)) => self.shared.routes.of_token(token),
            (_, ApplicationNeed::Id(id)) => {
                let partition = self.shared.routes.of_application(id);
                partition.map(|partition| (id, partition))
            }
        };
        match known {
            Some((application, partition)) => self.shared.send(job, application, partition),
            None => self.look_up(job),
        }
        Ok(answer)
    }

    /// Finds out where a request belongs and gives it there, also if nobody waits for the answer any more.
    fn look_up(&self, job: Job) {
        let (shared, lookups, any) = (
            Arc::clone(&self.shared),
            self.lookups.clone(),
            self.any_partition(),
        );
        self.runtime.spawn(async move {
            match lookups.find(job.request.command.application()).await {
                Ok(Some((application, partition))) => shared.send(job, application, partition),
                // That there is none is said by the same rule as everything else.
                Ok(None) => shared.push(job, any),
                Err(failure) => reply(job, Err(failure)),
            }
        });
    }

    fn any_partition(&self) -> u16 {
        // Without random bytes all go to the first, which only costs time.
        let random = getrandom::u32().unwrap_or(0);
        u16::try_from(random % u32::from(self.partitions)).expect("it is below the count of partitions")
    }
}

/// Where a writer says what came of a request.
type Answer = oneshot::Receiver<Result<Reply, Failure>>;

/// The answer to a request that was submitted; a writer that went away leaves it unknown.
async fn answered(submitted: Result<Answer, Failure>) -> Result<Reply, Failure> {
    let answered = submitted?.await;
    answered.unwrap_or_else(|_| Err(unavailable(Shortage::OutcomeUnknown)))
}

/// What was accepted and is not carried out yet is answered as unknown.
impl Drop for Writes {
    fn drop(&mut self) {
        self.writers.lock().iter().for_each(JoinHandle::abort);
    }
}

/// A writer that panics is a mistake of this program: its batch is answered as unknown, and the next is served.
async fn keep_writing(partition: u16, shared: Arc<Shared>) {
    loop {
        let writer = tokio::spawn(Writer::new(partition, Arc::clone(&shared)).serve());
        let mut writer = EndsWith(writer);
        match (&mut writer.0).await {
            Ok(()) => return,
            Err(error) => tracing::error!(%error, partition, "a writer panicked; it begins anew"),
        }
    }
}

/// A task that ends when this is dropped.
struct EndsWith(JoinHandle<()>);

impl Drop for EndsWith {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep_probing(shared: Arc<Shared>) {
    let probe = Probe::new(shared.options.clone());
    let takes_writes = || probe.takes_writes((shared.clock)());
    shared.circuit.keep_probing(takes_writes).await;
}
