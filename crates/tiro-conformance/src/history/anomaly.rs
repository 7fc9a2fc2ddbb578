//! The ways in which a history can break the contract.

use std::collections::BTreeMap;
use std::fmt;

use super::operation::Operation;

/// So many contradictions of one kind are kept: one broken write contradicts every read after it.
pub(super) const SHOWN_MAX: usize = 10;

macro_rules! anomalies {
    ($($variant:ident $text:literal)*) => {
        /// What is wrong.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Anomaly {
            $(#[doc = $text] $variant,)*
        }

        impl fmt::Display for Anomaly {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Anomaly::$variant => $text,)* })
            }
        }
    };
}

anomalies! {
    LostWrite "an acknowledged write is not there when everything is read at the end, or what it made is not found"
    StaleRead "a read shows a state of before a write that was acknowledged before it"
    SeenThenUnseen "a read shows an older state than a read before it"
    ReadAhead "a read shows an entry behind the position that it names"
    NumberTwice "a number was given out twice"
    NumberMissing "a number was never given out, and no unknown outcome accounts for it"
    NumbersOutOfOrder "numbers do not rise with positions"
    PositionTwice "a position of the feed was given out twice"
    PositionMissing "a position of the feed was never given out, and no unknown outcome accounts for it"
    PositionsOutOfOrder "a write that was sent after another had been answered has the lower position"
    VersionTwice "two changes of one thing got one version"
    VersionMissing "a version was never given out, and no unknown outcome accounts for it"
    LostUpdate "an acknowledged update has its version, but not its content"
    ConditionIgnored "an update was carried out on another version than its condition names"
    WriteAfterDelete "a deleted thing was changed"
    WrongContent "a thing has a content that it was not given"
    WrongCount "a count does not fit what was created and deleted"
    IncompletePage "a page misses a thing, has one too many, or goes on at the wrong place"
    FeedIncomplete "a page of the feed misses an entry, or has one too many"
    FeedDiffers "an entry of the feed is not what was acknowledged at its position"
    SearchIncomplete "a search misses a message that has its text"
    CarriedOutTwice "requests with one key were carried out more than once"
    ReplayDiffers "a request that was sent again under its key was answered otherwise"
    NoEffect "success was answered, but nothing was done"
    DoneThoughDeclined "a write was carried out of which it was answered that it was not"
    RefusedWithoutCause "a refusal names a cause that cannot have been there"
    UnexpectedRefusal "a request was refused that must not be"
}

/// An anomaly and the operations that contradict each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// What is wrong.
    pub anomaly: Anomaly,
    /// In which thing, number or position, and what was expected.
    pub detail: String,
    /// The operations, at least one unless something is missing.
    pub operations: Vec<Operation>,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}: {}", self.anomaly, self.anomaly, self.detail)?;
        for operation in &self.operations {
            write!(f, "\n    {operation}")?;
        }
        Ok(())
    }
}

/// Contradictions as they are found.
#[derive(Default)]
pub(super) struct Findings {
    found: BTreeMap<Anomaly, Vec<Contradiction>>,
}

impl Findings {
    pub(super) fn add<'h>(
        &mut self,
        anomaly: Anomaly,
        detail: impl FnOnce() -> String,
        operations: impl IntoIterator<Item = &'h Operation>,
    ) {
        let of_kind = self.found.entry(anomaly).or_default();
        if of_kind.len() < SHOWN_MAX {
            of_kind.push(Contradiction {
                anomaly,
                detail: detail(),
                operations: operations.into_iter().cloned().collect(),
            });
        }
    }

    pub(super) fn into_contradictions(self) -> Vec<Contradiction> {
        self.found.into_values().flatten().collect()
    }
}
