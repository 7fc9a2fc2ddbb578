//! Candidates: messages that may match, in order, with the watermarks that hold for exactly these.
//!
//! One request asks for both. Watermarks stand before all messages in every order, so whatever else a shard has, it
//! says its watermarks first; one that is not in the answer does not count.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};
use tiro_core::{ApplicationId, Gram, HitPlace, Timestamp, Token};
use tokio::time::Instant;

use super::client::{Body, OpensearchError, Patience};
use super::documents::{BEFORE_ALL, INDEX_ORDER, chat_key, gram_token, watermark_id};
use super::{Identity, IndexError, SearchIndex};

/// How often a search is tried while there is time.
const ATTEMPTS_MAX: u32 = 2;
/// Most partitions that a cluster has.
const PARTITIONS_MAX: usize = 256;
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
    Everything,
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
    /// When it was created.
    pub created_at: Timestamp,
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
    /// left out; what became of a message since, and of what it lies in, is not known here. Takes no longer than to the
    /// deadline.
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
        deadline: Instant,
    ) -> Result<Candidates, IndexError> {
        let limit = limit.clamp(1, CANDIDATES_MAX);
        let size = limit + scope.watermarks_max();
        let time = deadline.saturating_duration_since(Instant::now());
        let body = json!({
            "size": size,
            "timeout": format!("{}ms", time.as_millis().max(1)),
            "track_total_hits": false,
            // What stands in the order is all that is read back.
            "stored_fields": "_none_",
            "sort": scope.sort(),
            "query": {"bool": {"filter": [{"bool": {"minimum_should_match": 1, "should": [
                scope.watermarks(&self.identity),
                {"bool": {"filter": filters(scope, grams, after)}},
            ]}}]}},
        });
        let routing = scope
            .partition()
            .map_or_else(String::new, |partition| format!("&routing={partition}"));
        let path = format!(
            "/{}/_search?filter_path=timed_out,_shards.failed,hits.hits.sort{routing}",
            self.alias
        );
        let patience = Patience {
            deadline: time,
            attempts_max: ATTEMPTS_MAX,
        };
        let answer = self
            .client
            .call(Method::POST, &path, Body::Json(&body), patience)
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
    /// The partition that it lies in.
    fn partition(&self) -> Option<u16> {
        match self {
            CandidateScope::Chat { partition, .. } | CandidateScope::Application { partition, .. } => {
                Some(*partition)
            }
            CandidateScope::Everything => None,
        }
    }

    fn watermarks_max(&self) -> usize {
        self.partition().map_or(PARTITIONS_MAX, |_| 1)
    }

    fn watermarks(&self, identity: &Identity) -> Value {
        match self.partition() {
            Some(partition) => json!({"ids": {"values": [watermark_id(partition, identity)]}}),
            None => json!({"term": {"watermark_of": identity.key()}}),
        }
    }

    fn sort(&self) -> Value {
        match self {
            CandidateScope::Everything => json!([
                {"created_at": "desc"}, {"token": "desc"}, {"position": "desc"}, {"application_number": "desc"},
                {"chat_number": "desc"}, {"number": "desc"},
            ]),
            // The order in which the index keeps them.
            CandidateScope::Chat { .. } | CandidateScope::Application { .. } => {
                INDEX_ORDER.iter().map(|key| json!({*key: "desc"})).collect()
            }
        }
    }

    /// Reads the values of [`CandidateScope::sort`] of one hit.
    fn read(&self, sort: &Value) -> Option<Read> {
        let (position_at, created_at_at, rest_at) = match self {
            CandidateScope::Everything => (2, 0, 3),
            CandidateScope::Chat { .. } | CandidateScope::Application { .. } => (0, 1, 2),
        };
        let (chat, number) = (sort[rest_at + 1].as_u64()?, sort[rest_at + 2].as_u64()?);
        if sort[position_at].as_i64()? == BEFORE_ALL {
            let partition = u16::try_from(chat).ok()?;
            return Some(Read::Watermark(partition, number));
        }
        let application = ApplicationId(sort[rest_at].as_u64()?.try_into().ok()?);
        let position = sort[position_at].as_u64()?;
        let created_at = Timestamp::from_millis(sort[created_at_at].as_i64()?);
        let place = match self {
            CandidateScope::Everything => CandidatesAfter::Place {
                place: HitPlace {
                    created_at,
                    token: Token::parse(sort[1].as_str()?).ok()?,
                    position,
                },
                application,
            },
            CandidateScope::Chat { .. } | CandidateScope::Application { .. } => {
                CandidatesAfter::Position(position)
            }
        };
        Some(Read::Candidate(Candidate {
            application,
            chat,
            number,
            created_at,
            place,
        }))
    }
}

/// What a hit is.
enum Read {
    /// Of a partition, through a position.
    Watermark(u16, u64),
    Candidate(Candidate),
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
        CandidateScope::Everything => {}
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
        ("application_number", json!(application.0)),
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
    let shards_failed = answer["_shards"]["failed"] != 0;
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
        match scope.read(&hit["sort"]).ok_or_else(malformed)? {
            Read::Watermark(partition, through) => {
                read.watermarks.insert(partition, through);
            }
            Read::Candidate(candidate) => read.candidates.push(candidate),
        }
    }
    Ok(read)
}
