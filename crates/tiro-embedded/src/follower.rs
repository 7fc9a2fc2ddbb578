//! The thread that brings published batches into the view, off the way to an acknowledgement.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::queue::Queue;
use crate::recent::{Next, Recent};
use crate::view::apply::Flush;
use crate::view::compactor::Compactor;
use crate::view::purge::Purged;
use crate::view::{View, ViewError};

/// The running follower.
pub(crate) struct Follower {
    recent: Arc<Recent>,
    thread: Option<JoinHandle<Result<(), ViewError>>>,
}

impl Follower {
    /// Starts following.
    pub(crate) fn start(recent: Arc<Recent>, view: Arc<View>) -> std::io::Result<Follower> {
        let followed = Arc::clone(&recent);
        let compactor = Compactor::start(Arc::clone(&view))?;
        let run = move || {
            let followed_until = catch_unwind(AssertUnwindSafe(|| follow(&followed, &view, &compactor)));
            let ended = followed_until.unwrap_or(Err(ViewError::Stopped));
            if let Err(error) = &ended {
                tracing::error!(%error, "the view cannot follow the log");
                view.trouble().report(error);
                followed.follower_failed(error);
            }
            ended
        };
        let thread = std::thread::Builder::new()
            .name("tiro-follower".into())
            .spawn(run)?;
        Ok(Follower {
            recent,
            thread: Some(thread),
        })
    }

    /// Brings everything that was published to disk and ends.
    pub(crate) fn stop(mut self) -> Result<(), ViewError> {
        self.recent.stop_follower();
        match self.thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(ended)) => ended,
            Some(Err(_)) => Err(ViewError::Stopped),
        }
    }
}

/// Leaves a file that has the next start make the view anew, unless the view itself may be well.
fn note_damage(error: &ViewError, file: &Path) {
    if error.refused().is_none()
        && let Err(error) = std::fs::write(file, error.to_string())
    {
        tracing::error!(%error, file = %file.display(), "that the view must be made anew cannot be noted");
    }
}

/// A view that cannot be read or written ends the process: the next start makes it anew from the log.
pub(crate) fn tell_of_damage(view: &View, note: PathBuf, recent: &Arc<Recent>, queue: &Arc<Queue>) {
    // The snapshots inside `recent` hold what is told.
    let (recent, queue) = (Arc::downgrade(recent), Arc::downgrade(queue));
    view.trouble().tell(Box::new(move |error| {
        tracing::error!(%error, "the view is damaged");
        note_damage(error, &note);
        if let (Some(recent), Some(queue)) = (recent.upgrade(), queue.upgrade()) {
            recent.follower_failed(error);
            queue.close();
        }
    }));
}

fn follow(recent: &Recent, view: &View, compactor: &Compactor) -> Result<(), ViewError> {
    // What was left of deleted things when the last process ended is looked for at once.
    let mut purged = Purged::Some;
    loop {
        let next = recent.wait_for_work(purged);
        let flush = if next == Next::LastRound {
            Flush::Now
        } else {
            Flush::WhenDue
        };
        match view.room() {
            Err(error) if next == Next::Round && error.lacks_space() => {
                recent.pause_for_space();
                continue;
            }
            Err(error) if next == Next::Round => return Err(error),
            // What is to be said about the last round is what its own table meets.
            Err(_) | Ok(()) => {}
        }
        purged = round(recent, view, flush)?;
        if next == Next::LastRound {
            return Ok(());
        }
        compactor.tell();
    }
}

/// Writes what was published since the last round, and removes some of what was deleted.
pub(crate) fn round(recent: &Recent, view: &View, flush: Flush) -> Result<Purged, ViewError> {
    let mut round = view.begin_round();
    let mut purged = round.purge()?;
    if let Some(frozen) = recent.freeze() {
        round.apply(&frozen)?;
        if frozen.deleted().next().is_some() {
            purged = Purged::Some;
        }
    }
    recent.thaw(round.finish(flush)?);
    Ok(purged)
}
