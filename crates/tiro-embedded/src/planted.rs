//! Bugs that can be switched on, so that the history checker can be seen to find each of them.
//!
//! Only with the feature `planted-bugs`, which no build for use has; without it all of this is `false` and nothing. With
//! it the variable `TIRO_PLANTED_BUG` chooses one bug, or `none`, and gives the log a disk that forgets what was not
//! synced when the process is killed; while it is not set the program is the ordinary one.

#[cfg(feature = "planted-bugs")]
mod chosen;
#[cfg(feature = "planted-bugs")]
mod forgetful;

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
    /// Answers are sent before the sync.
    AcknowledgeBeforeSync,
    /// Readers see a batch before the sync.
    PublishBeforeSync,
    /// Some syncs are left out.
    SkipSync,
    /// The last batch of the log is not replayed.
    DropLastBatch,
    /// The last good batch is cut off as a torn tail.
    CutSyncedBatch,
    /// Some batches of messages are applied twice.
    ApplyTwice,
    /// Some updates raise the version by two.
    RaiseVersionTwice,
    /// Some messages get the number of the one before.
    NumberTwice,
    /// Some messages get the number after the next.
    NumberHole,
    /// Some keys are not stored.
    ForgetKey,
    /// Keys are forgotten when the follower has written their round.
    KeyNotInView,
    /// A create that is sent again is answered with the next number.
    ReplayDiffers,
    /// A batch is published when the next one comes.
    StaleRead,
    /// A deleted message is still counted.
    CountAfterDelete,
    /// Some updates of messages raise the version and keep the body.
    LoseUpdate,
    /// If-Match is not looked at.
    IgnoreCondition,
    /// Some pages of messages miss their last one.
    ShortPage,
    /// Deleted messages keep their body.
    BodyOfDeleted,
    /// New messages of some rounds are not written to the view.
    LoseRound,
    /// The first two messages of a batch change places.
    NeighboursNumber,
}

/// What the call sites mean without the feature: nothing.
#[cfg(not(feature = "planted-bugs"))]
mod nothing {
    use std::borrow::Cow;
    use std::sync::Arc;

    use tiro_core::{ApplicationId, Decision, Event, Facts, Message, Request};

    use super::Bug;
    use crate::disk::{Disk, RealDisk};

    pub(crate) const fn is(_: Bug) -> bool {
        false
    }

    pub(crate) const fn now_and_then(_: Bug) -> bool {
        false
    }

    pub(crate) const fn hurried(age: std::time::Duration) -> std::time::Duration {
        age
    }

    pub(crate) const fn choose() -> Result<(), String> {
        Ok(())
    }

    pub(crate) fn disk() -> Arc<dyn Disk> {
        Arc::new(RealDisk)
    }

    pub(crate) const fn request(request: &Request) -> Cow<'_, Request> {
        Cow::Borrowed(request)
    }

    pub(crate) const fn spoil(_: &mut Decision, _: &Facts) {}

    pub(crate) const fn applies_twice(_: &Event) -> bool {
        false
    }

    pub(crate) fn publishes_otherwise<Publish: FnOnce()>(_: impl FnOnce() -> Publish) -> bool {
        false
    }

    pub(crate) const fn publish_late() {}

    pub(crate) fn miscounted(_: &[Event]) -> impl Iterator<Item = (ApplicationId, u64)> {
        std::iter::empty()
    }

    pub(crate) const fn shorten(_: &mut Vec<Message>) {}
}
