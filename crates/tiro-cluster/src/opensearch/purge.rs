//! Taking out the documents of messages whose rows were removed.
//!
//! Nothing depends on it: what lies below a deleted chat or application is refused by its rows, and without rows too.

use reqwest::Method;
use serde_json::json;
use tiro_core::ApplicationId;

use super::client::{Body, FOR_WORK, OpensearchError};
use super::documents::chat_key;
use super::{IndexError, SearchIndex};

/// Most documents of one call.
const PURGED_MAX: u32 = 10_000;

impl SearchIndex {
    /// Removes documents below a deleted chat, or with `None` a deleted application: at most 10,000, and says how many,
    /// so call it until that is 0. Call it when their rows are gone and indexed through that; what an indexer writes
    /// later stays, and does no harm.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub async fn purge(
        &self,
        partition: u16,
        application: ApplicationId,
        chat: Option<u64>,
    ) -> Result<u64, IndexError> {
        let generation = self.current().await?;
        self.refresh(&generation).await?;
        let below = match chat {
            Some(chat) => json!({"term": {"chat": chat_key(application.0, chat)}}),
            None => json!({"term": {"application": application.0.to_string()}}),
        };
        let body = json!({"query": {"bool": {"filter": [below]}}, "max_docs": PURGED_MAX});
        let path = format!(
            "/{}/_delete_by_query?conflicts=proceed&routing={partition}",
            generation.index()
        );
        let answer = self
            .client
            .call(Method::POST, &path, Body::Json(&body), FOR_WORK)
            .await?;
        let deleted = answer["deleted"].as_u64();
        Ok(deleted.ok_or_else(|| OpensearchError::malformed("a purge does not say how much it removed"))?)
    }
}
