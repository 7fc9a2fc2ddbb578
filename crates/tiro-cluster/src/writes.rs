//! The writing half of a node: one writer a partition, and what finds out where a request belongs.
//!
//! API nodes and workers have the same one: what clients send and what was parked is decided, numbered and stored alike.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::Row;
use sqlx::mysql::{MySqlConnectOptions, MySqlPool, MySqlPoolOptions};
use tiro_core::{
    ApplicationId, ApplicationNeed, Command, Failure, Operation, Rejection, Reply, Request, Shortage, Token,
};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use crate::circuit::Circuit;
use crate::clock::Clock;
use crate::errors::unavailable;
use crate::mysql::probe;
use crate::queue::{Job, Queue, Room};
use crate::routes::Routes;
use crate::writer::{OnCommit, Shared, Writer, refuse, reply};

/// Connections on which unknown tokens are looked up.
const LOOKUPS_MAX: u32 = 4;
/// How long a request waits to be looked up.
const LOOKUP_WITHIN: Duration = Duration::from_secs(3);
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
}

/// What finds out where requests belong, and remembers it.
#[derive(Clone)]
pub(crate) struct Lookups {
    pub(crate) pool: MySqlPool,
    pub(crate) routes: Arc<Routes>,
    pub(crate) circuit: Arc<Circuit>,
}

impl Lookups {
    /// Connects when it is needed.
    pub(crate) fn new(mysql: MySqlConnectOptions) -> Lookups {
        let pool = MySqlPoolOptions::new()
            .max_connections(LOOKUPS_MAX)
            .test_before_acquire(false)
            .acquire_timeout(LOOKUP_WITHIN)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(mysql);
        Lookups {
            pool,
            routes: Arc::default(),
            circuit: Arc::default(),
        }
    }

    /// Where an application is; `None` if there is none.
    async fn find(&self, need: ApplicationNeed<'_>) -> Result<Option<(ApplicationId, u16)>, Failure> {
        let found = self.circuit.unless_unreached(find(&self.pool, need)).await?;
        found.map_err(|error| {
            tracing::debug!(%error, "an application was not looked up");
            self.circuit.suspect();
            unavailable(Shortage::StorageUnavailable)
        })
    }
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
            routes: Arc::clone(&lookups.routes),
            circuit: Arc::clone(&lookups.circuit),
            clock,
            on_commit,
        });
        let writers =
            (0..partitions).map(|partition| tokio::spawn(keep_writing(partition, Arc::clone(&shared))));
        let mut writers: Vec<_> = writers.collect();
        writers.push(tokio::spawn(keep_probing(Arc::clone(&shared))));
        Writes {
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
        let mut writers = std::mem::take(&mut *self.writers.lock());
        if let Some(probe) = writers.pop() {
            probe.abort();
        }
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
        let submitted = self.submit(request, None);
        async move {
            let answered = submitted?.await;
            answered.unwrap_or_else(|_| Err(unavailable(Shortage::OutcomeUnknown)))
        }
    }

    /// The same for a parked create: a rejection is remembered, and one that is remembered is not decided again.
    pub(crate) fn apply(
        &self,
        request: Request,
        operation: &Operation,
    ) -> impl Future<Output = Result<Reply, Failure>> + use<> {
        let submitted = self.submit(request, Some(operation.digest()));
        async move {
            let answered = submitted?.await;
            answered.unwrap_or_else(|_| Err(unavailable(Shortage::OutcomeUnknown)))
        }
    }

    /// Makes sure that an application has the token, without asking MySQL where that is known.
    pub(crate) async fn know(&self, token: &Token) -> Result<(), Failure> {
        if self.is_closing() {
            return Err(unavailable(Shortage::Stopping));
        }
        if self.shared.routes.of_token(token).is_some() {
            return Ok(());
        }
        let found = self.lookups.find(ApplicationNeed::Token(token)).await?;
        let (application, partition) = found.ok_or(Rejection::ApplicationNotFound)?;
        self.shared.routes.learn(Some(token), application, partition);
        Ok(())
    }

    fn submit(
        &self,
        request: Request,
        operation: Option<[u8; 32]>,
    ) -> Result<oneshot::Receiver<Result<Reply, Failure>>, Failure> {
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

/// What was accepted and is not carried out yet is answered as unknown.
impl Drop for Writes {
    fn drop(&mut self) {
        self.writers.lock().iter().for_each(JoinHandle::abort);
    }
}

async fn find(
    lookups: &MySqlPool,
    need: ApplicationNeed<'_>,
) -> Result<Option<(ApplicationId, u16)>, sqlx::Error> {
    let mut found = ask(lookups, need).await;
    for _ in 0..LOOKUPS_MAX {
        // The connection may have been gone before, and the next one too.
        if let Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) = found {
            found = ask(lookups, need).await;
        }
    }
    found
}

async fn ask(
    lookups: &MySqlPool,
    need: ApplicationNeed<'_>,
) -> Result<Option<(ApplicationId, u16)>, sqlx::Error> {
    let question = match need {
        ApplicationNeed::Token(token) => {
            sqlx::query("SELECT id, partition_id FROM applications WHERE token = ? AND restoring = 0")
                .bind(token.as_str().as_bytes().to_vec())
        }
        ApplicationNeed::Id(id) => {
            sqlx::query("SELECT id, partition_id FROM applications WHERE id = ?").bind(id.0)
        }
    };
    let found = question.fetch_optional(lookups).await?;
    found
        .map(|row| Ok((ApplicationId(row.try_get(0)?), row.try_get(1)?)))
        .transpose()
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
    let probe = || probe::takes_writes(&shared.options, (shared.clock)());
    shared.circuit.keep_probing(probe).await;
}
