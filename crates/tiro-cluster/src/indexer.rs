//! From MySQL into the search index: the change rows of a partition after its watermark, chunk by chunk.
//!
//! A chunk is written, then the watermark raised to its end; nothing is remembered between calls. Two indexers of one
//! partition do the same work twice and no harm: documents and watermarks have versions, and the highest stays.

mod chunk;
mod rebuild;
#[cfg(test)]
mod tests;

use std::fmt;

use sqlx::Row;

use crate::mysql::beside::step;
use crate::mysql::pool::Pool;
use crate::mysql::rows::Corrupt;
use crate::opensearch::{Document, Generation, IndexError, SearchIndex, message_document, reduced_document};
use crate::planted::{self, Bug};

use chunk::{Chunk, Touched};
pub use rebuild::RebuildProgress;

/// Why a partition could not be indexed. What was indexed stays, and the watermark says how much.
#[derive(Clone, Debug)]
pub enum IndexerError {
    /// The index cannot be written.
    Index(IndexError),
    /// MySQL cannot be read, or has rows that mean nothing. The text says which.
    Mysql(String),
}

impl fmt::Display for IndexerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IndexerError::Index(error) => error.fmt(f),
            IndexerError::Mysql(text) => write!(f, "what is to be indexed cannot be read: {text}"),
        }
    }
}

impl std::error::Error for IndexerError {}

impl IndexerError {
    /// Whether a system is away or the index was just removed, so that trying again helps.
    pub(crate) fn is_temporary(&self) -> bool {
        match self {
            IndexerError::Mysql(_) => true,
            IndexerError::Index(IndexError::Missing | IndexError::CutOff | IndexError::Server(_)) => true,
            IndexerError::Index(IndexError::Newer { .. } | IndexError::Document(_)) => false,
        }
    }
}

impl From<IndexError> for IndexerError {
    fn from(error: IndexError) -> IndexerError {
        IndexerError::Index(error)
    }
}

impl From<sqlx::Error> for IndexerError {
    fn from(error: sqlx::Error) -> IndexerError {
        IndexerError::Mysql(error.to_string())
    }
}

impl From<Corrupt> for IndexerError {
    fn from(error: Corrupt) -> IndexerError {
        IndexerError::Mysql(error.0)
    }
}

/// Brings the search index after the database. Cheap to clone; dropping a call half way is fine.
#[derive(Clone, Debug)]
pub struct Indexer {
    pool: Pool,
    index: SearchIndex,
}

impl Indexer {
    /// An indexer that reads the primary through this pool.
    #[must_use]
    pub fn new(pool: Pool, index: SearchIndex) -> Indexer {
        Indexer { pool, index }
    }

    /// The index that it writes.
    #[must_use]
    pub fn index(&self) -> &SearchIndex {
        &self.index
    }

    /// Indexes a partition through a position, or through its end if that is lower, and returns how far it is indexed
    /// now, which may be further. Makes the index if there is none, and anew if it is ahead of the database.
    ///
    /// # Errors
    /// See [`IndexerError`]; the same call may succeed later.
    pub async fn index_partition(&self, partition: u16, through: u64) -> Result<u64, IndexerError> {
        let generation = self.index.ensure().await?;
        self.index_into(&generation, partition, through, |_| {}).await
    }

    /// The end of every partition, by its number.
    pub(crate) async fn positions(&self) -> Result<Vec<(u16, u64)>, IndexerError> {
        let all = sqlx::query("SELECT id, position FROM partitions ORDER BY id").fetch_all(&self.pool);
        let rows = Box::pin(all).await?;
        let read = rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        read.collect()
    }

    /// [`Indexer::index_partition`] into a certain generation; `reached` is told each new watermark.
    async fn index_into(
        &self,
        generation: &Generation,
        partition: u16,
        through: u64,
        mut reached: impl FnMut(u64),
    ) -> Result<u64, IndexerError> {
        let mut indexed = self.index.watermark(generation, partition).await?;
        // After the watermark, so that it can only be higher, unless the database went back.
        let position = step(self.position(partition)).await?;
        if indexed > position {
            self.index.discard(generation).await?;
            return Err(IndexError::Missing.into());
        }
        let through = through.min(position);
        while indexed < through {
            let chunk = step(Chunk::read(&self.pool, partition, indexed, through)).await?;
            indexed = chunk.through;
            self.store(generation, partition, chunk.touched).await?;
            if planted::is(Bug::WatermarkAhead) {
                indexed = self.position(partition).await?;
            }
            self.index.set_watermark(generation, partition, indexed).await?;
            reached(indexed);
        }
        Ok(indexed)
    }

    async fn position(&self, partition: u16) -> Result<u64, IndexerError> {
        let one = sqlx::query("SELECT position FROM partitions WHERE id = ?").bind(partition);
        let row = Box::pin(one.fetch_optional(&self.pool)).await?;
        let row = row.ok_or_else(|| IndexerError::Mysql(format!("there is no partition {partition}")))?;
        Ok(row.try_get(0)?)
    }

    async fn store(
        &self,
        generation: &Generation,
        partition: u16,
        mut touched: Vec<Touched>,
    ) -> Result<(), IndexerError> {
        touched.retain(|_| !planted::now_and_then(Bug::FailedItemSkipped));
        if touched.is_empty() {
            return Ok(());
        }
        let folding = tokio::task::spawn_blocking(move || {
            let of = |touched: &Touched| message_document(&touched.message, &touched.token, partition);
            let documents: Vec<Document> = touched.iter().map(of).collect();
            (touched, documents)
        });
        let (touched, documents) = folding
            .await
            .map_err(|error| IndexerError::Mysql(error.to_string()))?;
        let refused = self.index.store(generation, &documents).await?;
        if refused.is_empty() {
            return Ok(());
        }
        // A watermark must not pass what is not there: what the index will not take whole, it takes as a candidate of
        // every search.
        let mut reduced = Vec::with_capacity(refused.len());
        for document in &refused {
            let Touched { message, token } = &touched[document.index];
            let (application, chat) = (message.application.0, message.chat);
            let number = message.message.number;
            let reason = &document.reason;
            tracing::error!(application, chat, number, %reason, "a message is a candidate of every search: its document was refused");
            reduced.push(reduced_document(message, token, partition));
        }
        match self.index.store(generation, &reduced).await?.pop() {
            None => Ok(()),
            Some(refused) => {
                let id = &reduced[refused.index].id;
                Err(IndexError::Document(format!("{id}: {}", refused.reason)).into())
            }
        }
    }
}
