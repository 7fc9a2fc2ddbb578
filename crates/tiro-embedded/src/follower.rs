//! The thread that brings published batches into the view, off the way to an acknowledgement.

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
    /// Starts following. `on_failure` is a file that is made if the view cannot go on.
    pub(crate) fn start(
        recent: Arc<Recent>,
        view: Arc<View>,
        on_failure: PathBuf,
    ) -> std::io::Result<Follower> {
        let followed = Arc::clone(&recent);
        let compactor = Compactor::start(Arc::clone(&view))?;
        let run = move || {
            let ended = follow(&followed, &view, &compactor);
            if let Err(error) = &ended {
                tracing::error!(%error, "the view cannot follow the log");
                note_damage(error, &on_failure);
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

/// Rows that cannot be read end the process: the next start makes the view anew from the log.
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
