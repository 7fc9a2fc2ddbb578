//! Watermarks as an indexer reads and writes them: one by one, and always the latest.

use reqwest::Method;

use super::client::{Body, FOR_WORK, OpensearchError};
use super::documents::{watermark, watermark_id};
use super::{Generation, IndexError, SearchIndex};

impl SearchIndex {
    /// The position of a partition through which everything is indexed in a generation; 0 where nothing is. It may not
    /// be visible to searches yet.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub async fn watermark(&self, generation: &Generation, partition: u16) -> Result<u64, IndexError> {
        let id = watermark_id(partition, &self.identity);
        let path = format!("/{}/_doc/{id}?routing={partition}", generation.index());
        let answer = match self
            .client
            .call(Method::GET, &path, Body::Nothing, FOR_WORK)
            .await
        {
            Err(error) if error.is_missing_index() => return Err(IndexError::Missing),
            // No error, but a document that is not there.
            Err(OpensearchError::Refused {
                status: 404, kind, ..
            }) if kind.is_empty() => return Ok(0),
            answer => answer?,
        };
        let version = answer["_version"].as_u64();
        Ok(version.ok_or_else(|| OpensearchError::malformed("a watermark has no version"))?)
    }

    /// Says that everything of a partition through this position is indexed: call it after what it promises is stored.
    /// One that is higher stays.
    pub(crate) async fn set_watermark(
        &self,
        generation: &Generation,
        partition: u16,
        through: u64,
    ) -> Result<(), IndexError> {
        let document = watermark(partition, through, &self.identity);
        match self.store(generation, &[document]).await?.pop() {
            None => Ok(()),
            Some(refused) => Err(IndexError::Document(format!(
                "the watermark of partition {partition}: {}",
                refused.reason
            ))),
        }
    }
}
