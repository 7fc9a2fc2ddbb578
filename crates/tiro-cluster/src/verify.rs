//! Checking a cluster that runs: rows against each other and against the feeds, and the search index against the rows.
//!
//! Every chunk is read in one consistent snapshot and bounded in rows, so nodes go on serving and what they write
//! meanwhile is no finding. What can be told again from rows below is put right if that is asked for, under the lock of
//! its partition; what is lost, such as a missing number, is only named.

mod applications;
mod chats;
mod deleted;
mod feed;
mod findings;
mod index;
mod messages;
mod partitions;
mod repair;
mod report;

use std::fmt;

use futures_util::future::LocalBoxFuture;
use sqlx::mysql::MySqlConnection;
use sqlx::{MySql, Row, Transaction};

use crate::member::search_index;
use crate::mysql::migrations::SCHEMA_VERSION;
use crate::mysql::pool::Pool;
use crate::mysql::{connection, trouble};
use crate::reads::{BEGIN_SNAPSHOT, read_pool};
use crate::worker::recount::{self, Place};
use crate::{ClusterConfig, OpenError};

use findings::{Findings, Named};
use index::IndexCheck;
use repair::Repair;
pub use report::{Finding, Remedy, VerifyProgress, VerifyReport};

/// Connections that read: snapshots one after the other, and small questions beside them.
const READS_MAX: u32 = 2;
/// Applications whose numbers are read at once.
const APPLICATIONS_MAX: u32 = 200;

/// What is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyOptions {
    /// Puts right what can be told again from other rows, and indexes again what the index lacks.
    pub repair: bool,
}

/// Why a cluster could not be checked to the end.
#[derive(Debug)]
pub enum VerifyError {
    /// It could not be reached, or is of a version that this program does not know.
    Open(OpenError),
    /// The database holds no cluster.
    Empty,
    /// MySQL failed on the way.
    Mysql(sqlx::Error),
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VerifyError::Open(error) => error.fmt(f),
            VerifyError::Empty => f.write_str("the database that `mysql` names holds no cluster"),
            VerifyError::Mysql(error) => write!(f, "MySQL: {error}"),
        }
    }
}

impl std::error::Error for VerifyError {}

impl From<OpenError> for VerifyError {
    fn from(error: OpenError) -> VerifyError {
        VerifyError::Open(error)
    }
}

impl From<sqlx::Error> for VerifyError {
    fn from(error: sqlx::Error) -> VerifyError {
        VerifyError::Mysql(error)
    }
}

/// Checks a cluster, also while nodes and workers run. Takes as long as reading every row a few times; memory does not
/// grow with the data. A search index that is away, or lags, is a remark and no finding.
///
/// # Errors
/// When MySQL does not answer, or holds no cluster.
pub fn verify<'a>(
    config: &'a ClusterConfig,
    options: VerifyOptions,
    progress: &'a mut dyn FnMut(VerifyProgress),
) -> LocalBoxFuture<'a, Result<VerifyReport, VerifyError>> {
    Box::pin(check(config, options, progress))
}

async fn check(
    config: &ClusterConfig,
    options: VerifyOptions,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<VerifyReport, VerifyError> {
    let mysql = connection::options(config)?;
    let writes = Pool::new(mysql.clone(), 1);
    let reads = read_pool(mysql, READS_MAX);
    check_schema(&reads).await?;
    let index = search_index(config, &reads).await?;
    let mut verifier = Verifier {
        index: IndexCheck::new(index, reads.clone()),
        reads,
        writes,
        options,
        report: VerifyReport::default(),
        progress,
    };
    let verified = verifier.verify().await;
    verifier.reads.close().await;
    verifier.writes.close().await;
    verified?;
    Ok(verifier.report)
}

async fn check_schema(reads: &Pool) -> Result<(), VerifyError> {
    const NO_SUCH_TABLE: u16 = 1146;
    let version = sqlx::query_scalar::<_, u32>("SELECT version FROM schema_version WHERE one = 1");
    match version.fetch_optional(reads).await {
        Ok(Some(found)) if found > SCHEMA_VERSION => Err(OpenError::NewerSchema {
            found,
            known: SCHEMA_VERSION,
        }
        .into()),
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(VerifyError::Empty),
        Err(error) if trouble::number(&error) == Some(NO_SUCH_TABLE) => Err(VerifyError::Empty),
        Err(error) => Err(error.into()),
    }
}

/// One check under way.
struct Verifier<'p> {
    reads: Pool,
    writes: Pool,
    options: VerifyOptions,
    index: IndexCheck,
    report: VerifyReport,
    progress: &'p mut dyn FnMut(VerifyProgress),
}

/// A connection on which every statement sees one state.
type Snapshot = Transaction<'static, MySql>;

impl Verifier<'_> {
    async fn verify(&mut self) -> Result<(), VerifyError> {
        self.check_index_state().await?;
        self.check_partitions().await?;
        self.recount().await?;
        let missing = self.check_applications().await?;
        self.check_positions(&missing).await?;
        self.report.index_documents = self.index.documents();
        self.report.remarks.extend(self.index.remark());
        Ok(())
    }

    async fn snapshot(&self) -> Result<Snapshot, sqlx::Error> {
        self.reads.begin_with(BEGIN_SNAPSHOT).await
    }

    /// Takes findings into the report, after what can be put right was, if that is asked for. Not to be called while a
    /// snapshot is open.
    async fn take(&mut self, findings: Findings) -> Result<(), VerifyError> {
        for found in findings.into_iter() {
            let remedy = match &found.repair {
                None => Remedy::None,
                Some(_) if !self.options.repair => Remedy::Repair,
                Some(repair) => {
                    repair.carry_out(&self.writes).await?;
                    Remedy::Repaired
                }
            };
            self.report.found(found.place, found.problem, remedy);
        }
        Ok(())
    }

    /// Counts and last numbers, as the worker's recount compares them, over everything.
    async fn recount(&mut self) -> Result<(), VerifyError> {
        let mut place = Place::BEGINNING;
        loop {
            let chunk = recount::read_chunk(&self.reads, place).await?;
            self.report.counted_chats += chunk.chats as u64;
            let mut findings = Findings::default();
            for difference in chunk.differences {
                findings.count(difference);
            }
            self.take(findings).await?;
            (self.progress)(VerifyProgress::Counts {
                chats: self.report.counted_chats,
            });
            match chunk.through {
                Some(through) => place = through,
                None => return Ok(()),
            }
        }
    }

    /// Every application by itself. Answers for how many changes of live applications each partition lacks.
    async fn check_applications(&mut self) -> Result<feed::Missing, VerifyError> {
        let mut missing = feed::Missing::default();
        let mut after = 0;
        loop {
            let ids: Vec<u32> =
                sqlx::query_scalar("SELECT id FROM applications WHERE id > ? ORDER BY id LIMIT ?")
                    .bind(after)
                    .bind(APPLICATIONS_MAX)
                    .fetch_all(&self.reads)
                    .await?;
            let Some(last) = ids.last() else {
                return Ok(missing);
            };
            after = *last;
            self.index.read_watermarks().await?;
            for id in ids {
                self.check_application(id, &mut missing).await?;
                (self.progress)(VerifyProgress::Applications {
                    applications: self.report.applications,
                    messages: self.report.messages,
                });
            }
            self.compare_with_index().await?;
        }
    }
}

/// The only value of a statement that has one.
async fn number(
    connection: &mut MySqlConnection,
    statement: sqlx::query::Query<'_, MySql, sqlx::mysql::MySqlArguments>,
) -> Result<u64, sqlx::Error> {
    let row = statement.fetch_one(connection).await?;
    Ok(row.try_get::<i64, _>(0)?.unsigned_abs())
}
