//! The thread that merges the view's tables, beside everything else.
//!
//! What the machine refuses, space most likely, is tried again when there is a new table. Tables that cannot be read
//! end the process, as rows that cannot be read do.

use std::sync::Arc;
use std::thread::JoinHandle;

use lsm_tree::AbstractTree;
use lsm_tree::compaction::Leveled;
use parking_lot::{Condvar, Mutex};

use super::{View, ViewError};

/// From so many runs on, the follower waits for the compactor.
const RUNS_MAX: usize = 16;
/// After a merge was refused, the next one needs so much free space, or as much as all tables have.
const MERGE_BYTES: u64 = 256 << 20;

#[derive(Default)]
struct Work {
    wanted: bool,
    stopping: bool,
    /// The last attempt failed, so waiting for its outcome is no use.
    failed: bool,
}

/// Merges tables when it is told that there is a new one.
pub(crate) struct Compactor {
    view: Arc<View>,
    work: Arc<(Mutex<Work>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Compactor {
    pub(crate) fn start(view: Arc<View>) -> std::io::Result<Compactor> {
        let work = Arc::new((
            Mutex::new(Work {
                wanted: true,
                ..Work::default()
            }),
            Condvar::new(),
        ));
        let (shared, compacted) = (Arc::clone(&work), Arc::clone(&view));
        let run = move || {
            if let Err(error) = compact_when_told(&compacted, &shared) {
                tracing::error!(%error, "the view cannot be compacted");
                compacted.trouble().report(&error);
            }
        };
        let thread = std::thread::Builder::new()
            .name("tiro-compactor".into())
            .spawn(run)?;
        Ok(Compactor {
            view,
            work,
            thread: Some(thread),
        })
    }

    /// There may be a new table. Waits while far too many are unmerged.
    pub(crate) fn tell(&self) {
        let (work, changed) = &*self.work;
        let mut work = work.lock();
        work.wanted = true;
        changed.notify_all();
        while self.view.tree.l0_run_count() > RUNS_MAX && !work.failed && !work.stopping {
            changed.wait(&mut work);
        }
    }
}

impl Drop for Compactor {
    fn drop(&mut self) {
        let (work, changed) = &*self.work;
        work.lock().stopping = true;
        changed.notify_all();
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the compactor panicked");
        }
    }
}

fn compact_when_told(view: &View, (work, changed): &(Mutex<Work>, Condvar)) -> Result<(), ViewError> {
    let strategy = Arc::new(Leveled::default());
    loop {
        let mut state = work.lock();
        while !state.wanted && !state.stopping {
            changed.wait(&mut state);
        }
        if state.stopping {
            return Ok(());
        }
        state.wanted = false;
        drop(state);
        let compacted = view.compact(&strategy, || {
            changed.notify_all();
            work.lock().stopping
        });
        work.lock().failed = compacted.is_err();
        changed.notify_all();
        match compacted {
            Err(error) if error.refused().is_none() => return Err(error),
            Err(_) | Ok(()) => {}
        }
    }
}

impl View {
    /// Merges tables until there is nothing to do or it is told to stop, which it asks after each step.
    fn compact(&self, strategy: &Arc<Leveled>, stop: impl Fn() -> bool) -> Result<(), ViewError> {
        let step = || {
            Ok(self
                .tree
                .compact(Arc::clone(strategy) as Arc<_>, self.watermark())?)
        };
        loop {
            let before = self.tree.current_version().id();
            let bytes = self.tree.disk_space().min(MERGE_BYTES);
            self.space.merges.attempt(&self.space, bytes, step)?;
            if stop() || self.tree.current_version().id() == before {
                return Ok(());
            }
        }
    }
}
