//! Bugs that can be switched on, so that the history checker can be seen to find each of them.
//!
//! Only with the feature `planted-bugs`, which no build for use has; without it all of this is `false` and nothing. With
//! it the variable `TIRO_PLANTED_BUG` chooses one bug, or `none`; while it is not set the program is the ordinary one.

#[cfg(feature = "planted-bugs")]
mod chosen;

#[cfg(feature = "planted-bugs")]
pub(crate) use chosen::*;
#[cfg(not(feature = "planted-bugs"))]
pub(crate) use nothing::*;

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "planted-bugs", derive(serde::Deserialize))]
#[cfg_attr(feature = "planted-bugs", serde(rename_all = "kebab-case"))]
#[cfg_attr(
    not(feature = "planted-bugs"),
    allow(dead_code, reason = "some are only known where they are planted")
)]
pub(crate) enum Bug {
    /// Some answers are sent before a COMMIT that fails.
    AcknowledgeBeforeCommit,
    /// Some COMMITs whose answer is lost are answered as not done.
    UnknownCommitIsNo,
    /// Some batches are taken again although they were stored.
    RetryStoresTwice,
    /// Some positions of the feed are what a clock says.
    PositionFromClock,
    /// A refused request takes a number.
    NumberOfRefused,
    /// Some keys are not stored.
    ForgetKey,
    /// Some counts of messages are not raised.
    CountNotRaised,
    /// Some updates of messages raise the version and keep the body.
    LoseUpdate,
    /// If-Match is not looked at.
    IgnoreCondition,
    /// Pages that Redis keeps are shown whatever the primary says.
    StaleCache,
    /// Who waits for a feed is told only what his own node writes.
    DeafWaiters,
    /// Pages of the feed leave some entries out.
    SkipEntry,
    /// The relay's cursor moves, and nothing is published.
    CursorBeforeConfirm,
    /// Some documents that the index did not take are passed over.
    FailedItemSkipped,
    /// The watermark says the end of the partition, whatever was indexed.
    WatermarkAhead,
    /// A search asks the index alone.
    TailNotMerged,
}

/// What the call sites mean without the feature: nothing.
#[cfg(not(feature = "planted-bugs"))]
mod nothing {
    use std::borrow::Cow;

    use tiro_core::{Decision, Facts, Request};

    use super::Bug;

    pub(crate) const fn is(_: Bug) -> bool {
        false
    }

    pub(crate) const fn now_and_then(_: Bug) -> bool {
        false
    }

    #[expect(
        clippy::unnecessary_wraps,
        reason = "with the feature the name may be unknown"
    )]
    pub(crate) const fn choose() -> Result<(), String> {
        Ok(())
    }

    pub(crate) const fn request(request: &Request) -> Cow<'_, Request> {
        Cow::Borrowed(request)
    }

    pub(crate) const fn refused() {}

    pub(crate) const fn spoil(_: &mut Decision, _: &Facts) {}
}
