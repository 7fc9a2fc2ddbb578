//! The history checker: what concurrent clients sent and saw, held against the contract.
//!
//! No search for a legal order is needed: every acknowledged write says which entry of its application's feed it made,
//! and every read up to which entry it shows, so [`check`] replays that one order and looks for what contradicts it.
//! A write of unknown outcome may have made an entry or not; where it was once seen, it has to stay.
//! Pure: recording a history is the caller's. Bodies and titles must be unique, since they name the write that made them.

mod anomaly;
mod conditions;
mod counts;
mod declined;
mod feed;
mod numbers;
mod operation;
mod order;
mod pages;
mod refusals;
mod searches;
mod seen;
mod shown;
#[cfg(test)]
mod tests;
mod versions;
mod writes;

pub use anomaly::{Anomaly, Contradiction};
pub use operation::{Answer, Operation, Outcome, Range, Sent};
pub use shown::{
    ApplicationShown, ChatShown, EntriesShown, EntryKind, EntryShown, HitsShown, MessageShown, PageShown,
    Shown,
};

use anomaly::Findings;
use seen::Seen;
use writes::Writes;

/// Everything that clients did to one application, from before its creation to a last reading of all of it.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// In any order; their times are what counts.
    pub operations: Vec<Operation>,
}

/// Every contradiction that the history holds, at most [`anomaly::SHOWN_MAX`] of each kind. None: the history is one that
/// the contract allows.
#[must_use]
pub fn check(history: &History) -> Vec<Contradiction> {
    let mut findings = Findings::default();
    let writes = Writes::of(history, &mut findings);
    let seen = Seen::of(history, &writes);
    order::check(&writes, &seen, &mut findings);
    numbers::check(&writes, &seen, &mut findings);
    versions::check(&writes, &seen, &mut findings);
    conditions::check(&writes, &mut findings);
    counts::check(&writes, &seen, &mut findings);
    pages::check(history, &writes, &seen, &mut findings);
    feed::check(history, &writes, &mut findings);
    searches::check(history, &writes, &mut findings);
    refusals::check(history, &writes, &mut findings);
    declined::check(history, &writes, &seen, &mut findings);
    findings.into_contradictions()
}
