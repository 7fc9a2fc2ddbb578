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

/// All below something deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Below {
    /// Of this application.
    pub application: ApplicationId,
    /// Of this chat alone.
    pub chat: Option<u64>,
}

impl SearchIndex {
    /// Removes documents below deleted things of one partition, at most 10,000, and says how many it met, so call it until
    /// that is 0. Call it when their rows are gone and indexed through that; what an indexer writes later stays, and does no
    /// harm. At most some thousand things.
    ///
    /// # Errors
    /// See [`IndexError`].
    pub async fn purge(&self, partition: u16, below: &[Below]) -> Result<u64, IndexError> {
        let generation = self.current().await?;
        self.refresh(&generation).await?;
        let (mut chats, mut applications) = (Vec::new(), Vec::new());
        for Below { application, chat } in below {
            match chat {
                Some(chat) => chats.push(chat_key(application.0, *chat)),
                None => applications.push(application.0.to_string()),
            }
        }
        let any = json!({"bool": {"minimum_should_match": 1, "should": [
            {"terms": {"chat": chats}},
            {"terms": {"application": applications}},
        ]}});
        let body = json!({"query": {"bool": {"filter": [any]}}, "max_docs": PURGED_MAX});
        let path = format!(
            "/{}/_delete_by_query?conflicts=proceed&routing={partition}",
            generation.index()
        );
        let answer = self
            .client
            .call(Method::POST, &path, Body::Json(&body), FOR_WORK)
            .await?;
        // What somebody else wrote meanwhile is met again by the next call.
        match (answer["deleted"].as_u64(), answer["version_conflicts"].as_u64()) {
            (Some(deleted), Some(conflicts)) => Ok(deleted + conflicts),
            _ => Err(OpensearchError::malformed("a purge does not say how much it removed").into()),
        }
    }
}
