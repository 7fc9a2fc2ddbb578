//! The writer of one partition: batches into transactions, and what happens when one does not go well.
//!
//! Nothing lingers: what arrived while the last transaction ran, or while another node held the partition, is the next
//! batch. A batch that MySQL refuses is halved until the request that it refuses is alone. Answers are sent after the
//! COMMIT, refusals too, since they may rest on what their own batch made.

use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::MySqlConnectOptions;
use tiro_core::{ApplicationId, Failure, Shortage};
use tokio::time::{Instant, sleep, timeout, timeout_at};

use crate::circuit::Circuit;
use crate::clock::Clock;
use crate::errors::unavailable;
use crate::mysql::session::Session;
use crate::mysql::trouble::Trouble;
use crate::queue::{Job, Queue};
use crate::routes::Routes;
use crate::transaction::{self, Answer, Carried, Ended};

/// How often a batch is taken, and how long that goes on.
const TRIES_MAX: u32 = 5;
const TRIED_FOR: Duration = Duration::from_secs(10);
/// The pause after the second try; each later one is four times as long, give or take a half.
const PAUSE: Duration = Duration::from_millis(10);
/// How often a connection that nobody uses is looked after: before MySQL ends it.
const KEPT_EVERY: Duration = Duration::from_secs(1);

/// Told which feeds went on, and how far, after each COMMIT. Must be quick and not wait.
pub(crate) type OnCommit = Box<dyn Fn(&[(ApplicationId, u64)]) + Send + Sync>;

/// What the writers of a node share.
pub(crate) struct Shared {
    pub(crate) options: MySqlConnectOptions,
    /// By partition.
    pub(crate) queues: Vec<Queue>,
    pub(crate) routes: Arc<Routes>,
    pub(crate) circuit: Arc<Circuit>,
    pub(crate) clock: Clock,
    pub(crate) on_commit: OnCommit,
}

/// The end of all tries of a batch.
enum Settled {
    Carried(Carried),
    Refused(String),
    Short(Shortage),
}

/// Whether requests may join a batch that is carried out.
#[derive(Clone, Copy)]
enum Joins {
    UntilRefused,
    NoMore,
}

/// Serves one partition.
pub(crate) struct Writer {
    partition: u16,
    shared: Arc<Shared>,
    session: Option<Session>,
}

impl Writer {
    pub(crate) fn new(partition: u16, shared: Arc<Shared>) -> Writer {
        Writer {
            partition,
            shared,
            session: None,
        }
    }

    /// Serves until the queue is closed and empty.
    pub(crate) async fn serve(mut self) {
        let shared = Arc::clone(&self.shared);
        let queue = &shared.queues[usize::from(self.partition)];
        loop {
            match timeout(KEPT_EVERY, queue.take()).await {
                Ok(Some(jobs)) => self.carry_out(jobs).await,
                Ok(None) => return,
                Err(_) => {
                    if let Some(session) = self.session.take() {
                        self.session = session.keep().await;
                    }
                }
            }
        }
    }

    async fn carry_out(&mut self, jobs: Vec<Job>) {
        let mut parts = vec![jobs];
        // Whoever joined a part that is looked for what MySQL refuses would only make it longer.
        let mut joins = Joins::UntilRefused;
        while let Some(mut part) = parts.pop() {
            match self.settle(&mut part, joins).await {
                Settled::Carried(carried) => self.finish(part, carried),
                Settled::Refused(_) if part.len() > 1 => {
                    joins = Joins::NoMore;
                    let second = part.split_off(part.len() / 2);
                    parts.extend([second, part]);
                }
                Settled::Refused(text) => {
                    tracing::error!(text, partition = self.partition, "MySQL refused a request");
                    refuse(part, &Failure::Internal(text));
                }
                Settled::Short(shortage) => refuse(part, &unavailable(shortage)),
            }
        }
    }

    async fn settle(&mut self, jobs: &mut Vec<Job>, joins: Joins) -> Settled {
        let deadline = Instant::now() + TRIED_FOR;
        let mut tried = 0;
        loop {
            if let Some((shortage, _)) = self.shared.circuit.blocked() {
                return Settled::Short(shortage);
            }
            tried += 1;
            let trouble = match self.attempt(jobs, joins).await {
                Ended::Carried(carried) => return self.carried(carried),
                Ended::Failed(trouble) => trouble,
                Ended::Unknown { id, carried, text } => match self.resolve(id, deadline).await {
                    Some(true) => return self.carried(carried),
                    Some(false) => Trouble::Lost(text),
                    None => {
                        tracing::warn!(text, "whether a batch was carried out is not known");
                        self.shared.circuit.suspect();
                        return Settled::Short(Shortage::OutcomeUnknown);
                    }
                },
            };
            let is_last = tried == TRIES_MAX || Instant::now() >= deadline;
            match trouble {
                Trouble::Refused(text) => return Settled::Refused(text),
                Trouble::Again(text) if is_last => {
                    tracing::warn!(text, self.partition, "a batch was not carried out in time");
                    return Settled::Short(Shortage::StorageUnavailable);
                }
                Trouble::Lost(_) => {
                    self.shared.circuit.suspect();
                    if is_last {
                        return Settled::Short(Shortage::StorageUnavailable);
                    }
                }
                Trouble::Again(_) => {}
                Trouble::Full(_) | Trouble::Closed(_) => {
                    let shortage = trouble.shortage();
                    self.shared.circuit.open(trouble);
                    return Settled::Short(shortage);
                }
            }
            tracing::debug!(tried, "a transaction is taken again");
            pause_after(tried).await;
        }
    }

    fn carried(&self, carried: Carried) -> Settled {
        self.shared.circuit.close();
        Settled::Carried(carried)
    }

    /// One transaction. A connection on which it did not go well is used again only if it could be rolled back.
    async fn attempt(&mut self, jobs: &mut Vec<Job>, joins: Joins) -> Ended {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => match Session::open(&self.shared.options).await {
                Ok(session) => session,
                Err(trouble) => return Ended::Failed(unreached(trouble)),
            },
        };
        let queue = &self.shared.queues[usize::from(self.partition)];
        let join = |jobs: &mut Vec<Job>| match joins {
            Joins::UntilRefused => queue.join(jobs, transaction::may_join),
            Joins::NoMore => {}
        };
        let clock = &self.shared.clock;
        let ended = transaction::carry_out(&mut session, self.partition, jobs, join, clock).await;
        let usable = match &ended {
            Ended::Carried(_) => true,
            Ended::Unknown { .. } | Ended::Failed(Trouble::Lost(_)) => false,
            Ended::Failed(_) => session.tell("ROLLBACK").await.is_ok(),
        };
        self.session = usable.then_some(session);
        ended
    }

    /// Whether a transaction whose COMMIT was not answered was carried out; `None` if that cannot be found out in time.
    async fn resolve(&mut self, id: [u8; 16], deadline: Instant) -> Option<bool> {
        let mut tried = 1;
        loop {
            if timeout_at(deadline, self.shared.circuit.closed()).await.is_err() {
                return None;
            }
            match self.ask(id).await {
                Ok(found) => return Some(found),
                Err(trouble) => {
                    self.shared.circuit.suspect();
                    let text = trouble.text();
                    tracing::debug!(text, "whether a transaction was carried out is not known yet");
                }
            }
            tried += 1;
            if Instant::now() >= deadline {
                return None;
            }
            pause_after(tried.min(TRIES_MAX)).await;
        }
    }

    async fn ask(&mut self, id: [u8; 16]) -> Result<bool, Trouble> {
        let mut session = Session::open(&self.shared.options).await?;
        let found = transaction::was_carried_out(&mut session, self.partition, id).await?;
        self.session = Some(session);
        Ok(found)
    }

    fn finish(&self, jobs: Vec<Job>, carried: Carried) {
        let shared = &self.shared;
        for (id, token) in &carried.made {
            shared.routes.learn(token.as_ref(), *id, self.partition);
        }
        (shared.on_commit)(&carried.moved);
        for (job, answer) in jobs.into_iter().zip(carried.answers) {
            match answer {
                Answer::Reply(answer) => reply(job, answer),
                Answer::Elsewhere {
                    application,
                    partition,
                } => shared.send(
                    Job {
                        application: None,
                        ..job
                    },
                    application,
                    partition,
                ),
            }
        }
    }
}

impl Shared {
    /// Gives a request to the writer of the partition that its application is in.
    pub(crate) fn send(&self, mut job: Job, application: ApplicationId, partition: u16) {
        if let tiro_core::ApplicationNeed::Token(token) = job.request.command.application() {
            self.routes.learn(Some(token), application, partition);
            job.application = Some(application);
        }
        self.push(job, partition);
    }

    /// Gives a request to the writer of a partition.
    pub(crate) fn push(&self, job: Job, partition: u16) {
        let pushed = match self.queues.get(usize::from(partition)) {
            Some(queue) => queue.push(job),
            None => {
                let failure = Failure::Internal(format!(
                    "an application is in partition {partition}, which is none"
                ));
                return reply(job, Err(failure));
            }
        };
        if let Some(job) = pushed {
            reply(job, Err(unavailable(Shortage::Stopping)));
        }
    }
}

/// Nothing was sent: MySQL could not be reached, or let nobody in.
fn unreached(trouble: Trouble) -> Trouble {
    match trouble {
        Trouble::Again(text) => Trouble::Again(text),
        other => Trouble::Lost(other.text().to_owned()),
    }
}

/// The first try may have met a connection that was gone: the second follows at once.
async fn pause_after(tried: u32) {
    let Some(steps) = tried.checked_sub(2) else { return };
    let pause = PAUSE * 4_u32.pow(steps);
    // Without random bytes all writers pause alike, which only costs time.
    let jitter = getrandom::u32().map_or(500, |random| random % 1_000);
    sleep(pause / 2 + pause * jitter / 1_000).await;
}

/// Answers requests that are not carried out.
pub(crate) fn refuse(jobs: impl IntoIterator<Item = Job>, failure: &Failure) {
    jobs.into_iter().for_each(|job| reply(job, Err(failure.clone())));
}

/// A client that went away does not read its answer; what it asked for is done all the same.
pub(crate) fn reply(job: Job, answer: Result<tiro_core::Reply, Failure>) {
    drop(job.place);
    drop(job.reply.send(answer));
}
