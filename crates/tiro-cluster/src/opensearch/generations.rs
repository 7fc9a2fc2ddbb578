//! Generations: the indexes of one cluster, numbered, of which one serves.
//!
//! Each has two aliases: its own, through which alone it is written, so that one that was deleted is never made anew by
//! a write; and, while it serves, that of the cluster, which searches ask.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Body, FOR_WORK, OpensearchError};
use super::documents::{INDEX_ORDER, mappings};
use super::{Identity, IndexError, LAYOUT_VERSION, SearchIndex};

/// One index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    number: u64,
    index: String,
}

impl Generation {
    /// Its number among those of its cluster; a later one is higher.
    #[must_use]
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The name of the index.
    #[must_use]
    pub fn index(&self) -> &str {
        &self.index
    }

    /// The alias through which it is written.
    pub(super) fn writes(&self) -> String {
        format!("{}-write", self.index)
    }
}

/// Whether searches ask a generation from its beginning on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Serving {
    AtOnce,
    WhenSwitched,
}

/// A generation that exists, and what it was made of; `None` if it does not say.
#[derive(Clone, Debug)]
pub(super) struct Existing {
    pub(super) generation: Generation,
    pub(super) identity: Option<Identity>,
    /// Whether searches ask it.
    pub(super) serves: bool,
}

impl SearchIndex {
    /// All of this layout as they are at one moment, in order.
    pub(super) async fn generations(&self) -> Result<Vec<Existing>, IndexError> {
        let path = format!("/{}*?filter_path=*.aliases,*.mappings._meta", self.prefix());
        let answer = self
            .client
            .call(Method::GET, &path, Body::Nothing, FOR_WORK)
            .await?;
        let indexes = answer
            .as_object()
            .ok_or_else(|| OpensearchError::malformed("indexes are no object"))?;
        let mut existing: Vec<Existing> = indexes
            .iter()
            .filter_map(|(index, made)| {
                // Another cluster's name may begin as this one's does.
                let number = index.strip_prefix(&self.prefix())?.parse().ok()?;
                Some(Existing {
                    generation: Generation {
                        number,
                        index: index.clone(),
                    },
                    identity: identity(&made["mappings"]["_meta"]),
                    serves: made["aliases"][&self.alias].is_object(),
                })
            })
            .collect();
        existing.sort_by_key(|one| one.generation.number);
        Ok(existing)
    }

    fn prefix(&self) -> String {
        format!("{}-v{LAYOUT_VERSION}-", self.alias)
    }

    pub(super) fn generation(&self, number: u64) -> Generation {
        Generation {
            number,
            index: format!("{}{number}", self.prefix()),
        }
    }

    /// Makes a generation, unless there is one of that number, which may be of another identity.
    pub(super) async fn create(&self, generation: &Generation, serving: Serving) -> Result<(), IndexError> {
        let mut aliases = json!({generation.writes(): {}});
        if serving == Serving::AtOnce {
            aliases[&self.alias] = json!({});
        }
        let body = json!({
            "settings": {"index": {
                "number_of_shards": self.shards,
                "auto_expand_replicas": format!("0-{}", self.replicas_max),
                // Said, since an index without it stops refreshing when nobody searches.
                "refresh_interval": "1s",
                "sort.field": INDEX_ORDER,
                "sort.order": INDEX_ORDER.map(|_| "desc"),
            }},
            "mappings": mappings(&self.identity),
            "aliases": aliases,
        });
        let path = format!("/{}", generation.index);
        match self
            .client
            .call(Method::PUT, &path, Body::Json(&body), FOR_WORK)
            .await
        {
            Err(OpensearchError::Refused { kind, .. }) if kind == "resource_already_exists_exception" => {
                Ok(())
            }
            answer => Ok(answer.map(drop)?),
        }
    }

    /// Lets searches ask another generation, in one step. [`IndexError::Missing`] if `from` serves no longer.
    pub(super) async fn switch(&self, from: &Generation, to: &Generation) -> Result<(), IndexError> {
        let body = json!({"actions": [
            {"remove": {"index": from.index, "alias": self.alias, "must_exist": true}},
            {"add": {"index": to.index, "alias": self.alias}},
        ]});
        match self
            .client
            .call(Method::POST, "/_aliases", Body::Json(&body), FOR_WORK)
            .await
        {
            Err(OpensearchError::Refused { status: 404, .. }) => Err(IndexError::Missing),
            answer => Ok(answer.map(drop)?),
        }
    }

    /// Deletes a generation; one that is gone is fine.
    pub(super) async fn delete(&self, generation: &Generation) -> Result<(), IndexError> {
        let path = format!("/{}", generation.index);
        match self
            .client
            .call(Method::DELETE, &path, Body::Nothing, FOR_WORK)
            .await
        {
            Err(OpensearchError::Refused { status: 404, .. }) => Ok(()),
            answer => Ok(answer.map(drop)?),
        }
    }

    /// Makes all that was written so far visible to searches.
    pub(crate) async fn refresh(&self, generation: &Generation) -> Result<(), IndexError> {
        let path = format!("/{}/_refresh", generation.index);
        let answer = self
            .client
            .call(Method::POST, &path, Body::Nothing, FOR_WORK)
            .await;
        Ok(answer.map(drop)?)
    }
}

fn identity(meta: &Value) -> Option<Identity> {
    Some(Identity {
        data_set: meta["data_set"].as_str()?.to_owned(),
        folding_version: meta["folding_version"].as_u64()?.try_into().ok()?,
    })
}
