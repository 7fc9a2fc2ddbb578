//! Looking up what is in the index: for who compares it with the rows.

use std::collections::HashMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Body, FOR_WORK, OpensearchError};
use super::documents::message_id;
use super::{Generation, IndexError, SearchIndex};

/// What serves searches.
#[derive(Clone, Debug)]
pub(crate) enum Standing {
    /// An index of this database and folding.
    Ours(Generation),
    /// One of another database or an earlier folding.
    Foreign(Generation),
    /// Nothing.
    Nothing,
}

impl SearchIndex {
    /// What serves searches, whatever it was made of.
    pub(crate) async fn standing(&self) -> Result<Standing, IndexError> {
        Ok(match self.serving().await?.pop() {
            Some(existing) if self.is_ours(&existing)? => Standing::Ours(existing.generation),
            Some(existing) => Standing::Foreign(existing.generation),
            None => Standing::Nothing,
        })
    }

    /// Of these messages of a partition, at most 10,000, those that searches find as live ones, with the versions that
    /// they find. What was written since the last refresh may not be seen yet.
    pub(crate) async fn live_versions(
        &self,
        generation: &Generation,
        partition: u16,
        messages: &[(u32, u64, u64)],
    ) -> Result<HashMap<(u32, u64, u64), u64>, IndexError> {
        let by_id: HashMap<String, (u32, u64, u64)> = messages
            .iter()
            .map(|place| (message_id(place.0, place.1, place.2), *place))
            .collect();
        let body = json!({
            "size": messages.len(),
            "track_total_hits": false,
            "version": true,
            "sort": ["_doc"],
            "query": {"bool": {"filter": [
                {"ids": {"values": by_id.keys().collect::<Vec<_>>()}},
                {"term": {"state": "live"}},
            ]}},
        });
        let path = format!(
            "/{}/_search?routing={partition}&filter_path=timed_out,_shards.failed,hits.hits._id,hits.hits._version",
            generation.index()
        );
        let answer = self
            .client
            .call(Method::POST, &path, Body::Json(&body), FOR_WORK)
            .await?;
        if answer["timed_out"] != Value::Bool(false) || answer["_shards"]["failed"] != 0 {
            return Err(IndexError::CutOff);
        }
        let hits = answer["hits"]["hits"].as_array();
        let mut versions = HashMap::new();
        for hit in hits.map(Vec::as_slice).unwrap_or_default() {
            let found = hit["_id"].as_str().and_then(|id| by_id.get(id));
            let (Some(place), Some(version)) = (found, hit["_version"].as_u64()) else {
                return Err(OpensearchError::malformed("a hit without its name or version").into());
            };
            versions.insert(*place, version);
        }
        Ok(versions)
    }
}
