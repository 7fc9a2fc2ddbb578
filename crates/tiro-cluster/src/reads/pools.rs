//! Connections for reads: bounded, bounded in time, and replaced where one is dead.

use std::sync::Arc;
use std::time::Duration;

use sqlx::mysql::{MySqlConnectOptions, MySqlConnection, MySqlPoolOptions};
use sqlx::{Connection, Executor};
use tiro_core::{Failure, Shortage};
use tokio::time::timeout;

use super::session::{BEGIN_SNAPSHOT, Read, ReadError, Session};
use super::snapshot::Snapshot;
use crate::circuit::Circuit;
use crate::errors::unavailable;
use crate::mysql::connections::{HELD_MAX, LOOKOUTS_MAX, SEARCHES_MAX};
use crate::mysql::loan::{ANSWER_MAX, Loan};
use crate::mysql::pool::Pool;
use crate::mysql::trouble;
use crate::routes::Routes;

/// Longest wait for a connection.
const ACQUIRE_MAX: Duration = Duration::from_secs(3);
/// Longest time of one read: less than clients wait for an answer.
pub(super) const READ_MAX: Duration = Duration::from_secs(10);
/// Of that, what the first connection gets: one that the network forgot never answers, and a new one does.
const FIRST_READ_MAX: Duration = Duration::from_secs(4);
/// Connections that are tried before MySQL counts as away. One that does not answer takes the idle ones with it, so the next is
/// a new one, unless others used it meanwhile.
const TRIES_MAX: u32 = 3;

/// Connections that only read, of which a transaction sees one state.
pub(crate) fn read_pool(options: MySqlConnectOptions, connections_max: u32) -> Pool {
    let pool = MySqlPoolOptions::new()
        .max_connections(connections_max)
        .acquire_timeout(ACQUIRE_MAX)
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
                    .await?;
                Ok(())
            })
        });
    Pool::with(pool, options)
}

/// The connections of a node for reads, by what they are for.
pub(crate) struct Pools {
    pages: ReadPool,
    held: ReadPool,
    pub(super) search: ReadPool,
    pub(super) lookout: ReadPool,
}

impl Pools {
    pub(super) fn new(pages: ReadPool) -> Pools {
        Pools {
            held: pages.another(HELD_MAX),
            search: pages.another(SEARCHES_MAX),
            lookout: pages.another(LOOKOUTS_MAX),
            pages,
        }
    }

    /// Reads something.
    pub(crate) async fn read<R: Read>(&self, wanted: &R) -> Result<R::Answer, Failure> {
        self.pages.read(wanted).await
    }

    /// A snapshot of now, until it is dropped.
    pub(super) async fn hold(&self) -> Result<Snapshot, Failure> {
        self.held.begin().await
    }
}

/// Connections of one purpose. Nothing waits for them while MySQL is known to be out of reach, and what is read tells which
/// applications there are.
#[derive(Clone)]
pub(crate) struct ReadPool {
    pool: Pool,
    pub(crate) circuit: Arc<Circuit>,
    pub(crate) routes: Arc<Routes>,
}

impl ReadPool {
    /// Connects when it is needed.
    pub(crate) fn new(options: MySqlConnectOptions, connections_max: u32) -> ReadPool {
        ReadPool {
            pool: read_pool(options, connections_max),
            circuit: Arc::default(),
            routes: Arc::default(),
        }
    }

    /// One of its own connections to the same place, which knows and learns the same.
    pub(crate) fn another(&self, connections_max: u32) -> ReadPool {
        ReadPool {
            pool: read_pool(self.pool.connect_options(), connections_max),
            ..self.clone()
        }
    }

    /// Reads something: once more on another connection if the first turns out to be dead, or silent for long.
    pub(crate) async fn read<R: Read>(&self, wanted: &R) -> Result<R::Answer, Failure> {
        self.circuit.admit_read()?;
        let loan = self.acquire().await?;
        match self.attempt(loan, wanted, FIRST_READ_MAX).await {
            Err(ReadError::Late) => {
                self.pool.let_go_of_idle();
                self.circuit.suspect();
            }
            Err(ReadError::MySql(error)) if is_gone(&error) => {}
            answer => return answer.map_err(failure),
        }
        let again = Box::pin(self.living()).await?;
        let answer = self.attempt(again, wanted, READ_MAX - FIRST_READ_MAX).await;
        answer.map_err(failure)
    }

    async fn attempt<R: Read>(
        &self,
        mut loan: Loan,
        wanted: &R,
        within: Duration,
    ) -> Result<R::Answer, ReadError> {
        let answer = timeout(within, on(&mut loan, &self.routes, wanted)).await;
        let (answer, is_cut) = answer.unwrap_or((Err(ReadError::Late), true));
        let is_gone = matches!(&answer, Err(ReadError::MySql(error)) if is_gone(error));
        if !is_cut && !is_gone {
            loan.give_back();
        }
        answer
    }

    /// A snapshot of now.
    pub(crate) async fn begin(&self) -> Result<Snapshot, Failure> {
        for _ in 0..TRIES_MAX {
            if let Some(snapshot) = Snapshot::begin(self.acquire().await?, &self.circuit).await {
                return Ok(snapshot);
            }
            self.pool.let_go_of_idle();
        }
        self.circuit.suspect();
        Err(storage_away())
    }

    /// A connection of the pool. Waiting for one, which is a large future, only where none is free.
    async fn acquire(&self) -> Result<Loan, Failure> {
        if let Some(loan) = self.pool.try_acquire() {
            return Ok(loan);
        }
        let connection = Box::pin(self.circuit.unless_unreached(self.pool.acquire())).await?;
        connection.map_err(|error| self.no_connection(&error))
    }

    /// A connection that answers. Those that do not are let go.
    async fn living(&self) -> Result<Loan, Failure> {
        for _ in 0..TRIES_MAX {
            let mut loan = self.acquire().await?;
            if let Ok(Ok(())) = timeout(ANSWER_MAX, loan.ping()).await {
                return Ok(loan);
            }
            self.pool.let_go_of_idle();
        }
        self.circuit.suspect();
        Err(storage_away())
    }

    fn no_connection(&self, error: &sqlx::Error) -> Failure {
        match error {
            sqlx::Error::PoolTimedOut if self.pool.is_exhausted() => unavailable(Shortage::Overloaded),
            sqlx::Error::PoolClosed => unavailable(Shortage::Stopping),
            error => {
                tracing::warn!(%error, "no connection to MySQL for a read");
                self.circuit.suspect();
                storage_away()
            }
        }
    }
}

/// The answer, and whether rows were left unread.
async fn on<R: Read>(
    connection: &mut MySqlConnection,
    routes: &Routes,
    wanted: &R,
) -> (Result<R::Answer, ReadError>, bool) {
    let mut session = Session::single(&mut *connection).learning(routes);
    let answer = wanted.read(&mut session).await;
    let is_cut = session.is_cut();
    if !matches!(answer, Err(ReadError::NeedsSnapshot)) {
        return (answer, is_cut);
    }
    let mut snapshot = match connection.begin_with(BEGIN_SNAPSHOT).await {
        Ok(snapshot) => snapshot,
        Err(error) => return (Err(error.into()), false),
    };
    let mut session = Session::in_snapshot(&mut snapshot).learning(routes);
    let answer = wanted.read(&mut session).await;
    let is_cut = session.is_cut();
    // The end of the transaction is not waited for: it goes with the connection back to the pool.
    drop(snapshot);
    (answer, is_cut)
}

/// The connection is no longer one.
fn is_gone(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::Protocol(_) | sqlx::Error::Tls(_) | sqlx::Error::WorkerCrashed => {
            true
        }
        // The server shuts down, or ended the connection.
        error => {
            trouble::number(error).is_some_and(|number| matches!(number, 1053 | 1080 | 1927 | 3169 | 4031))
        }
    }
}

/// The same read may go well later.
fn passes(error: &sqlx::Error) -> bool {
    trouble::number(error).is_some_and(trouble::is_again)
}

/// What a failed read is for whoever asked.
pub(crate) fn failure(error: ReadError) -> Failure {
    match error {
        ReadError::Refused(rejection) => rejection.into(),
        ReadError::Corrupt(corrupt) => Failure::Internal(format!("a row of MySQL is damaged: {}", corrupt.0)),
        ReadError::Late => {
            tracing::warn!("MySQL did not answer a read in time");
            storage_away()
        }
        ReadError::NeedsSnapshot => Failure::Internal("a read in a snapshot wants one".to_owned()),
        ReadError::MySql(error) => match error {
            sqlx::Error::Database(_) if !is_gone(&error) && !passes(&error) => {
                Failure::Internal(format!("MySQL says: {}", trouble::text(&error)))
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::ColumnIndexOutOfBounds { .. } => {
                Failure::Internal(format!("a row of MySQL is damaged: {error}"))
            }
            error => {
                tracing::warn!(%error, "a read failed");
                storage_away()
            }
        },
    }
}

/// MySQL cannot be reached.
pub(super) fn storage_away() -> Failure {
    unavailable(Shortage::StorageUnavailable)
}
