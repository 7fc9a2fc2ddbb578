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

macro_rules! bugs {
    ($($variant:ident $name:literal $meaning:literal)*) => {
        /// What can be broken.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[cfg_attr(not(feature = "planted-bugs"), allow(dead_code, reason = "some are only known where they are planted"))]
        pub(crate) enum Bug {
            $(#[doc = $meaning] $variant,)*
        }

        #[cfg(feature = "planted-bugs")]
        impl Bug {
            const NAMES: &[(&str, Bug)] = &[$(($name, Bug::$variant),)*];
        }
    };
}

bugs! {
    AcknowledgeBeforeCommit "acknowledge-before-commit" "Some answers are sent before a COMMIT that fails."
    UnknownCommitIsNo "unknown-commit-is-no" "Some COMMITs whose answer is lost are answered as not done."
    RetryStoresTwice "retry-stores-twice" "Some batches are taken again although they were stored."
    PositionFromClock "position-from-clock" "Some positions of the feed are what a clock says."
    NumberOfRefused "number-of-refused" "A refused request takes a number."
    ForgetKey "forget-key" "Some keys are not stored."
    CountNotRaised "count-not-raised" "Some counts of messages are not raised."
    LoseUpdate "lose-update" "Some updates of messages raise the version and keep the body."
    IgnoreCondition "ignore-condition" "If-Match is not looked at."
    StaleCache "stale-cache" "Pages that Redis keeps are shown whatever the primary says."
    DeafWaiters "deaf-waiters" "Who waits for a feed is told only what his own node writes."
    SkipEntry "skip-entry" "Pages of the feed leave some entries out."
    CursorBeforeConfirm "cursor-before-confirm" "The relay's cursor moves, and nothing is published."
    FailedItemSkipped "failed-item-skipped" "Some documents that the index did not take are passed over."
    WatermarkAhead "watermark-ahead" "The watermark says the end of the partition, whatever was indexed."
    TailNotMerged "tail-not-merged" "A search asks the index alone."
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
