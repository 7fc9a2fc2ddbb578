//! The search index in OpenSearch or Elasticsearch: candidates of a search, and how far each partition is indexed.
//!
//! Everything of a partition lies in one shard, its *watermark* too: a document whose version is the position through
//! which all is indexed, written after what it promises. One search request reads both from one view of the shard, so
//! a watermark is never seen before what it promises. Only what OpenSearch 2 and Elasticsearch 7.17 and 8 share is used.

mod bulk;
mod candidates;
mod client;
mod documents;
mod generations;
mod lifecycle;
mod lookup;
mod purge;
#[cfg(test)]
mod tests;
mod watermarks;

use std::fmt;

use tiro_core::FOLDING_VERSION;

use crate::ClusterConfig;

pub use candidates::{Candidate, CandidateScope, Candidates, CandidatesAfter};
use client::Client;
pub use client::OpensearchError;
#[cfg(test)]
pub(crate) use client::http;
pub(crate) use documents::{Document, Replaces, message_document, reduced_document};
pub use generations::Generation;
pub(crate) use lookup::Standing;
pub use purge::Below;

/// The layout of documents: part of every index's name, so that another one never meets them.
const LAYOUT_VERSION: u32 = 1;

/// The search index of one cluster. Says nothing about whether there is one: see [`SearchIndex::current`].
#[derive(Clone, Debug)]
pub struct SearchIndex {
    client: Client,
    /// What searches ask: an alias of the generation that serves.
    alias: String,
    identity: Identity,
    shards: u16,
    replicas_max: u16,
}

/// What an index was made of. Another one's documents mean nothing here.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Identity {
    /// `server.data_set` in hexadecimal: which MySQL.
    data_set: String,
    folding_version: u32,
}

impl Identity {
    /// As watermarks have it.
    fn key(&self) -> String {
        format!("{}.{}", self.data_set, self.folding_version)
    }
}

/// Why the index cannot be read or written.
#[derive(Clone, Debug)]
pub enum IndexError {
    /// There is none, or it went away meanwhile. An indexer makes another.
    Missing,
    /// It was made by a program with a later folding, so this one leaves it alone.
    Newer {
        /// Its folding.
        folding_version: u32,
    },
    /// A search was cut off, so that its hits may lack some.
    CutOff,
    /// A document was refused, even in its smallest form. The text names it.
    Document(String),
    /// OpenSearch cannot be reached, or refused.
    Server(OpensearchError),
}

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            IndexError::Missing => f.write_str("there is no search index yet"),
            IndexError::Newer { folding_version } => write!(
                f,
                "the search index was made with folding {folding_version}, this program has {FOLDING_VERSION}: \
                 update it, or delete the index"
            ),
            IndexError::CutOff => f.write_str("a search in OpenSearch did not end in time"),
            IndexError::Document(text) => write!(f, "a document was refused: {text}"),
            IndexError::Server(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for IndexError {}

impl From<OpensearchError> for IndexError {
    fn from(error: OpensearchError) -> IndexError {
        if error.is_missing_index() {
            IndexError::Missing
        } else {
            IndexError::Server(error)
        }
    }
}

impl SearchIndex {
    /// The index of the cluster whose MySQL has this `server.data_set`. Connects to nothing yet.
    ///
    /// # Errors
    /// If no client can be made, such as for want of the system's certificates.
    pub fn new(config: &ClusterConfig, data_set: [u8; 16]) -> Result<SearchIndex, IndexError> {
        Ok(SearchIndex {
            client: Client::new(config)?,
            alias: format!("{}-messages", config.name),
            identity: Identity {
                data_set: data_set.iter().map(|byte| format!("{byte:02x}")).collect(),
                folding_version: FOLDING_VERSION,
            },
            shards: config.opensearch_shards,
            replicas_max: config.opensearch_replicas_max,
        })
    }

    /// The same, which is told soon why OpenSearch does not answer.
    pub(crate) fn hasty(&self) -> SearchIndex {
        SearchIndex {
            client: self.client.hasty(),
            ..self.clone()
        }
    }

    /// `server.data_set` in hexadecimal: which MySQL it is an index of.
    pub(crate) fn data_set(&self) -> &str {
        &self.identity.data_set
    }
}
