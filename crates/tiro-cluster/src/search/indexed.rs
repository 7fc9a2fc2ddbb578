//! The index of a search in OpenSearch.
//!
//! Whatever is wrong with it, it proposes nothing and says so of every partition: then all that a search needs is tail,
//! which it reads from MySQL or finds too long.

use std::time::Duration;

use tiro_core::{ApplicationId, Failure, HitPlace, Pending, SearchAfter, SearchScope};
use tokio::time::Instant;

use super::index::{Candidate, Index, Proposal, Wish};
use crate::lately::Lately;
use crate::lookups::Lookups;
use crate::opensearch::{self, CandidateScope, Candidates, CandidatesAfter, SearchIndex};

/// Of the time that a search has left, OpenSearch gets at most two thirds: what it does not have is still to be read.
const SHARE_OF_TIME: (u32, u32) = (2, 3);

/// Proposes what OpenSearch has.
pub(crate) struct Indexed {
    index: SearchIndex,
    lookups: Lookups,
    lately: Lately,
}

impl Indexed {
    pub(crate) fn new(index: SearchIndex, lookups: Lookups) -> Indexed {
        Indexed {
            index,
            lookups,
            lately: Lately::new(
                "searches do without the index",
                "searches are answered by the index again",
            ),
        }
    }

    /// Why searches were not answered by the index lately, if so.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.lately.trouble()
    }

    /// `None` if the scope is not there, or not to be seen: the search finds that out itself.
    async fn scope(&self, scope: &SearchScope) -> Result<Option<CandidateScope>, Failure> {
        let (token, chat) = match scope {
            SearchScope::Everything => return Ok(Some(CandidateScope::Everything)),
            SearchScope::Application(token) => (token, None),
            SearchScope::Chat { token, number } => (token, Some(*number)),
        };
        let Some((application, partition)) = self.lookups.of_token(token).await? else {
            return Ok(None);
        };
        Ok(Some(match chat {
            Some(chat) => CandidateScope::Chat {
                partition,
                application,
                chat,
            },
            None => CandidateScope::Application {
                partition,
                application,
            },
        }))
    }

    async fn ask(&self, wish: &Wish<'_>) -> Result<Proposal, Failure> {
        let Some(scope) = self.scope(wish.scope).await? else {
            return Ok(Proposal::default());
        };
        let after = wish.after.map(after);
        let (grams, limit) = (wish.query.grams(), wish.candidates);
        let deadline = Instant::now() + share(wish.deadline.saturating_duration_since(Instant::now()));
        let answer = self
            .index
            .candidates(&scope, &grams, after.as_ref(), limit, deadline)
            .await;
        match answer {
            Ok(candidates) => {
                self.lately.note(Ok(()));
                Ok(proposal(wish.scope, candidates))
            }
            Err(error) => {
                self.lately.note(Err(error.to_string()));
                Ok(Proposal::default())
            }
        }
    }
}

impl Index for Indexed {
    fn propose<'a>(&'a self, wish: Wish<'a>) -> Pending<'a, Proposal> {
        Box::pin(async move { self.ask(&wish).await })
    }
}

fn share(time: Duration) -> Duration {
    let (parts, of) = SHARE_OF_TIME;
    time * parts / of
}

fn after(after: &SearchAfter) -> CandidatesAfter {
    match after {
        SearchAfter::Position(position) => CandidatesAfter::Position(*position),
        SearchAfter::Place(place) => CandidatesAfter::Place {
            place: place.clone(),
            // All at this place were answered.
            application: ApplicationId(0),
        },
    }
}

fn proposal(scope: &SearchScope, found: Candidates) -> Proposal {
    let candidates: Vec<Candidate> = found
        .candidates
        .into_iter()
        .map(|found| candidate(scope, found))
        .collect();
    let frontier = match candidates.last() {
        _ if !found.has_more => None,
        Some(last) => Some(HitPlace {
            created_at: last.created_at,
            token: last.token.clone(),
            position: last.created_position,
        }),
        // A shard failed, and nobody knows what the others would have gone on with.
        None => return Proposal::default(),
    };
    Proposal {
        watermarks: found.watermarks,
        candidates,
        frontier,
    }
}

fn candidate(scope: &SearchScope, found: opensearch::Candidate) -> Candidate {
    let (token, created_position) = match (found.place, scope) {
        (CandidatesAfter::Place { place, .. }, _) => (place.token, place.position),
        (
            CandidatesAfter::Position(position),
            SearchScope::Application(token) | SearchScope::Chat { token, .. },
        ) => (token.clone(), position),
        (CandidatesAfter::Position(_), SearchScope::Everything) => {
            unreachable!("over everything, places are whole")
        }
    };
    Candidate {
        application: found.application,
        token,
        chat: found.chat,
        number: found.number,
        created_at: found.created_at,
        created_position,
    }
}
