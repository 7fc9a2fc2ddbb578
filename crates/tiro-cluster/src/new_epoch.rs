//! After an older copy of the database was put back: no cursor and no search index of the time that was undone is believed.
//!
//! Every application gets a new epoch, by the same rule as everywhere, and the data set a new id: an index that was made of
//! what is gone has another id, so the next indexer makes a new one.

use futures_util::future::{BoxFuture, join_all};
use tiro_core::{ApplicationId, Command, Engine, Epoch, Request};

use crate::mysql::connection;
use crate::mysql::pool::Pool;
use crate::{ClusterConfig, ClusterEngine, OpenError, Options, nodes};

/// Applications whose epochs are renewed at once.
const APPLICATIONS_MAX: u64 = 256;

/// Gives every application a new epoch, and answers for how many. No node may run: each remembers which data set it serves.
///
/// # Errors
/// [`OpenError::InUse`], or why the cluster cannot be opened or written; then some applications may have a new epoch
/// already, and it is to be run again.
pub fn new_epoch(config: &ClusterConfig) -> BoxFuture<'_, Result<u64, OpenError>> {
    Box::pin(renew_cluster(config))
}

async fn renew_cluster(config: &ClusterConfig) -> Result<u64, OpenError> {
    let mysql = connection::options(config)?;
    let pool = Pool::new(mysql.clone(), 2);
    // A database without a cluster is a mistake here, and must not become one.
    sqlx::query("SELECT version FROM schema_version WHERE one = 1")
        .fetch_optional(&pool)
        .await?;
    connection::prepare(&mysql, config).await?;
    let renewed = renew(config, &pool).await;
    pool.close().await;
    renewed
}

async fn renew(config: &ClusterConfig, pool: &Pool) -> Result<u64, OpenError> {
    let running = nodes::running(pool).await?;
    if running > 0 {
        return Err(OpenError::InUse { nodes: running });
    }
    sqlx::query("UPDATE server SET data_set = UNHEX(REPLACE(UUID(), '-', '')) WHERE one = 1")
        .execute(pool)
        .await?;
    let engine = Box::pin(ClusterEngine::open(config, Options::default())).await?;
    let renewed = renew_all(&engine, pool).await;
    engine.close().await;
    renewed
}

async fn renew_all(engine: &ClusterEngine, pool: &Pool) -> Result<u64, OpenError> {
    let (mut renewed, mut after) = (0, 0);
    loop {
        // What is being restored keeps the epoch of its export; nobody has a cursor of it yet.
        let next = "SELECT id FROM applications WHERE id > ? AND restoring_last IS NULL ORDER BY id LIMIT ?";
        let next = sqlx::query_scalar(next).bind(after).bind(APPLICATIONS_MAX);
        let ids: Vec<u32> = Box::pin(next.fetch_all(pool)).await?;
        let Some(last) = ids.last() else {
            return Ok(renewed);
        };
        after = *last;
        for written in join_all(ids.iter().map(|id| renew_one(engine, *id))).await {
            written?;
            renewed += 1;
        }
    }
}

async fn renew_one(engine: &ClusterEngine, id: u32) -> Result<(), OpenError> {
    let mut random = [0; 5];
    getrandom::fill(&mut random).map_err(|error| OpenError::Renewal(format!("no random bytes: {error}")))?;
    let command = Command::RenewEpoch {
        application: ApplicationId(id),
        epoch: Epoch::generated(random),
    };
    let written = engine.write(Request::new(command)).await;
    written
        .map(drop)
        .map_err(|failure| OpenError::Renewal(format!("{failure:?}")))
}
