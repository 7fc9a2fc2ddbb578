//! What a search needs of an index.
//!
//! All of a [`Proposal`] comes from ONE response of the index, so that no candidate can be missing from it that its watermark
//! says it has: a watermark that was read earlier or later than the candidates would not do.

use std::collections::BTreeMap;

use tiro_core::{ApplicationId, HitPlace, Pending, Query, SearchAfter, SearchScope, Timestamp, Token};
use tokio::time::Instant;

use super::place::Place;
use super::scope::Scope;
use super::tail::Key;

/// What is searched for in the index.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wish<'a> {
    /// Where.
    pub(crate) scope: &'a SearchScope,
    /// For what: a candidate has all [`Query::grams`]; one without, as where [`Query::needs_scan`], is every message.
    pub(crate) query: &'a Query,
    /// Only what comes behind this place.
    pub(crate) after: Option<&'a SearchAfter>,
    /// About how many, the newest creations first.
    pub(crate) candidates: usize,
    /// When an answer is of no use any more.
    pub(crate) deadline: Instant,
}

/// What the index answers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proposal {
    /// Per partition the `partition_position` up to which the index has every change; of a partition that is not here it
    /// has nothing. A shard that did not answer is left out.
    pub(crate) watermarks: BTreeMap<u16, u64>,
    /// Messages that may match, also such as were changed or deleted since: they are confirmed.
    pub(crate) candidates: Vec<Candidate>,
    /// Every candidate above this place is among them; `None`: every candidate is.
    pub(crate) frontier: Option<HitPlace>,
}

/// A message that may match, with where it stands among hits: what it was created with, which never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its application.
    pub(crate) application: ApplicationId,
    /// Its application's token.
    pub(crate) token: Token,
    /// Its chat.
    pub(crate) chat: u64,
    /// Its number in the chat.
    pub(crate) number: u64,
    /// When it was created.
    pub(crate) created_at: Timestamp,
    /// The position of its create.
    pub(crate) created_position: u64,
}

impl Candidate {
    pub(super) fn at(self, scope: &Scope) -> (Place, Key) {
        let place = HitPlace {
            created_at: self.created_at,
            token: self.token,
            position: self.created_position,
        };
        let key = Key {
            application: self.application,
            chat: self.chat,
            number: self.number,
        };
        (Place::of(scope, &place), key)
    }
}

impl Proposal {
    /// Up to where the index has every change of a partition.
    pub(super) fn watermark(&self, partition: u16) -> u64 {
        self.watermarks.get(&partition).copied().unwrap_or(0)
    }
}

/// An index of messages, which may be behind.
pub(crate) trait Index: Send + Sync {
    /// Candidates of one response.
    fn propose<'a>(&'a self, wish: Wish<'a>) -> Pending<'a, Proposal>;
}
