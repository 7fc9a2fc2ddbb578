//! Candidates: messages that may match, in order, with the watermarks that hold for exactly these.
//!
//! One request asks for both. Watermarks stand before all messages in every order, so whatever else a shard has, it
//! says its watermarks first; one that is not in the answer does not count.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use tiro_core::{ApplicationId, Gram, HitPlace, Timestamp, Token};

use super::client::{Body, FOR_A_SEARCH, OpensearchError};
use super::documents::{chat_key, gram_token, message_of, partition_of, watermark_id};
use super::{IndexError, SearchIndex};

/// How long OpenSearch may look.
const SEARCH_TIMEOUT: &str = "3s";
/// Most candidates of one request.
const CANDIDATES_MAX: usize = 5_000;

/// Where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidateScope {
    /// In one chat.
    Chat {
        /// Of its application.
        partition: u16,
        /// Its application.
        application: ApplicationId,
        /// Its number.
        chat: u64,
    },
    /// In one application.
    Application {
        /// Its partition.
        partition: u16,
        /// Which.
        application: ApplicationId,
    },
    /// In everything.
    Everything {
        /// How many there are.
        partitions: u16,
    },
}

/// A place among candidates, from which to go on with what comes behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CandidatesAfter {
    /// In a chat or an application: the position of a message's create.
    Position(u64),
    /// Over everything.
    Place {
        /// Of a message.
        place: HitPlace,
        /// Parts those that have the same place, as restores of one application can: the highest first. 0 is behind
        /// all of them.
        application: ApplicationId,
    },
}

/// A message that may match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its application.
    pub application: ApplicationId,
    /// Its chat.
    pub chat: u64,
    /// Its number.
    pub number: u64,
    /// Where it stands: the newest creation comes first.
    pub place: CandidatesAfter,
}

/// What the index knows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Candidates {
    /// In order, each once; every message that matches, lies in the scope and behind `after`, and was indexed through
    /// the watermark of its partition, up to where the list ends.
    pub candidates: Vec<Candidate>,
    /// Whether there may be more behind the last.
    pub has_more: bool,
    /// The position through which each partition of the scope is indexed. A partition that is not here has nothing
    /// that counts: nothing was indexed yet, its shard did not answer, or the index is of another database.
    pub watermarks: BTreeMap<u16, u64>,
}

impl SearchIndex {
    /// Messages that have all these grams, at most `limit` (1 to 5,000); without grams, all messages. Tombstones are
    /// left out; what became of a message since, and of what it lies in, is not known here.
    ///
    /// # Errors
    /// [`IndexError::Missing`] where there is no index, [`IndexError::CutOff`] where it did not end in time, or why
    /// OpenSearch cannot be asked.
    pub async fn candidates(
        &self,
        scope: &CandidateScope,
        grams: &[Gram],
        after: Option<&CandidatesAfter>,
        limit: usize,
    ) -> Result<Candidates, IndexError> {
        let limit = limit.clamp(1, CANDIDATES_MAX);
        let partitions = scope.partitions();
        let size = limit + partitions.len();
        let body = json!({
            "size": size,
            "timeout": SEARCH_TIMEOUT,
            "track_total_hits": false,
            "_source": false,
            "version": true,
            "sort": scope.sort(),
            "query": {"bool": {"filter": [{"bool": {"minimum_should_match": 1, "should": [
                {"ids": {"values": partitions.iter().map(|partition| watermark_id(*partition, &self.identity)).collect::<Vec<_>>()}},
                {"bool": {"filter": filters(scope, grams, after)}},
            ]}}]}},
        });
        let routing = match scope {
            CandidateScope::Everything { .. } => String::new(),
            CandidateScope::Chat { partition, .. } | CandidateScope::Application { partition, .. } => {
                format!("&routing={partition}")
            }
        };
        let path = format!(
            "/{}/_search?filter_path=timed_out,_shards.failed,hits.hits._id,hits.hits._version,hits.hits.sort{routing}",
            self.alias
        );
        let answer = self
            .client
            .call(Method::POST, &path, Body::Json(&body), FOR_A_SEARCH)
            .await?;
        let mut read = read_answer(scope, &answer, size)?;
        // Watermarks that are not there leave room.
        if read.candidates.len() > limit {
            read.candidates.truncate(limit);
            read.has_more = true;
        }
        Ok(read)
    }
}

impl CandidateScope {
    fn partitions(&self) -> Vec<u16> {
        match self {
            CandidateScope::Chat { partition, .. } | CandidateScope::Application { partition, .. } => {
                vec![*partition]
            }
            CandidateScope::Everything { partitions } => (0..*partitions).collect(),
        }
    }

    fn sort(&self) -> Value {
        match self {
            CandidateScope::Everything { .. } => json!([
                {"created_at": "desc"}, {"token": "desc"}, {"position": "desc"}, {"application_order": "desc"},
            ]),
            CandidateScope::Chat { .. } | CandidateScope::Application { .. } => json!([{"position": "desc"}]),
        }
    }
}

/// What a message's document must fulfil.
fn filters(scope: &CandidateScope, grams: &[Gram], after: Option<&CandidatesAfter>) -> Vec<Value> {
    let mut filters = vec![json!({"term": {"state": "live"}})];
    match scope {
        CandidateScope::Chat {
            application, chat, ..
        } => {
            filters.push(json!({"term": {"chat": chat_key(application.0, *chat)}}));
        }
        CandidateScope::Application { application, .. } => {
            filters.push(json!({"term": {"application": application.0.to_string()}}));
        }
        CandidateScope::Everything { .. } => {}
    }
    if !grams.is_empty() {
        let mut tokens: Vec<String> = grams.iter().map(gram_token).collect();
        tokens.sort_unstable();
        tokens.dedup();
        let all: Vec<Value> = tokens
            .iter()
            .map(|token| json!({"term": {"grams": token}}))
            .collect();
        filters.push(json!({"bool": {"minimum_should_match": 1, "should": [
            {"bool": {"filter": all}},
            {"term": {"state": "unread"}},
        ]}}));
    }
    match after {
        None => {}
        Some(CandidatesAfter::Position(position)) => {
            filters.push(json!({"range": {"position": {"lt": position}}}));
        }
        Some(CandidatesAfter::Place { place, application }) => filters.push(behind(place, *application)),
    }
    filters
}

/// What comes behind a place over everything. Not OpenSearch's own way of going on, which would pass the watermarks.
fn behind(place: &HitPlace, application: ApplicationId) -> Value {
    let keys = [
        ("created_at", json!(place.created_at.as_millis())),
        ("token", json!(place.token.as_str())),
        ("position", json!(place.position)),
        ("application_order", json!(application.0)),
    ];
    let mut behind = Vec::new();
    for (at, (key, value)) in keys.iter().enumerate() {
        let equal = keys[..at]
            .iter()
            .map(|(key, value)| json!({"term": {*key: value}}));
        let lower = json!({"range": {*key: {"lt": value}}});
        behind.push(json!({"bool": {"filter": equal.chain([lower]).collect::<Vec<_>>()}}));
    }
    json!({"bool": {"minimum_should_match": 1, "should": behind}})
}

fn read_answer(scope: &CandidateScope, answer: &Value, size: usize) -> Result<Candidates, IndexError> {
    if answer["timed_out"] != Value::Bool(false) {
        return Err(IndexError::CutOff);
    }
    let shards_failed = answer["_shards"]["failed"] != Value::from(0);
    // A member that is empty is left out of the answer.
    let hits = answer["hits"]["hits"]
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default();
    let mut read = Candidates {
        // What a shard that failed would have said was counted, but is not there.
        has_more: hits.len() == size || shards_failed,
        ..Candidates::default()
    };
    for hit in hits {
        let malformed = || OpensearchError::malformed("a hit is neither a message nor a watermark");
        let id = hit["_id"].as_str().ok_or_else(malformed)?;
        if let Some(partition) = partition_of(id) {
            let through = hit["_version"].as_u64().ok_or_else(malformed)?;
            read.watermarks.insert(partition, through);
            continue;
        }
        let (application, chat, number) = message_of(id).ok_or_else(malformed)?;
        read.candidates.push(Candidate {
            application: ApplicationId(application),
            chat,
            number,
            place: place(scope, ApplicationId(application), &hit["sort"]).ok_or_else(malformed)?,
        });
    }
    Ok(read)
}

fn place(scope: &CandidateScope, application: ApplicationId, sort: &Value) -> Option<CandidatesAfter> {
    Some(match scope {
        CandidateScope::Everything { .. } => CandidatesAfter::Place {
            place: HitPlace {
                created_at: Timestamp::from_millis(sort[0].as_i64()?),
                token: Token::parse(sort[1].as_str()?).ok()?,
                position: sort[2].as_u64()?,
            },
            application,
        },
        CandidateScope::Chat { .. } | CandidateScope::Application { .. } => {
            CandidatesAfter::Position(sort[0].as_u64()?)
        }
    })
}
