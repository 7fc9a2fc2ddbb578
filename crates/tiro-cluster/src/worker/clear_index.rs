//! Documents of deleted things, taken out of the search index in bounded chunks once their rows are gone.
//!
//! Searches do not show them anyway; it is for space. What is to be done is rows of MySQL, removed when it is done, so an
//! index that is away is cleared when it is back, by whichever worker comes first.

use std::sync::Arc;
use std::time::Duration;

use tiro_core::ApplicationId;
use tokio::sync::watch;
use tokio::time::sleep;

use super::{IndexFailure, Indexer};
use crate::mysql::beside::step;
use crate::mysql::index_garbage::{self, Thing};
use crate::mysql::pool::Pool;
use crate::opensearch::Below;
use crate::rabbitmq::consumer::stopped;

const EVERY: Duration = Duration::from_secs(10);
/// Between two chunks, so that they are not what the index is busy with.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes documents out while there are some.
pub struct ClearIndex<I> {
    pool: Pool,
    indexer: Arc<I>,
}

/// What a chunk did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cleared {
    /// Documents that were met.
    pub documents: u64,
    /// Deleted things of which none are left.
    pub things: usize,
}

impl Cleared {
    /// Whether the next chunk may find some as well.
    fn found_some(self) -> bool {
        self != Cleared::default()
    }
}

impl<I: Indexer> ClearIndex<I> {
    /// Of this database's index.
    #[must_use]
    pub fn new(pool: Pool, indexer: Arc<I>) -> ClearIndex<I> {
        ClearIndex { pool, indexer }
    }

    /// Clears until it is stopped.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let chunk = async {
                match step(self.chunk()).await {
                    Ok(cleared) if cleared.found_some() => sleep(PAUSE).await,
                    Ok(_) => sleep(EVERY).await,
                    Err(error) => {
                        tracing::warn!(%error, "what was deleted is still in the search index");
                        sleep(EVERY).await;
                    }
                }
            };
            tokio::select! {
                () = chunk => {}
                () = stopped(&mut stop) => {}
            }
        }
    }

    /// One step of each partition: at most 500 things and 10,000 documents of it.
    ///
    /// # Errors
    /// When MySQL or the index does not answer; what is left is still noted.
    pub async fn chunk(&self) -> Result<Cleared, IndexFailure> {
        let mut cleared = Cleared::default();
        let partitions = index_garbage::partitions(&self.pool).await?;
        if partitions.is_empty() {
            return Ok(cleared);
        }
        let indexed = self.indexer.indexed(&partitions).await?;
        for (partition, indexed) in partitions.into_iter().zip(indexed) {
            let things = index_garbage::indexed_through(&self.pool, partition, indexed).await?;
            if things.is_empty() {
                continue;
            }
            let below: Vec<Below> = things.iter().map(below).collect();
            let documents = self.indexer.purge(partition, &below).await?;
            cleared.documents += documents;
            if documents == 0 {
                index_garbage::forget(&self.pool, partition, &things).await?;
                cleared.things += things.len();
            }
        }
        Ok(cleared)
    }
}

fn below(thing: &Thing) -> Below {
    Below {
        application: ApplicationId(thing.application),
        chat: (thing.chat != 0).then_some(thing.chat),
    }
}
