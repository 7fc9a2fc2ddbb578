//! The running engine: one writer a partition, and reads from the primary.

mod background;
mod port;
mod report;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use sqlx::Row;
use sqlx::mysql::{MySqlPool, MySqlPoolOptions};
use tiro_core::{ApplicationId, ApplicationNeed, Command, Failure, Reply, Request, Shortage};
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use background::Background;
use report::Report;

use crate::ClusterConfig;
use crate::clock::{Clock, system_clock};
use crate::errors::{OpenError, unavailable};
use crate::indexer::Indexer;
use crate::member::search_index;
use crate::mysql::connection;
use crate::mysql::probe;
use crate::planted;
use crate::queue::{Job, Queue, Room};
use crate::reads::{Reads, read_pool};
use crate::redis::Doorbell;
use crate::routes::Routes;
use crate::search::{Index, Indexed};
use crate::waiting::Waiting;
use crate::writer::{Condition, Shared, Writer, refuse, reply};

/// Connections on which unknown tokens are looked up.
const LOOKUPS_MAX: u32 = 4;
/// How long a request waits to be looked up.
const LOOKUP_WITHIN: Duration = Duration::from_secs(3);
/// How long closing waits for what was accepted.
const CLOSE_WITHIN: Duration = Duration::from_secs(20);
/// How often it is tried whether MySQL takes writes again.
const PROBED_EVERY: Duration = Duration::from_secs(1);

/// How a node takes part.
#[derive(Clone)]
pub struct Options {
    /// Where it takes the time from.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            clock: system_clock(),
        }
    }
}

/// The engine of one node of a cluster. Opened with [`ClusterEngine::open`], ended with [`ClusterEngine::close`].
pub struct ClusterEngine {
    shared: Arc<Shared>,
    room: Arc<Room>,
    /// How many.
    partitions: u16,
    lookups: MySqlPool,
    reads: Reads,
    waiting: Arc<Waiting>,
    background: Background,
    report: Report,
    indexed: Arc<Indexed>,
    runtime: Handle,
    closing: AtomicBool,
    /// Taken when the engine is closed.
    writers: Mutex<Vec<JoinHandle<()>>>,
}

impl ClusterEngine {
    /// Takes part in a cluster: makes the database and its tables if they are missing, checks what MySQL is set to, and
    /// starts the writers. To be called inside a runtime, which carries the engine from then on.
    ///
    /// # Errors
    /// Why it cannot take part.
    pub async fn open(config: &ClusterConfig, options: Options) -> Result<ClusterEngine, OpenError> {
        planted::choose().map_err(OpenError::Planted)?;
        let mysql = connection::options(config)?;
        let count = connection::prepare(&mysql, config).await?;
        let partitions = 0..count;
        let lookups = MySqlPoolOptions::new()
            .max_connections(LOOKUPS_MAX)
            .test_before_acquire(false)
            .acquire_timeout(LOOKUP_WITHIN)
            .idle_timeout(Duration::from_secs(60))
            .connect_lazy_with(mysql.clone());
        let waiting = Arc::new(Waiting::new());
        let doorbell = Doorbell::new(&config.redis, &config.name)
            .map_err(|error| OpenError::Redis(error.to_string()))?;
        let pool = read_pool(mysql.clone(), config.mysql_read_connections_max);
        let index = search_index(config, &lookups).await?;
        let indexed = Arc::new(Indexed::new(index.clone(), pool.clone()));
        let indexer = Indexer::new(lookups.clone(), index);
        let report = Report::new(config, lookups.clone(), partitions.clone().collect(), indexer);
        let background = Background::start(&doorbell, Arc::clone(&waiting), lookups.clone());
        let reads = Reads::new(pool, Arc::clone(&waiting), Arc::clone(&indexed) as Arc<dyn Index>);
        let shared = Arc::new(Shared {
            options: mysql,
            queues: partitions.clone().map(|_| Queue::default()).collect(),
            routes: Routes::default(),
            condition: Condition::default(),
            clock: options.clock,
            on_commit: Box::new(background::told(Arc::clone(&waiting), doorbell)),
        });
        let writers = partitions.map(|partition| tokio::spawn(keep_writing(partition, Arc::clone(&shared))));
        let mut writers: Vec<_> = writers.collect();
        writers.push(tokio::spawn(probe_while_blocked(Arc::clone(&shared))));
        Ok(ClusterEngine {
            shared,
            room: Arc::default(),
            partitions: count,
            lookups,
            reads,
            waiting,
            background,
            report,
            indexed,
            runtime: Handle::current(),
            closing: AtomicBool::new(false),
            writers: Mutex::new(writers),
        })
    }

    /// Serves what was accepted, for 20 s at most, and lets go of MySQL. Later requests are refused. A second call does
    /// nothing.
    pub async fn close(&self) {
        let deadline = Instant::now() + CLOSE_WITHIN;
        self.closing.store(true, Ordering::SeqCst);
        // Streams end first: they hold back who stops the server.
        self.waiting.stop();
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
        self.background.stop().await;
        self.lookups.close().await;
    }

    /// Takes a request over without waiting for its outcome.
    fn submit(&self, request: Request) -> Result<oneshot::Receiver<Result<Reply, Failure>>, Failure> {
        if self.closing.load(Ordering::SeqCst) {
            return Err(unavailable(Shortage::Stopping));
        }
        let place = self.room.take(&request).map_err(unavailable)?;
        let (reply, answer) = oneshot::channel();
        let job = Job {
            request,
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
            let mut found = find(&lookups, &job.request.command).await;
            for _ in 0..LOOKUPS_MAX {
                // The connection may have been gone before, and the next one too.
                if let Err(sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) = found {
                    found = find(&lookups, &job.request.command).await;
                }
            }
            match found {
                Ok(Some((application, partition))) => shared.send(job, application, partition),
                // That there is none is said by the same rule as everything else.
                Ok(None) => shared.push(job, any),
                Err(error) => {
                    tracing::debug!(%error, "an application was not looked up");
                    reply(job, Err(unavailable(Shortage::StorageUnavailable)));
                }
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
impl Drop for ClusterEngine {
    fn drop(&mut self) {
        self.waiting.stop();
        self.writers.lock().iter().for_each(JoinHandle::abort);
    }
}

/// Where an application is; `None` if there is none.
async fn find(lookups: &MySqlPool, command: &Command) -> Result<Option<(ApplicationId, u16)>, sqlx::Error> {
    let question = match command.application() {
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

/// Whoever sends requests only to a node that is ready would never send the one that finds out.
async fn probe_while_blocked(shared: Arc<Shared>) {
    loop {
        sleep(PROBED_EVERY).await;
        if shared.condition.blocked().is_none() {
            continue;
        }
        match probe::takes_writes(&shared.options, (shared.clock)()).await {
            Ok(()) => shared.condition.well(),
            Err(trouble) => tracing::debug!(text = trouble.text(), "MySQL still takes no writes"),
        }
    }
}
