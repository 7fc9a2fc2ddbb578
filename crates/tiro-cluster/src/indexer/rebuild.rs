//! Making the index anew beside the one that serves, which goes on serving until the new one has caught up.

use futures_util::future::BoxFuture;

use crate::opensearch::{Generation, IndexError};

use super::{Indexer, IndexerError};

/// How often the new index is brought after the database before it serves; what is left then is small.
const ROUNDS_MAX: u32 = 5;
/// Changes, over all partitions, that a new index may lack when it begins to serve: searches read them from MySQL.
const LACKED_MAX: u64 = 5_000;

/// How far a rebuild is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RebuildProgress {
    /// Positions of all partitions together that are indexed.
    pub indexed: u64,
    /// Positions of all partitions together; grows while others write.
    pub positions: u64,
}

impl Indexer {
    /// Makes the index anew from the database and lets it serve, then deletes the one before. Searches, writes and other
    /// indexers go on meanwhile. One that was cut off is gone on with. `progress` is told after every chunk.
    ///
    /// # Errors
    /// See [`IndexerError`]; the index before then still serves.
    pub fn rebuild<'a>(
        &'a self,
        progress: &'a mut (dyn FnMut(RebuildProgress) + Send),
    ) -> BoxFuture<'a, Result<(), IndexerError>> {
        Box::pin(self.make_anew(progress))
    }

    async fn make_anew(
        &self,
        progress: &mut (dyn FnMut(RebuildProgress) + Send),
    ) -> Result<(), IndexerError> {
        let serving = self.index.ensure().await?;
        let next = self.index.begin_next(&serving).await?;
        for _ in 0..ROUNDS_MAX {
            if self.catch_up(&next, progress).await? <= LACKED_MAX {
                break;
            }
        }
        self.index.finish_next(&serving, &next).await?;
        // Those who indexed meanwhile did so into the one before.
        self.catch_up(&next, progress).await?;
        Ok(())
    }

    /// Indexes every partition through its present end, and returns how many changes came meanwhile.
    async fn catch_up(
        &self,
        generation: &Generation,
        progress: &mut (dyn FnMut(RebuildProgress) + Send),
    ) -> Result<u64, IndexerError> {
        let ends = self.positions().await?;
        let positions = ends.iter().map(|(_, end)| end).sum();
        let mut before = 0;
        for (partition, end) in &ends {
            let reached = |indexed: u64| {
                let indexed = before + indexed;
                progress(RebuildProgress { indexed, positions });
            };
            self.index_into(generation, *partition, *end, reached).await?;
            before += end;
        }
        let now: u64 = self.positions().await?.iter().map(|(_, end)| end).sum();
        now.checked_sub(positions)
            .ok_or(IndexerError::Index(IndexError::Missing))
    }
}
