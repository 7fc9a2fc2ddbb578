//! How far a cluster's partitions are written and indexed, as `GET /v1/status` tells.

use anyhow::Context;
use serde_json::Value;

use crate::bench::api::Api;

/// Sums over all partitions at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::bench) struct Progress {
    /// Changes that were made.
    pub(in crate::bench) changes: u64,
    /// Of those the index has.
    pub(in crate::bench) indexed: u64,
    /// How long the oldest that it does not have has waited, in ms.
    pub(in crate::bench) oldest_ms: u64,
}

impl Progress {
    /// Asks a node.
    pub(in crate::bench) fn of(api: Api) -> anyhow::Result<Progress> {
        Progress::read(&api.get("/v1/status")?)
    }

    /// Changes that the index does not have.
    pub(in crate::bench) fn behind(self) -> u64 {
        self.changes - self.indexed
    }

    fn read(status: &Value) -> anyhow::Result<Progress> {
        let mut progress = Progress::default();
        for partition in list(status, "partitions")? {
            let number = |name: &str| {
                let number = partition[name].as_u64();
                number.with_context(|| format!("a partition does not say `{name}`: {partition}"))
            };
            let changes = number("changes")?;
            progress.changes += changes;
            // What was written since the positions were read is indexed ahead of them.
            progress.indexed += number("indexed")?.min(changes);
        }
        let ages = list(status, "queues")?
            .iter()
            .filter_map(|queue| queue["oldest_age_ms"].as_u64());
        progress.oldest_ms = ages.max().unwrap_or(0);
        Ok(progress)
    }
}

fn list<'a>(status: &'a Value, name: &str) -> anyhow::Result<&'a Vec<Value>> {
    status[name]
        .as_array()
        .with_context(|| format!("the status has no `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn partitions_are_added_up_and_the_oldest_of_all_queues_counts() {
        let status = json!({
            "partitions": [
                {"number": 0, "changes": 10, "relayed": 9, "indexed": 7},
                {"number": 1, "changes": 5, "relayed": 5, "indexed": 6},
            ],
            "queues": [{"oldest_age_ms": null}, {"oldest_age_ms": 30}, {"oldest_age_ms": 20}],
        });
        let progress = Progress::read(&status).unwrap();
        assert_eq!(
            (progress.changes, progress.indexed, progress.oldest_ms),
            (15, 12, 30)
        );
        assert_eq!(progress.behind(), 3);
    }

    #[test]
    fn an_index_that_does_not_say_how_far_it_is_is_an_error() {
        let status = json!({"partitions": [{"changes": 10, "indexed": null}], "queues": []});
        let error = Progress::read(&status).unwrap_err().to_string();
        assert!(error.contains("`indexed`"), "{error}");
    }
}
